"""From a selection to the SQL expression that writes its JSON.

Everything an operation asks for becomes one expression: a thing is a concat() of its members, a thing it refers to is a
sub-select, a list is a string_agg over a page. Nothing is left to do for each row in Python.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gql.engine.compilation import Compilation
from gql.engine.connections import ConnectionCompiler
from gql.engine.fields import Answers, Column, ToMany, ToOne
from gql.engine.groups import GroupsCompiler
from gql.engine.kinds import DATE
from gql.engine.lists import LONGEST_SHORT_LIST
from gql.engine.nouns import Noun
from gql.engine.predicates import reader_of
from gql.engine.rows import Row, source_condition
from gql.engine.selection import Selected
from gql.engine.statement import Given, Path, Source, as_text, as_uuid, dotted
from gql.engine.text import Fragment, Literal, joined, members

WITH_ARCHIVE: Final = "includeArchived"


@dataclass
class Compiler(Compilation):
    """Compiles root fields, things, and the lists and groups inside them."""

    # Roots

    def root(self, selected: Selected) -> list[Fragment]:
        """The value of a root field of Query."""
        name, path = selected.name, (selected.key,)
        arguments = self.arguments_of("Query", selected)
        if name == "__typename":
            return [Literal('"Query"')]
        if name == "node":
            noun = self.declarations.nouns[arguments["type"].value]
            return self._look_up(noun, selected, path, arguments["id"], with_archive=True)
        for noun in self.declarations.nouns.values():
            if name == noun.singular:
                with_archive = bool(arguments.get(WITH_ARCHIVE))
                return self._look_up(noun, selected, path, arguments["id"], with_archive=with_archive)
            if noun.single and name == noun.single.name:
                return self._single(noun, selected, path, noun.single.condition)
            if noun.question and name == noun.question.field:
                return self._answer(noun, selected, path, arguments, {})
            if name == noun.plural:
                return self.connection(noun, selected, path, arguments, _visible)
            if name == noun.groups_field:
                return self._groups(noun, selected, path, arguments, _visible)
        raise LookupError(name)

    def _look_up(
        self, noun: Noun, selected: Selected, path: Path, wanted: Source, *, with_archive: bool
    ) -> list[Fragment]:
        row = Row.of(noun, self.aliases, with_archive=with_archive)
        conditions = [source_condition(row, self.parameters, self.scoped_as)]
        conditions.append(f"{row.alias}.id = {self.parameters.add(wanted, 'uuid', as_uuid, dotted(path, 'id'))}")
        if noun.visible:
            conditions.append(noun.visible.format(row=row.alias))
        return [self._one(row, selected, path, " and ".join(conditions))]

    def _single(self, noun: Noun, selected: Selected, path: Path, condition: str) -> list[Fragment]:
        row = Row.of(noun, self.aliases)
        belongs = source_condition(row, self.parameters, self.scoped_as)
        return [self._one(row, selected, path, f"{belongs} and {condition.format(row=row.alias)}")]

    def payload(self, noun: Noun, selected: Selected, path: Path) -> list[Fragment]:
        """The thing that a verb has just made or changed."""
        row = Row.of(noun, self.aliases)
        belongs = source_condition(row, self.parameters, self.scoped_as)
        result = self.parameters.given(Given.RESULT, "uuid")
        return [self._one(row, selected, path, f"{belongs} and {row.alias}.id = {result}")]

    # Things

    def _one(self, row: Row, selected: Selected, path: Path, condition: str) -> str:
        written = joined(self.thing(row, selected, path))
        return f"coalesce((select {written} from {row.source} {row.alias} where {condition}), 'null')"

    def thing(self, row: Row, selected: Selected, path: Path) -> list[Fragment]:
        """The JSON object of one row."""
        noun = row.noun
        self.require(noun.permission, path)
        children = self.selector.under(selected, (noun.name, "Node"))
        return members((child.key, self._member(row, child, (*path, child.key))) for child in children)

    def _member(self, row: Row, selected: Selected, path: Path) -> list[Fragment]:
        noun, name = row.noun, selected.name
        if name == "__typename":
            return [Literal(f'"{noun.name}"')]
        for relation in noun.relations:
            if isinstance(relation, ToMany) and name == self.declarations.target(relation).groups_field:
                target = self.declarations.target(relation)
                arguments = self.arguments_of(noun.name, selected)
                return self._groups(target, selected, path, arguments, self._belonging(relation, row))
        declared = noun.fields[name]
        if isinstance(declared, Column):
            self.require(declared.permission, path)
            self.cost.value()
            return declared.kind.json(self._value(row, declared, selected, path), nullable=declared.nullable)
        target = self.declarations.target(declared)
        if isinstance(declared, Answers):
            bound = {argument: row.column(column) for argument, column in declared.bound}
            return self._answer(target, selected, path, self.arguments_of(noun.name, selected), bound)
        if isinstance(declared, ToOne):
            return [self.refer(row, target, row.column(declared.via), selected, path)]
        belonging = self._belonging(declared, row)
        if declared.listed:
            return self._short_list(declared, row.leading_to(target), selected, path, belonging)
        return self.connection(target, selected, path, self.arguments_of(noun.name, selected), belonging)

    def _value(self, row: Row, column: Column, selected: Selected, path: Path) -> str:
        """The expression of a column's value, at the end of the day that `asOf` names, if it names one."""
        day = self.arguments_of(row.noun.name, selected).get("asOf") if column.as_of else None
        if column.as_of is None or day is None:
            return row.value(column)
        for name in column.reads_as_of:
            row.column(name)
        given = self.parameters.add(day, DATE.sql, as_text, dotted(path, "asOf"))
        return f"({column.as_of.format(row=row.alias, as_of=given)})"

    def refer(self, row: Row, target: Noun, id_expression: str, selected: Selected, path: Path) -> str:
        """The thing that an id in another row refers to."""
        other = row.leading_to(target)
        belongs = source_condition(other, self.parameters, self.scoped_as)
        with self.cost.rows(1):
            return self._one(other, selected, path, f"{belongs} and {other.alias}.id = {id_expression}")

    def _belonging(self, relation: ToMany, row: Row) -> Callable[[Row], str]:
        return lambda other: f"{other.alias}.{relation.via} = {row.column('id')}"

    # Questions

    def _answer(
        self, noun: Noun, selected: Selected, path: Path, given: dict[str, Any], bound: dict[str, str]
    ) -> list[Fragment]:
        """The rows that a function answers, in the order that it numbers them in."""
        question = noun.question
        assert question is not None
        self.require(noun.permission, path)
        values = dict(bound)
        for argument in question.arguments:
            if argument.name in bound:
                continue
            value = given.get(argument.graphql_name)
            values[argument.name] = (
                argument.default
                if value is None and argument.default is not None
                else self.parameters.add(
                    value, argument.kind.sql, reader_of(argument.kind), dotted(path, argument.graphql_name)
                )
            )
        row = Row.of(noun, self.aliases, noun.table.format_map(values))
        condition = source_condition(row, self.parameters, self.scoped_as)
        with self.cost.rows(self.cost.ANSWER):
            written = joined(self.thing(row, selected, path))
        order = row.column(question.numbered_by)
        rows = f"select string_agg({written}, ',' order by {order}) from {row.source} {row.alias} where {condition}"
        return [Literal("["), f"({rows})", Literal("]")]

    # Lists

    def _short_list(
        self, relation: ToMany, row: Row, selected: Selected, path: Path, belonging: Callable[[Row], str]
    ) -> list[Fragment]:
        condition = f"{source_condition(row, self.parameters, self.scoped_as)} and {belonging(row)}"
        with self.cost.rows(self.cost.SHORT_LIST):
            written = joined(self.thing(row, selected, path))
        if relation.numbered_by is not None:
            order = row.column(relation.numbered_by)
            source = f"select string_agg({written}, ',' order by {order}) from {row.source} {row.alias}"
            return [Literal("["), f"({source} where {condition})", Literal("]")]
        order = f"{row.column(relation.order or 'id')}, {row.column('id')}"
        columns = ", ".join(f"{row.alias}.{name}" for name in row.columns)
        table = f"{row.source} {row.alias}"
        source = f"select {columns} from {table} where {condition} order by {order} limit {LONGEST_SHORT_LIST}"
        return [Literal("["), f"(select string_agg({written}, ',') from ({source}) {row.alias})", Literal("]")]

    def connection(
        self,
        noun: Noun,
        selected: Selected,
        path: Path,
        arguments: dict[str, Any],
        extra: Callable[[Row], str | None],
    ) -> list[Fragment]:
        """A page of a list, with what was asked about it."""
        self.require(noun.permission, path)
        row = Row.of(noun, self.aliases, with_archive=arguments.get(WITH_ARCHIVE))
        return ConnectionCompiler.asked(self, self.thing, row, arguments, dotted(path), extra).page_of(selected, path)

    def _groups(
        self, noun: Noun, selected: Selected, path: Path, arguments: dict[str, Any], extra: Callable[[Row], str | None]
    ) -> list[Fragment]:
        self.require(noun.permission, path)
        row = Row.of(noun, self.aliases, with_archive=arguments.get(WITH_ARCHIVE))
        condition = self.list_condition(row, arguments, dotted(path), extra)
        return GroupsCompiler(self, self.refer, row, condition).groups(selected, path, arguments)


def _visible(row: Row) -> str | None:
    return row.noun.visible
