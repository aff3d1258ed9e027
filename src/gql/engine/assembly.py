"""The Strawberry schema of all declarations, with the engine behind its resolvers."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from gql.engine.declarations import Declarations
from gql.engine.engine import TYPE_KEY
from gql.engine.factory import TypeFactory
from gql.engine.meanings import Descriptions
from gql.engine.scalars import SCALARS
from gql.engine.types import TypeBuilder


class QuietSchema(strawberry.Schema):
    """A schema that leaves logging to the engine, which logs what it did not foresee. Strawberry's own would log every
    refusal with its document, passwords included."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs nothing."""


class AlreadyValid(SchemaExtension):
    """Hands Strawberry the document that the engine has parsed and validated: doing both again is three quarters of
    what a refused sign-in costs."""

    def on_operation(self) -> Iterator[None]:
        operation = self.execution_context.context.operation
        self.execution_context.graphql_document = operation.text.document
        self.execution_context.validation_rules = ()
        yield


def assemble(
    declarations: Declarations,
    descriptions: Descriptions,
    *,
    queries: tuple[type, ...] = (),
    mutations: tuple[type, ...] = (),
    notes: Mapping[str, str] = MappingProxyType({}),
) -> strawberry.Schema:
    """One schema: what nouns and verbs declare, and the fields of `queries` and `mutations`, resolved in Python.

    `notes` are sentences that end the descriptions of types and fields, by their names (`Invoice`, `Query.invoice`).
    """
    query, mutation, types = TypeBuilder(declarations, descriptions).build(queries, mutations)
    schema = QuietSchema(
        query=query,
        mutation=mutation,
        types=types,
        extensions=[AlreadyValid],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )
    for graphql_type in schema._schema.type_map.values():
        if isinstance(graphql_type, GraphQLInterfaceType):
            graphql_type.resolve_type = _type_name
        if isinstance(graphql_type, GraphQLObjectType) and _is_ours(graphql_type):
            graphql_type.is_type_of = None
            for field in graphql_type.fields.values():
                if field.extensions["strawberry-definition"].base_resolver is None:
                    field.resolve = _resolver(graphql_type, field)
    for name, note in notes.items():
        _annotate(schema._schema, name, note)
    return schema


def _annotate(schema: GraphQLSchema, name: str, note: str) -> None:
    type_name, _, field_name = name.partition(".")
    described: Any = schema.type_map[type_name]
    if field_name:
        described = described.fields[field_name]
    described.description = f"{described.description} {note}"


def _resolver(graphql_type: GraphQLObjectType, field: GraphQLField) -> Callable[..., Any]:
    """What resolves a field for Strawberry's executor, unless Python does."""
    if graphql_type.name in ("Query", "Mutation"):
        return _resolve_root
    inner = get_named_type(field.type)
    return _member_of(inner) if isinstance(inner, GraphQLEnumType) else _from_answer


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
    return str(source[TYPE_KEY])
