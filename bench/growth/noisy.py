"""Noisy: what quiet tenants wait while another one asks for as much as it may."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from statistics import median
from time import monotonic
from typing import Final

import asyncpg

from bench.database import BenchDatabase, bench_database
from bench.documents import document
from bench.growth.asking import Say, server
from bench.growth.noise import ANSWERED, Asked, Asking, in_process_of_its_own
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, judged
from bench.load import percentile
from bench.measure import cpu_seconds
from bench.peers.ours import Ours
from bench.works import Facts

QUIET_CONNECTIONS: Final = 20
READS: Final = "reads"
WRITES: Final = "writes"
PER_SECOND: Final = {READS: 200.0, WRITES: 20.0}
"""Requests of all quiet tenants together: a few percent of what the server could answer."""
LEAST_WARM_SECONDS: Final = 3.0
"""Whoever comes first pays for tokens, plans and connections; that is not the noise. And the noisy one uses up what it
may have ahead of its time."""
NOISY_CONNECTIONS: Final = 64
LATER_SECONDS: Final = 0.5
"""The noise begins among others: whoever is there alone has more than a share for a while."""
THAT_WRITE: Final = 0.25
"""Of the noisy one's connections."""
MOST: Final = 1.2
"""How many times as long the slowest hundredth of quiet answers may take."""
ALONE: Final = "alone"
BUSY: Final = "beside a busy core"
"""That a program of no concern to us keeps busy: what it costs to have a core less."""
BESIDE: Final = "beside the noise"
LARGE: Final = "beside large requests"
"""As many values as a request may bring, one request after the other: PostgreSQL has nothing to do with it."""

_GROUPS: Final = "invoiceGroups(by: [ISSUE_DATE_MONTH, STATUS], first: 1000) { key { status } count total { sum avg } }"
DEAREST: Final = (
    "{ " + " ".join(f"g{number}: {_GROUPS}" for number in range(12)) + " }",
    document("tree"),
)
"""About as much as one request may cost: every invoice grouped a dozen times, and every client with every line."""
_WRITE: Final = "mutation ($rows: [InvoiceImportRow!]!) { invoicesImport(input: {rows: $rows}) { rows { outcome } } }"
ROWS: Final = 100
MOST_ROWS: Final = 29_000
"""In a request of nearly a megabyte, which is the limit."""


@dataclass
class Round:
    """What one round told: of those who are quiet, of the noisy one, and of the cores."""

    quiet: dict[str, Asked]
    """By READS and WRITES."""
    noisy: Counter[str]
    """What the noisy one was told."""
    server_share: float
    postgres_share: float


class Rounds:
    """All rounds: without the noise, without it and with a core less, and with each kind of it."""

    def __init__(self) -> None:
        self.told: dict[str, list[Round]] = {ALONE: [], BUSY: [], BESIDE: [], LARGE: []}

    def time(self, when: str, kind: str, share: float) -> float:
        """Of the answers of all rounds together: the slowest hundredth of one round are a handful."""
        return percentile(sorted(chain.from_iterable(each.quiet[kind].times for each in self.told[when])), share)

    def times_as_long(self, when: str, kind: str, share: float, against: str) -> float:
        return self.time(when, kind, share) / (self.time(against, kind, share) or 1.0)

    def heard(self, when: str) -> Counter[str]:
        """What the noisy one was told, by reason."""
        return sum((each.noisy for each in self.told[when]), Counter())


async def measure(scope: Scope, say: Say) -> Section:
    """Rounds of each kind, in turns, at one server."""
    async with (
        bench_database(scope.sizes, scope.dataset, say) as database,
        server(database.place, database.facts, scope.dataset) as ours,
    ):
        say("warming")
        await _round(scope, database, ours, ALONE)
        rounds = Rounds()
        for number in range(scope.rounds):
            await _sweep(database)
            for when, told in rounds.told.items():
                say(f"round {number + 1} of {scope.rounds}: quiet tenants {when}")
                told.append(await _round(scope, database, ours, when, number))
        return _section(scope, database.version, rounds)


async def _round(scope: Scope, database: BenchDatabase, ours: Ours, when: str, seed: int = 0) -> Round:
    loud, *others = database.facts
    warm = max(scope.warm_seconds, LEAST_WARM_SECONDS)
    quiet = {
        kind: Asking(ours.port, await _quiet(ours, others, kind), QUIET_CONNECTIONS, rate, warm, scope.seconds, each)
        for each, (kind, rate) in enumerate(PER_SECOND.items(), seed * len(PER_SECOND))
    }
    seconds = warm + scope.seconds
    before, begun = _cpu(ours, database), monotonic()
    noise = NOISES[when](ours, loud, seconds - LATER_SECONDS) if when in NOISES else []
    async with _busy_core() if when == BUSY else nullcontext():
        asked = await asyncio.gather(*map(in_process_of_its_own, quiet.values()), *map(_later, noise))
    server_cpu, postgres_cpu = (now - then for now, then in zip(_cpu(ours, database), before, strict=True))
    heard: Counter[str] = Counter()
    for each in asked[len(quiet) :]:
        heard.update(each.outcomes)
    found = dict(zip(quiet, asked, strict=False))
    for each in found.values():
        if set(each.outcomes) - {ANSWERED}:
            raise RuntimeError(f"Quiet tenants were refused: {each.outcomes}")
    elapsed = monotonic() - begun  # what the noisy one asked last may go on for longer than the round
    return Round(found, heard, server_cpu / elapsed, postgres_cpu / elapsed)


async def _sweep(database: BenchDatabase) -> None:
    """Away with what the round before has rolled back: autovacuum, which would do it, is off while it is measured."""
    connection = await asyncpg.connect(database.place.admin_url)
    try:
        await connection.execute("vacuum (index_cleanup on)")
    finally:
        await connection.close()


async def _later(noise: Asking) -> Asked:
    await asyncio.sleep(LATER_SECONDS)
    return await in_process_of_its_own(noise)


@asynccontextmanager
async def _busy_core() -> AsyncIterator[None]:
    spinning = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        yield
    finally:
        spinning.kill()
        await spinning.wait()


async def _quiet(ours: Ours, others: list[Facts], kind: str) -> list[bytes]:
    """What people at their screens ask or change, each of another tenant than the one before."""
    if kind == WRITES:
        return [_rehearsal(ours, tenant, 1, number) for number, tenant in enumerate(others)]
    works = ("list", "point", "overdue")
    return [
        await ours.request(works[number % len(works)], others[number % len(others)], number)
        for number in range(len(works) * len(others))
    ]


def _loud(ours: Ours, tenant: Facts, seconds: float) -> list[Asking]:
    """The dearest questions and writes, over many connections, without a pause."""
    token = ours.token(tenant)
    questions = [ours.posted(each, {}, token) for each in DEAREST]
    writes = [_rehearsal(ours, tenant, ROWS, number) for number in range(4)]
    many = round(NOISY_CONNECTIONS * THAT_WRITE)
    return [
        Asking(ours.port, questions, NOISY_CONNECTIONS - many, 0, 0, seconds),
        Asking(ours.port, writes, many, 0, 0, seconds),
    ]


def _large(ours: Ours, tenant: Facts, seconds: float) -> list[Asking]:
    """An import that has to be read to its end to be refused, over many connections, without a pause."""
    rows = [{"externalRef": "", "lines": []}] * MOST_ROWS
    request = ours.posted(_WRITE, {"rows": [*rows, {"lines": []}]}, ours.token(tenant))
    return [Asking(ours.port, [request], NOISY_CONNECTIONS, 0, 0, seconds)]


NOISES: Final = {BESIDE: _loud, LARGE: _large}


def _rehearsal(ours: Ours, tenant: Facts, rows: int, seed: int) -> bytes:
    """A write that is done, checked and answered, and then rolled back, so that the dataset stays what it is."""
    line = {"description": "Noise", "quantity": "1", "unitPrice": "10.00"}
    given = [
        {"clientId": tenant.client_id, "externalRef": f"noise-{seed}-{each}", "issue": True, "lines": [line]}
        for each in range(rows)
    ]
    request = ours.posted(_WRITE, {"rows": given}, ours.token(tenant))
    return request.replace(b"\r\n", b"\r\nPrefer: tx=rollback\r\n", 1)


def _cpu(ours: Ours, database: BenchDatabase) -> tuple[float, float]:
    return cpu_seconds(ours.process_ids), cpu_seconds([database.postmaster_id])


def _section(scope: Scope, version: str, rounds: Rounds) -> Section:
    return Section(
        "Noisy: quiet tenants while another asks for all that it may",
        version,
        how=[
            f"The dataset of the comparison ({scope.sizes}); {scope.rounds} rounds of {scope.seconds:g} s of each kind,"
            " in turns, at one process of the server as it comes.",
            f"Quiet: the other tenants, {PER_SECOND[READS]:g} reads a second at random times (list, point, overdue) and"
            f" {PER_SECOND[WRITES]:g} writes, each of which makes and issues an invoice. An answer is late from when"
            " its request was due, whatever that waited for. Percentiles are of the answers of all rounds together.",
            f"Noisy: one tenant over {NOISY_CONNECTIONS} connections without a pause; three quarters ask the dearest"
            f" that one request may, the others import {ROWS} invoices. Who is refused asks again at once.",
            "Everything that is written is rolled back (`Prefer: tx=rollback`). The load shares the cores.",
            "While more are about than there are connections, a tenant has its share of the time of one, for reads and"
            " writes together, and rests when it has had more (docs/decisions/0019). What it may have ahead of its time"
            " it has had when counting begins.",
            f"{LARGE.capitalize()}: one tenant over {NOISY_CONNECTIONS} connections sends nearly a megabyte each time,"
            " which is refused when all of it has been read.",
            f"{BUSY.capitalize()}: beside a program that counts and does nothing else. What is as slow there is slow"
            " for want of a core, and not of a connection.",
        ],
        tables=[
            Table(
                (
                    "quiet tenants",
                    *(f"{kind} {share} ms" for kind in PER_SECOND for share in ("p50", "p99")),
                    "noisy answers/s",
                    "refused/s",
                    "server's cores",
                    "PostgreSQL's cores",
                ),
                [_row(scope, rounds, when) for when in rounds.told],
                labels=1,
            )
        ],
        found=[
            f"The p99 of the quiet ones' {kind} {when} is {rounds.times_as_long(when, kind, 0.99, against):.2f}"
            f" times that {against} (p50 {rounds.times_as_long(when, kind, 0.5, against):.2f} times);"
            f" {judged(rounds.times_as_long(when, kind, 0.99, against), MOST)}."
            for when in NOISES
            for against in (ALONE, BUSY)
            for kind in PER_SECOND
        ]
        + [f"Whoever makes it is told {when}: {_told(rounds.heard(when))}." for when in NOISES],
    )


def _row(scope: Scope, rounds: Rounds, when: str) -> tuple[str, ...]:
    told = rounds.told[when]
    seconds = len(told) * (max(scope.warm_seconds, LEAST_WARM_SECONDS) + scope.seconds)
    heard = rounds.heard(when)
    refused = heard.total() - heard[ANSWERED]
    return (
        when,
        *(f"{rounds.time(when, kind, share):.2f}" for kind in PER_SECOND for share in (0.5, 0.99)),
        f"{heard[ANSWERED] / seconds:,.0f}" if heard else "-",
        f"{refused / seconds:,.0f}" if heard else "-",
        f"{median(each.server_share for each in told):.2f}",
        f"{median(each.postgres_share for each in told):.2f}",
    )


def _told(outcomes: Counter[str]) -> str:
    return ", ".join(f"{reason} {many / outcomes.total():.0%}" for reason, many in outcomes.most_common())
