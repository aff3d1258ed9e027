"""Keyset cursors: a place in a list is the values of its order and the id, so that a page costs the same at any depth.

A cursor is opaque to callers. Inside it is a JSON array: the order it belongs to, one value for each part, the id.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec

from gql.engine.fields import Order
from gql.engine.rows import Row
from gql.engine.scalars import parse_cursor_value
from gql.engine.statement import Parameters, Source, as_uuid
from gql.engine.text import quoted

LONGEST: Final = 8_000
"""Three texts of two hundred characters fit into it, whatever their script."""
REMEMBERED: Final = 256


@dataclass(frozen=True)
class Ordering:
    """The order of a list: the declared orders asked for, then the id in the direction of the last one."""

    noun_name: str
    orders: tuple[Order, ...]

    @property
    def name(self) -> str:
        return ",".join((self.noun_name, *(order.name for order in self.orders)))

    @property
    def parts(self) -> list[tuple[str, str, bool]]:
        """Column, SQL type and whether descending, the id last."""
        keys = [(order.sort_column, order.sort_type, order.descending) for order in self.orders]
        return [*keys, ("id", "uuid", self.orders[-1].descending)]

    def by(self, row: Row, *, backward: bool = False) -> str:
        """The ORDER BY list; backward, the list read from its end."""
        return ", ".join(
            f"{row.column(name)} {'desc' if descending != backward else 'asc'}" for name, _, descending in self.parts
        )

    def cursor(self, row: Row) -> str:
        """The SQL expression of a row's cursor: base64url of the JSON array, without padding."""
        values = ", ".join(row.column(name) for name, _, _ in self.parts)
        array = f"convert_to(json_build_array({quoted(self.name)}, {values})::text, 'UTF8')"
        return f"translate(encode({array}, 'base64'), E'+/=\\n', '-_')"

    def beyond(
        self, row: Row, cursor: Source, place: str, parameters: Parameters, *, before: bool, inclusive: bool = False
    ) -> str:
        """The condition that a row lies after (or before) the cursor; `inclusive` lets the cursor's own row in."""
        arguments = self.values(cursor, place, parameters)
        columns = [row.column(name) for name, _, _ in self.parts]
        directions = [descending for _, _, descending in self.parts]
        equal = "=" if inclusive else ""
        if len(set(directions)) == 1:
            comparison = "<" if directions[0] != before else ">"
            return f"({', '.join(columns)}) {comparison}{equal} ({', '.join(arguments)})"
        alternatives = []
        for last in range(len(columns)):
            same = [f"{columns[each]} = {arguments[each]}" for each in range(last)]
            comparison = "<" if directions[last] != before else ">"
            closing = equal if last == len(columns) - 1 else ""
            alternatives.append(" and ".join((*same, f"{columns[last]} {comparison}{closing} {arguments[last]}")))
        # The first part alone bounds the index scan; the alternatives decide.
        bound = f"{columns[0]} {'<' if directions[0] != before else '>'}= {arguments[0]}"
        return f"({bound} and ({' or '.join(alternatives)}))"

    def values(self, cursor: Source, place: str, parameters: Parameters) -> list[str]:
        """The SQL expressions of the values inside a cursor."""
        return [
            parameters.add(cursor, sql_type, self._reader(position), place)
            for position, (_, sql_type, _) in enumerate(self.parts)
        ]

    def _reader(self, position: int) -> Callable[[Any], str | None]:
        return _reader(self.name, tuple(sql_type for _, sql_type, _ in self.parts), position)


_READERS: dict[tuple[str, tuple[str, ...], int], Callable[[Any], str | None]] = {}


def _reader(name: str, types: tuple[str, ...], position: int) -> Callable[[Any], str | None]:
    key = (name, types, position)
    if key not in _READERS:
        _READERS[key] = lambda cursor: decode(cursor, name, types)[position]
    return _READERS[key]


# Remembered, because each value of the place is a parameter of its own.
@lru_cache(REMEMBERED)
def decode(cursor: str, name: str, types: tuple[str, ...]) -> list[str]:
    """The values inside a cursor, as text. Raises ValueError for one that was altered or belongs to another order."""
    try:
        if len(cursor) > LONGEST:
            raise ValueError
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, *values = msgspec.json.decode(raw, type=list[str | int])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise ValueError("this is not a cursor of ours. Pass an endCursor or startCursor as it was received.") from None
    if found != name:
        raise ValueError("this cursor was made with another order. Keep orderBy the same from page to page.")
    if len(values) != len(types):
        raise ValueError("this is not a cursor of ours. Pass an endCursor or startCursor as it was received.")
    return [_checked(value, sql_type) for value, sql_type in zip(values, types, strict=True)]


def _checked(value: str | int, sql_type: str) -> str:
    """The value if it reads as its type, so that an altered cursor is refused before PostgreSQL sees it."""
    return as_uuid(str(value)) if sql_type == "uuid" else parse_cursor_value(value, sql_type)
