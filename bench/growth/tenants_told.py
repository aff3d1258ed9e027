"""What is told of the tenants: the figures of each step, and what a sign-up costs with the most of them."""

from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.growth.asking import CROWD, middle
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, short
from bench.load import Sample, percentile
from bench.plot import lines

ASKED: Final = ("list", "point")
ALL: Final = "all in rotation"
ALONE: Final = "one alone"
CLIENTS, INVOICES, LINES = 5, 4, 2
AFTER: Final = 4
"""Requests of each connection that are watched after a sign-up."""


@dataclass(frozen=True)
class SignUp:
    """One sign-up while the server works, in milliseconds."""

    itself: float
    first: float
    """The new tenant's first answer."""
    before: tuple[float, ...]
    after: tuple[float, ...]
    """Answers to other tenants, just before and just after, in order of length."""


@dataclass(frozen=True)
class Step:
    """What was found with so many tenants."""

    tenants: int
    made: int
    """How many of them were made in this step."""
    made_seconds: float
    late_sign_up_ms: float
    """A sign-up when most were there, without a server at work."""
    samples: dict[str, list[Sample]]
    resident_mb: float
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
            f"Sign-ups: {scope.sign_ups} at each step, while the server is idle but for a burst just before and one"
            f" just after: {CROWD} connections with {AFTER} requests each, of as many tenants. Connecting and Python's"
            " own part of asking count in both bursts alike.",
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
                    )
                    for name in names
                    for label, step in zip(labels, steps, strict=True)
                ],
                labels=2,
            ),
            Table(
                (
                    "tenants",
                    "made in this step",
                    "in s",
                    "sign-up ms, server stopped",
                    "sign-up ms, server at work",
                    "new tenant's first answer ms",
                    "others' p50 ms before",
                    "others' p50 ms after",
                    "others' slowest ms before",
                    "others' slowest ms after",
                ),
                [
                    (
                        label,
                        f"{step.made:,}",
                        f"{step.made_seconds:.1f}",
                        f"{step.late_sign_up_ms:.1f}",
                        *(f"{figure:.1f}" for figure in _figures(step.sign_ups)),
                    )
                    for label, step in zip(labels, steps, strict=True)
                ],
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
    """Medians of the sign-ups: itself, the first answer, others' p50 and slowest, before and after."""
    return (
        median(each.itself for each in sign_ups),
        median(each.first for each in sign_ups),
        median(percentile(list(each.before), 0.5) for each in sign_ups),
        median(percentile(list(each.after), 0.5) for each in sign_ups),
        median(each.before[-1] for each in sign_ups),
        median(each.after[-1] for each in sign_ups),
    )


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
    itself, newcomer, _, _, before, after = _figures(last.sign_ups)
    found.append(
        f"With {short(last.tenants)} tenants a sign-up takes {itself:.1f} ms and the newcomer's first answer"
        f" {newcomer:.1f} ms; of the others' requests right after it the slowest takes {after:.1f} ms, against"
        f" {before:.1f} ms right before."
    )
    return found
