"""Verbs in SQL: what one is called with, the call, and what it answers, read by the same compiler before the next
one runs."""

import re
from functools import cache
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)

from gql.engine.compiler import Compiler
from gql.engine.selection import Selected
from gql.engine.statement import Given, Parameters, Statement, answering, as_text, as_uuid, read_at
from gql.engine.text import Fragment, Literal, joined, members
from gql.engine.verbs import Report, Verb

_HUMP: Final = re.compile(r"(?<!^)(?=[A-Z])")


def call_statement(verb: Verb) -> Statement:
    """The statement that calls the verb with its input; its value is the verb's result."""
    parameters = Parameters()
    return answering(f"({verb.function}({parameters.given(Given.INPUT, 'jsonb')}))::text", parameters)


def payload_statement(compiler: Compiler, verb: Verb, root: Selected) -> Statement:
    """The statement that reads the payload once the verb has run; its result is a parameter."""
    children = compiler.selector.under(root, (verb.payload_name,))

    def value(child: Selected) -> list[Fragment]:
        path = (root.key, child.key)
        if child.name == "__typename":
            return [Literal(f'"{verb.payload_name}"')]
        if verb.returns is None:
            return [Literal('"'), compiler.parameters.given(Given.RESULT, "uuid"), Literal('"')]
        if isinstance(verb.returns, Report):
            return _report(compiler, verb.returns, child)
        return compiler.payload(compiler.declarations.nouns[verb.returns], child, path)

    return answering(joined(members((child.key, value(child)) for child in children)), compiler.parameters)


def _report(compiler: Compiler, report: Report, selected: Selected) -> list[Fragment]:
    """The rows of a bulk verb's report, which stand in its result as JSON."""
    children = compiler.selector.under(selected, (report.name,))
    columns = {column.graphql_name: column for column in report.columns}

    def value(child: Selected) -> list[Fragment]:
        if child.name == "__typename":
            return [Literal(f'"{report.name}"')]
        column = columns[child.name]
        return column.kind.json(f"report.{column.name}", nullable=column.nullable)

    written = joined(members((child.key, value(child)) for child in children))
    typed = ", ".join(f"{column.name} {column.kind.sql}" for column in report.columns)
    result = compiler.parameters.given(Given.RESULT, "jsonb")
    source = f"jsonb_to_recordset({result} -> 'rows') as report({typed})"
    return [Literal("["), f"(select string_agg({written}, ',') from {source})", Literal("]")]


@cache
def snake_case(name: str) -> str:
    """The name of an input's field as SQL says it. There are as many as the schema has."""
    return _HUMP.sub("_", name).lower()


def as_sql_input(value: Any, wanted: GraphQLInputType, place: str = "input") -> Any:
    """A verb's input as its SQL function takes it: field names in snake case, enum values as text. What stands inside
    a JSON scalar is the caller's own and stays as it is.

    Raises ApiError, with the place, for a text that is no id where one is wanted or that PostgreSQL cannot keep."""
    if value is None:
        return None
    if isinstance(wanted, GraphQLNonNull):
        return as_sql_input(value, wanted.of_type, place)
    if isinstance(wanted, GraphQLList):
        return [as_sql_input(each, wanted.of_type, f"{place}.{number}") for number, each in enumerate(value)]
    if isinstance(wanted, GraphQLInputObjectType):
        return {
            snake_case(name): as_sql_input(each, wanted.fields[name].type, f"{place}.{name}")
            for name, each in value.items()
        }
    if isinstance(wanted, GraphQLEnumType):
        return value.value
    if isinstance(value, str):
        return read_at(place, as_uuid if wanted.name == "ID" else as_text, value)
    return value
