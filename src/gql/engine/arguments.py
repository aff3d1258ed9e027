"""Argument values before their time: a plan is made for the *shape* of the variables, not for their values.

Booleans, enum values, nulls and the presence of a field decide which SQL is written, so they are part of the shape. Any
other value stays a `Variable`, a place in the request's variables that is read when the plan is run.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.utilities import coerce_input_literal

from gql.errors import ApiError, Code, RequestRefused

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that is known only when the plan is run: where it stands in the coerced variables."""

    path: tuple[str | int, ...]

    def read(self, values: Values) -> Any:
        found: Any = values
        for step in self.path:
            found = found[step]
        return found


class Shaped(NamedTuple):
    """The variables of a request as a plan sees them, and what they have in common with all that it serves."""

    variables: Values
    shape: Hashable


class _Absent:
    """A variable that was not given: not the same as null."""


_ABSENT: Final = _Absent()


def shaped(value: Any, wanted: GraphQLInputType, path: tuple[str | int, ...]) -> Any:
    """A coerced variable with its leaves replaced by `Variable`, except those that decide the SQL."""
    if value is None:
        return None
    if isinstance(wanted, GraphQLNonNull):
        return shaped(value, wanted.of_type, path)
    if isinstance(wanted, GraphQLList):
        if is_plain(wanted.of_type):
            return Variable(path)
        return [shaped(each, wanted.of_type, (*path, place)) for place, each in enumerate(value)]
    if isinstance(wanted, GraphQLInputObjectType):
        return {name: shaped(each, wanted.fields[name].type, (*path, name)) for name, each in value.items()}
    return Variable(path) if is_plain(wanted) else value


def is_plain(wanted: GraphQLInputType) -> bool:
    """Whether only the value, never the SQL, depends on it."""
    inner = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
    return isinstance(inner, GraphQLScalarType) and inner.name != "Boolean"


def shape(value: Any) -> Hashable:
    """What two values have in common when the same plan serves both."""
    if isinstance(value, Variable):
        return "?"
    if isinstance(value, dict):
        return tuple((name, shape(each)) for name, each in sorted(value.items()))
    if isinstance(value, list):
        return tuple(shape(each) for each in value)
    return (type(value), value)


def arguments_of(field: GraphQLField, node: FieldNode, variables: Values) -> dict[str, Any]:
    """The values of a field's arguments; those that were not given are left out. `variables` are shaped or plain."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    found: dict[str, Any] = {}
    for name, declared in field.args.items():
        value = _argument(declared, given.get(name), variables)
        if value is not _ABSENT:
            found[name] = value
    return found


def _argument(declared: GraphQLArgument, node: ValueNode | None, variables: Values) -> Any:
    return _ABSENT if node is None else _value(node, declared.type, variables)


def _value(node: ValueNode, wanted: GraphQLInputType, variables: Values) -> Any:
    if isinstance(node, VariableNode):
        return _given(node, variables, needed=isinstance(wanted, GraphQLNonNull))
    if isinstance(node, NullValueNode):
        return None
    if isinstance(wanted, GraphQLNonNull):
        return _value(node, wanted.of_type, variables)
    if isinstance(wanted, GraphQLList):
        if not isinstance(node, ListValueNode):
            return [_value(node, wanted.of_type, variables)]
        elements = (_value(each, wanted.of_type, variables) for each in node.values)
        return [None if each is _ABSENT else each for each in elements]
    if isinstance(wanted, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        found = (
            (each.name.value, _value(each.value, wanted.fields[each.name.value].type, variables))
            for each in node.fields
        )
        return {name: value for name, value in found if value is not _ABSENT}
    if isinstance(wanted, (GraphQLScalarType, GraphQLEnumType)) and not _holds_variables(node):
        return coerce_input_literal(node, wanted)
    return _untyped(node, variables)


def _given(node: VariableNode, variables: Values, *, needed: bool) -> Any:
    """The variable's value. One with a default may stand where a value is needed, and be null all the same."""
    value = variables.get(node.name.value, _ABSENT)
    if needed and value is None:
        raise null_refused(node)
    return value


def null_refused(node: VariableNode) -> RequestRefused:
    """The refusal of a variable that is null where it must not be."""
    sentence = f"Variable ${node.name.value} is null where a value is needed. Leave it out to have its default."
    return RequestRefused([ApiError(Code.BAD_USER_INPUT, sentence, reason="INVALID_VARIABLE")])


def _holds_variables(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_holds_variables(each) for each in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_holds_variables(each.value) for each in node.fields)
    return isinstance(node, VariableNode)


def _untyped(node: ValueNode, variables: Values) -> Any:
    """A JSON literal with variables inside it."""
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    if isinstance(node, ListValueNode):
        return [_untyped(each, variables) for each in node.values]
    if isinstance(node, ObjectValueNode):
        return {each.name.value: _untyped(each.value, variables) for each in node.fields}
    return coerce_input_literal(node, _JSON)


_JSON: Final = GraphQLScalarType("AnyJSON")
