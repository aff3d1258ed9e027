"""Where a curve bends: the step from which on ten times as much costs another factor than before."""

from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import Final

from bench.growth.section import short

GROWN: Final = {2: "twice", 10: "ten times"}


def powers(sizes: Sequence[float], values: Sequence[float]) -> list[float]:
    """Of each step between two sizes, with which power of the size the value grows there: 0 not at all, 1 in
    proportion."""
    return [
        log(max(after, 1e-9) / max(before, 1e-9)) / log(larger / smaller)
        for (smaller, larger), (before, after) in zip(pairwise(sizes), pairwise(values), strict=True)
    ]


def bend(what: str, unit: str, sizes: Sequence[float], values: Sequence[float], times: int = 10) -> str:
    """A sentence that says where, and from what to what, for so many `times` the size. A line of two points does not
    bend."""
    steep = powers(sizes, values)
    if len(steep) < 2:
        return f"{what} has too few steps to show a bend."
    turns = [after - before for before, after in pairwise(steep)]
    at = max(range(len(turns)), key=lambda place: turns[place])

    def grown(first: int, last: int) -> float:
        across = log(sizes[last] / sizes[first]) / log(times)
        return float((values[last] / max(values[first], 1e-9)) ** (1 / across))

    before, after = grown(0, at + 1), grown(at + 1, len(sizes) - 1)
    return (
        f"{what} bends most at {short(int(sizes[at + 1]))} {unit}: {GROWN[times]} as many make it {before:.2f} times as"
        f" large up to there, and {after:.2f} times from there on."
    )
