"""The body of a request that is not GraphQL's: whole, not too large, and not for ever on its way."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from gql.http.requests import MOST_BYTES_DISCARDED, MOST_SECONDS

HANG_UP: Final = {"Connection": "close"}


class BodyRefused(Exception):
    """A body that is not taken, with the status and the headers of the answer."""

    def __init__(self, sentence: str, status: int, headers: dict[str, str]) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers


async def body_of(request: Request, most_bytes: int) -> bytes:
    """The body. Raises BodyRefused."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > most_bytes:
        raise _too_large(most_bytes, {} if int(length[:20]) <= MOST_BYTES_DISCARDED else HANG_UP)
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(MOST_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= most_bytes:
                    body += chunk
                elif size > MOST_BYTES_DISCARDED:
                    raise _too_large(most_bytes, HANG_UP)
    except TimeoutError:
        raise BodyRefused("The body took too long to arrive.", 408, HANG_UP) from None
    except ClientDisconnect:
        raise BodyRefused("The body has no end.", 400, {}) from None
    if size > most_bytes:
        raise _too_large(most_bytes, {})
    return bytes(body)


def _too_large(most_bytes: int, headers: dict[str, str]) -> BodyRefused:
    return BodyRefused(f"The body is larger than {most_bytes} bytes.", 413, headers)
