"""What an operation costs, judged before a connection is taken.

A value costs 1; a row costs 1 and whatever is asked of it, times the largest number of rows that the page may hold;
a count, a grouping or a search of a whole list costs what it is worth. The unit is about one microsecond of
PostgreSQL's time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from gql.errors import ApiError, Code

BUDGET: Final = 100_000


class Cost:
    """Adds up the cost of a selection while it is compiled."""

    SHORT_LIST: ClassVar[int] = 10
    ANSWER: ClassVar[int] = 100
    COUNT: ClassVar[int] = 100
    GROUPS: ClassVar[int] = 1_000
    SEARCH: ClassVar[int] = 10_000

    def __init__(self) -> None:
        self.total = 0
        self._rows = 1

    @contextmanager
    def rows(self, number: int) -> Iterator[None]:
        """What is asked for inside is asked for each of so many rows."""
        outer = self._rows
        self._rows = outer * number
        self.total += self._rows
        yield
        self._rows = outer

    def value(self) -> None:
        self.total += self._rows

    def count(self) -> None:
        self.total += self.COUNT * self._rows

    def groups(self) -> None:
        self.total += self.GROUPS * self._rows

    def search(self) -> None:
        self.total += self.SEARCH * self._rows

    def judge(self) -> None:
        """Raises ApiError when the operation costs more than one may."""
        if self.total > BUDGET:
            raise ApiError(
                Code.LIMIT_EXCEEDED,
                f"This operation costs {self.total} points and the budget is {BUDGET}. Ask for smaller pages or fewer"
                " nested lists.",
                reason="COST_BUDGET",
            )
