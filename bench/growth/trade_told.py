"""What is told of trade: the figures of each step, and whether questions stay as fast."""

from dataclasses import dataclass
from typing import Final

from bench.growth.asking import CROWD, middle
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, judged, short
from bench.load import Sample
from bench.plot import lines

ASKED: Final = {
    "own orders": "a retailer's last 20 orders, asked by one of 20 retailers for themselves",
    "orders of a retailer": "a retailer's last 20 orders with their items, asked by who sees all",
    "balance": "what a retailer owes a vendor, what is held and what is left",
    "orders of a vendor": "a vendor's 20 newest orders",
    "status": "the 20 newest orders that are placed",
    "rare status": "the 20 newest orders that came back whole, one in forty",
    "overdue": "the 20 overdue orders of which most is open",
    "queue by debt": "the 20 retailers that owe most",
    "low stock": "the 20 offers of which least is left, among those that run low",
    "conversation": "the 20 newest messages of a conversation",
    "unread": "the 20 messages that have waited longest to be read",
    "history of an order": "what the audit log says of an order",
    "statistics of a retailer": "what a retailer has bought, reckoned ahead",
    "own totals": "the dashboard's totals of a retailer",
    "totals": "the dashboard's totals: orders by status, debt, holds, what is overdue, what runs low, what is unread",
    "ageing": "what all retailers owe, by how long it has been due: a line for each of them",
}
ADDS_UP: Final = frozenset({"own totals", "totals", "ageing"})
"""They read what they add up, which grows with the trade: no goal is set for them."""
MOST_RATIO: Final = 1.2


@dataclass(frozen=True)
class Step:
    """What was found when the tenant had so many orders."""

    orders: int
    retailers: int
    vendors: int
    fill_seconds: float
    database_bytes: int
    samples: dict[str, list[Sample]]


def section(steps: list[Step], notes: list[str], version: str, scope: Scope) -> Section:
    return Section(
        "Trade: questions about orders, lines and messages",
        version,
        how=[
            f"A database of its own, with {scope.neighbours} tenants of 100 orders each, and one whose trade grows:"
            " each step adds a year of orders, with their items, postings, payments, messages and entries of the audit"
            " log, written beside the triggers, and the retailers and vendors that belong to them; then everything is"
            " added up. After each step: `vacuum (analyze)`, and a new process of the server.",
            *(f"{work}: {meaning}." for work, meaning in ASKED.items()),
            "Retailers, vendors, orders and conversations are chosen at random, of 1,000. All through GraphQL over"
            f" HTTP, from one connection and from {CROWD}.",
        ],
        tables=[_questions(steps), _sizes(steps)],
        found=[*_verdicts(steps), *notes],
        plots={
            "growth-trade.svg": lambda path: lines(
                path,
                "Questions of trade while one tenant's orders grow",
                [short(step.orders) for step in steps],
                {work: [_p50(step, work) for step in steps] for work in ASKED},
                unit="p50 in ms, one connection",
                across="orders of the tenant",
                logarithmic=True,
            )
        },
    )


def _p50(step: Step, work: str, crowd: int = 1) -> float:
    return middle(step.samples[f"{work} x{crowd}"], "p50_ms")


def _questions(steps: list[Step]) -> Table:
    return Table(
        (
            "question",
            "orders",
            "p50 ms",
            "p99 ms",
            f"requests/s x{CROWD}",
            f"p50 ms x{CROWD}",
            f"p99 ms x{CROWD}",
            f"PostgreSQL CPU ms x{CROWD}",
        ),
        [
            (
                work,
                short(step.orders),
                f"{_p50(step, work):.3f}",
                f"{middle(step.samples[f'{work} x1'], 'p99_ms'):.3f}",
                f"{middle(step.samples[f'{work} x{CROWD}'], 'per_second'):,.0f}",
                f"{_p50(step, work, CROWD):.2f}",
                f"{middle(step.samples[f'{work} x{CROWD}'], 'p99_ms'):.2f}",
                f"{middle(step.samples[f'{work} x{CROWD}'], 'postgres_cpu_ms'):.3f}",
            )
            for work in ASKED
            for step in steps
        ],
        labels=2,
    )


def _sizes(steps: list[Step]) -> Table:
    return Table(
        ("orders", "retailers", "vendors", "filled in s", "database GB"),
        [
            (
                short(step.orders),
                f"{step.retailers:,}",
                f"{step.vendors:,}",
                f"{step.fill_seconds:.0f}",
                f"{step.database_bytes / 1e9:.2f}",
            )
            for step in steps
        ],
    )


def _verdicts(steps: list[Step]) -> list[str]:
    if len(steps) < 2:
        return []
    first, last = steps[0], steps[-1]
    found = []
    for work in ASKED:
        before, after = _p50(first, work), _p50(last, work)
        crowds = _p50(last, work, CROWD) / _p50(first, work, CROWD)
        words = "it reads more rows, and no goal is set" if work in ADDS_UP else judged(after / before, MOST_RATIO)
        found.append(
            f"{work}: p50 {before:.3f} ms with {short(first.orders)} orders, {after:.3f} ms with"
            f" {short(last.orders)}, {after / before:.2f} times as long; {words}. From {CROWD} connections"
            f" {crowds:.2f} times as long."
        )
    return found
