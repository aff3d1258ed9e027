"""The load generator, in a process of its own: it keeps connections busy with requests that were made before.

There is no HTTP library between the clock and the socket: an answer is complete when as many bytes are there as its
head says. `python -m bench.load` reads a `Load` from its input and writes a `Sample`, both as MessagePack.
"""

import asyncio
import random
import time
from itertools import accumulate
from typing import Final, cast

import msgspec

from bench.apart import apart, serve
from bench.measure import cpu_seconds, peak_megabytes

MISSING: Final = -1
CHUNKED: Final = -2


class Load(msgspec.Struct):
    """What to do: `requests` of each tenant, and how often each tenant is chosen among them."""

    port: int
    requests: list[list[bytes]]
    weights: list[float]
    connections: int
    warm_seconds: float
    seconds: float
    seed: int
    least_bytes: int
    """A shorter answer counts as a wrong one."""
    server_ids: list[int]
    postmaster_id: int
    writes: bool = False
    """Whether requests change something: each is sent once, in their order."""
    looks_for_errors: bool = False
    """Whether an answer with errors counts as a wrong one, whatever its length: where answers differ in theirs."""


class Sample(msgspec.Struct):
    """What came of it: one round of one work at one peer. CPU is in milliseconds for each request."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float
    postgres_cpu_ms: float
    load_cpu_ms: float
    """Of whoever asked, on the same cores."""
    peak_mb: float
    answer_bytes: int
    wrong: str = ""
    """The first answer that was not one, where there was any."""

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def zipf(count: int) -> list[float]:
    """The weights of so many tenants, of whom the k-th is asked for 1/k as often as the first."""
    return [1 / place for place in range(1, count + 1)]


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class _Run:
    """The counters that the connections share."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.latencies: list[float] = []
        self.measuring = False
        self.ending = False
        self.wrong = ""
        self.answer_bytes = 0
        chance = random.Random(load.seed)
        self._cumulated = list(accumulate(load.weights))
        self._chance = chance
        self._unsent = iter(load.requests[0] if load.writes else ())

    def next_request(self) -> bytes:
        """What to send next. Nothing at all where each was sent once."""
        requests = self.load.requests
        if self.load.writes:
            return next(self._unsent, b"")
        tenant = self._chance.choices(requests, cum_weights=self._cumulated)[0] if len(requests) > 1 else requests[0]
        return tenant[int(self._chance.random() * len(tenant))]


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run, ended: asyncio.Future[None]) -> None:
        self.run = run
        self.ended = ended
        self.received = bytearray()
        self.body_at = 0
        self.length = MISSING
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own has another parent
        self._send()

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.run.ending:
            self.run.wrong = self.run.wrong or f"the connection was closed: {problem}"
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.length == MISSING:
            head_end = self.received.find(b"\r\n\r\n")
            if head_end < 0:
                return
            self.body_at = head_end + 4
            self.length = body_length(bytes(self.received[:head_end]))
        if self.length == CHUNKED:
            if not self.received.endswith(b"0\r\n\r\n"):
                return
        elif len(self.received) < self.body_at + self.length:
            return
        self._answered()

    def _answered(self) -> None:
        run = self.run
        latency = time.perf_counter() - self.sent_at
        size = len(self.received) - self.body_at
        if run.measuring:
            run.latencies.append(latency)
            run.answer_bytes += size
        is_short = size < run.load.least_bytes
        is_refused = run.load.looks_for_errors and b'"errors"' in self.received
        if is_short or is_refused or not self.received.startswith(b"HTTP/1.1 200"):
            run.wrong = run.wrong or self.received[:600].decode(errors="replace")
        if run.ending:
            self.transport.close()
            return
        self._send()

    def _send(self) -> None:
        self.received.clear()
        self.length = MISSING
        self.sent_at = time.perf_counter()
        if request := self.run.next_request():
            self.transport.write(request)
        else:
            self.run.wrong = self.run.wrong or "the requests did not last for the round"
            self.run.ending = True
            self.transport.close()


def body_length(head: bytes) -> int:
    """The bytes that follow this head of an answer, or CHUNKED."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return CHUNKED


def _cpu(load: Load) -> tuple[float, float, float]:
    """The CPU seconds so far of the server, of PostgreSQL and of this process."""
    return cpu_seconds(load.server_ids), cpu_seconds([load.postmaster_id]), time.process_time()


async def generate(load: Load) -> Sample:
    """Keep the server busy: first to warm it, then to measure it."""
    loop = asyncio.get_running_loop()
    run = _Run(load)
    endings = []
    for _ in range(load.connections):
        ended: asyncio.Future[None] = loop.create_future()
        endings.append(ended)
        await loop.create_connection(lambda ended=ended: _Connection(run, ended), "127.0.0.1", load.port)  # type: ignore[misc]
    await asyncio.sleep(load.warm_seconds)
    before = _cpu(load)
    begun = time.perf_counter()
    run.measuring = True
    await asyncio.sleep(load.seconds)
    run.measuring = False
    seconds = time.perf_counter() - begun
    after = _cpu(load)
    run.ending = True
    await asyncio.wait(endings, timeout=30)
    latencies = sorted(run.latencies)
    count = len(latencies)
    return Sample(
        requests=count,
        seconds=seconds,
        p50_ms=percentile(latencies, 0.5) * 1000,
        p99_ms=percentile(latencies, 0.99) * 1000,
        server_cpu_ms=(after[0] - before[0]) * 1000 / max(1, count),
        postgres_cpu_ms=(after[1] - before[1]) * 1000 / max(1, count),
        load_cpu_ms=(after[2] - before[2]) * 1000 / max(1, count),
        peak_mb=peak_megabytes(load.server_ids),
        answer_bytes=run.answer_bytes // max(1, count),
        wrong=run.wrong,
    )


async def in_process_of_its_own(load: Load) -> Sample:
    """The sample that another process takes. Raises RuntimeError where an answer was not one."""
    sample = await apart("bench.load", load, Sample)
    if sample.wrong:
        raise RuntimeError(f"This is no answer: {sample.wrong}")
    return sample


async def ask(port: int, request: bytes) -> tuple[bytes, bytes]:
    """The head and the body of the answer to one request, for comparing; asks that the connection be closed after."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = body_length(head)
        if length != CHUNKED:
            return head, await reader.readexactly(length)
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        return head, body
    finally:
        writer.close()


def main() -> None:
    serve(Load, generate)


if __name__ == "__main__":
    main()
