"""Relay connections and short lists as SQL."""

from dataclasses import dataclass, field
from typing import Any, Final

from gql.engine.cursors import Ordering
from gql.engine.nouns import Noun
from gql.engine.rows import Row
from gql.engine.statement import Source
from gql.errors import ApiError, Code

LARGEST_PAGE: Final = 100
USUAL_PAGE: Final = 20
MOST_ORDERS: Final = 3
LONGEST_SHORT_LIST: Final = 1000


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for."""

    size: int
    backward: bool
    after: Source | None
    before: Source | None

    @classmethod
    def asked(cls, arguments: dict[str, Any], place: str) -> "Page":
        """The page that first, after, last and before describe. Raises ApiError when they do not fit together."""
        first, last = arguments.get("first"), arguments.get("last")
        if first is not None and last is not None:
            raise _refused(f"{place} takes first or last, not both.", "FIRST_AND_LAST", place)
        for name, size in (("first", first), ("last", last)):
            if size is not None and not 1 <= size <= LARGEST_PAGE:
                sentence = f"{place}.{name} is {size}; a page holds 1 to {LARGEST_PAGE}. Use a cursor for the rest."
                raise _refused(sentence, "PAGE_SIZE", f"{place}.{name}")
        size = first or last or USUAL_PAGE
        return cls(size, last is not None, arguments.get("after"), arguments.get("before"))


def asked_ordering(noun: Noun, arguments: dict[str, Any], place: str) -> Ordering:
    """The order that `orderBy` names, or the noun's own."""
    names = [each.value for each in arguments.get("orderBy") or ()] or [noun.default_order]
    if len(names) > MOST_ORDERS:
        raise _refused(f"{place}.orderBy holds at most {MOST_ORDERS} orders.", "ORDER_LENGTH", f"{place}.orderBy")
    orders = tuple(noun.orders[name] for name in names)
    if len({order.column.name for order in orders}) < len(orders):
        raise _refused(f"{place}.orderBy names the same column twice.", "ORDER_REPEATED", f"{place}.orderBy")
    return Ordering(noun.name, orders)


def _refused(sentence: str, reason: str, place: str) -> ApiError:
    return ApiError(Code.BAD_USER_INPUT, sentence, reason=reason, field=place)


@dataclass
class PageOutputs:
    """What a connection's selection needs for each row: expressions over it that the page collects."""

    rows: list[str] = field(default_factory=list)
    look_ahead: bool = False
    cursors: bool = False

    @property
    def needed(self) -> bool:
        """Whether the page's rows are read at all: not for a count alone."""
        return bool(self.rows) or self.look_ahead or self.cursors


def page_source(
    row: Row,
    page: Page,
    ordering: Ordering,
    condition: str,
    outputs: PageOutputs,
    cursor: str | None,
) -> str:
    """The rows of one page, in order, each with its number `n` from where reading began and their count `m`.

    Reading one row more than the page holds tells whether there is more; that row is never written out.
    """
    limit = page.size + (1 if outputs.look_ahead else 0)
    order = ordering.by(row, backward=page.backward)
    columns = ", ".join(f"{row.alias}.{name}" for name in row.columns)
    source = f"select {columns} from {row.source} {row.alias} where {condition} order by {order} limit {limit}"
    numbered = outputs.look_ahead or outputs.cursors or page.backward
    if numbered:
        source = f"select {row.alias}.*, row_number() over () as n, count(*) over () as m from ({source}) {row.alias}"
    written = [f"{expression} as r{number}" for number, expression in enumerate(outputs.rows)]
    if outputs.look_ahead:
        written = [
            f"case when n <= {page.size} then {expression} end as r{number}"
            for number, expression in enumerate(outputs.rows)
        ]
    if numbered:
        written += ["n", "m"]
    if cursor is not None:
        written.append(f"case when n in (1, least(m, {page.size})) then {cursor} end as place")
    backward = " order by n desc" if page.backward else ""
    return f"select {', '.join(written) or 'true'} from ({source}) {row.alias}{backward}"
