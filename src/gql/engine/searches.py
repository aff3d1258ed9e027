"""Searches: what a list is narrowed to by a text. docs/decisions/0016 tells why a function finds it."""

from dataclasses import dataclass
from typing import Any

from gql.engine.compilation import Compilation
from gql.engine.cursors import Ordering
from gql.engine.lists import Page
from gql.engine.rows import Row, found_by
from gql.engine.statement import as_term


@dataclass(frozen=True, slots=True)
class Search:
    """A search of one list, or none."""

    compilation: Compilation
    row: Row
    term: str | None
    """The SQL expression of the text."""
    place: str

    @classmethod
    def asked(cls, compilation: Compilation, row: Row, arguments: dict[str, Any], place: str) -> "Search":
        given = arguments.get("search") if row.noun.search else None
        if given is None:
            return cls(compilation, row, None, place)
        compilation.cost.search()
        return cls(compilation, row, compilation.parameters.add(given, "text", as_term, f"{place}.search"), place)

    def whole(self) -> list[str]:
        """The condition that rows are found, however many."""
        return [found_by(self.row, self.row.noun.search or "", self.term)] if self.term else []

    def of_page(self, page: Page, ordering: Ordering) -> list[str]:
        """The condition that rows are found and are the page's: the function need not find all that come after them.

        It knows the noun's own order alone, and no scope: whoever sees a part of the rows might get less than a page.
        """
        noun = self.row.noun
        is_usual = [order.name for order in ordering.orders] == [noun.default_order]
        if self.term is None or page.backward or not is_usual or noun.scope is not None:
            return self.whole()
        after = ["null", "null"]
        if page.after is not None:
            after = ordering.values(page.after, f"{self.place}.after", self.compilation.parameters)
        # One more than the page holds tells whether there is more.
        return [found_by(self.row, noun.search or "", self.term, str(page.size + 1), *after)]
