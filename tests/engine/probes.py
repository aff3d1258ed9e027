"""Questions about an id, a text or a cursor, made from the schema: for every place where a caller can put one.

A new noun, filter, order or verb is probed without anybody remembering to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from gql.engine.nouns import Noun
from gql.schema import PYTHON_FIELDS, build_schema, declarations

SCHEMA = build_schema()._schema
LISTED: list[Noun] = [noun for noun in declarations().nouns.values() if noun.plural]
SAMPLES: dict[str, Any] = {
    "String": "probe",
    "Int": 1,
    "Boolean": True,
    "Money": "1.00",
    "Decimal": "1",
    "Date": "2026-01-01",
    "DateTime": "2026-01-01T00:00:00Z",
    "JSON": {},
}


@dataclass(frozen=True)
class Probe:
    """A document that asks about a value, and the place where it stands in the variables."""

    name: str
    source: str
    variables: dict[str, Any]
    place: tuple[str | int, ...]

    def with_value(self, value: Any) -> dict[str, Any]:
        """The variables with the value in its place."""
        placed: dict[str, Any] = _placed(self.variables, self.place, value)
        return placed

    def __str__(self) -> str:
        return self.name


def _placed(container: Any, place: tuple[str | int, ...], value: Any) -> Any:
    if not place:
        return value
    step, *rest = place
    if isinstance(container, list):
        return [_placed(each, tuple(rest), value) if number == step else each for number, each in enumerate(container)]
    return container | {step: _placed(container.get(step, {}), tuple(rest), value)}


def look_ups() -> Iterator[Probe]:
    """Every root field of Query that takes an id, by each of its ids."""
    query = SCHEMA.query_type
    assert query is not None
    for name, field in query.fields.items():
        for argument, each in field.args.items():
            # A question about something, by its id.
            if argument != "id" and get_named_type(each.type).name == "ID":
                document = f"query(${argument}: ID!) {{ {name}({argument}: ${argument}) {{ id }} }}"
                yield Probe(f"{name}-{argument}", document, {}, (argument,))
        if "id" not in field.args:
            continue
        if name != "node":
            yield Probe(name, f"query($id: ID!) {{ {name}(id: $id) {{ id }} }}", {}, ("id",))
            continue
        node_type = SCHEMA.type_map["NodeType"]
        assert isinstance(node_type, GraphQLEnumType)
        for kind in node_type.values:
            document = f"query($id: ID!) {{ node(type: {kind}, id: $id) {{ __typename id }} }}"
            yield Probe(f"node-{kind}", document, {}, ("id",))


def filters(scalar: str) -> Iterator[Probe]:
    """Every equality in every filter on values of that scalar, also in filters on related things."""
    for noun in LISTED:
        name = f"{noun.name}Filter"
        wanted = SCHEMA.type_map.get(name)
        if not isinstance(wanted, GraphQLInputObjectType):
            continue
        document = f"query($filter: {name}) {{ {noun.plural}(filter: $filter) {{ totalCount nodes {{ id }} }} }}"
        for place in _equalities(wanted, scalar, 2):
            yield Probe(f"{noun.plural}-{'.'.join(place)}", document, {"filter": {}}, ("filter", *place))
        if noun.groups:
            groups = f"query($filter: {name}) {{ {noun.singular}Groups(by: [], filter: $filter) {{ count }} }}"
            for place in _equalities(wanted, scalar, 1):
                yield Probe(f"{noun.singular}Groups-{'.'.join(place)}", groups, {"filter": {}}, ("filter", *place))


def _equalities(wanted: GraphQLInputObjectType, scalar: str, levels: int) -> Iterator[tuple[str, ...]]:
    for name, field in wanted.fields.items():
        inner = get_named_type(field.type)
        if name in ("and", "or", "not") or not isinstance(inner, GraphQLInputObjectType):
            continue
        if "eq" in inner.fields:
            if get_named_type(inner.fields["eq"].type).name == scalar:
                yield (name, "eq")
        elif levels > 1:
            yield from ((name, *rest) for rest in _equalities(inner, scalar, levels - 1))


def cursors() -> Iterator[tuple[Noun, str, str]]:
    """Every list with each of its orders: the noun, the document that makes a cursor, the one that takes it."""
    for noun in LISTED:
        for order in noun.orders:
            making = f"{{ {noun.plural}(orderBy: [{order}], first: 1) {{ pageInfo {{ endCursor }} nodes {{ id }} }} }}"
            lists = f"{noun.plural}(orderBy: [{order}],"
            taking = (
                f"query($cursor: String) {{ after: {lists} after: $cursor) {{ nodes {{ id }} }}"
                f" before: {lists} last: 20, before: $cursor) {{ nodes {{ id }} }} }}"
            )
            yield noun, making, taking


def verbs() -> Iterator[Probe]:
    """Every id in the input of every verb, in an input that is otherwise as it should be."""
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        if name in PYTHON_FIELDS:
            continue
        wanted = field.args["input"].type
        document = f"mutation($input: {wanted}) {{ {name}(input: $input) {{ __typename }} }}"
        for place in ids_in(wanted):
            shown = ".".join(str(step) for step in place)
            yield Probe(f"{name}-{shown}", document, {"input": sample(wanted)}, ("input", *place))


def ids_in(wanted: GraphQLInputType) -> Iterator[tuple[str | int, ...]]:
    if isinstance(wanted, GraphQLNonNull):
        yield from ids_in(wanted.of_type)
    elif isinstance(wanted, GraphQLList):
        yield from ((0, *rest) for rest in ids_in(wanted.of_type))
    elif isinstance(wanted, GraphQLInputObjectType):
        for name, field in wanted.fields.items():
            yield from ((name, *rest) for rest in ids_in(field.type))
    elif wanted.name == "ID":
        yield ()


def sample(wanted: GraphQLInputType) -> Any:
    """A value of the type: what is required, and nothing else."""
    if isinstance(wanted, GraphQLNonNull):
        return sample(wanted.of_type)
    if isinstance(wanted, GraphQLList):
        return [sample(wanted.of_type)]
    if isinstance(wanted, GraphQLInputObjectType):
        return {
            name: sample(field.type) for name, field in wanted.fields.items() if isinstance(field.type, GraphQLNonNull)
        }
    if isinstance(wanted, GraphQLEnumType):
        return next(iter(wanted.values))
    return SAMPLES.get(wanted.name)


def everything() -> Iterator[str]:
    """A document for each list: all of it, with every field that is a value, and everything one step away."""
    for noun in LISTED:
        kind = SCHEMA.type_map[noun.name]
        assert isinstance(kind, GraphQLObjectType)
        yield f"{{ {noun.plural}(first: 20) {{ totalCount nodes {{ {_values(kind, 1)} }} }} }}"


def _values(kind: GraphQLObjectType, levels: int) -> str:
    found = []
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if "from" in field.args:
            days = ", ".join(f'{each}: "2026-01-01"' for each in field.args)
            assert isinstance(inner, GraphQLObjectType)
            found.append(f"{name}({days}) {{ {_values(inner, 0)} }}")
        elif not isinstance(inner, GraphQLObjectType):
            found.append(name)
        elif levels and inner.name.endswith("Connection"):
            node = get_named_type(inner.fields["nodes"].type)
            assert isinstance(node, GraphQLObjectType)
            found.append(f"{name}(first: 5) {{ totalCount nodes {{ {_values(node, 0)} }} }}")
        elif levels and not inner.name.endswith("Group"):
            found.append(f"{name} {{ {_values(inner, 0)} }}")
    return " ".join(found)
