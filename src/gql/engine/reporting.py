"""The views of analysts, written from the declarations: one for each noun and each report, with what GraphQL shows.

A rule that stands in a declaration (what is overdue, what is visible, how money is written) is taken from there, so
that a figure is the same wherever it is read. What comes out is kept in sql/reporting/views.sql, and a test compares.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from gql.database.permissions import read_permissions
from gql.engine.declarations import Declarations
from gql.engine.fields import ROW, Answers, Column, ToMany, ToOne
from gql.engine.kinds import DECIMAL, DOCUMENT, MONEY, TEXT, TEXTS
from gql.engine.meanings import Descriptions
from gql.engine.nouns import Noun, Question

SCHEMA: Final = "reporting"
GROUP: Final = "countinghouse_analyst"
HEADER: Final = """\
-- Written by `make reporting` from the declarations in src/gql; do not edit. Each view reads with the rights of whoever
-- asks, and shows what GraphQL shows of the noun or the report.
"""
ALIAS: Final = "thing"
BEGINNING: Final = "'1900-01-01'::date"
TODAY: Final = "core.today()"
TODAY_ONCE: Final = f"(select {TODAY})"
"""Reckoned once for a statement: on an analyst's connection it looks the organisation up."""
SPANS: Final = {"from": ("first_day", BEGINNING), "to": ("last_day", TODAY)}
"""The arguments that bound a report, by what they are called in SQL, where `from` is no name. A view has no arguments,
and shows everything until today."""


class Shown(NamedTuple):
    """A column of a view: its name, its expression, its type and its meaning."""

    name: str
    sql: str
    type: str
    meaning: str


def view_name(noun: Noun) -> str:
    """What analysts call it: its list, its report, or its own name."""
    asked = noun.question.field if noun.question else None
    name = noun.plural or asked or (noun.single.name if noun.single else None)
    if name is None:
        single = noun.name
        name = f"{single[:-1]}ies" if single.endswith("y") else f"{single}s"
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def is_reckoned(noun: Noun) -> bool:
    """Whether it is a report reckoned ahead: its view stands beside its materialized view, and is written by hand."""
    return noun.question is not None and noun.described_by != noun.table


def reporting_sql(declarations: Declarations, descriptions: Descriptions) -> str:
    """All views and functions of analysts, as SQL."""
    nouns = [noun for noun in declarations.nouns.values() if noun.reported and not is_reckoned(noun)]
    return "\n".join([HEADER, *(_Writer(noun, declarations, descriptions).text() + "\n" for noun in nouns)])


READS_LIKE: Final = "viewer"
"""The role whose columns an analyst sees: what is an administrator's has no place in a view."""


def shown_columns(noun: Noun, declarations: Declarations, descriptions: Descriptions) -> list[Shown]:
    """The columns of its view. A line of a report is no thing, and has no id."""
    return _Writer(noun, declarations, descriptions).shown


class _Writer:
    """Writes the view of one noun, and of a report also the function that takes its arguments."""

    def __init__(self, noun: Noun, declarations: Declarations, descriptions: Descriptions) -> None:
        self._noun = noun
        self._declarations = declarations
        self._descriptions = descriptions
        self._name = f"{SCHEMA}.{view_name(noun)}"
        may_read = read_permissions()[READS_LIKE]
        self.shown = [
            self._column(column)
            for column in noun.columns
            if (column.name != "id" or not noun.question) and (not column.permission or column.permission in may_read)
        ]
        names = {each.name for each in self.shown}
        self.shown += [self._reference(name) for name in dict.fromkeys(self._references()) if name not in names]

    def text(self) -> str:
        if self._noun.question is None:
            return "\n".join(
                self._view(
                    self.shown, [f"{self._noun.archive or self._noun.table} as {ALIAS}"], self._conditions(self._noun)
                )
            )
        owner = self._owner()
        lines = self._function(self._noun.question)
        if owner is None:
            source = f"{self._call(lambda name, default: default)} as {ALIAS}"
            return "\n".join([*self._view(self.shown, [source], []), "", *lines])
        asked, bound = owner
        about = Shown(f"{bound[0]}_id", "asked.id", "uuid", f"Whose it is: the id of a row of {view_name(asked)}.")
        call = self._call(lambda name, default: "asked.id" if name == bound[0] else default)
        sources = [f"{asked.table} as asked", f"cross join lateral {call} as {ALIAS}"]
        return "\n".join([*self._view([about, *self.shown], sources, self._conditions(asked, "asked")), "", *lines])

    # A view

    def _view(self, shown: list[Shown], sources: list[str], conditions: list[str]) -> Iterator[str]:
        yield f"create view {self._name} with (security_invoker = true) as"
        yield "select"
        yield ",\n".join(f"    {each.sql} as {each.name}" for each in shown)
        yield f"from {(chr(10)).join(sources)}" + (f"\nwhere {' and '.join(conditions)};" if conditions else ";")
        yield f"comment on view {self._name} is {_literal(self._meaning())};"
        for each in shown:
            yield f"comment on column {self._name}.{each.name} is {_literal(each.meaning)};"
        yield f"grant select ({', '.join(each.name for each in shown)}) on {self._name} to {GROUP};"

    def _conditions(self, noun: Noun, alias: str = ALIAS) -> list[str]:
        visible = [noun.visible.replace(ROW, alias)] if noun.visible else []
        return [f"{alias}.tenant_id = core.tenant_id()", *visible]

    def _column(self, column: Column) -> Shown:
        sql = column.sql(ALIAS).replace(TODAY, TODAY_ONCE)
        meaning = column.description or self._descriptions.column(self._noun.described_by, column.name)
        assert meaning, f"{self._noun.name}.{column.name} has no meaning"
        return Shown(column.name, _written(column, " ".join(sql.split())), _type(column), meaning)

    def _reference(self, name: str) -> Shown:
        meaning = self._descriptions.column(self._noun.described_by, name)
        assert meaning, f"{self._noun.described_by}.{name} has no comment"
        return Shown(name, f"{ALIAS}.{name}", "uuid", meaning)

    def _references(self) -> Iterable[str]:
        """The columns that relations follow, from here or to here: one joins by them."""
        yield from (each.via for each in self._noun.relations if isinstance(each, ToOne))
        for noun in self._declarations.nouns.values():
            for relation in noun.relations:
                if isinstance(relation, ToMany) and relation.target == self._noun.name:
                    yield relation.via

    def _meaning(self) -> str:
        if self._noun.question:
            found = self._descriptions.function(self._noun.table.partition("(")[0])
        else:
            found = self._descriptions.table(self._noun.described_by)
        assert found, f"{self._noun.name} has no meaning"
        return found

    # A report

    def _owner(self) -> tuple[Noun, tuple[str, str]] | None:
        """The noun that the report is about a row of, and the argument that is that row's id."""
        for noun in self._declarations.nouns.values():
            for relation in noun.fields.values():
                if isinstance(relation, Answers) and relation.target == self._noun.name:
                    ((argument, column),) = relation.bound
                    assert column == "id"
                    return noun, (argument, column)
        return None

    def _call(self, value: Callable[[str, str], str]) -> str:
        """The report's own function, with a value for each argument: what it is called in SQL, and its default."""
        assert self._noun.question
        values = {}
        for argument in self._noun.question.arguments:
            name, default = SPANS.get(argument.name, (argument.name, argument.default or ""))
            values[argument.name] = value(name, default)
        return self._noun.table.format(**values)

    def _function(self, question: Question) -> list[str]:
        """The same for other days than the view's."""
        parameters, types = [], []
        for argument in question.arguments:
            name, default = SPANS.get(argument.name, (argument.name, argument.default or ""))
            parameters.append(f"{name} {argument.kind.sql}" + (f" default {default}" if default else ""))
            types.append(argument.kind.sql)
        signature = f"{self._name}({', '.join(types)})"
        columns = ",\n".join(f"    {each.name} {each.type}" for each in self.shown)
        selected = ",\n".join(f"        {each.sql}" for each in self.shown)
        return [
            f"create function {self._name}({', '.join(parameters)}) returns table (",
            f"{columns}",
            ")",
            "language sql stable",
            "set search_path = pg_catalog, pg_temp",
            "as $$",
            "    select",
            selected,
            f"    from {self._call(lambda name, default: name)} as {ALIAS}",
            f"    order by {ALIAS}.{question.numbered_by}",
            "$$;",
            f"comment on function {signature} is {_literal(self._meaning())};",
            f"grant execute on function {signature} to {GROUP};",
        ]


def _written(column: Column, sql: str) -> str:
    """The value as GraphQL writes it, and of a type that every client knows instead of a domain of ours."""
    kind = column.kind
    if kind is MONEY:
        return f"round({sql}, 2)"
    if kind.is_enum:
        is_upper = all(member.name == member.value for member in kind.annotation)
        return f"{sql}::text" if is_upper else f"upper({sql})"
    if kind is TEXTS:
        return f"to_jsonb({sql})"
    return f"{sql}::{kind.sql}" if kind in (TEXT, DECIMAL, DOCUMENT) else sql


def _type(column: Column) -> str:
    return DOCUMENT.sql if column.kind is TEXTS else column.kind.sql


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
