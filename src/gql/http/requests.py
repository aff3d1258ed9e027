"""GraphQL over HTTP requests: their parameters out of a body or a query string."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from gql.errors import ApiError, Code
from gql.http.negotiation import content_type
from gql.http.refusals import HttpRefused, bad_request
from gql.reminders import Deadline

MOST_BYTES: Final = 1_000_000
MOST_BYTES_DISCARDED: Final = 16_000_000
"""A client mostly reads the answer only when it has sent everything, so what is a little too large is taken and
thrown away; at more than this we hang up."""

MOST_SECONDS: Final = 10.0
"""How long a body may take."""

CLOSE: Final = [(b"connection", b"close")]
MOST_FIELDS: Final = 20


class ClientGone(Exception):
    """The client hung up: there is nobody to answer."""


class Parameters(msgspec.Struct):
    """What a request asks. Other members of the body are passed over, as the specification has it."""

    query: str
    operation_name: str | None = msgspec.field(name="operationName", default=None)
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


_parameters: Final = msgspec.json.Decoder(Parameters, strict=True)
_object: Final = msgspec.json.Decoder(dict[str, Any] | None, strict=True)

Given = dict[bytes, bytes]
Weigh = Callable[[int], Awaitable[None]]
"""Is told how many bytes there are, or will be, and may have them wait."""


def from_body(body: bytes) -> Parameters:
    """The parameters of a POST. Raises HttpRefused."""
    if not body.startswith(b"{"):
        _judge_form(body)
    found: Parameters = _decoded(_parameters, body, "The body")
    return found


def _judge_form(body: bytes) -> None:
    """Raises HttpRefused for what is no object, as far as its first character tells."""
    if not body.strip():
        raise bad_request("The body is empty; it should be a JSON object with a `query`.", "BODY_MISSING")
    if body.lstrip()[:1] == b"[":
        raise bad_request("The body should be one JSON object: batches are not taken.", "BATCH_REFUSED")


def from_query_string(query_string: bytes) -> Parameters:
    """The parameters of a GET. Raises HttpRefused."""
    if len(query_string) > MOST_BYTES:
        raise too_large()
    try:
        pairs = parse_qsl(query_string.decode("ascii"), True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise bad_request("The query string cannot be read; it should be URL-encoded UTF-8.", "URL_MALFORMED") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        raise bad_request("A parameter stands twice in the query string.", "PARAMETER_TWICE")
    if "query" not in given:
        raise bad_request(
            "There is no `query` parameter. Send a GraphQL document; the console for people is at /graphiql.",
            "QUERY_MISSING",
        )
    objects = {
        name: _decoded(_object, given[name].encode(), f"`{name}`") if given.get(name) else None
        for name in ("variables", "extensions")
    }
    return Parameters(given["query"], given.get("operationName") or None, **objects)


def judge_body_headers(headers: Given) -> None:
    """Raises HttpRefused for a body that cannot be ours, before any of it is read.

    A form of another site cannot send application/json without asking first: this is what keeps it from posting here.
    """
    given = headers.get(b"content-type")
    if given is None:
        raise unsupported("The request has no Content-Type; send application/json.", "CONTENT_TYPE_MISSING")
    value, charset = content_type(given)
    if value != "application/json":
        raise unsupported("The body has a Content-Type that is not taken here; send application/json.", "CONTENT_TYPE")
    if charset not in ("utf-8", "utf8"):
        raise unsupported("The body is in a charset that is not taken here; send UTF-8.", "CHARSET")
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise unsupported("Compressed bodies are not taken; send the JSON as it is.", "CONTENT_ENCODING")


async def read_body(headers: Given, receive: Receive, deadline: Deadline, weigh: Weigh) -> bytes:
    """The body of a POST, which is weighed before it is taken in, or while it is where it does not say how long it will
    be. Raises HttpRefused for one that is none of ours, too large or too slow, ClientGone when the client hangs up."""
    judge_body_headers(headers)
    length = headers.get(b"content-length", b"")
    announced = int(length[:20]) if length.isdigit() else 0
    if announced > MOST_BYTES:
        # The server that runs us throws away what still comes, so that the answer is read and the line stays usable.
        raise too_large(None if announced <= MOST_BYTES_DISCARDED else CLOSE)
    if announced:
        await weigh(announced)
    try:
        with deadline:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                body: bytes = message.get("body", b"")
                if not announced:
                    await weigh(len(body))
                return _small_enough(body)
            return await _streamed(message, receive, weigh)
    except TimeoutError:
        error = ApiError(Code.TIMEOUT, "The body took too long to arrive. Send it again.", reason="BODY_TIMEOUT")
        raise HttpRefused(error, status=408, headers=CLOSE) from None


async def _streamed(message: Any, receive: Receive, weigh: Weigh) -> bytes:
    body = bytearray()
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        size += len(message.get("body", b""))
        if size <= MOST_BYTES:
            await weigh(size)
            body += message.get("body", b"")
        elif size > MOST_BYTES_DISCARDED:
            raise too_large(CLOSE)
        if not message.get("more_body"):
            break
        message = await receive()
    if size > MOST_BYTES:
        raise too_large()
    return bytes(body)


def _small_enough(body: bytes) -> bytes:
    if len(body) > MOST_BYTES:
        raise too_large()
    return body


def too_large(headers: list[tuple[bytes, bytes]] | None = None) -> HttpRefused:
    sentence = f"The request is larger than {MOST_BYTES:,} bytes, which is the limit; split it."
    return HttpRefused(ApiError(Code.PAYLOAD_TOO_LARGE, sentence, reason="BODY_LIMIT"), headers=headers)


def unsupported(sentence: str, reason: str) -> HttpRefused:
    return HttpRefused(
        ApiError(Code.UNSUPPORTED_MEDIA_TYPE, sentence, reason=reason), headers=[(b"accept", b"application/json")]
    )


def _decoded(decoder: Any, text: bytes, what: str) -> Any:
    """What the JSON says. msgspec's sentences name types and places, never values."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as problem:
        raise bad_request(f"{what} is not what was expected: {problem}.", "PARAMETER_TYPE") from None
    except RecursionError:
        raise bad_request(f"{what} is nested too deeply to be read.", "JSON_TOO_DEEP") from None
    except (msgspec.DecodeError, ValueError):
        raise bad_request(f"{what} is not JSON in UTF-8.", "JSON_MALFORMED") from None
