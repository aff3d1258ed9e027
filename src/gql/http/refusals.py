"""Refusals: which HTTP status an answer has that consists of errors, and the headers that go with it."""

from typing import Final

import msgspec

from gql.errors import INTERNAL_MESSAGE, ApiError, Code
from gql.http.headers import Headers
from gql.http.negotiation import JSON

# What is said by its HTTP status in application/json too. Any other refusal of a well-formed request is 200 there, as
# the GraphQL over HTTP specification asks for clients that take every other status for a broken line.
STATUS_IN_JSON: Final = frozenset(
    {
        Code.UNAUTHENTICATED,
        Code.METHOD_NOT_ALLOWED,
        Code.NOT_ACCEPTABLE,
        Code.PAYLOAD_TOO_LARGE,
        Code.UNSUPPORTED_MEDIA_TYPE,
        Code.RATE_LIMITED,
        Code.UNAVAILABLE,
        Code.INTERNAL_SERVER_ERROR,
    }
)


class HttpRefused(Exception):
    """The request was refused before it was known to be well-formed GraphQL over HTTP: its status is the same in
    either media type. `headers` go with the answer."""

    def __init__(self, error: ApiError, *, status: int | None = None, headers: Headers | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status or error.code.status
        self.headers = headers or []


def bad_request(sentence: str, reason: str) -> HttpRefused:
    """The refusal of a request that is not GraphQL over HTTP."""
    return HttpRefused(ApiError(Code.BAD_REQUEST, sentence, reason=reason))


def internal() -> ApiError:
    """What a caller is told of a failure that nobody foresaw."""
    return ApiError(Code.INTERNAL_SERVER_ERROR, INTERNAL_MESSAGE)


def status_of(errors: list[ApiError], media_type: str) -> int:
    """The status of an answer that consists of these errors and no data. The first error speaks for all."""
    code = errors[0].code
    return 200 if media_type == JSON and code not in STATUS_IN_JSON else code.status


def headers_of(errors: list[ApiError]) -> Headers:
    """WWW-Authenticate for whoever is not known, Retry-After for whoever is to wait."""
    headers: Headers = []
    for error in errors:
        if error.code is Code.UNAUTHENTICATED:
            is_missing = error.reason in (None, "TOKEN_MISSING")
            headers.append((b"www-authenticate", b"Bearer" if is_missing else b'Bearer error="invalid_token"'))
            break
    waits = [error.retry_after for error in errors if error.retry_after]
    if waits:
        headers.append((b"retry-after", str(max(waits)).encode()))
    return headers


def body_of(errors: list[ApiError], request_id: str) -> bytes:
    """The answer's body."""
    return msgspec.json.encode({"errors": [error.as_dict(request_id) for error in errors]})
