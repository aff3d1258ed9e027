"""Noisy: what quiet tenants wait while another one asks for as much as it may."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from bench.database import BenchDatabase, bench_database
from bench.documents import document
from bench.growth.asking import Say, answer, server
from bench.growth.noise import ANSWERED, Asked, Asking, in_process_of_its_own
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, judged
from bench.load import percentile
from bench.measure import cpu_seconds
from bench.peers.ours import Ours
from bench.works import Facts

QUIET_CONNECTIONS: Final = 20
PER_SECOND: Final = 100.0
"""Requests of all quiet tenants together: a few percent of what the server could answer."""
NOISY_CONNECTIONS: Final = 64
WRITES: Final = 0.25
"""Of the noisy one's connections."""
MOST: Final = 1.2
"""How many times as long the slowest hundredth of quiet answers may take."""
CAPS: Final = ("", "2", "1")
"""CONNECTIONS_PER_TENANT: as it is unless somebody sets it, and less."""
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

    quiet: Asked
    noisy: Asked | None
    server_share: float
    postgres_share: float

    def time(self, share: float) -> float:
        return percentile(self.quiet.times, share)


@dataclass
class Case:
    """One configuration of the server, without the noise and with it."""

    cap: str
    ours: Ours
    rounds: dict[str, list[Round]] = field(default_factory=lambda: {ALONE: [], BESIDE: []})

    @property
    def name(self) -> str:
        return f"CONNECTIONS_PER_TENANT={self.cap}" if self.cap else "as it is"

    def middle(self, when: str, share: float) -> float:
        return median(each.time(share) for each in self.rounds[when])

    @property
    def times_as_long(self) -> float:
        """The p99 beside the noise against that of the round right before it."""
        pairs = zip(self.rounds[BESIDE], self.rounds[ALONE], strict=True)
        return median(with_it.time(0.99) / without.time(0.99) for with_it, without in pairs)


async def measure(scope: Scope, say: Say) -> Section:
    """Rounds without the noise and with it, in turns, at servers of each configuration."""
    async with bench_database(scope.sizes, scope.dataset, say) as database, AsyncExitStack() as stack:
        cases = []
        for cap in CAPS:
            settings = {"COUNTINGHOUSE_CONNECTIONS_PER_TENANT": cap} if cap else {}
            ours = await stack.enter_async_context(server(database.place, database.facts, scope.dataset, settings))
            cases.append(Case(cap, ours))
        for number in range(scope.rounds):
            for case in cases:
                for when, rounds in case.rounds.items():
                    say(f"round {number + 1} of {scope.rounds}: {case.name}, {when}")
                    rounds.append(await _round(scope, database, case.ours, noisy=when == BESIDE))
        return _section(scope, database.version, cases)


async def _round(scope: Scope, database: BenchDatabase, ours: Ours, *, noisy: bool) -> Round:
    loud, *others = database.facts
    quiet = Asking(
        ours.port, await _quiet(ours, others), QUIET_CONNECTIONS, PER_SECOND, scope.warm_seconds, scope.seconds
    )
    _, _ = await answer(ours, quiet.requests[0])
    seconds = scope.warm_seconds + scope.seconds
    before = _cpu(ours, database)
    asked = await asyncio.gather(
        in_process_of_its_own(quiet),
        *(in_process_of_its_own(each) for each in _loud(ours, loud, seconds) if noisy),
    )
    server_cpu, postgres_cpu = (now - then for now, then in zip(_cpu(ours, database), before, strict=True))
    heard = None
    if noisy:
        outcomes: Counter[str] = Counter()
        for each in asked[1:]:
            outcomes.update(each.outcomes)
        heard = Asked([], dict(outcomes))
    if set(asked[0].outcomes) != {ANSWERED}:
        raise RuntimeError(f"Quiet tenants were refused: {asked[0].outcomes}")
    return Round(asked[0], heard, server_cpu / seconds, postgres_cpu / seconds)


async def _quiet(ours: Ours, others: list[Facts]) -> list[bytes]:
    """What people at their screens ask, each of another tenant than the one before; every tenth changes something."""
    requests = []
    for number in range(10 * len(others)):
        tenant = others[number % len(others)]
        if number % 10 == 9:
            requests.append(_rehearsal(ours, tenant, 1, number))
        else:
            requests.append(await ours.request(("list", "point", "overdue")[number % 3], tenant, number))
    return requests


def _loud(ours: Ours, tenant: Facts, seconds: float) -> list[Asking]:
    """The dearest questions and writes, over many connections, without a pause."""
    token = ours.token(tenant)
    questions = [ours.posted(each, {}, token) for each in DEAREST]
    writes = [_rehearsal(ours, tenant, ROWS, number) for number in range(4)]
    many = round(NOISY_CONNECTIONS * WRITES)
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
            f"Quiet: the other tenants, {PER_SECOND:g} requests a second at an even rate (list, point, overdue; every"
            " tenth makes and issues an invoice). A request is late from when it was due, whatever it waited for.",
            f"Noisy: one tenant over {NOISY_CONNECTIONS} connections without a pause; three quarters ask the dearest"
            f" that one request may, the others import {ROWS} invoices. Who is refused asks again at once.",
            "Everything that is written is rolled back (`Prefer: tx=rollback`). The load shares the cores.",
        ],
        tables=[
            Table(
                (
                    "server",
                    "quiet tenants",
                    "p50 ms",
                    "p99 ms",
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
            f"{case.name}: the quiet ones' p99 beside the noise is {case.times_as_long:.2f} times that without;"
            f" {judged(case.times_as_long, MOST)}."
            for case in cases
        ]
        + [f"What the noisy one is told: {_told(case)} ({case.name})." for case in cases],
    )


def _row(scope: Scope, case: Case, when: str) -> tuple[str, ...]:
    rounds = case.rounds[when]
    seconds = scope.warm_seconds + scope.seconds
    outcomes = _outcomes(case, when)
    answered, refused = outcomes[ANSWERED], outcomes.total() - outcomes[ANSWERED]
    return (
        case.name,
        when,
        f"{case.middle(when, 0.5):.2f}",
        f"{case.middle(when, 0.99):.2f}",
        f"{answered / seconds / len(rounds):,.0f}" if outcomes else "-",
        f"{refused / seconds / len(rounds):,.0f}" if outcomes else "-",
        f"{median(each.server_share for each in rounds):.2f}",
        f"{median(each.postgres_share for each in rounds):.2f}",
    )


def _told(case: Case) -> str:
    outcomes = _outcomes(case, BESIDE)
    return ", ".join(f"{reason} {many / outcomes.total():.0%}" for reason, many in outcomes.most_common())


def _outcomes(case: Case, when: str) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for each in case.rounds[when]:
        outcomes.update(each.noisy.outcomes if each.noisy else {})
    return outcomes
