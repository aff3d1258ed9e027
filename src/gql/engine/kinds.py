"""What the engine knows about each kind of value: how it is asked for, and how PostgreSQL writes it as JSON.

JSON is put together as text, because that is the fastest way PostgreSQL has (about twice json_build_object). Its traps
are handled here and nowhere else: NULL prints as nothing, true as `t`, and numbers that must stay exact are quoted.
"""

from dataclasses import dataclass
from enum import EnumMeta
from typing import Any, Final

import strawberry

from gql.engine.scalars import JSON, Date, DateTime, Decimal, Money
from gql.engine.text import Fragment, Literal

EQUALITY: Final = ("eq", "ne", "in")
RANGES: Final = ("lt", "lte", "gt", "gte")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    `annotation` is its type in the Strawberry schema, `sql` the type that a text parameter is cast to, `operators` what
    a filter may ask of it. `quoted` says that its text needs quotes in JSON, `escaped` that it needs escapes as well.
    """

    name: str
    annotation: Any
    sql: str
    operators: tuple[str, ...] = ()
    quoted: bool = True
    escaped: bool = False

    @property
    def is_enum(self) -> bool:
        return isinstance(self.annotation, EnumMeta)

    def json(self, value: str, *, nullable: bool) -> list[Fragment]:
        """The fragments that write the SQL expression `value` as JSON."""
        if self is BOOLEAN:
            return [f"case {value} when true then 'true' when false then 'false' else 'null' end"]
        if self is MONEY:
            value = f"round({value}, 2)"
        if self.is_enum and any(member.name != member.value for member in self.annotation):
            value = f"upper({value})"  # GraphQL's names are in upper case, whatever the table keeps
        if self.escaped:
            written = f"core.as_json({value})" if self.sql == "text" else f"to_json({value})"
            return [f"coalesce({written}::text, 'null')" if nullable else written]
        if not self.quoted:
            return [f"coalesce({value}::text, 'null')" if nullable else value]
        if nullable:
            return [f"coalesce('\"' || {value} || '\"', 'null')"]
        return [Literal('"'), value, Literal('"')]


TEXT: Final = Kind("String", str, "text", EQUALITY, escaped=True)
ID: Final = Kind("ID", strawberry.ID, "uuid", EQUALITY)
MONEY: Final = Kind("Money", Money, "numeric", EQUALITY + RANGES)
DECIMAL: Final = Kind("Decimal", Decimal, "numeric", EQUALITY + RANGES)
INTEGER: Final = Kind("Int", int, "bigint", EQUALITY + RANGES, quoted=False)
BOOLEAN: Final = Kind("Boolean", bool, "boolean", ("eq",))
DATE: Final = Kind("Date", Date, "date", EQUALITY + RANGES)
TIMESTAMP: Final = Kind("DateTime", DateTime, "timestamptz", EQUALITY + RANGES, escaped=True)
TEXTS: Final = Kind("Strings", list[str], "text[]", escaped=True)
DOCUMENT: Final = Kind("JSON", JSON, "jsonb", quoted=False)

_BY_ANNOTATION: Final[dict[Any, Kind]] = {
    str: TEXT,
    strawberry.ID: ID,
    Money: MONEY,
    Decimal: DECIMAL,
    int: INTEGER,
    bool: BOOLEAN,
    Date: DATE,
    DateTime: TIMESTAMP,
    list[str]: TEXTS,
    JSON: DOCUMENT,
}


def kind_of(annotation: Any) -> Kind:
    """The kind that a declaration's annotation means. An enum is text whose values PostgreSQL has checked."""
    if isinstance(annotation, EnumMeta):
        return Kind(annotation.__name__, annotation, "text", EQUALITY)
    return _BY_ANNOTATION[annotation]
