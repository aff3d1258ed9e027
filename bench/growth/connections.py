"""Connections: what more and more clients at once wait, and how many connections to PostgreSQL that takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.database import BenchDatabase, bench_database
from bench.growth.asking import Question, Say, in_turns, middle, server
from bench.growth.bends import bend
from bench.growth.resident import resident_megabytes
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, short
from bench.load import Sample
from bench.peers.ours import Ours
from bench.plot import lines
from bench.works import WORKS

ASKED: Final = ("list", "point")
POINTS: Final = 2
"""Invoices of each tenant that are asked for one at a time."""
CLIENTS: Final = 200
"""Connections of clients while the pool is what grows."""
FEW: Final = 0.05
"""What a larger pool brings and is not worth its connections."""


@dataclass(frozen=True)
class Step:
    """What was found with so many connections."""

    connections: int
    samples: dict[str, list[Sample]]
    resident_mb: float
    """Of the server, when all had been there."""

    def of(self, work: str, figure: str) -> float:
        return middle(self.samples[work], figure)


async def measure(scope: Scope, say: Say) -> Section:
    """All tenants in rotation, by a new process of the server at each step."""
    async with bench_database(scope.sizes, scope.dataset, say) as database:
        clients = [await _step(scope, database, say, number, {}) for number in scope.connections]
        pools = [
            await _step(scope, database, say, CLIENTS, {"READ_CONNECTIONS": size, "CONNECTIONS_PER_TENANT": size}, size)
            for size in scope.pools
        ]
    return _section(scope, database.version, clients, pools)


async def _step(
    scope: Scope, database: BenchDatabase, say: Say, clients: int, settings: Mapping[str, int], label: int = 0
) -> Step:
    environment = {f"COUNTINGHOUSE_{name}": str(value) for name, value in settings.items()}
    async with server(database.place, database.facts, scope.dataset, environment) as ours:
        questions = [_question(ours, work, database, clients) for work in ASKED]
        told = f"{short(clients)} clients" + (f", a pool of {label}" if label else "")
        samples = await in_turns(
            ours, questions, scope, database.postmaster_id, lambda text: say(text and f"{told}, {text}")
        )
        return Step(label or clients, samples, resident_megabytes(ours.process_ids))


def _question(ours: Ours, work: str, database: BenchDatabase, connections: int) -> Question:
    count = POINTS if work == "point" else 1

    async def requests() -> list[list[bytes]]:
        return [[await ours.request(work, tenant, number) for number in range(count)] for tenant in database.facts]

    return Question(work, requests, connections)


def _section(scope: Scope, version: str, clients: list[Step], pools: list[Step]) -> Section:
    return Section(
        "Connections: of clients to the server, and of the server to PostgreSQL",
        version,
        how=[
            f"The dataset of the comparison ({scope.sizes}), all tenants in rotation. A new process of the server at"
            " each step. Each connection sends its next request as soon as it has an answer: nobody thinks, so that p50"
            " is about the connections divided by the rate.",
            *(f"{work}: {WORKS[work].meaning}." for work in ASKED),
            f"The second table has {CLIENTS} clients, and grows READ_CONNECTIONS, with CONNECTIONS_PER_TENANT beside"
            " it.",
        ],
        tables=[_table("clients", clients), _table("connections to PostgreSQL", pools)],
        found=[*_bends(clients), *_enough(pools)],
        plots={
            "growth-connections.svg": lambda path: lines(
                path,
                "Rate of answers while connections grow",
                [short(step.connections) for step in clients],
                {work: [step.of(work, "per_second") for step in clients] for work in ASKED},
                unit="requests/s",
                across="connections of clients",
            ),
            "growth-pools.svg": lambda path: lines(
                path,
                f"Rate of answers to {CLIENTS} clients while the pool grows",
                [short(step.connections) for step in pools],
                {work: [step.of(work, "per_second") for step in pools] for work in ASKED},
                unit="requests/s",
                across="connections to PostgreSQL",
            ),
        },
    )


def _table(what: str, steps: list[Step]) -> Table:
    return Table(
        (what, "work", "requests/s", "p50 ms", "p99 ms", "server CPU ms", "PostgreSQL CPU ms", "server MB"),
        [
            (
                short(step.connections),
                work,
                f"{step.of(work, 'per_second'):,.0f}",
                f"{step.of(work, 'p50_ms'):.2f}",
                f"{step.of(work, 'p99_ms'):.2f}",
                f"{step.of(work, 'server_cpu_ms'):.3f}",
                f"{step.of(work, 'postgres_cpu_ms'):.3f}",
                f"{step.resident_mb:.0f}",
            )
            for work in ASKED
            for step in steps
        ],
        labels=2,
    )


def _bends(steps: list[Step]) -> list[str]:
    first, last = steps[0], steps[-1]
    sizes = [step.connections for step in steps]
    found = []
    for work in ASKED:
        busy = [
            step.of(work, "per_second")
            * (step.of(work, "server_cpu_ms") + step.of(work, "postgres_cpu_ms") + step.of(work, "load_cpu_ms"))
            / 1000
            for step in (first, last)
        ]
        found.append(
            bend(f"{work}: a client's p50", "connections", sizes, [step.of(work, "p50_ms") for step in steps])
            + f" The cores are full from the first step on ({busy[0]:.2f} and {busy[1]:.2f} cores busy, load generator"
            " included), so more clients share the same rate and wait in proportion; none is refused. A request costs"
            f" the server {first.of(work, 'server_cpu_ms'):.3f} ms of CPU with {short(first.connections)} and"
            f" {last.of(work, 'server_cpu_ms'):.3f} with {short(last.connections)}."
        )
    grown = (last.resident_mb - first.resident_mb) * 1000 / max(1, last.connections - first.connections)
    return [*found, f"A connection holds {max(0.0, grown):.0f} kB in the server."]


def _enough(steps: list[Step]) -> list[str]:
    """The smallest pool that answers nearly as fast as the best one."""
    found = []
    for work in ASKED:
        best = max(step.of(work, "per_second") for step in steps)
        enough = next(step for step in steps if step.of(work, "per_second") >= best * (1 - FEW))
        largest = steps[-1]
        found.append(
            f"{work}: a pool of {enough.connections} answers within {FEW:.0%} of the best rate; with"
            f" {largest.connections} it is {largest.of(work, 'per_second') / best - 1:+.0%} from the best. What runs at"
            " once beyond the cores only waits in PostgreSQL instead of in the pool, where it costs a process each."
        )
    return found
