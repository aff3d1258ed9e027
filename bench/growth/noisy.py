"""Noisy: what quiet tenants wait while another one asks for as much as it may."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from time import monotonic
from typing import Final

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
LEAST_WARM_SECONDS: Final = 1.0
"""Whoever comes first pays for tokens, plans and connections; that is not the noise."""
NOISY_CONNECTIONS: Final = 64
THAT_WRITE: Final = 0.25
"""Of the noisy one's connections."""
MOST: Final = 1.2
"""How many times as long the slowest hundredth of quiet answers may take."""
CAPS: Final = ("", "1")
"""CONNECTIONS_PER_TENANT: as it is unless somebody sets it, and the least, which holds for whoever is alone as well."""
ALONE: Final = "alone"
BESIDE: Final = "beside the noise"

_GROUPS: Final = "invoiceGroups(by: [ISSUE_DATE_MONTH, STATUS], first: 1000) { key { status } count total { sum avg } }"
DEAREST: Final = (
    "{ " + " ".join(f"g{number}: {_GROUPS}" for number in range(12)) + " }",
    document("tree"),
)
"""About as much as one request may cost: every invoice grouped a dozen times, and every client with every line."""
_WRITE: Final = "mutation ($rows: [InvoiceImportRow!]!) { invoicesImport(input: {rows: $rows}) { rows { outcome } } }"
ROWS: Final = 100


@dataclass
class Round:
    """What one round told: of those who are quiet, of the noisy one, and of the cores."""

    quiet: dict[str, Asked]
    """By READS and WRITES."""
    noisy: Counter[str]
    """What the noisy one was told."""
    server_share: float
    postgres_share: float

    def time(self, kind: str, share: float) -> float:
        return percentile(self.quiet[kind].times, share)


@dataclass
class Case:
    """One configuration of the server, without the noise and with it."""

    cap: str
    ours: Ours
    rounds: dict[str, list[Round]] = field(default_factory=lambda: {ALONE: [], BESIDE: []})

    @property
    def name(self) -> str:
        return f"CONNECTIONS_PER_TENANT={self.cap}" if self.cap else "as it is"

    def middle(self, when: str, kind: str, share: float) -> float:
        return median(each.time(kind, share) for each in self.rounds[when])

    def times_as_long(self, kind: str, share: float) -> float:
        """What one waits beside the noise against the round right before it."""
        pairs = zip(self.rounds[BESIDE], self.rounds[ALONE], strict=True)
        return median(with_it.time(kind, share) / (without.time(kind, share) or 1.0) for with_it, without in pairs)


async def measure(scope: Scope, say: Say) -> Section:
    """Rounds without the noise and with it, in turns, at servers of each configuration."""
    async with bench_database(scope.sizes, scope.dataset, say) as database, AsyncExitStack() as stack:
        cases = []
        for cap in CAPS:
            settings = {"COUNTINGHOUSE_CONNECTIONS_PER_TENANT": cap} if cap else {}
            ours = await stack.enter_async_context(server(database.place, database.facts, scope.dataset, settings))
            cases.append(Case(cap, ours))
        for case in cases:
            say(f"warming: {case.name}")
            await _round(scope, database, case.ours, noisy=False)
        for number in range(scope.rounds):
            for case in cases:
                for when, rounds in case.rounds.items():
                    say(f"round {number + 1} of {scope.rounds}: {case.name}, {when}")
                    rounds.append(await _round(scope, database, case.ours, noisy=when == BESIDE))
        return _section(scope, database.version, cases)


async def _round(scope: Scope, database: BenchDatabase, ours: Ours, *, noisy: bool) -> Round:
    loud, *others = database.facts
    warm = max(scope.warm_seconds, LEAST_WARM_SECONDS)
    quiet = {
        kind: Asking(ours.port, await _quiet(ours, others, kind), QUIET_CONNECTIONS, rate, warm, scope.seconds)
        for kind, rate in PER_SECOND.items()
    }
    seconds = warm + scope.seconds
    before, begun = _cpu(ours, database), monotonic()
    asked = await asyncio.gather(
        *(in_process_of_its_own(each) for each in quiet.values()),
        *(in_process_of_its_own(each) for each in _loud(ours, loud, seconds) if noisy),
    )
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


def _section(scope: Scope, version: str, cases: list[Case]) -> Section:
    return Section(
        "Noisy: quiet tenants while another asks for all that it may",
        version,
        how=[
            f"The dataset of the comparison ({scope.sizes}); {scope.rounds} rounds of {scope.seconds:g} s of each case,"
            " in turns. One process of the server for each configuration, all on the same database.",
            f"Quiet: the other tenants, {PER_SECOND[READS]:g} reads a second at an even rate (list, point, overdue) and"
            f" {PER_SECOND[WRITES]:g} writes, each of which makes and issues an invoice. An answer is late from when"
            " its request was due, whatever that waited for.",
            f"Noisy: one tenant over {NOISY_CONNECTIONS} connections without a pause; three quarters ask the dearest"
            f" that one request may, the others import {ROWS} invoices. Who is refused asks again at once.",
            "Everything that is written is rolled back (`Prefer: tx=rollback`). The load shares the cores.",
            "While others are about, one tenant holds its share of a pool's connections: with so many about one of ten"
            " for reads and one of six for writes. So two processes of PostgreSQL work for the noisy one at a time."
            " Where there are no more cores than that, a quiet one waits for a core, and not for a connection.",
        ],
        tables=[
            Table(
                (
                    "server",
                    "quiet tenants",
                    *(f"{kind} {share} ms" for kind in PER_SECOND for share in ("p50", "p99")),
                    "noisy answers/s",
                    "refused/s",
                    "server's cores",
                    "PostgreSQL's cores",
                ),
                [_row(scope, case, when) for case in cases for when in case.rounds],
                labels=2,
            )
        ],
        found=[
            f"{case.name}: beside the noise the p99 of the quiet ones' {kind} is"
            f" {case.times_as_long(kind, 0.99):.2f} times that without"
            f" (p50 {case.times_as_long(kind, 0.5):.2f} times); {judged(case.times_as_long(kind, 0.99), MOST)}."
            for case in cases
            for kind in PER_SECOND
        ]
        + [f"{case.name}: what the noisy one is told: {_told(_outcomes(case, BESIDE))}." for case in cases],
    )


def _row(scope: Scope, case: Case, when: str) -> tuple[str, ...]:
    rounds = case.rounds[when]
    outcomes = _outcomes(case, when)
    seconds = len(rounds) * (max(scope.warm_seconds, LEAST_WARM_SECONDS) + scope.seconds)
    refused = outcomes.total() - outcomes[ANSWERED]
    return (
        case.name,
        when,
        *(f"{case.middle(when, kind, share):.2f}" for kind in PER_SECOND for share in (0.5, 0.99)),
        f"{outcomes[ANSWERED] / seconds:,.0f}" if outcomes else "-",
        f"{refused / seconds:,.0f}" if outcomes else "-",
        f"{median(each.server_share for each in rounds):.2f}",
        f"{median(each.postgres_share for each in rounds):.2f}",
    )


def _told(outcomes: Counter[str]) -> str:
    return ", ".join(f"{reason} {many / outcomes.total():.0%}" for reason, many in outcomes.most_common())


def _outcomes(case: Case, when: str) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for each in case.rounds[when]:
        outcomes.update(each.noisy)
    return outcomes
