"""Sign-ins that fail, at an even rate, from a process of its own.

`python -m bench.growth.guessing` reads a `Guessing` from its input and writes a `Guessed`, both as MessagePack. It does
not wait for an answer before it sends the next, as guessers do not.
"""

import asyncio
import json
import re
import time
from collections import Counter
from itertools import count
from typing import Final

import msgspec

from bench.apart import apart, serve

DOCUMENT: Final = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }"
PATIENCE_SECONDS: Final = 20.0
_REASON: Final = re.compile(rb'"reason": ?"([A-Z_]+)"')


class Guessing(msgspec.Struct):
    """So many a second for so long: at accounts that nobody has, each from an address of its own or all from one."""

    port: int
    per_second: int
    seconds: float
    many_addresses: bool


class Guessed(msgspec.Struct):
    """How many were sent, and how many were answered for which reason."""

    sent: int
    reasons: dict[str, int]


def address(number: int) -> str:
    """One of the sixteen million addresses of this machine, never the one that others ask from."""
    return f"127.{1 + number // 62_500 % 250}.{number // 250 % 250}.{1 + number % 250}"


async def guess(guessing: Guessing) -> Guessed:
    """Keep up the rate for so long, then wait for what is still to be answered."""
    reasons: Counter[str] = Counter()
    begun = time.perf_counter()
    sent: list[asyncio.Task[None]] = []
    for number in count():
        due = begun + number / guessing.per_second
        if due > begun + guessing.seconds:
            break
        await asyncio.sleep(due - time.perf_counter())
        sent.append(asyncio.create_task(_try(guessing, number, reasons)))
    await asyncio.gather(*sent)
    return Guessed(len(sent), dict(reasons))


async def _try(guessing: Guessing, number: int, reasons: Counter[str]) -> None:
    given = {"email": f"guess.{time.time_ns()}@example.com", "password": "no password of anybody's"}
    body = json.dumps({"query": DOCUMENT, "variables": {"input": given}}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{guessing.port}\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    source = (address(number), 0) if guessing.many_addresses else None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", guessing.port, local_addr=source)
            try:
                writer.write(head.encode() + body)
                found = _REASON.search(await reader.read())
            finally:
                writer.close()
    except (OSError, TimeoutError) as problem:
        reasons[type(problem).__name__] += 1
        return
    reasons[found[1].decode() if found else "no reason"] += 1


async def in_process_of_its_own(guessing: Guessing) -> Guessed:
    """What another process sent and was told. Raises RuntimeError where it failed."""
    return await apart("bench.growth.guessing", guessing, Guessed)


def main() -> None:
    serve(Guessing, guess)


if __name__ == "__main__":
    main()
