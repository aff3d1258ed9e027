"""Rows: a table under an alias, which columns of it a statement reads, and the locks that every statement writes."""

from dataclasses import dataclass, field

from gql.database.context import OF_ONE
from gql.engine.fields import Column
from gql.engine.nouns import Noun
from gql.engine.statement import Given, Parameters


@dataclass(slots=True)
class Aliases:
    """Names for the row sources of one statement."""

    given: int = 0

    def next(self) -> str:
        self.given += 1
        return f"t{self.given}"


@dataclass(slots=True)
class Row:
    """A row of a noun's table under an alias. It remembers the columns that were read from it."""

    noun: Noun
    alias: str
    aliases: Aliases
    source: str
    with_archive: bool = False
    columns: dict[str, None] = field(default_factory=dict)

    @classmethod
    def of(cls, noun: Noun, aliases: Aliases, source: str | None = None, *, with_archive: bool | None = False) -> "Row":
        """A row of the noun's table, or of its archive too, or of `source` in its place."""
        table = noun.archive if with_archive and noun.archive else noun.table
        return cls(noun, aliases.next(), aliases, source or table, bool(with_archive))

    def leading_to(self, noun: Noun) -> "Row":
        """A row of the noun that belongs to this one. It may be archived, unless this one is not and would be too."""
        return Row.of(noun, self.aliases, with_archive=self.with_archive or not self.noun.archive)

    def column(self, name: str) -> str:
        """The SQL expression of a stored column."""
        self.columns[name] = None
        return f"{self.alias}.{name}"

    def value(self, column: Column) -> str:
        """The SQL expression of a declared column, stored or computed."""
        if column.expression is None:
            return self.column(column.name)
        for name in column.reads:
            self.column(name)
        return column.sql(self.alias)


def source_condition(row: Row, parameters: Parameters, scoped_as: str | None) -> str:
    """Lock two: the tenant of the verified token on every table that a statement names, and the scope of a person
    who has one. The policies say the same; the index serves this."""
    condition = f"{row.alias}.tenant_id = {parameters.tenant()}"
    if scoped_as is None:
        return condition
    role = scoped_as.removesuffix(OF_ONE)

    def ids() -> str:
        if role != scoped_as:
            return parameters.given(Given.SCOPE_ID, "uuid")
        return f"any ({parameters.given(Given.SCOPE, 'uuid[]')})"

    scope = row.noun.scope_condition(role, row.alias, ids)
    return condition if scope is None else f"{condition} and {scope}"


def found_by(row: Row, search: str, *arguments: str) -> str:
    """Which rows a search finds. It is asked once for a list, and its ids are looked up all together: row by row, as
    `in` would have it, takes twice the time."""
    return f"{row.alias}.id = any ((select {search}({', '.join(arguments)}))::uuid[])"
