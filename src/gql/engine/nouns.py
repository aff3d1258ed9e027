"""What a noun is to the engine: its columns, its relations, how it can be ordered, grouped and asked for.

Domains declare their nouns in the vocabulary of `declare.py`; these are what the declarations become.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from strawberry.utils.str_converters import to_camel_case

from gql.engine.kinds import DATE, INTEGER, Kind

Period = Literal["MONTH", "QUARTER", "FISCAL_YEAR"]
PERIODS: Final[tuple[Period, ...]] = ("MONTH", "QUARTER", "FISCAL_YEAR")

ROW: Final = "{row}"
"""Where a declared SQL expression names the row it is computed from."""
_READ: Final = re.compile(r"\{row\}\.([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Argument:
    """What a question is asked with: a value that becomes a parameter of its SQL. `default` is the SQL that stands for
    one that is left out; without it, it is required."""

    name: str
    kind: Kind
    description: str
    default: str | None = None

    @property
    def graphql_name(self) -> str:
        return to_camel_case(self.name)


@dataclass(frozen=True, slots=True)
class Column:
    """A scalar field: a stored column, or an expression over the row (`computed`).

    `key` is the stored column that orders and prefix-searches a text (lower case, collated "C"), `minor` the bigint
    column that filters and orders an amount: only leakproof operators reach an index under row security. `as_of` is the
    expression of its value at the end of a day, which it calls `{as_of}`: the field then takes that day as `asOf`.
    """

    name: str
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
    def graphql_name(self) -> str:
        return to_camel_case(self.name)

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
class ToOne:
    """A field that leads to the one thing this row refers to."""

    name: str
    target: str
    via: str
    nullable: bool
    filtered: bool

    @property
    def graphql_name(self) -> str:
        return to_camel_case(self.name)


@dataclass(frozen=True, slots=True)
class ToMany:
    """A field that leads to the rows which refer to this one: a connection, or the whole list where it is short by
    nature (`listed`, in the order of `order`).

    `numbered_by` is a column in which no two rows of one parent are equal and that the database bounds, so that the
    list needs neither a tie-break nor a limit."""

    name: str
    target: str
    via: str
    listed: bool
    order: str | None
    numbered_by: str | None = None

    @property
    def graphql_name(self) -> str:
        return to_camel_case(self.name)


@dataclass(frozen=True, slots=True)
class Answers:
    """A field with the answer to a question about this row: `bound` gives arguments of the question their columns."""

    name: str
    target: str
    bound: tuple[tuple[str, str], ...]

    @property
    def graphql_name(self) -> str:
        return to_camel_case(self.name)


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


@dataclass(frozen=True, slots=True)
class Question:
    """What makes a noun's rows an answer: its `table` is a function, called with `{name}` of each argument. `field` is
    the root field that asks it, unless it is only asked about a row of another noun. `numbered_by` orders the rows."""

    field: str | None
    arguments: tuple[Argument, ...]
    numbered_by: str


NO_ROW: Final = "false"
"""What narrows the rows of a noun for a role that its scope does not name."""


class Single(NamedTuple):
    """A look-up without an id: its name, the condition that one row fulfils at most, and what it means, unless that is
    what the noun means."""

    name: str
    condition: str
    meaning: str | None = None


@dataclass(slots=True)
class Noun:
    """A thing of a domain, as the engine sees it. `fields` are by GraphQL name; `reported`: analysts have a view of
    it; `search`: the function that answers the ids of what a text finds, all or a page of them; `archive`: the view of
    its rows and of those that were moved to its archive."""

    name: str
    table: str
    described_by: str
    plural: str | None
    scope: "str | Mapping[str, str] | None"
    permission: str
    visible: str | None
    singular: str | None
    single: "Single | None"
    default_order: str | None
    currency: str | None
    fields: dict[str, Field]
    question: "Question | None" = None
    reported: bool = True
    search: "str | None" = None
    archive: "str | None" = None

    def scope_condition(self, role: str, row: str, ids: Callable[[], str]) -> str | None:
        """What narrows its rows to the scope of somebody in this role; None where nothing does. `ids` writes what the
        scope's column is equal to."""
        said = self.scope if self.scope is None or isinstance(self.scope, str) else self.scope.get(role, NO_ROW)
        if said is None or said == NO_ROW:
            return said
        return said.format(row=row) if "{row}" in said else f"{row}.{said} = {ids()}"

    @property
    def columns(self) -> list[Column]:
        return [field for field in self.fields.values() if isinstance(field, Column)]

    @property
    def relations(self) -> list[Relation]:
        return [field for field in self.fields.values() if isinstance(field, ToOne | ToMany)]

    @property
    def answers(self) -> list[Answers]:
        return [field for field in self.fields.values() if isinstance(field, Answers)]

    @property
    def orders(self) -> dict[str, Order]:
        return {
            order.name: order
            for column in self.columns
            if column.ordered
            for order in (Order(column, False), Order(column, True))
        }

    @property
    def groups(self) -> dict[str, Group]:
        found: dict[str, Group] = {}
        for column in self.columns:
            if isinstance(column.grouped, tuple):
                found |= {group.name: group for group in (Group(column, period) for period in column.grouped)}
            elif column.grouped:
                found[column.enum_name] = Group(column, None)
        return found

    @property
    def aggregates(self) -> list[Column]:
        return [column for column in self.columns if column.aggregated]

    @property
    def filters(self) -> list[Column]:
        return [column for column in self.columns if column.filtered]

    def column(self, name: str) -> Column:
        """The column of that SQL name."""
        return next(column for column in self.columns if column.name == name)

    def to_one_through(self, column: Column) -> ToOne | None:
        """The relation that this column's value refers to, if it is one."""
        return next((each for each in self.relations if isinstance(each, ToOne) and each.via == column.name), None)


@dataclass(slots=True)
class Verb:
    """A mutation: one SQL function of the same name in snake case, which takes the input as JSON.

    It returns the id of the thing that the payload shows (`returns` names the noun), the id of a row that is gone
    (`returns` is None), or for a bulk verb a report whose rows are `returns`.
    """

    function: str
    input: type
    returns: "str | Report | None"
    permission: str

    @property
    def graphql_name(self) -> str:
        return to_camel_case(self.function.partition(".")[2])

    @property
    def payload_name(self) -> str:
        return f"{self.graphql_name[0].upper()}{self.graphql_name[1:]}Payload"


@dataclass(frozen=True, slots=True)
class Report:
    """What a bulk verb answers: one row for each row it was given."""

    name: str
    description: str
    columns: tuple[Column, ...]


@dataclass(slots=True)
class Declarations:
    """Everything the domains declare."""

    nouns: dict[str, Noun] = field(default_factory=dict)
    verbs: dict[str, Verb] = field(default_factory=dict)

    def add(self, *declared: type | Verb) -> None:
        for each in declared:
            if isinstance(each, Verb):
                self.verbs[each.graphql_name] = each
            else:
                found: Noun = each.__noun__  # type: ignore[attr-defined]
                self.nouns[found.name] = found

    def target(self, relation: Relation | Answers) -> Noun:
        return self.nouns[relation.target]
