"""What a part has found, in the form that the page and the terminal show."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Table:
    """Figures. The first `labels` columns are words, which stand left."""

    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    labels: int = 1


@dataclass
class Section:
    """One part: how it was measured, what came of it, and whether goals are met."""

    title: str
    """Its first word, before a colon, is the part's name."""
    postgres: str
    """The version of the database."""
    how: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    """Verdicts, and sentences about what the figures show."""
    plots: dict[str, Callable[[Path], None]] = field(default_factory=dict)
    """What draws the file of each name."""


def judged(value: float, most: float, unit: str = "") -> str:
    """The end of a verdict: whether a goal that is a maximum is met, and by how much it is missed."""
    if value <= most:
        return f"the goal of at most {most:g}{unit} is met"
    return f"the goal of at most {most:g}{unit} is missed by {value / most - 1:.0%}"


def short(number: int) -> str:
    """10k, 100k, 1M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size and number % (size // 10) == 0:
            return f"{number / size:g}{letter}"
    return str(number)
