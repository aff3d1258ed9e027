"""The Strawberry schema of all declarations, with the engine behind its resolvers."""

from collections.abc import Callable
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    get_named_type,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from gql.engine.factory import TypeFactory
from gql.engine.nouns import Declarations
from gql.engine.scalars import SCALARS
from gql.engine.types import Descriptions, TypeBuilder


class QuietSchema(strawberry.Schema):
    """A schema that leaves logging to the engine, which logs what it did not foresee. Strawberry's own would log every
    refusal with its document, passwords included."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs nothing."""


def assemble(
    declarations: Declarations,
    descriptions: Descriptions,
    *,
    queries: tuple[type, ...] = (),
    mutations: tuple[type, ...] = (),
) -> strawberry.Schema:
    """One schema: what nouns and verbs declare, and the fields of `queries` and `mutations`, resolved in Python."""
    query, mutation, types = TypeBuilder(declarations, descriptions).build()
    compiled = {name: _field_names(made) for name, made in (("Query", query), ("Mutation", mutation))}
    schema = QuietSchema(
        query=merge_types("Query", (query, *queries)) if queries else query,
        mutation=merge_types("Mutation", (mutation, *mutations)) if mutations else mutation,
        types=types,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )
    made_here = {each.__strawberry_definition__.name for each in types}  # type: ignore[attr-defined]
    for name, graphql_type in schema._schema.type_map.items():
        if isinstance(graphql_type, GraphQLInterfaceType):
            graphql_type.resolve_type = _type_name
        if not isinstance(graphql_type, GraphQLObjectType) or name.startswith("__"):
            continue
        if name in made_here:
            graphql_type.is_type_of = None
        for field_name, field in graphql_type.fields.items():
            if name in compiled:
                if field_name in compiled[name]:
                    field.resolve = _resolve_root
            elif _is_ours(graphql_type):
                inner = get_named_type(field.type)
                field.resolve = _member_of(inner) if isinstance(inner, GraphQLEnumType) else _from_answer
    return schema


def _field_names(made: Any) -> set[str]:
    return {field.graphql_name for field in made.__strawberry_definition__.fields}


def _is_ours(graphql_type: GraphQLObjectType) -> bool:
    definition = graphql_type.extensions.get("strawberry-definition")
    return getattr(getattr(definition, "origin", None), "__module__", "") == TypeFactory.__module__


async def _resolve_root(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    return await info.context.engine.resolve_root(info, arguments)


def _from_answer(source: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    """A member of the engine's answer, which already stands under its response key."""
    return source[info.path.key]


def _member_of(enum: GraphQLEnumType) -> Callable[..., Any]:
    """Enum values stand in the answer by name; Strawberry wants the member."""
    members = enum.wrapped_cls  # type: ignore[attr-defined]

    def from_answer(source: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
        name = source[info.path.key]
        return None if name is None else members[name]

    return from_answer


def _type_name(source: Any, _info: Any, _type: Any) -> str:
    return str(source["__typename"])
