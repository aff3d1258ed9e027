"""What is told of search: what each text took, whole and beside the filter that one would write without it."""

from dataclasses import dataclass
from typing import Final

from bench.growth.scope import Scope
from bench.growth.section import Section, Table, judged

MOST_SEARCH_MS: Final = 10.0


@dataclass(frozen=True)
class Found:
    """What looking for one text took: milliseconds, the median and the one in a hundred (of a statement: the worst)."""

    term: str
    count: int
    answer: tuple[float, float]
    counted: tuple[float, float]
    statement: tuple[float, float]
    naive: tuple[float, float]


def section(searches: list[Found], version: str, scope: Scope) -> Section:
    return Section(
        "Search: products by a part of their name",
        version,
        how=[
            f"A tenant with {scope.products:,} products, beside another with as many: the first 20 by name of what a"
            " part of a name finds. The answer is the whole of the server's, from one connection; the statement is its"
            " own, and `ilike` the filter that one would write without it, both prepared by the tenant's role and timed"
            " where they are asked, with the way to PostgreSQL and back.",
        ],
        tables=[_searches(searches)],
        found=_found(searches),
    )


def _searches(searches: list[Found]) -> Table:
    def told(figures: tuple[float, float]) -> tuple[str, str]:
        return f"{figures[0]:.2f}", f"{figures[1]:.2f}"

    return Table(
        (
            "part of a name",
            "found",
            "answer p50 ms",
            "answer p99 ms",
            "statement p50 ms",
            "statement p99 ms",
            "`ilike` p50 ms",
            "`ilike` p99 ms",
            "counted p50 ms",
            "counted p99 ms",
        ),
        [
            (
                each.term,
                f"{each.count:,}",
                *told(each.answer),
                *told(each.statement),
                *told(each.naive),
                *told(each.counted),
            )
            for each in searches
        ],
    )


def _found(searches: list[Found]) -> list[str]:
    slowest = max(searches, key=lambda each: each.answer[0])
    naive = max(searches, key=lambda each: each.naive[0])
    counted = max(searches, key=lambda each: each.counted[0])
    return [
        f"search: the slowest answer is that to `{slowest.term}`, p50 {slowest.answer[0]:.2f} ms;"
        f" {judged(slowest.answer[0], MOST_SEARCH_MS, ' ms')}. By `ilike` under row security the slowest,"
        f" `{naive.term}`, takes {naive.naive[0]:.2f} ms for the statement alone.",
        f"search: a totalCount needs all that is found: of `{counted.term}` {counted.counted[0]:.2f} ms.",
    ]
