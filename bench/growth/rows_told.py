"""What is told of the rows: the figures of each step, and whether p50 stays where it was."""

from dataclasses import dataclass
from typing import Final

from bench.growth.asking import CROWD, middle
from bench.growth.bends import bend
from bench.growth.explain import Explained
from bench.growth.section import Section, Table, judged, short
from bench.load import Sample
from bench.plot import lines
from bench.works import WORKS

ASKED: Final = ("list", "point", "page50")
INDEXES: Final = ("invoices_pkey", "invoices_issue_date", "invoice_lines_position_unique", "clients_pkey")
MOST_RATIO: Final = 1.2
NEIGHBOUR: Final = 1_000
"""Invoices of the second tenant."""


@dataclass(frozen=True)
class Step:
    """What was found when the tenant had so many invoices."""

    invoices: int
    clients: int
    fill_seconds: float
    database_bytes: int
    table_bytes: int
    index_bytes: int
    levels: tuple[int, ...]
    """Of each of INDEXES, the leaves included."""
    missed: float
    """The share of blocks that were not in shared_buffers while requests were measured."""
    samples: dict[str, list[Sample]]
    explained: dict[str, Explained]


def section(steps: list[Step], notes: list[str], version: str) -> Section:
    labels = [short(step.invoices) for step in steps]

    def p50(step: Step, work: str) -> float:
        return middle(step.samples[f"{work} x1"], "p50_ms")

    return Section(
        "Rows: one tenant, more and more invoices",
        version,
        how=[
            "A database of its own. One tenant grows from step to step; each step adds invoices younger than all"
            " before, each with one line, and clients, of whom there is one for 200 invoices. Beside it stands a tenant"
            f" with {NEIGHBOUR:,} invoices. After each step: `vacuum (analyze)`, and a new process of the server.",
            *(f"{work}: {WORKS[work].meaning}." for work in ASKED),
            "point asks for one of 5,000 invoices chosen at random. Latency is measured over one connection, requests/s"
            " and CPU over 16. The neighbour is the second tenant, asked the same over one connection: its invoices"
            " stay what they are, so what changes its p50 is the machine, or the size of the tables that it shares.",
        ],
        tables=[
            Table(
                (
                    "invoices",
                    "work",
                    "p50 ms",
                    "p99 ms",
                    "the neighbour's p50 ms",
                    "requests/s x16",
                    "p50 ms x16",
                    "server CPU ms x16",
                    "PostgreSQL CPU ms x16",
                ),
                [
                    (
                        label,
                        work,
                        f"{p50(step, work):.3f}",
                        f"{middle(step.samples[f'{work} x1'], 'p99_ms'):.3f}",
                        f"{middle(step.samples[f'{work} beside'], 'p50_ms'):.3f}",
                        f"{middle(step.samples[f'{work} x{CROWD}'], 'per_second'):,.0f}",
                        f"{middle(step.samples[f'{work} x{CROWD}'], 'p50_ms'):.2f}",
                        f"{middle(step.samples[f'{work} x{CROWD}'], 'server_cpu_ms'):.3f}",
                        f"{middle(step.samples[f'{work} x{CROWD}'], 'postgres_cpu_ms'):.3f}",
                    )
                    for work in ASKED
                    for label, step in zip(labels, steps, strict=True)
                ],
                labels=2,
            ),
            Table(
                (
                    "invoices",
                    "clients",
                    "filled in s",
                    "database GB",
                    "table GB",
                    "its indexes GB",
                    *(f"levels of {name}" for name in INDEXES),
                    "blocks not in shared_buffers",
                ),
                [
                    (
                        label,
                        f"{step.clients:,}",
                        f"{step.fill_seconds:.0f}",
                        *(f"{size / 1e9:.2f}" for size in (step.database_bytes, step.table_bytes, step.index_bytes)),
                        *(str(level) for level in step.levels),
                        f"{step.missed:.2%}",
                    )
                    for label, step in zip(labels, steps, strict=True)
                ],
            ),
            Table(
                ("invoices", "work", "statement ms", "blocks hit", "blocks read"),
                [
                    (label, work, f"{it.execution_ms:.3f}", str(it.hit), str(it.read))
                    for work in ASKED
                    for label, step in zip(labels, steps, strict=True)
                    for it in (step.explained[work],)
                ],
                labels=2,
            ),
        ],
        found=[*_verdicts(steps), *_bends(steps), *_levels(steps), *_ways(steps), *notes],
        plots={
            "growth-rows.svg": lambda path: lines(
                path,
                "One tenant's answers while its invoices grow",
                labels,
                {work: [p50(step, work) for step in steps] for work in ASKED},
                unit="p50 in ms, one connection",
                across="invoices of the tenant",
            )
        },
    )


def _verdicts(steps: list[Step]) -> list[str]:
    if len(steps) < 2:
        return []
    first, last = steps[0], steps[-1]
    found = []
    for work in ASKED:
        before, after = (middle(step.samples[f"{work} x1"], "p50_ms") for step in (first, last))
        beside = [middle(step.samples[f"{work} beside"], "p50_ms") for step in (first, last)]
        blocks = [step.explained[work].hit + step.explained[work].read for step in (first, last)]
        found.append(
            f"{work}: p50 {before:.3f} ms with {short(first.invoices)} invoices, {after:.3f} ms with"
            f" {short(last.invoices)}, {after / before:.2f} times as long; {judged(after / before, MOST_RATIO)}. The"
            f" neighbour's p50 is {beside[1] / beside[0]:.2f} times as long at the last step as at the first. The"
            f" statement touches {blocks[0]} blocks and {blocks[1]}, of which {last.explained[work].read} were not in"
            " shared_buffers."
        )
    return found


def _bends(steps: list[Step]) -> list[str]:
    """Where p50 turns upwards, and what then is more than before."""
    invoices = [step.invoices for step in steps]
    found = []
    for work in ASKED:
        blocks = ", ".join(str(step.explained[work].hit + step.explained[work].read) for step in steps)
        times = [middle(step.samples[f"{work} x1"], "p50_ms") for step in steps]
        found.append(f"{bend(f'{work}: p50', 'invoices', invoices, times)} The statement touches {blocks} blocks.")
    return found


def _levels(steps: list[Step]) -> list[str]:
    """Which indexes have become deeper, which is what a look-up by key pays for."""
    first, last = steps[0].levels, steps[-1].levels
    grown = [f"{name} from {a} levels to {b}" for name, a, b in zip(INDEXES, first, last, strict=True) if a != b]
    if not grown:
        return []
    return [
        f"Between the first step and the last, {', '.join(grown)}: each look-up by a key touches one block more for"
        " each level, and list looks up 20 invoices' clients and 20 invoices' lines."
    ]


def _ways(steps: list[Step]) -> list[str]:
    """How the largest step is read, and whether any step is read in another way."""
    found = []
    for work in ASKED:
        ways = {step.explained[work].ways for step in steps}
        known = ", ".join(steps[-1].explained[work].ways)
        how = "the same way at every step" if len(ways) == 1 else "in more than one way; at last"
        found.append(f"{work} is read {how}: {known}.")
    return found
