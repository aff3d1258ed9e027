"""Choices that Hypothesis makes, so that it can take them back one by one when it looks for the smallest failure."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

FINEST: Final = 1000


@cache
def _up_to(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


class Choices:
    """Draws what is needed to write one document. The first choice is always the plainest."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def number(self, least: int, most: int) -> int:
        return least + int(self._draw(_up_to(most - least)))

    def often(self, probability: float) -> bool:
        """True with this probability."""
        return self.number(1, FINEST) > round(FINEST * (1 - probability))

    def one_of(self, known: Sequence[T]) -> T:
        return known[self.number(0, len(known) - 1)]

    def some(self, known: Sequence[T], count: int) -> list[T]:
        """So many of them, in any order."""
        left = list(known)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(count)]
