"""Telling what came of the works: a table, whether the goal is met, a page and a plot of each."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import plot
from bench.ledger.run import FLOOR, OURS, Result, Scope
from bench.machine import machine, versions

PAGE: Final = "LEDGER.md"
GOAL: Final = 0.5
"""Of the function alone, which is the whole of what our server adds nothing to."""
HEADINGS: Final = (
    "crowd", "contestant", "a second", "spread", "p50 ms", "p99 ms", "server CPU ms", "PostgreSQL CPU ms",
    "load CPU ms", "of the function", "of two bare rows",
)  # fmt: skip
_CPU: Final = ("server_cpu_ms", "postgres_cpu_ms", "load_cpu_ms")


def rate(result: Result, crowd: str, name: str) -> float:
    """How often a second, the median of the rounds."""
    return median(sample.per_second for sample in result.samples[crowd, name])


def ratio(result: Result, crowd: str, name: str, of: str) -> float:
    """The median of the rounds' own ratios: two that stand in the same round had the same machine."""
    pairs = zip(result.samples[crowd, name], result.samples[crowd, of], strict=True)
    found = [mine.per_second / theirs.per_second for mine, theirs in pairs if theirs.per_second]
    return median(found) if found else 0.0


def rows(result: Result) -> list[tuple[str, ...]]:
    """One row of figures for each crowd and contestant: medians of the rounds."""
    found = []
    for (crowd, name), samples in result.samples.items():
        rates = sorted(sample.per_second for sample in samples)
        spread = (rates[-1] - rates[0]) / median(rates) if median(rates) else 0.0
        found.append(
            (
                crowd,
                name,
                f"{median(rates):,.0f}",
                f"{spread:.0%}",
                *(f"{median(getattr(each, figure) for each in samples):.2f}" for figure in ("p50_ms", "p99_ms")),
                *(f"{median(getattr(each, figure) for each in samples):.3f}" for figure in _CPU),
                f"{ratio(result, crowd, name, result.work.function_name):.0%}",
                f"{ratio(result, crowd, name, FLOOR):.0%}",
            )
        )
    return found


def verdicts(result: Result) -> list[str]:
    """A sentence for each crowd, and what was checked."""
    found = []
    crowds = tuple(dict.fromkeys(crowd for crowd, _ in result.samples))
    for crowd in crowds:
        share = ratio(result, crowd, OURS, result.work.function_name)
        words = "is met" if share >= GOAL else f"is missed by {1 - share / GOAL:.0%}"
        found.append(
            f"{crowd}: {share:.0%} of the function alone, and {ratio(result, crowd, OURS, FLOOR):.0%} of two bare rows;"
            f" the goal of {GOAL:.0%} of the function {words}."
        )
    if len(crowds) > 1:
        spread, contended = (rate(result, crowd, OURS) for crowd in crowds)
        found.append(f"With all of them on {crowds[1]} {contended / max(spread, 1):.0%} of the rate with {crowds[0]}.")
    found.append(f"It was done {result.done:,} times. {result.work.checked}: checked after the last round.")
    return found


def print_tables(results: Sequence[Result], console: Console) -> None:
    """The figures and the verdicts."""
    for result in results:
        table = Table(*HEADINGS, title=result.work.title, title_justify="left")
        for row in rows(result):
            table.add_row(*row)
        console.print(table)
        for line in verdicts(result):
            console.print(line, markup=False, highlight=False)


def write_page(results: Sequence[Result], scope: Scope, command: str, directory: Path) -> None:
    """The page and its plots."""
    directory.mkdir(parents=True, exist_ok=True)
    settings = ", ".join(f"{name} {value}" for name, value in results[0].settings.items())
    lines = [
        "# What money costs to move",
        "",
        f"Written by `{command}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        "",
        f"- Machine: {machine()}.",
        f"- Versions: {versions(results[0].postgres_version)}.",
        f"- The database: {settings}. Each mutation is committed by itself, to the disk.",
        f"- {scope.rounds} interleaved rounds of {scope.seconds:g} s each after {scope.warm_seconds:g} s of warming,"
        " 16 connections; the load generator, the server and PostgreSQL share the cores, so the CPU of all three is"
        " told, for each mutation.",
        "- Figures are medians of the rounds, ratios those of the ratios within a round; the spread is the distance"
        " between the fastest and the slowest round in parts of the median.",
        f"- {OURS}: the mutation over HTTP, with the connections that the server opens by itself: 6 that write.",
        "- The function in pgbench: what that mutation calls, under the tenant's role and context, on 16 connections.",
        f"- {FLOOR}: a begin, two inserts into a table of two columns without an index, a commit; on 16 connections.",
    ]
    for result in results:
        lines += ["", *_section(result, directory)]
    (directory / PAGE).write_text("\n".join(lines) + "\n")


def _section(result: Result, directory: Path) -> list[str]:
    work = result.work
    names = (OURS, work.function_name, FLOOR)
    series = {name: [rate(result, crowd, name) for crowd in work.crowds] for name in names}
    title = f"{work.title} a second, 16 connections"
    drawn = f"ledger-{work.title.partition(' ')[0].lower()}.svg"
    plot.bars(directory / drawn, title, tuple(work.crowds), series, unit="a second", logarithmic=True)
    return [
        f"## {work.title}",
        "",
        f"- `{work.document}`",
        *(f"- {sentence}" for sentence in work.meaning),
        "",
        f"![{title}]({drawn})",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|---|---|" + "--:|" * (len(HEADINGS) - 2),
        *("| " + " | ".join(row) + " |" for row in rows(result)),
        "",
        *(f"- {line}" for line in verdicts(result)),
    ]
