"""Questions at random times, or as fast as they are answered, from a process of its own.

`python -m bench.growth.noise` reads an `Asking` from its input and writes an `Asked`, both as MessagePack. Where there
is a rate, requests come as from many people who know nothing of each other (a Poisson process). Each is due at its
time, whether or not those before it have been answered, and its answer is late from then on: who waits for the server's
sake, waits in the figures too.
"""

import asyncio
import random
import re
import time
from collections import Counter
from itertools import accumulate, count, takewhile
from typing import Final

import msgspec

from bench.apart import apart, serve
from bench.load import body_length

_REASON: Final = re.compile(rb'"reason": ?"([A-Z_]+)"')
ANSWERED: Final = "answered"


class Asking(msgspec.Struct):
    """What is asked, in turn, over so many connections: `per_second` on the average, or without a pause where that
    is 0."""

    port: int
    requests: list[bytes]
    connections: int
    per_second: float
    warm_seconds: float
    seconds: float
    seed: int = 0
    """Of the times; the same one has requests come at the same times again."""


class Asked(msgspec.Struct):
    """How long answers took, in milliseconds and in order of length, and what came of the requests, by reason."""

    times: list[float]
    outcomes: dict[str, int]


async def run(asking: Asking) -> Asked:
    """Ask for so long; only what is sent after the warming counts."""
    times: list[float] = []
    outcomes: Counter[str] = Counter()
    begun = time.perf_counter()
    counted, end = begun + asking.warm_seconds, begun + asking.warm_seconds + asking.seconds
    times_due = _times_due(asking)

    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", asking.port)
        place = number
        try:
            while (now := time.perf_counter()) < end:
                if not asking.per_second:
                    due = now
                elif place < len(times_due):
                    due = begun + times_due[place]
                else:
                    break
                await asyncio.sleep(due - now)
                writer.write(asking.requests[place % len(asking.requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(body_length(head))
                if due >= counted:
                    times.append((time.perf_counter() - due) * 1000)
                    outcomes[_outcome(body)] += 1
                place += asking.connections
        finally:
            writer.close()

    async with asyncio.TaskGroup() as connections:
        for number in range(asking.connections):
            connections.create_task(ask(number))
    return Asked(sorted(times), dict(outcomes))


def _times_due(asking: Asking) -> list[float]:
    """When each request is to be sent, in seconds from the beginning."""
    chance = random.Random(asking.seed)
    gaps = (chance.expovariate(asking.per_second) for _ in count()) if asking.per_second else ()
    return list(takewhile(lambda due: due < asking.warm_seconds + asking.seconds, accumulate(gaps)))


def _outcome(body: bytes) -> str:
    if b'"errors"' not in body:
        return ANSWERED
    found = _REASON.search(body)
    return found[1].decode() if found else "no reason"


async def in_process_of_its_own(asking: Asking) -> Asked:
    """What another process asked and was told. Raises RuntimeError where it failed."""
    return await apart("bench.growth.noise", asking, Asked)


def main() -> None:
    serve(Asking, run)


if __name__ == "__main__":
    main()
