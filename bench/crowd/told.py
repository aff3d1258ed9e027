"""Telling what the crowd saw: tables, what is to be said of them, a page and a plot."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import plot
from bench.crowd.deeds import DEEDS, WEIGHTS
from bench.crowd.load import Sample
from bench.crowd.questions import QUESTIONS
from bench.crowd.run import MIXED, POSTGRAPHILE, READS, Result, Scope, Stay
from bench.load import percentile
from bench.machine import machine, versions

PAGE: Final = "CROWD.md"
PLOT: Final = "crowd.svg"
SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
WHAT: Final = {"reads": tuple(question.name for question in QUESTIONS), "writes": DEEDS}
HEADINGS: Final = (
    "contestant", "requests/s", "errors", "server CPU ms", "PostgreSQL CPU ms", "crowd CPU ms", "cores busy",
    "server MB", "PostgreSQL MB", "connections", "of these busy",
)  # fmt: skip
WAITS: Final = ("contestant", "", "answers", "p50 ms", "p95 ms", "p99 ms", "max ms")


def rows(result: Result) -> list[tuple[str, ...]]:
    """What each contestant did and cost: medians of the rounds, and all errors of all rounds."""
    found = []
    for name, stays in result.stays.items():
        cores = [(it.server_cpu + it.postgres_cpu + it.load_cpu) / it.seconds for it in _samples(stays)]
        found.append(
            (
                name,
                f"{median(it.answers / it.seconds for it in _samples(stays)):,.0f}",
                f"{errors_of(stays).total():,}",
                *(
                    f"{median(getattr(it, whose) * 1000 / max(it.answers, 1) for it in _samples(stays)):.2f}"
                    for whose in ("server_cpu", "postgres_cpu", "load_cpu")
                ),
                f"{median(cores):.2f}",
                *(
                    f"{median(getattr(it, whose) for it in _samples(stays)):.0f}"
                    for whose in ("server_mb", "postgres_mb")
                ),
                f"{max(stay.connections for stay in stays)}",
                f"{max(stay.busy for stay in stays)}",
            )
        )
    return found


def waits(result: Result) -> list[tuple[str, ...]]:
    """How long answers took, of all rounds together: all reads, all writes, and each question and deed."""
    found = []
    for name, stays in result.stays.items():
        for what, names in WHAT.items():
            if any(seconds_of(stays, names)):
                found.append((name, f"all {what}", *_figures(seconds_of(stays, names))))
    for name, stays in result.stays.items():
        one_by_one = ((each, seconds_of(stays, (each,))) for each in (*WHAT["reads"], *WHAT["writes"]))
        found += [(name, each, *_figures(seconds)) for each, seconds in one_by_one if seconds]
    return found


def verdicts(result: Result, scope: Scope) -> list[str]:
    """What is to be said of the figures."""
    found = []
    for name, stays in result.stays.items():
        errors = errors_of(stays)
        told = ", ".join(f"{count:,} x {what}" for what, count in errors.most_common())
        answers = sum(it.answers for it in _samples(stays))
        found.append(f"{name}: {told or 'no error'} in {answers:,} answers that were measured, and in the warming.")
        found += [f"For example: {example}" for stay in stays for example in stay.sample.examples][:3]
    if MIXED in result.stays:
        stays = result.stays[MIXED]
        reads, writes = (seconds_of(stays, names) for names in WHAT.values())
        found.append(
            f"With {scope.people:,} people the p99 is {percentile(reads, 0.99) * 1000:,.0f} ms of reads and"
            f" {percentile(writes, 0.99) * 1000:,.0f} ms of writes, which are"
            f" {len(writes) / max(1, len(reads) + len(writes)):.1%} of all."
        )
        found.append(_limit(stays, scope))
    if READS in result.stays and POSTGRAPHILE in result.stays:
        pairs = zip(_samples(result.stays[READS]), _samples(result.stays[POSTGRAPHILE]), strict=True)
        ratio = median((ours.answers / ours.seconds) / (theirs.answers / theirs.seconds) for ours, theirs in pairs)
        mine, other = (seconds_of(result.stays[name], WHAT["reads"]) for name in (READS, POSTGRAPHILE))
        found.append(
            f"The same people with the same reads get {ratio:.1f} times as many answers of ours as of PostGraphile, and"
            f" wait {percentile(mine, 0.5) * 1000:,.0f} ms for half of them where they wait"
            f" {percentile(other, 0.5) * 1000:,.0f} there."
        )
    found.append(
        f"{result.deeds:,} entries of the audit log were written. Afterwards the trial balance is zero, no line is over"
        " its limit, no stock is below nothing or less than is kept, and every order is what its items and its hold"
        " say: checked in each organisation after the last round."
    )
    return found


def _limit(stays: Sequence[Stay], scope: Scope) -> str:
    """How much of what the people would ask for the machine can answer."""
    rate = median(it.answers / it.seconds for it in _samples(stays))
    cost = median((it.server_cpu + it.postgres_cpu + it.load_cpu) / max(it.answers, 1) for it in _samples(stays))
    wanted = scope.people / scope.think_seconds
    return (
        f"Who never waited would send {wanted:,.0f} requests a second; {rate:,.0f} are answered, because who waits does"
        f" not ask. A request costs {cost * 1000:.2f} ms of all processes together, so that {wanted:,.0f} want"
        f" {wanted * cost:.1f} cores."
    )


def errors_of(stays: Iterable[Stay]) -> Counter[str]:
    """How often each thing went wrong, in all rounds."""
    found: Counter[str] = Counter()
    for stay in stays:
        found.update(stay.sample.errors)
    return found


def seconds_of(stays: Iterable[Stay], names: Iterable[str]) -> list[float]:
    """How long these questions or deeds took, in order, in all rounds."""
    return sorted(each for stay in stays for name in names for each in stay.sample.latencies.get(name, ()))


def _samples(stays: Iterable[Stay]) -> list[Sample]:
    return [stay.sample for stay in stays]


def _figures(seconds: list[float]) -> tuple[str, ...]:
    points = [percentile(seconds, share) for share in SHARES.values()]
    return (f"{len(seconds):,}", *(f"{each * 1000:,.1f}" for each in (*points, seconds[-1])))


def print_tables(result: Result, scope: Scope, console: Console) -> None:
    """The figures and what is to be said of them."""
    for headings, lines in ((HEADINGS, rows(result)), (WAITS, waits(result))):
        table = Table(*headings)
        for line in lines:
            table.add_row(*line)
        console.print(table)
    for sentence in verdicts(result, scope):
        console.print(sentence, markup=False, highlight=False)


def write_page(result: Result, scope: Scope, command: str, directory: Path) -> None:
    """The page and its plot."""
    directory.mkdir(parents=True, exist_ok=True)
    title = f"How long {scope.people:,} people wait for an answer"
    series = {}
    for name, stays in result.stays.items():
        for what, names in WHAT.items():
            if seconds := seconds_of(stays, names):
                label = name if what == "reads" and name != MIXED else f"{name}: {what}"
                series[label] = [percentile(seconds, share) * 1000 for share in SHARES.values()]
    plot.bars(directory / PLOT, title, list(SHARES), series, unit="ms", logarithmic=True)
    roles = ", ".join(f"{count:,} {role}s" for role, count in result.people.items())
    shape = scope.shape
    deeds = ", ".join(f"{deed} {weight}" for deed, weight in WEIGHTS.items())
    lines = [
        "# A crowd",
        "",
        f"Written by `{command}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        "",
        f"- Machine: {machine()}. The crowd, the server and PostgreSQL share it.",
        f"- Versions: {versions(result.postgres_version)}.",
        f"- People: {scope.people:,} ({roles}: people of the organisation, of its vendors, of its retailers), each with"
        " an account, a membership, a session, an access token of it and one connection that is kept. They think for"
        f" {scope.think_seconds:g} s on average, exponentially distributed with a seed, ask, wait for the answer and"
        " think again. They come within four seconds.",
        "- A session's access token comes as `Authorization: Bearer`: there is no other way to be signed in. Where the"
        " refresh token lives in a cookie, requests cost the same: it is read by `sessionRefresh` alone, every ten"
        " minutes.",
        f"- Books: {scope.organisations} organisations of {shape.retailers:,} retailers, {shape.vendors} vendors,"
        f" {shape.products:,} products and {scope.orders:,} orders each.",
        f"- Writes: {scope.writes:.0%} of what is sent, all by operators. Of 100 that are wished for: {deeds}; where no"
        " order waits for a step the one before it is done, so that creating and placing are more, and delivering less."
        " Each order is taken on by whoever made it.",
        f"- {scope.rounds} interleaved rounds of {scope.seconds:g} s after {scope.warm_seconds:g} s of coming and"
        " warming, each with a server that was started for it. Rates, CPU and memory are medians of the rounds; waits"
        " are those of all rounds; errors are those of all rounds and of the warming, closed connections among them.",
        "- Cores busy are those of the crowd, the server and PostgreSQL together. Where that is less than all cores,"
        " others worked on the machine, for people who wait keep all of it busy.",
        "- Memory is the proportional set size at the end of a round, of all processes of each. PostgreSQL's has its"
        " buffers (1 GB at most) in it.",
        "- PostGraphile as in RESULTS.md, with tokens that are verified once; its pgSettings put the same role, person"
        " and scope on each transaction, so that the same policies hold. Answers were compared before the first round,"
        " for a person of each role. It has no search: `nameKey: {includes}` is its nearest.",
        "",
        "## Figures",
        "",
        f"![{title}]({PLOT})",
        "",
        *_table(HEADINGS, rows(result), 1),
        "",
        "## Waits",
        "",
        *_table(WAITS, waits(result), 2),
        "",
        "## What is to be said",
        "",
        *(f"- {sentence}" for sentence in verdicts(result, scope)),
    ]
    (directory / PAGE).write_text("\n".join(lines) + "\n")


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]], words: int) -> list[str]:
    return [
        "| " + " | ".join(headings) + " |",
        "|" + "---|" * words + "--:|" * (len(headings) - words),
        *("| " + " | ".join(line) + " |" for line in lines),
    ]
