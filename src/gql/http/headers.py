"""Headers that every answer carries, and the id of the request."""

import os
import random
import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

Headers = list[tuple[bytes, bytes]]

# An answer is data: a browser shall run nothing in it, put it into no frame and guess at no type. Nobody may keep it,
# so there is nothing that it varies by; and it has no links, whose referrer would matter.
CONTENT_SECURITY_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
STRICT_TRANSPORT: Final = "max-age=31536000; includeSubDomains"
_chance: Final = random.Random(os.urandom(32))  # noqa: S311
SANE_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def security_headers(*, production: bool) -> dict[str, str]:
    """The headers that protect a browser which meets an answer. Production is behind TLS and says so."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if production:
        headers["Strict-Transport-Security"] = STRICT_TRANSPORT
    return headers


def as_bytes(headers: dict[str, str]) -> Headers:
    """Headers as ASGI wants them."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def request_id_of(given: bytes | None) -> str:
    """The client's X-Request-Id if it is fit to be logged, else a new one."""
    if given and SANE_REQUEST_ID.fullmatch(given):
        return given.decode()
    return new_request_id()


def new_request_id() -> str:
    """A random uuid (version 4). It tells requests apart and is no secret, so it need not cost a call of the kernel."""
    digits = f"{_chance.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def with_headers(scope: Scope, send: Send, headers: dict[str, str]) -> Send:
    """`send`, putting the headers on the answer unless it has one of the same name itself."""
    if scope["type"] != "http":
        return send

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = MutableHeaders(scope=message)
            for name, value in headers.items():
                given.setdefault(name, value)
        await send(message)

    return send_with_headers
