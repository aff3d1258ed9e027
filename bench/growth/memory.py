"""Memory: what a process of the server holds after a minute of everything, and after documents without end."""

from dataclasses import dataclass
from typing import Final

from bench.database import BenchDatabase, bench_database
from bench.growth.asking import CROWD, Say, answer, server
from bench.growth.flood import Flood, in_process_of_its_own, unseen
from bench.growth.requests import with_body
from bench.growth.resident import resident_megabytes
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, judged, short
from bench.load import Load, Sample, zipf
from bench.load import in_process_of_its_own as under_load
from bench.measure import cpu_seconds
from bench.peers.ours import Ours
from bench.plot import lines
from bench.works import WORKS
from gql.cli.console import progress_bar

MOST_MB: Final = 150
MOST_GROWTH: Final = 0.02
TELLING: Final = (0, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Of the readings, in percent: those that the table has."""
CONNECTIONS: Final = 4
"""Of the flood: what one process of the server can take."""
POINTS: Final = 5


@dataclass(frozen=True)
class Reading:
    """What was held after so many documents, in MB; and the CPU seconds and the time spent so far."""

    documents: int
    server: float
    postgres: float
    """What all of PostgreSQL's processes share with nobody."""
    server_cpu: float
    postgres_cpu: float
    seconds: float


async def measure(scope: Scope, say: Say) -> Section:
    """Two processes of the server, one for each question."""
    async with bench_database(scope.sizes, scope.dataset, say) as database:
        async with server(database.place, database.facts, scope.dataset) as ours:
            idle = resident_megabytes(ours.process_ids)
            say(f"{scope.load_seconds:g} s of mixed load")
            sample = await _mixed(ours, database, scope)
            loaded = resident_megabytes(ours.process_ids)
        async with server(database.place, database.facts, scope.dataset) as ours:
            say("")
            readings = await _flood(ours, database, scope)
    return _section(scope, database.version, sample, idle, loaded, readings)


async def _mixed(ours: Ours, database: BenchDatabase, scope: Scope) -> Sample:
    """All works alike, of all tenants, Zipf-distributed."""
    requests = [
        [await ours.request(work, tenant, number) for work in WORKS for number in range(POINTS)]
        for tenant in database.facts
    ]
    return await under_load(
        Load(
            port=ours.port,
            requests=requests,
            weights=zipf(len(requests)),
            connections=CROWD,
            warm_seconds=0.0,
            seconds=scope.load_seconds,
            seed=1,
            least_bytes=len('{"data":{}}'),
            server_ids=ours.process_ids,
            postmaster_id=database.postmaster_id,
        )
    )


async def _flood(ours: Ours, database: BenchDatabase, scope: Scope) -> list[Reading]:
    """Documents never seen before, with a reading before, between and after the parts."""
    tenant = database.facts[0]
    invoice_id = tenant.invoice_ids[0]
    example = await ours.request("list", tenant, 0)
    for number in range(4):  # one of each form, of which an empty answer would say nothing
        await answer(ours, with_body(example, unseen(number, invoice_id)))

    def reading(documents: int, seconds: float) -> Reading:
        ids, postgres_ids = ours.process_ids, [database.postmaster_id]
        held, private = resident_megabytes(ids), resident_megabytes(postgres_ids, "RssAnon")
        return Reading(documents, held, private, cpu_seconds(ids), cpu_seconds(postgres_ids), seconds)

    readings, seconds = [reading(0, 0.0)], 0.0
    with progress_bar("Documents never seen before", scope.unseen) as made:
        for part in range(scope.readings):
            first, end = (4 + scope.unseen * each // scope.readings for each in (part, part + 1))
            request = await ours.request("list", tenant, 0)  # with a token that is still good for a while
            flood = Flood(ours.port, request, invoice_id, first, end - first, CONNECTIONS)
            seconds += (await in_process_of_its_own(flood)).seconds
            readings.append(reading(end - 4, seconds))
            made(end - first)
    return readings


def _section(
    scope: Scope, version: str, sample: Sample, idle: float, loaded: float, readings: list[Reading]
) -> Section:
    first, before_last_tenth, last = readings[0], readings[-1 - scope.readings // 10], readings[-1]
    growth = last.server / before_last_tenth.server - 1
    bounded = "it is bounded" if growth < MOST_GROWTH else "that it is bounded is not shown"
    return Section(
        "Memory: of a process of the server",
        version,
        how=[
            f"The dataset of the comparison ({scope.sizes}).",
            f"Mixed load: {scope.load_seconds:g} s of all six works, all tenants Zipf-distributed (s = 1), 16"
            " connections, in a new process.",
            f"Documents: {last.documents:,} different texts over {CONNECTIONS} connections, in another new process."
            " They differ in an alias or in the operation's name; no two are the same, so each is parsed, validated and"
            " planned. PostgreSQL's memory is what its processes share with nobody.",
        ],
        tables=[
            Table(
                ("", "server MB"),
                [
                    ("after the start", f"{idle:.1f}"),
                    (f"after {scope.load_seconds:g} s of mixed load, {sample.requests:,} requests", f"{loaded:.1f}"),
                    ("the peak meanwhile", f"{sample.peak_mb:.1f}"),
                ],
            ),
            Table(
                ("documents", "server MB", "PostgreSQL MB"),
                [
                    (f"{it.documents:,}", f"{it.server:.1f}", f"{it.postgres:.1f}")
                    for it in dict.fromkeys(readings[place * scope.readings // 100] for place in TELLING)
                ],
            ),
        ],
        found=[
            f"After {scope.load_seconds:g} s of mixed load the process holds {loaded:.0f} MB;"
            f" {judged(loaded, MOST_MB, ' MB')}.",
            f"{last.documents:,} different documents, {last.documents / last.seconds:,.0f} a second, each with"
            f" {(last.server_cpu - first.server_cpu) * 1000 / last.documents:.2f} ms of CPU in the server and"
            f" {(last.postgres_cpu - first.postgres_cpu) * 1000 / last.documents:.2f} ms in PostgreSQL:"
            f" {first.server:.0f} MB before and {last.server:.0f} MB after. In the last tenth it grows by {growth:.2%}"
            f" (less than {MOST_GROWTH:.0%} counts as none): {bounded}.",
        ],
        plots={
            "growth-memory.svg": lambda path: lines(
                path,
                "Memory while documents are asked that were never seen before",
                [short(it.documents) if it.documents else "0" for it in readings],
                {
                    "server": [it.server for it in readings],
                    "PostgreSQL, private": [it.postgres for it in readings],
                },
                unit="MB",
                across="documents",
                dots=False,
            )
        },
    )
