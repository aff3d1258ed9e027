"""What a noun has: columns, which may be computed, and what leads to other nouns; and how columns order and group."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from strawberry.utils.str_converters import to_camel_case

from gql.engine.kinds import DATE, INTEGER, Kind

Period = Literal["MONTH", "QUARTER", "FISCAL_YEAR"]
PERIODS: Final[tuple[Period, ...]] = ("MONTH", "QUARTER", "FISCAL_YEAR")

ROW: Final = "{row}"
"""Where a declared SQL expression names the row it is computed from."""
_READ: Final = re.compile(r"\{row\}\.([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Named:
    """What domains name as SQL does, and GraphQL in camel case."""

    name: str

    @property
    def graphql_name(self) -> str:
        return to_camel_case(self.name)


@dataclass(frozen=True, slots=True)
class Argument(Named):
    """What a question is asked with: a value that becomes a parameter of its SQL. `default` is the SQL that stands for
    one that is left out; without it, it is required."""

    kind: Kind
    description: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Column(Named):
    """A scalar field: a stored column, or an expression over the row (`computed`).

    `key` is the stored column that orders and prefix-searches a text (lower case, collated "C"), `minor` the bigint
    column that filters and orders an amount: only leakproof operators reach an index under row security. `as_of` is the
    expression of its value at the end of a day, which it calls `{as_of}`: the field then takes that day as `asOf`.
    """

    kind: Kind
    nullable: bool
    expression: str | None
    key: str | None
    minor: str | None
    filtered: bool
    ordered: bool
    grouped: tuple[Period, ...] | bool
    aggregated: bool
    permission: str | None
    description: str | None
    as_of: str | None = None

    @property
    def enum_name(self) -> str:
        return self.name.upper()

    @property
    def operators(self) -> tuple[str, ...]:
        """What a filter may ask: each of these is served by an index."""
        operators = self.kind.operators
        if self.key is not None:
            operators += ("startsWith",)
        if self.kind.operators != ("eq",):
            operators += ("isNull",)
        return operators

    @property
    def reads(self) -> tuple[str, ...]:
        """The stored columns that a computed value is made from."""
        return tuple(dict.fromkeys(_READ.findall(self.expression or "")))

    @property
    def reads_as_of(self) -> tuple[str, ...]:
        """The stored columns that its value as of a day is made from."""
        return tuple(dict.fromkeys(_READ.findall(self.as_of or "")))

    def sql(self, row: str) -> str:
        """The expression of its value for the row of that alias."""
        return f"({self.expression.replace(ROW, row)})" if self.expression else f"{row}.{self.name}"


@dataclass(frozen=True, slots=True)
class ToOne(Named):
    """A field that leads to the one thing this row refers to."""

    target: str
    via: str
    nullable: bool
    filtered: bool


@dataclass(frozen=True, slots=True)
class ToMany(Named):
    """A field that leads to the rows which refer to this one: a connection, or the whole list where it is short by
    nature (`listed`, in the order of `order`).

    `numbered_by` is a column in which no two rows of one parent are equal and that the database bounds, so that the
    list needs neither a tie-break nor a limit."""

    target: str
    via: str
    listed: bool
    order: str | None
    numbered_by: str | None = None


@dataclass(frozen=True, slots=True)
class Answers(Named):
    """A field with the answer to a question about this row: `bound` gives arguments of the question their columns."""

    target: str
    bound: tuple[tuple[str, str], ...]


Relation = ToOne | ToMany
Field = Column | Relation | Answers


@dataclass(frozen=True, slots=True)
class Order:
    """A declared order of a list: a column that is never NULL, and the id to break ties."""

    column: Column
    descending: bool

    @property
    def name(self) -> str:
        return f"{self.column.enum_name}_{'DESC' if self.descending else 'ASC'}"

    @property
    def sort_column(self) -> str:
        return self.column.key or self.column.minor or self.column.name

    @property
    def sort_type(self) -> str:
        return "bigint" if self.column.minor else self.column.kind.sql


@dataclass(frozen=True, slots=True)
class Group:
    """A declared way to group: by a column's value, or by the period in which its date lies."""

    column: Column
    period: Period | None

    @property
    def name(self) -> str:
        return f"{self.column.enum_name}_{self.period}" if self.period else self.column.enum_name

    @property
    def graphql_name(self) -> str:
        return to_camel_case(self.name.lower())

    @property
    def kind(self) -> Kind:
        if self.period is None:
            return self.column.kind
        return INTEGER if self.period == "FISCAL_YEAR" else DATE

    def sql(self, row: str) -> str:
        value = self.column.sql(row)
        match self.period:
            case None:
                return value
            case "FISCAL_YEAR":
                return f"core.fiscal_year({value}, core.fiscal_year_start())"
            case _:
                return f"date_trunc('{self.period.lower()}', {value}::timestamp)::date"
