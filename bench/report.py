"""Telling what came of it: a table on the terminal, and a page that says where goals are missed and by how much."""

from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import plot
from bench.load import Sample
from bench.machine import machine, versions
from bench.run import MANY, ONE, Result, Scope
from bench.works import WORKS

OURS: Final = "countinghouse"
CEILING: Final = "pgbench"
RIVAL: Final = "postgraphile"
TUNED_RIVAL: Final = "postgraphile tuned"
# What we hold ourselves to: (floor, goal) against PostGraphile with one tenant, the floor with many, and the share of
# pgbench's ceiling. The prototype's 6 and 5 were for a list and a point.
AGAINST_RIVAL: Final = {"list": (4.0, 6.0), "point": (3.5, 5.0), "tree": (4.0, None), "report": (4.0, None)}
AGAINST_RIVAL_MANY: Final = (3.0, None)
NOTHING_ASKED: Final = (None, None)
OF_CEILING: Final = {"point": 0.45, "list": 0.75, "tree": 0.95}
POINT_CPU_MS: Final = 0.25
FLOORS: Final = ("bare ASGI", "select 1")
HEADINGS: Final = (
    "crowd", "work", "peer", "requests/s", "spread", "p50 ms", "p99 ms", "server CPU ms", "PostgreSQL CPU ms",
    "load CPU ms", "peak MB", "x PostGraphile", "of pgbench",
)  # fmt: skip
_CPU: Final = ("server_cpu_ms", "postgres_cpu_ms", "load_cpu_ms")


def rate(samples: list[Sample]) -> float:
    """Requests per second, the median of the rounds."""
    return median(sample.per_second for sample in samples)


def ratio(result: Result, crowd: str, work: str, name: str, of: str) -> float | None:
    """How many times the rate of another a contestant has; None where one of them was not asked.

    The median of the rounds' own ratios: two that stand in the same round had the same machine.
    """
    mine = result.samples.get((crowd, work, name), [])
    theirs = result.samples.get((crowd, work, of), [])
    pairs = zip(mine, theirs, strict=False)
    return median(found) if (found := [m.per_second / t.per_second for m, t in pairs if t.per_second]) else None


def rows(result: Result) -> list[tuple[str, ...]]:
    """One row of figures for each crowd, work and contestant: medians of the rounds."""
    found = []
    for (crowd, work, name), samples in result.samples.items():
        rates = sorted(sample.per_second for sample in samples)
        spread = (rates[-1] - rates[0]) / rate(samples) if rate(samples) else 0.0
        rival = ratio(result, crowd, work, name, RIVAL)
        ceiling = ratio(result, crowd, work, name, CEILING)
        found.append(
            (
                crowd,
                work,
                name,
                f"{rate(samples):,.0f}",
                f"{spread:.0%}",
                *(f"{median(getattr(each, figure) for each in samples):.2f}" for figure in ("p50_ms", "p99_ms")),
                *(f"{median(getattr(e, f) for e in samples):.3f}" for f in _CPU),
                f"{max(each.peak_mb for each in samples):.0f}",
                "" if rival is None else f"{rival:.2f}",
                "" if ceiling is None else f"{ceiling:.0%}",
            )
        )
    return found


def verdicts(result: Result) -> list[str]:
    """A sentence for each floor and goal that could be judged, with by how much it is missed."""
    found = []
    for (crowd, work, name), samples in result.samples.items():
        if name != OURS:
            continue
        rival = ratio(result, crowd, work, OURS, RIVAL)
        if rival is not None:
            wanted = AGAINST_RIVAL.get(work, NOTHING_ASKED) if crowd == ONE else AGAINST_RIVAL_MANY
            tuned = ratio(result, crowd, work, OURS, TUNED_RIVAL)
            aside = "" if tuned is None else f" ({tuned:.2f} times the one that is tuned beyond its guide)"
            found.append(f"{work}, {crowd}: {rival:.2f} times PostGraphile{aside}{_judged(rival, *wanted)}.")
        ceiling = ratio(result, crowd, work, OURS, CEILING)
        if ceiling is not None and work in OF_CEILING:
            goal = OF_CEILING[work]
            words = "goal met" if ceiling >= goal else f"the goal of {goal:.0%} is missed by {1 - ceiling / goal:.0%}"
            found.append(f"{work}, {crowd}: {ceiling:.0%} of pgbench; {words}.")
        if crowd == ONE and work == "point":
            cpu = median(sample.server_cpu_ms for sample in samples)
            words = "floor met" if cpu <= POINT_CPU_MS else f"missed by {cpu / POINT_CPU_MS - 1:.0%}"
            found.append(f"point, {crowd}: {cpu:.3f} ms of CPU in the server for each request; {words} (at most 0.25).")
        if crowd == MANY and (one := result.samples.get((ONE, work, OURS))):
            share = rate(samples) / rate(one)
            words = "goal met" if share >= 0.8 else "the goal of 80% is missed"
            found.append(f"{work}: with many tenants {share:.0%} of the rate with one; {words}.")
    return found


def _judged(found: float, floor: float | None, goal: float | None) -> str:
    """What to say of a ratio whose floor and goal, where there are any, are these."""
    if floor is None:
        return ""
    if found < floor:
        return f"; the floor of {floor:g} is missed by {1 - found / floor:.0%}"
    if goal is None:
        return f"; the floor of {floor:g} is met"
    return f"; the goal of {goal:g} is " + ("met" if found >= goal else f"missed by {1 - found / goal:.0%}")


def print_table(result: Result, console: Console) -> None:
    """The figures and the verdicts."""
    table = Table(*HEADINGS)
    for row in rows(result):
        table.add_row(*row)
    console.print(table)
    for line in [*verdicts(result), *result.notes]:
        console.print(line, markup=False, highlight=False)


def write_page(result: Result, scope: Scope, command: str, path: Path) -> None:
    """The page of the results."""
    plots = _plots(result, scope, path.parent)
    lines = [
        "# The benchmark's results",
        "",
        f"Written by `{command}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        "",
        f"- Machine: {machine()}.",
        f"- Versions: {versions(result.postgres_version)}.",
        f"- Rows: {scope.sizes}.",
        f"- {scope.rounds} interleaved rounds of {scope.seconds:g} s each after {scope.warm_seconds:g} s of warming,"
        " 16 clients at once; the load generator, the server and PostgreSQL share the cores, so the"
        " CPU of all three is told.",
        "- Figures are medians of the rounds, ratios those of the ratios within a round; the spread is the distance"
        " between the fastest and the slowest round in parts of the median; memory is the highest peak. Many tenants"
        " are asked Zipf-distributed (s = 1).",
        "- PostGraphile is set up as its guide advises for production: a persisted operation, and a token verified for"
        " each request. A second one, `postgraphile tuned`, has what the guide does not advise: tokens that are"
        " verified once, as ours are, and answers written as strings.",
        "- Each peer has as many connections to PostgreSQL as it opens unless told otherwise: ours 10, of which"
        " one tenant holds 8 at most, PostGraphile and stock Strawberry 10, pgbench 16.",
        "- pgbench sends our own generated statements; `select 1` and a bare ASGI answer are the two floors.",
        "",
        "## Works",
        "",
        *(f"- {work}: {WORKS[work].meaning}." for work in scope.works),
        "",
        "## Figures",
        "",
        *(f"![Requests per second, {crowd}]({name})" for crowd, name in plots.items()),
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|---|---|---|" + "--:|" * (len(HEADINGS) - 3),
        *("| " + " | ".join(row) + " |" for row in rows(result)),
        "",
        "## Floors and goals",
        "",
        *(f"- {line}" for line in verdicts(result)),
    ]
    if result.notes:
        lines += ["", "## Left out", "", *(f"- {' '.join(note.split())}" for note in result.notes)]
    path.write_text("\n".join(lines) + "\n")


def _plots(result: Result, scope: Scope, directory: Path) -> dict[str, str]:
    """A plot of the rates for each crowd, beside the page; the names of their files."""
    found = {}
    for crowd in scope.crowds:
        names = list(dict.fromkeys(name for key, _, name in result.samples if key == crowd))
        series = {
            name: [
                rate(result.samples[crowd, work, name]) if (crowd, work, name) in result.samples else None
                for work in scope.works
            ]
            for name in names
            if name not in FLOORS
        }
        found[crowd] = f"results-{crowd.split()[0]}.svg"
        plot.bars(
            directory / found[crowd],
            f"Requests per second, {crowd}",
            scope.works,
            series,
            unit="requests/s",
            logarithmic=True,
        )
    return found
