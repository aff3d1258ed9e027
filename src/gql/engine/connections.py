"""Relay connections as SQL: a page of a list, how many there are in all, and where the page lies among them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gql.engine.compilation import Compilation
from gql.engine.cursors import Ordering
from gql.engine.lists import Page, PageOutputs, asked_ordering, page_source
from gql.engine.rows import Row
from gql.engine.searches import Search
from gql.engine.selection import Selected
from gql.engine.statement import Path
from gql.engine.text import Fragment, Literal, joined, members, quoted

Thing = Callable[[Row, Selected, Path], list[Fragment]]


@dataclass
class ConnectionCompiler:
    """Writes one list. `thing` writes a row of it; `narrowed` says which rows it is of, but for what a search finds."""

    compilation: Compilation
    thing: Thing
    row: Row
    place: str
    page: Page
    ordering: Ordering
    search: Search
    narrowed: str
    is_narrowed: bool
    """Whether somebody asked for some of the rows only."""
    outputs: PageOutputs = field(default_factory=PageOutputs)

    @classmethod
    def asked(
        cls,
        compilation: Compilation,
        thing: Thing,
        row: Row,
        arguments: dict[str, Any],
        place: str,
        extra: Callable[[Row], str | None],
    ) -> "ConnectionCompiler":
        """The list that the arguments ask for, of the rows for which `extra` holds. Raises ApiError where they do not
        fit together."""
        page, ordering = Page.asked(arguments, place), asked_ordering(row.noun, arguments, place)
        search = Search.asked(compilation, row, arguments, place)
        narrowed = compilation.list_condition(row, arguments, place, extra)
        is_narrowed = arguments.get("filter") is not None or extra(row) is not None
        return cls(compilation, thing, row, place, page, ordering, search, narrowed, is_narrowed)

    @property
    def condition(self) -> str:
        """Which rows the whole list has."""
        return " and ".join((self.narrowed, *self.search.whole()))

    def page_of(self, selected: Selected, path: Path) -> list[Fragment]:
        """The JSON object of the connection."""
        children = self.compilation.selector.under(selected, (f"{self.row.noun.name}Connection",))
        with self.compilation.cost.rows(self.page.size):
            written = [(child.key, self._member(child, (*path, child.key))) for child in children]
        # Also where only a count is asked: a cursor that cannot be read is refused, whatever else is selected.
        bounds = self._bounds()
        if not self.outputs.needed:
            return [f"(select {joined(members(written))})"]
        cursor = self.ordering.cursor(self.row) if self.outputs.cursors else None
        source = page_source(self.row, self.page, self.ordering, bounds, self.outputs, cursor)
        return [f"(select {joined(members(written))} from ({source}) {self.row.alias})"]

    def _bounds(self) -> str:
        """Which rows the page may have."""
        search = self.search.whole() if self.is_narrowed else self.search.of_page(self.page, self.ordering)
        bounds = [self.narrowed, *search]
        for name, cursor in (("after", self.page.after), ("before", self.page.before)):
            if cursor is not None:
                place, parameters = f"{self.place}.{name}", self.compilation.parameters
                bounds.append(self.ordering.beyond(self.row, cursor, place, parameters, before=name == "before"))
        return " and ".join(bounds)

    def _member(self, child: Selected, path: Path) -> list[Fragment]:
        match child.name:
            case "__typename":
                return [Literal(f'"{self.row.noun.name}Connection"')]
            case "nodes":
                return self._collected(self.thing(self.row, child, path))
            case "edges":
                return self._collected(self._edge(child, path))
            case "totalCount":
                self.compilation.cost.count()
                return [f"(select count(*) from {self.row.source} {self.row.alias} where {self.condition})"]
            case _:
                asked = self.compilation.selector.under(child, ("PageInfo",))
                return members((each.key, self._page_info(each.name)) for each in asked)

    def _collected(self, fragments: list[Fragment]) -> list[Fragment]:
        self.outputs.rows.append(joined(fragments))
        return [Literal("["), f"string_agg(r{len(self.outputs.rows) - 1}, ',')", Literal("]")]

    def _edge(self, selected: Selected, path: Path) -> list[Fragment]:
        def value(child: Selected) -> list[Fragment]:
            match child.name:
                case "__typename":
                    return [Literal(f'"{self.row.noun.name}Edge"')]
                case "cursor":
                    return [Literal('"'), self.ordering.cursor(self.row), Literal('"')]
                case _:
                    return self.thing(self.row, child, (*path, child.key))

        children = self.compilation.selector.under(selected, (f"{self.row.noun.name}Edge",))
        return members((child.key, value(child)) for child in children)

    def _page_info(self, name: str) -> list[Fragment]:
        match name:
            case "__typename":
                return [Literal('"PageInfo"')]
            case "hasNextPage":
                return [self._has_more(onward=not self.page.backward)]
            case "hasPreviousPage":
                return [self._has_more(onward=self.page.backward)]
            case "startCursor":
                return [self._cursor(at_start=not self.page.backward)]
            case _:
                return [self._cursor(at_start=self.page.backward)]

    def _has_more(self, *, onward: bool) -> str:
        """Onward, the row beyond the page tells. Behind, there is more where rows lie up to the cursor that the page
        began at."""
        if onward:
            self.outputs.look_ahead = True
            return f"case when count(*) > {self.page.size} then 'true' else 'false' end"
        cursor = self.page.before if self.page.backward else self.page.after
        if cursor is None:
            return quoted("false")
        name = "before" if self.page.backward else "after"
        place, parameters = f"{self.place}.{name}", self.compilation.parameters
        reached = self.ordering.beyond(
            self.row, cursor, place, parameters, before=not self.page.backward, inclusive=True
        )
        source = f"select from {self.row.source} {self.row.alias} where {self.condition} and {reached}"
        return f"case when exists ({source}) then 'true' else 'false' end"

    def _cursor(self, *, at_start: bool) -> str:
        self.outputs.cursors = True
        chosen = "n = 1" if at_start else f"n = least(m, {self.page.size})"
        return f"coalesce('\"' || max(place) filter (where {chosen}) || '\"', 'null')"
