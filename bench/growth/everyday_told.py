"""What is told of everyday: the figures of each step, and whether lists and points stay as fast."""

from dataclasses import dataclass
from typing import Final

from bench.growth.asking import CROWD, middle
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, judged, short
from bench.load import Sample
from bench.plot import lines

ASKED: Final = {
    "status": "the 20 newest invoices that are paid in part, each with its client",
    "payments of an invoice": "one invoice with its allocations and their payments",
    "payments of a client": "a client's 20 newest payments, each with its method",
    "ageing of a client": "a client's overdue invoices, the one due first at first",
    "ageing": "what all clients owe, by how long it has been due",
    "overdue": "the 20 invoices that have been overdue longest, each with its client",
    "revenue": "invoices and payments of the last twelve months, grouped by month, with count and sum",
    "revenue ahead": "the figures of the same months as the worker has reckoned them, with how old they are",
}
ADDS_UP: Final = frozenset({"ageing", "revenue"})
"""They read what they add up, which grows with the books: no goal is set for them."""
MOST_RATIO: Final = 1.2


@dataclass(frozen=True)
class Step:
    """What was found when the tenant had so many invoices."""

    invoices: int
    payments: int
    clients: int
    fill_seconds: float
    database_bytes: int
    samples: dict[str, list[Sample]]


def section(steps: list[Step], notes: list[str], version: str, scope: Scope) -> Section:
    labels = [short(step.invoices) for step in steps]

    def p50(step: Step, work: str, crowd: int = 1) -> float:
        return middle(step.samples[f"{work} x{crowd}"], "p50_ms")

    return Section(
        "Everyday: questions about invoices and payments",
        version,
        how=[
            f"A database of its own, with {scope.neighbours} tenants of 100 invoices each, and one whose books grow:"
            " each step adds three years of invoices, younger than all before, and twice as many payments, allocated"
            " to them. They are written beside the triggers; then the figures of 50 clients and of 1,000 invoices are"
            " compared with what the triggers' functions make of them. After each step: `vacuum (analyze)`, and a new"
            " process of the server.",
            *(f"{work}: {meaning}." for work, meaning in ASKED.items()),
            "Invoices and clients are chosen at random, of 5,000 and of 1,000. All through GraphQL over HTTP, from one"
            f" connection and from {CROWD}.",
        ],
        tables=[
            Table(
                (
                    "work",
                    "invoices",
                    "p50 ms",
                    "p99 ms",
                    f"requests/s x{CROWD}",
                    f"p50 ms x{CROWD}",
                    f"p99 ms x{CROWD}",
                    f"server CPU ms x{CROWD}",
                    f"PostgreSQL CPU ms x{CROWD}",
                ),
                [
                    (
                        work,
                        label,
                        f"{p50(step, work):.3f}",
                        f"{middle(step.samples[f'{work} x1'], 'p99_ms'):.3f}",
                        f"{middle(step.samples[f'{work} x{CROWD}'], 'per_second'):,.0f}",
                        f"{p50(step, work, CROWD):.2f}",
                        f"{middle(step.samples[f'{work} x{CROWD}'], 'p99_ms'):.2f}",
                        f"{middle(step.samples[f'{work} x{CROWD}'], 'server_cpu_ms'):.3f}",
                        f"{middle(step.samples[f'{work} x{CROWD}'], 'postgres_cpu_ms'):.3f}",
                    )
                    for work in ASKED
                    for label, step in zip(labels, steps, strict=True)
                ],
                labels=2,
            ),
            Table(
                ("invoices", "payments", "clients", "filled in s", "database GB"),
                [
                    (
                        label,
                        f"{step.payments:,}",
                        f"{step.clients:,}",
                        f"{step.fill_seconds:.0f}",
                        f"{step.database_bytes / 1e9:.2f}",
                    )
                    for label, step in zip(labels, steps, strict=True)
                ],
            ),
        ],
        found=[*_verdicts(steps), *notes],
        plots={
            "growth-everyday.svg": lambda path: lines(
                path,
                "Everyday questions while one tenant's books grow",
                labels,
                {work: [p50(step, work) for step in steps] for work in ASKED},
                unit="p50 in ms, one connection",
                across="invoices of the tenant, with twice as many payments",
                logarithmic=True,
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
        crowds = [middle(step.samples[f"{work} x{CROWD}"], "p50_ms") for step in (first, last)]
        words = "it reads more rows, and no goal is set" if work in ADDS_UP else judged(after / before, MOST_RATIO)
        found.append(
            f"{work}: p50 {before:.3f} ms with {short(first.invoices)} invoices, {after:.3f} ms with"
            f" {short(last.invoices)}, {after / before:.2f} times as long; {words}. From {CROWD} connections"
            f" {crowds[1] / crowds[0]:.2f} times as long."
        )
    return found
