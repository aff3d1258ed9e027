"""What is told of the tenants: the figures of each step, and what a sign-up costs with the most of them."""

from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.growth.asking import CROWD, middle
from bench.growth.bends import bend
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, short
from bench.load import Sample, percentile
from bench.plot import lines
from gql.iam.tokens.principals import REMEMBERED_SECONDS

ASKED: Final = ("list", "point")
ALL: Final = "all in rotation"
ALONE: Final = "one alone"
CLIENTS, INVOICES, LINES = 5, 4, 2
AFTER: Final = 4
"""Requests of each connection in a burst."""

WHEN: Final = ("before", "during", "after")
_SIGNING_UP: Final = (
    "signUp p50 ms",
    "signUp p99 ms",
    "signUpConfirm p50 ms",
    "signUpConfirm p99 ms",
    "first answer p50 ms",
    "first answer p99 ms",
)


@dataclass(frozen=True)
class SignUp:
    """One sign-up through the public mutations while the server works, in milliseconds."""

    asked: float
    """signUp, which sends the code."""
    confirmed: float
    """signUpConfirm, which makes the account, the organisation and its database role."""
    first: float
    """The new tenant's first answer."""
    before: tuple[float, ...]
    during: tuple[float, ...]
    after: tuple[float, ...]
    """Answers to other tenants, just before, from the same moment on and just after, in order of length."""


@dataclass(frozen=True)
class Step:
    """What was found with so many tenants."""

    tenants: int
    made: int
    """How many of them were made in this step."""
    made_seconds: float
    late_making_ms: float
    """Making one by the operator's functions when most were there, without a server at work."""
    samples: dict[str, list[Sample]]
    resident_mb: float
    postgres_mb: float
    sign_ups: list[SignUp]


def section(steps: list[Step], scope: Scope, version: str) -> Section:
    labels = [short(step.tenants) for step in steps]
    names = [f"{work}, {whom}" for work in ASKED for whom in (ALL, ALONE)]
    return Section(
        "Tenants: more and more of them in one database",
        version,
        how=[
            f"A database of its own; each tenant has {CLIENTS} clients with {INVOICES} invoices of {LINES} lines each,"
            " made through the operator's own functions. One process of the server, 16 connections. Asked are all"
            " tenants alike, chosen at random, and one of them alone.",
            "Memory: what the server's process holds, and what PostgreSQL's processes hold together and share with"
            " nobody, after these questions.",
            f"Sign-ups: {scope.sign_ups} at each step, by signUp and signUpConfirm with the code from the mail. Others'"
            f" requests come in bursts of {CROWD} connections with {AFTER} requests each, of as many tenants: just"
            " before, from the same moment as signUpConfirm, and just after. Connecting and Python's own part of asking"
            " count in all of them alike.",
        ],
        tables=[
            Table(
                (
                    "tenants",
                    "work, of whom",
                    "p50 ms",
                    "p99 ms",
                    "requests/s",
                    "server CPU ms",
                    "PostgreSQL CPU ms",
                    "server MB",
                    "PostgreSQL MB",
                ),
                [
                    (
                        label,
                        name,
                        f"{middle(step.samples[name], 'p50_ms'):.2f}",
                        f"{middle(step.samples[name], 'p99_ms'):.2f}",
                        f"{middle(step.samples[name], 'per_second'):,.0f}",
                        f"{middle(step.samples[name], 'server_cpu_ms'):.3f}",
                        f"{middle(step.samples[name], 'postgres_cpu_ms'):.3f}",
                        f"{step.resident_mb:.0f}",
                        f"{step.postgres_mb:.0f}",
                    )
                    for name in names
                    for label, step in zip(labels, steps, strict=True)
                ],
                labels=2,
            ),
            Table(
                ("tenants", "made in this step", "in s", "each at last, in ms", *_SIGNING_UP),
                [
                    (
                        label,
                        f"{step.made:,}",
                        f"{step.made_seconds:.1f}",
                        f"{step.late_making_ms:.1f}",
                        *(f"{figure:.1f}" for figure in _figures(step.sign_ups)),
                    )
                    for label, step in zip(labels, steps, strict=True)
                ],
            ),
            Table(
                ("tenants", "others' requests", "p50 ms", "p99 ms", "slowest ms", "slowest ms, median of sign-ups"),
                [
                    (label, when, *(f"{figure:.1f}" for figure in _others(step.sign_ups, when)))
                    for when in WHEN
                    for label, step in zip(labels, steps, strict=True)
                ],
                labels=2,
            ),
        ],
        found=_found(steps),
        plots={
            "growth-tenants.svg": lambda path: lines(
                path,
                "Answers with more and more tenants",
                labels,
                {name: [middle(step.samples[name], "p50_ms") for step in steps] for name in names},
                unit="p50 in ms, 16 connections",
                across="tenants",
            )
        },
    )


def _figures(sign_ups: list[SignUp]) -> tuple[float, ...]:
    """Of _SIGNING_UP."""
    found: list[float] = []
    for part in ("asked", "confirmed", "first"):
        times = sorted(getattr(each, part) for each in sign_ups)
        found += [percentile(times, 0.5), percentile(times, 0.99)]
    return tuple(found)


def _others(sign_ups: list[SignUp], when: str) -> tuple[float, ...]:
    """Of others' requests `when`, of WHEN: p50, p99 and the slowest of all, and the median of the slowest of each."""
    bursts = [getattr(each, when) for each in sign_ups]
    times = sorted(time for burst in bursts for time in burst)
    return percentile(times, 0.5), percentile(times, 0.99), times[-1], median(burst[-1] for burst in bursts)


def _found(steps: list[Step]) -> list[str]:
    found = []
    first, last = steps[0], steps[-1]
    for work in ASKED:
        for whom in (ALL, ALONE):
            before, after = (middle(step.samples[f"{work}, {whom}"], "p50_ms") for step in (first, last))
            if first is not last:
                found.append(
                    f"{work}, {whom}: p50 {before:.2f} ms with {short(first.tenants)} tenants, {after:.2f} ms with"
                    f" {short(last.tenants)}: {after / before:.2f} times as long."
                )
    found += _bends(steps)
    asked, _, confirmed, slow, newcomer, _ = _figures(last.sign_ups)
    calm, meanwhile = (_others(last.sign_ups, when)[3] for when in ("before", "during"))
    found.append(
        f"With {short(last.tenants)} tenants a sign-up takes {asked:.1f} ms and {confirmed:.1f} ms (p99 {slow:.1f} ms),"
        f" and the newcomer's first answer {newcomer:.1f} ms. Of the others' {CROWD * AFTER} requests from that moment"
        f" on the slowest takes {meanwhile:.1f} ms, against {calm:.1f} ms right before (medians of the sign-ups)."
    )
    found.append(
        f"From {short(first.tenants)} to {short(last.tenants)} tenants the server grows from {first.resident_mb:.0f} to"
        f" {last.resident_mb:.0f} MB, PostgreSQL from {first.postgres_mb:.0f} to {last.postgres_mb:.0f} MB."
    )
    return found


def _bends(steps: list[Step]) -> list[str]:
    """Where the server's own part turns upwards, beside what it remembers of its callers."""
    tenants = [step.tenants for step in steps]
    found = []
    for work in ASKED:
        name = f"{work}, {ALL}"
        cpu = [middle(step.samples[name], "server_cpu_ms") for step in steps]
        last = steps[-1]
        every = last.tenants / middle(last.samples[name], "per_second")
        asked_anew = min(1.0, every / REMEMBERED_SECONDS)
        found.append(
            bend(f"{name}: the server's CPU for each request", "tenants", tenants, cpu)
            + f" Who somebody is is remembered for {REMEMBERED_SECONDS:g} s; with {short(last.tenants)} tenants each"
            f" comes every {every:.1f} s, so that {asked_anew:.0%} of requests ask for it anew."
        )
    return found
