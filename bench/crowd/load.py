"""The crowd, in a process of its own: everybody has one connection, asks, waits for the answer and thinks.

`python -m bench.crowd.load` reads a `Load` from its input and writes a `Sample`, both as MessagePack. As in
`bench.load`, no HTTP library stands between the clock and the socket.
"""

import asyncio
import random
import re
import resource
import time
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Final, cast

import msgspec

from bench.apart import apart, serve
from bench.crowd.deeds import Desk, Writer
from bench.load import CHUNKED, MISSING, body_length
from bench.measure import cpu_seconds, proportional_megabytes

EXAMPLES: Final = 5
"""Errors that are kept word by word, of all there were."""
PATIENCE_SECONDS: Final = 30
"""At the end, for answers that are on their way."""
COMING_SECONDS: Final = 4.0
"""People come one after the other, and not all in one moment."""
SHARE_OF_WARMING: Final = 0.5
LEAVING_SECONDS: Final = 0.1
_REASON: Final = re.compile(rb'"reason":"([A-Z_]+)"')
REACHING: Final = 50
"""So many open connections at once while they come."""


class Ask(msgspec.Struct):
    """A request that somebody sends again and again: its question's name, its body, and how often it is chosen."""

    name: str
    body: bytes
    weight: float


class Guest(msgspec.Struct):
    """One person: the head of their requests, short of the length; what they ask; where they write, if they do."""

    head: bytes
    asks: list[Ask]
    desk: int | None = None
    writes: float = 0.0
    """The share of what they send that changes something."""


class Load(msgspec.Struct):
    """Who comes, and for how long."""

    port: int
    guests: list[Guest]
    desks: list[Desk]
    think_seconds: float
    warm_seconds: float
    seconds: float
    seed: int
    server_ids: list[int]
    postmaster_id: int


class Sample(msgspec.Struct):
    """What came of it: the seconds that answers took, in order, by what was asked or done; CPU in seconds."""

    seconds: float
    latencies: dict[str, list[float]]
    errors: dict[str, int]
    """How often each thing went wrong, from the first connection on: with its reason, and who was told."""
    examples: list[str]
    server_cpu: float
    postgres_cpu: float
    load_cpu: float
    server_mb: float
    postgres_mb: float
    """The proportional set sizes of all processes, at the end."""

    @property
    def answers(self) -> int:
        return sum(len(found) for found in self.latencies.values())


class _Run:
    """What everybody in the crowd shares."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.loop = asyncio.get_running_loop()
        self.latencies: dict[str, list[float]] = defaultdict(list)
        self.measuring = False
        self.ending = False
        self.errors: Counter[str] = Counter()
        self.waiting = 0
        self.examples: list[str] = []
        self.idle = asyncio.Event()

    def fails(self, what: str, example: str) -> None:
        """An answer that is none, or a connection that is gone: at any time, in the warming too."""
        self.errors[what] += 1
        if self.errors[what] == 1 and len(self.examples) < EXAMPLES:
            self.examples.append(example[:600])


class _Person(asyncio.Protocol):
    """Somebody with their connection."""

    def __init__(self, run: _Run, guest: Guest, number: int) -> None:
        self._run = run
        self._guest = guest
        self._chance = random.Random(run.load.seed * 1_000_003 + number)
        self._weights = [ask.weight for ask in guest.asks]
        self._writer = Writer(run.load.desks[guest.desk], self._chance) if guest.desk is not None else None
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._body_at = 0
        self._length = MISSING
        self._sent_at = 0.0
        self._name = ""
        """What is being waited for; empty while thinking."""
        self._is_deed = False
        self._thinking: asyncio.TimerHandle

    async def come(self) -> None:
        """Connect, think for the first time, and go on from there until the end."""
        await self._run.loop.create_connection(lambda: self, "127.0.0.1", self._run.load.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own has another parent
        if self._run.ending:
            self.leave()
        else:
            self._think()

    def connection_lost(self, problem: Exception | None) -> None:
        self._transport = None
        if self._run.ending:
            self._answer_is_over()
            return
        when = "while waiting for an answer" if self._name else "while thinking"
        self._run.fails(f"connection closed {when}", f"{self._name or 'nothing'}: {problem}")
        self._thinking.cancel()
        self._received.clear()
        self._length = MISSING
        self._answer_is_over()
        self._run.loop.create_task(self.come())

    def leave(self) -> None:
        """Hang up, whatever is still to come."""
        if self._name:
            waited = time.perf_counter() - self._sent_at
            self._run.fails("no answer at the end", f"{self._name}: no answer after {waited:.0f} s")
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._length == MISSING:
            head_end = self._received.find(b"\r\n\r\n")
            if head_end < 0:
                return
            self._body_at = head_end + 4
            self._length = body_length(bytes(self._received[:head_end]))
        if self._length == CHUNKED:
            if not self._received.endswith(b"0\r\n\r\n"):
                return
        elif len(self._received) < self._body_at + self._length:
            return
        self._answered(time.perf_counter() - self._sent_at)

    def _think(self) -> None:
        self._thinking = self._run.loop.call_later(
            self._chance.expovariate(1 / self._run.load.think_seconds), self._send
        )

    def _send(self) -> None:
        if self._run.ending or self._transport is None:
            return
        guest, writer = self._guest, self._writer
        self._is_deed = writer is not None and self._chance.random() < guest.writes
        if self._is_deed and writer is not None:
            self._name, body = writer.next_deed()
        else:
            ask = self._chance.choices(guest.asks, self._weights)[0]
            self._name, body = ask.name, ask.body
        self._run.waiting += 1
        self._sent_at = time.perf_counter()
        self._transport.write(b"%sContent-Length: %d\r\n\r\n%s" % (guest.head, len(body), body))

    def _answered(self, seconds: float) -> None:
        answer = bytes(self._received)
        body = answer[self._body_at :]
        self._received.clear()
        self._length = MISSING
        # Errors stand in front of the data or behind it; a thing that is not found is null.
        if not answer.startswith(b"HTTP/1.1 200") or b'"errors":' in body or b":null}}" in body[-8:]:
            reason = _REASON.search(body)
            what = reason[1].decode() if reason else answer[9:12].decode()
            self._run.fails(what, f"{self._name}: {answer[:15].decode()} {body.decode(errors='replace')}")
        else:
            if self._run.measuring:
                self._run.latencies[self._name].append(seconds)
            if self._is_deed and self._writer is not None:
                self._writer.done(self._name, body)
        self._answer_is_over()
        self._think()

    def _answer_is_over(self) -> None:
        if self._name:
            self._name = ""
            self._run.waiting -= 1
            if not self._run.waiting:
                self._run.idle.set()


async def crowd(load: Load) -> Sample:
    """Let everybody come, wait until they are at home, and measure for a while."""
    run = _Run(load)
    people = [_Person(run, guest, number) for number, guest in enumerate(load.guests)]
    begun = run.loop.time()
    coming = min(COMING_SECONDS, load.warm_seconds * SHARE_OF_WARMING)
    for number, person in enumerate(people):
        if number % REACHING == 0:
            await asyncio.sleep(begun + coming * number / len(people) - run.loop.time())
        await person.come()
    await asyncio.sleep(begun + load.warm_seconds - run.loop.time())
    before, at = _cpu(load), time.perf_counter()
    run.measuring = True
    await asyncio.sleep(load.seconds)
    run.measuring = False
    seconds, after = time.perf_counter() - at, _cpu(load)
    memory = proportional_megabytes(load.server_ids), proportional_megabytes([load.postmaster_id])
    run.ending = True
    run.idle.clear()
    if run.waiting:
        with suppress(TimeoutError):
            await asyncio.wait_for(run.idle.wait(), PATIENCE_SECONDS)
    for person in people:
        person.leave()
    await asyncio.sleep(LEAVING_SECONDS)
    server_cpu, postgres_cpu, load_cpu = (each - first for each, first in zip(after, before, strict=True))
    return Sample(
        seconds=seconds,
        latencies={name: sorted(found) for name, found in run.latencies.items()},
        errors=dict(run.errors),
        examples=run.examples,
        server_cpu=server_cpu,
        postgres_cpu=postgres_cpu,
        load_cpu=load_cpu,
        server_mb=memory[0],
        postgres_mb=memory[1],
    )


def _cpu(load: Load) -> tuple[float, float, float]:
    """The CPU seconds so far of the server, of PostgreSQL and of this process."""
    return cpu_seconds(load.server_ids), cpu_seconds([load.postmaster_id]), time.process_time()


async def in_process_of_its_own(load: Load) -> Sample:
    """The sample that another process takes. Raises RuntimeError where it takes none."""
    return await apart("bench.crowd.load", load, Sample)


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    serve(Load, crowd)


if __name__ == "__main__":
    main()
