"""Lists: ordered, cut into pages, with cursors."""

import base64
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any
from uuid import UUID

from gql.engine.fields import Column
from gql.engine.nouns import Noun
from tests.engine.naive.filters import fulfils, refuse_nulls
from tests.engine.naive.world import Refused, Thing, World, moment

Place = tuple[Any, ...]


@dataclass(frozen=True)
class Ordering:
    """An order by some columns, each in its direction, and at last by the id in the direction of the last of them."""

    noun: Noun
    names: tuple[str, ...]

    @property
    def parts(self) -> list[tuple[Column, bool]]:
        found = []
        for name in self.names:
            column, _, direction = name.rpartition("_")
            found.append((self.noun.column(column.lower()), direction == "DESC"))
        return found

    def place(self, thing: Thing) -> Place:
        """Where a thing stands in the list."""
        return (*(thing.row[column.key or column.name] for column, _ in self.parts), thing.id)

    def compare(self, one: Place, other: Place) -> int:
        """Below zero where the first comes first, zero for the same place."""
        directions = [descending for _, descending in self.parts]
        for left, right, descending in zip(one, other, [*directions, directions[-1]], strict=True):
            if left != right:
                return 1 if (left < right) is descending else -1
        return 0

    def cursor(self, thing: Thing) -> str:
        """The place as an opaque text: the order's name, a value for each part, the id."""
        values = [_packed(column, value) for (column, _), value in zip(self.parts, self.place(thing)[:-1], strict=True)]
        name = ",".join((self.noun.name, *self.names))
        array = json.dumps([name, *values, str(thing.id)], ensure_ascii=False)
        return base64.urlsafe_b64encode(array.encode()).decode().rstrip("=")

    def read(self, cursor: str) -> Place:
        """The place that a cursor means."""
        try:
            name, *values, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except ValueError:
            raise Refused("BAD_USER_INPUT", "no cursor of ours") from None
        if name != ",".join((self.noun.name, *self.names)):
            raise Refused("BAD_USER_INPUT", "a cursor of another order")
        parts = zip(self.parts, values, strict=True)
        return (*(_unpacked(column, value) for (column, _), value in parts), UUID(row_id))


def _packed(column: Column, value: Any) -> Any:
    if column.minor:
        return int(value * 100)
    if isinstance(value, datetime):
        return moment(value)
    return value.isoformat() if isinstance(value, date) else value


def _unpacked(column: Column, value: Any) -> Any:
    if column.minor:
        return Decimal(value) / 100
    match column.kind.name:
        case "DateTime":
            return datetime.fromisoformat(value)
        case "Date":
            return date.fromisoformat(value)
        case _:
            return value


def ordering_of(noun: Noun, wanted: list[str] | None) -> Ordering:
    """The order that was asked for, or the noun's own."""
    assert noun.default_order is not None
    names = tuple(wanted or (noun.default_order,))
    if len(names) > 3 or len({name.rpartition("_")[0] for name in names}) < len(names):
        raise Refused("BAD_USER_INPUT", "orderBy")
    return Ordering(noun, names)


def connection(world: World, noun: Noun, things: list[Thing], arguments: dict[str, Any]) -> dict[str, Any]:
    """The page of the list that the arguments ask for, with all that can be asked about it."""
    ordering = ordering_of(noun, arguments.get("orderBy"))
    size, backward = _size(arguments)
    wanted = arguments.get("filter") or {}
    refuse_nulls(wanted)
    whole = sorted(
        (thing for thing in things if fulfils(world, thing, wanted)),
        key=lambda thing: cmp_to_key(ordering.compare)(ordering.place(thing)),
    )
    after, before = (
        None if cursor is None else ordering.read(cursor) for cursor in map(arguments.get, ("after", "before"))
    )
    inside = [
        thing
        for thing in whole
        if (after is None or ordering.compare(ordering.place(thing), after) > 0)
        and (before is None or ordering.compare(ordering.place(thing), before) < 0)
    ]
    page = inside[-size:] if backward else inside[:size]
    beyond = len(inside) > size
    until_after = after is not None and any(ordering.compare(ordering.place(thing), after) <= 0 for thing in whole)
    from_before = before is not None and any(ordering.compare(ordering.place(thing), before) >= 0 for thing in whole)
    return {
        "nodes": page,
        "edges": [{"cursor": ordering.cursor(thing), "node": thing} for thing in page],
        "totalCount": len(whole),
        "pageInfo": {
            "hasNextPage": from_before if backward else beyond,
            "hasPreviousPage": beyond if backward else until_after,
            "startCursor": ordering.cursor(page[0]) if page else None,
            "endCursor": ordering.cursor(page[-1]) if page else None,
        },
    }


def _size(arguments: dict[str, Any]) -> tuple[int, bool]:
    """How many things the page holds, and whether it is the end of the list rather than its beginning."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise Refused("BAD_USER_INPUT", "first and last")
    for size in (first, last):
        if size is not None and not 1 <= size <= 100:
            raise Refused("BAD_USER_INPUT", "page size")
    return first or last or 20, last is not None
