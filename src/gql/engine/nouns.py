"""What a noun is to the engine: its fields, how its rows are found, and who sees which of them.

Domains declare their nouns in the vocabulary of `declare.py`; these are what the declarations become.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gql.engine.fields import Answers, Argument, Column, Field, Group, Order, Relation, ToMany, ToOne


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

    @property
    def field_name(self) -> str:
        """What a field is called that shows one."""
        return f"{self.name[0].lower()}{self.name[1:]}"

    @property
    def groups_field(self) -> str:
        """What the field is called that shows its groups, where it declares any."""
        return f"{self.field_name}Groups"

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
