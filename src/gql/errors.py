"""The errors a caller can meet, and the fixed list of their codes.

An `ApiError` is the only exception whose text reaches a client. Whatever else goes wrong is logged in full and
answered as INTERNAL_SERVER_ERROR with the request id, so that no text of the database and no stack trace leaks.
"""

from enum import Enum
from typing import Any, Final


class Code(Enum):
    """A value of `extensions.code`. Each carries the HTTP status of an answer that consists of this error alone,
    and what the caller should do about it; the catalogue page is made from these sentences."""

    status: int
    remedy: str

    def __new__(cls, name: str, status: int, remedy: str) -> "Code":
        member = object.__new__(cls)
        member._value_ = name
        member.status = status
        member.remedy = remedy
        return member

    UNAUTHENTICATED = ("UNAUTHENTICATED", 401, "Sign in, and send the access token as `Authorization: Bearer …`.")
    FORBIDDEN = ("FORBIDDEN", 403, "Your role may not do this. Ask an admin of your organisation.")
    BAD_USER_INPUT = ("BAD_USER_INPUT", 400, "Correct the value that `field` or `path` names and send it again.")
    NOT_FOUND = ("NOT_FOUND", 404, "The id names nothing that you can see. Look it up again.")
    CONFLICT = ("CONFLICT", 409, "The state of the thing does not allow this. `reason` names the rule.")
    RATE_LIMITED = ("RATE_LIMITED", 429, "Too much at once. Wait as many seconds as `extensions.retryAfter` says.")
    TIMEOUT = ("TIMEOUT", 504, "It took longer than is allowed. Ask for less: a smaller page, a narrower filter.")
    UNAVAILABLE = ("UNAVAILABLE", 503, "The service cannot answer just now. Try again shortly.")
    GRAPHQL_PARSE_FAILED = ("GRAPHQL_PARSE_FAILED", 400, "The document is not GraphQL. `locations` says where.")
    GRAPHQL_VALIDATION_FAILED = ("GRAPHQL_VALIDATION_FAILED", 400, "The document does not fit the schema.")
    LIMIT_EXCEEDED = ("LIMIT_EXCEEDED", 400, "The document asks for too much. `reason` names the limit.")
    BAD_REQUEST = ("BAD_REQUEST", 400, "The request is not GraphQL over HTTP. The message says what is missing.")
    METHOD_NOT_ALLOWED = ("METHOD_NOT_ALLOWED", 405, "Send mutations by POST; only queries may come by GET.")
    NOT_ACCEPTABLE = ("NOT_ACCEPTABLE", 406, "Accept application/graphql-response+json or application/json.")
    PAYLOAD_TOO_LARGE = ("PAYLOAD_TOO_LARGE", 413, "Send at most 1 MB in one request; split the import.")
    UNSUPPORTED_MEDIA_TYPE = ("UNSUPPORTED_MEDIA_TYPE", 415, "Send the body as application/json in UTF-8.")
    INTERNAL_SERVER_ERROR = ("INTERNAL_SERVER_ERROR", 500, "Our mistake. Quote the `requestId` when you report it.")


INTERNAL_MESSAGE: Final = "Something went wrong on our side. Quote the request id if you report it."


class ApiError(Exception):
    """A refusal that a caller may read.

    `reason` names the rule that was broken (`INVOICE_ALREADY_ISSUED`), `field` the input it concerns
    (`input.dueDate`), `path` the response field, `locations` places in the document.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        reason: str | None = None,
        field: str | None = None,
        path: tuple[str | int, ...] | None = None,
        locations: list[dict[str, int]] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.field = field
        self.path = path
        self.locations = locations
        self.retry_after = retry_after

    def at(self, path: tuple[str | int, ...]) -> "ApiError":
        """The same refusal, placed at a response path (unless it already has one)."""
        return self if self.path is not None else self._placed(path)

    def afresh(self) -> "ApiError":
        """The same refusal as if nobody had raised it: to keep, because one that was raised keeps all that the code had
        in hand on its way."""
        return self._placed(self.path)

    def _placed(self, path: tuple[str | int, ...] | None) -> "ApiError":
        return ApiError(
            self.code,
            self.message,
            reason=self.reason,
            field=self.field,
            path=path,
            locations=self.locations,
            retry_after=self.retry_after,
        )

    def as_dict(self, request_id: str) -> dict[str, Any]:
        """The error as GraphQL writes it."""
        extensions: dict[str, Any] = {"code": self.code.value}
        if self.reason:
            extensions["reason"] = self.reason
        if self.field:
            extensions["field"] = self.field
        if self.retry_after is not None:
            extensions["retryAfter"] = self.retry_after
        extensions["requestId"] = request_id
        answer: dict[str, Any] = {"message": self.message}
        if self.locations:
            answer["locations"] = self.locations
        if self.path is not None:
            answer["path"] = list(self.path)
        answer["extensions"] = extensions
        return answer


class RequestRefused(Exception):
    """The request was refused before anything ran; it holds every error found, so that all can be mended at once."""

    def __init__(self, errors: list[ApiError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors

    def afresh(self) -> "RequestRefused":
        """As `ApiError.afresh`."""
        return RequestRefused([error.afresh() for error in self.errors])
