"""From declarations to Strawberry types: one shape for every noun, so that whoever has used one has used them all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, EnumMeta
from keyword import iskeyword
from typing import Any, Final, Protocol

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from gql.engine.inputs import describe
from gql.engine.kinds import BOOLEAN, DECIMAL, INTEGER, MONEY, TEXT, Kind
from gql.engine.nouns import Column, Declarations, Noun, Report, ToMany, ToOne, Verb
from gql.engine.scalars import JSON, Date, DateTime, Decimal, Money

PAGE_ARGUMENTS: Final = {
    "first": ("int | None", "How many, from the start: 1 to 100. Without `first` and `last`, 20."),
    "after": ("str | None", "Only what comes after this cursor. A cursor belongs to the order that it was made with."),
    "last": ("int | None", "How many, from the end: 1 to 100."),
    "before": ("str | None", "Only what comes before this cursor."),
}
OPERATOR_MEANINGS: Final = {
    "eq": "Equal to this value.",
    "ne": "Not equal to this value; a missing value is not equal to any.",
    "in": "Equal to one of these values, at most 100.",
    "lt": "Less than, or earlier than, this value.",
    "lte": "At most, or not later than, this value.",
    "gt": "More than, or later than, this value.",
    "gte": "At least, or not earlier than, this value.",
    "startsWith": "Begins with this text; upper and lower case are the same.",
    "isNull": "Whether there is no value.",
}
AGGREGATE_MEANINGS: Final = {
    "sum": "The sum, exact.",
    "avg": "The mean, rounded half away from zero to two decimals.",
    "min": "The smallest.",
    "max": "The largest.",
}


class Descriptions(Protocol):
    """Where meanings come from: the `comment on` texts of the SQL files."""

    def table(self, table: str) -> str | None: ...
    def column(self, table: str, column: str) -> str | None: ...
    def function(self, function: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Member:
    """A field and its annotation, which Strawberry wants in the class's annotations."""

    field: StrawberryField
    annotation: StrawberryAnnotation


class TypeBuilder:
    """Makes the Strawberry types of all declared nouns. Types refer to one another by name, in `namespace`."""

    def __init__(self, declarations: Declarations, descriptions: Descriptions) -> None:
        self.declarations = declarations
        self.descriptions = descriptions
        self.namespace: dict[str, Any] = {
            "ID": strawberry.ID,
            "Money": Money,
            "Decimal": Decimal,
            "Date": Date,
            "DateTime": DateTime,
            "JSON": JSON,
        }

    def build(self) -> tuple[type, type, list[type]]:
        """The Query and Mutation types, and the types of the nouns, which implement Node."""
        self._shared_types()
        nouns = self.declarations.nouns.values()
        for noun in nouns:
            self._object_type(noun)
            if noun.filters or any(isinstance(each, ToOne) and each.filtered for each in noun.relations):
                self._filter_type(noun)
            if noun.orders:
                self._enum(
                    f"{noun.name}Order", list(noun.orders), f"An order for a list of {noun.plural or noun.name}."
                )
            if noun.plural or self._is_connected(noun):
                self._connection_types(noun)
            if noun.groups:
                self._group_types(noun)
        looked_up = [noun for noun in nouns if noun.singular]
        self._enum("NodeType", [noun.name for noun in looked_up], "A type of thing that `node` can fetch again.")
        query = self._type(
            "Query", self._query_fields(), "What can be read. Every field answers within the caller's scope."
        )
        verbs = self.declarations.verbs.values()
        for verb in verbs:
            describe(verb.input, self.descriptions.column)
            self._payload_type(verb)
        mutation = self._type(
            "Mutation",
            [
                self._field(
                    verb.graphql_name,
                    f"{verb.payload_name}",
                    self.descriptions.function(verb.function),
                    {"input": (verb.input, "What the verb needs.")},
                )
                for verb in verbs
            ],
            "What can be done. All mutations of one operation succeed together or not at all.",
        )
        return query, mutation, [self.namespace[noun.name] for noun in nouns]

    def _is_connected(self, noun: Noun) -> bool:
        return any(
            isinstance(relation, ToMany) and relation.target == noun.name and not relation.listed
            for other in self.declarations.nouns.values()
            for relation in other.relations
        )

    # The building blocks

    def _annotation(self, annotation: Any) -> StrawberryAnnotation:
        return StrawberryAnnotation(annotation, namespace=self.namespace)

    def _class(self, name: str, members: Iterable[Member], bases: tuple[type, ...] = ()) -> type:
        body: dict[str, Any] = {"__module__": __name__, "__annotations__": {}}
        for member in members:
            body[member.field.python_name] = member.field
            body["__annotations__"][member.field.python_name] = member.annotation
        return type(name, bases, body)

    def _type(
        self, name: str, members: Iterable[Member], description: str | None, bases: tuple[type, ...] = ()
    ) -> type:
        made: type = strawberry.type(self._class(name, members, bases), name=name, description=description)
        self.namespace[name] = made
        return made

    def _field(
        self,
        name: str,
        annotation: Any,
        description: str | None,
        arguments: Mapping[str, tuple[Any, str]] | None = None,
    ) -> Member:
        field = StrawberryField(python_name=name, graphql_name=name, description=description)
        field.arguments = [
            StrawberryArgument(argument, argument, self._annotation(wanted), description=meaning)
            for argument, (wanted, meaning) in (arguments or {}).items()
        ]
        return Member(field, self._annotation(annotation))

    def _enum(self, name: str, names: list[str], description: str) -> None:
        self.namespace[name] = strawberry.enum(_enum_of(name, names), name=name, description=description)

    def _input(self, name: str, fields: Mapping[str, tuple[Any, str | None]], description: str) -> None:
        members = []
        for field, (annotation, meaning) in fields.items():
            member = f"{field}_" if iskeyword(field) else field
            made = StrawberryField(
                python_name=member, graphql_name=field, description=meaning, default=strawberry.UNSET
            )
            members.append(Member(made, self._annotation(annotation)))
        self.namespace[name] = strawberry.input(self._class(name, members), name=name, description=description)

    # The types that all nouns share

    def _shared_types(self) -> None:
        node = self._class("Node", [self._field("id", strawberry.ID, "The row's own uuid.")])
        self.namespace["Node"] = strawberry.interface(
            node, name="Node", description="A thing with an id that can be fetched again."
        )
        self._type(
            "PageInfo",
            [
                self._field("hasNextPage", bool, "Whether there is more after the last one shown."),
                self._field("hasPreviousPage", bool, "Whether there is more before the first one shown."),
                self._field("startCursor", "str | None", "The cursor of the first one shown."),
                self._field("endCursor", "str | None", "The cursor of the last one shown: pass it as `after`."),
            ],
            "Where a page lies in its list.",
        )
        for kind in (MONEY, DECIMAL, INTEGER):
            self._type(
                f"{kind.name}Aggregate",
                [
                    self._field(
                        figure,
                        "Decimal | None" if kind is INTEGER and figure == "avg" else f"{_named(kind)} | None",
                        meaning,
                    )
                    for figure, meaning in AGGREGATE_MEANINGS.items()
                ],
                f"Figures over a group's {kind.name} values.",
            )

    def _operator_type(self, column: Column) -> str:
        """The filter type for a column, made once for each kind and set of operators."""
        kind = column.kind
        name = "ExactFilter" if kind is TEXT and column.key is None else f"{kind.name}Filter"
        if name not in self.namespace:
            value: Any = kind.annotation
            self._input(
                name,
                {
                    operator: (
                        list[value] | None if operator == "in" else (bool if operator == "isNull" else value) | None,
                        OPERATOR_MEANINGS[operator],
                    )
                    for operator in column.operators
                },
                f"Conditions on a {kind.name}; all that are given must hold. Null is refused: leave the operator out.",
            )
        return name

    # The types of one noun

    def _object_type(self, noun: Noun) -> None:
        fields = []
        for field in noun.fields.values():
            if isinstance(field, Column):
                annotation = field.kind.annotation | None if field.nullable else field.kind.annotation
                fields.append(self._field(field.graphql_name, annotation, self._meaning(noun, field)))
            elif isinstance(field, ToOne):
                annotation = f"{field.target} | None" if field.nullable else field.target
                fields.append(self._field(field.graphql_name, annotation, self._meaning_of(field.target)))
            else:
                fields.extend(self._to_many_fields(field))
        node = (self.namespace["Node"],)
        self._type(noun.name, fields, self.descriptions.table(noun.described_by), node)

    def _meaning(self, noun: Noun, column: Column) -> str | None:
        return column.description or self.descriptions.column(noun.described_by, column.name)

    def _meaning_of(self, noun_name: str) -> str | None:
        return self.descriptions.table(self.declarations.nouns[noun_name].described_by)

    def _to_many_fields(self, relation: ToMany) -> Iterable[Member]:
        target = self.declarations.target(relation)
        meaning = self._meaning_of(relation.target)
        if relation.listed:
            yield self._field(relation.graphql_name, f"list[{target.name}]", meaning)
            return
        yield self._field(relation.graphql_name, f"{target.name}Connection", meaning, self._list_arguments(target))
        if target.groups:
            yield self._groups_field(target)

    def _list_arguments(self, noun: Noun) -> dict[str, tuple[Any, str]]:
        arguments: dict[str, tuple[Any, str]] = {}
        if f"{noun.name}Filter" in self.namespace or noun.filters:
            arguments["filter"] = (f"{noun.name}Filter | None", "Only those that fulfil this.")
        if noun.orders:
            arguments["orderBy"] = (
                f"list[{noun.name}Order] | None",
                f"The order, at most 3; without it {noun.default_order}.",
            )
        return arguments | PAGE_ARGUMENTS

    def _filter_type(self, noun: Noun) -> None:
        name = f"{noun.name}Filter"
        fields: dict[str, tuple[Any, str | None]] = {
            "and": (f"list[{name}] | None", "All of these hold."),
            "or": (f"list[{name}] | None", "At least one of these holds."),
            "not": (f"{name} | None", "This does not hold."),
        }
        for column in noun.filters:
            operators = self._operator_type(column)
            fields[column.graphql_name] = (f"{operators} | None", self._meaning(noun, column))
        for relation in noun.relations:
            if isinstance(relation, ToOne) and relation.filtered:
                fields[relation.graphql_name] = (f"{relation.target}Filter | None", "What it refers to fulfils this.")
        self._input(name, fields, f"Conditions on a {noun.name}; all that are given must hold.")

    def _connection_types(self, noun: Noun) -> None:
        self._type(
            f"{noun.name}Edge",
            [
                self._field("cursor", str, "Where this one lies in the list."),
                self._field("node", noun.name, self.descriptions.table(noun.described_by)),
            ],
            f"A {noun.name} and its place in the list.",
        )
        self._type(
            f"{noun.name}Connection",
            [
                self._field("nodes", f"list[{noun.name}]", "Those on this page, in order."),
                self._field("edges", f"list[{noun.name}Edge]", "Those on this page, each with its cursor."),
                self._field("pageInfo", "PageInfo", "Where this page lies in the list."),
                self._field("totalCount", int, "How many fulfil the filter, on all pages together."),
            ],
            f"A page of a list of {noun.plural or noun.name}.",
        )

    def _group_types(self, noun: Noun) -> None:
        groups, name = noun.groups, f"{noun.name}Group"
        self._enum(f"{name}By", list(groups), f"A way to group {noun.plural}.")
        directions = [f"{key}_{way}" for key in group_order_keys(noun) for way in ("ASC", "DESC")]
        self._enum(
            f"{name}Order",
            directions,
            f"An order for groups of {noun.plural}: by a key that is grouped by, or a figure.",
        )
        keys = []
        for group in groups.values():
            keys.append(
                self._field(
                    group.graphql_name, f"{_named(group.kind, self.namespace)} | None", _group_meaning(group.period)
                )
            )
            if group.period is None and (relation := noun.to_one_through(group.column)):
                keys.append(
                    self._field(relation.graphql_name, f"{relation.target} | None", self._meaning_of(relation.target))
                )
        self._type(f"{name}Key", keys, "What the members of a group have in common; null where it was not grouped by.")
        figures = [
            self._field(column.graphql_name, f"{column.kind.name}Aggregate", self._meaning(noun, column))
            for column in noun.aggregates
        ]
        self._type(
            name,
            [self._field("key", f"{name}Key", None), self._field("count", int, "How many are in the group."), *figures],
            f"{(noun.plural or noun.name).capitalize()} that have something in common."
            + (" Groups never mix currencies: the currency is always part of the key." if noun.currency else ""),
        )

    def _groups_field(self, noun: Noun, *, at_root: bool = False) -> Member:
        return self._field(
            f"{payload_field(noun)}Groups",
            f"list[{noun.name}Group]" + (" | None" if at_root else ""),
            f"{(noun.plural or noun.name).capitalize()} grouped and summed.",
            {
                "filter": (f"{noun.name}Filter | None", "Only those that fulfil this."),
                "by": (f"list[{noun.name}GroupBy]", "What to group by, at most 4."),
                "orderBy": (f"list[{noun.name}GroupOrder] | None", "The order; without it, by the keys."),
                "first": ("int | None", "How many groups: 1 to 1000. Without it, 100."),
            },
        )

    # The roots

    def _query_fields(self) -> Iterable[Member]:
        for noun in self.declarations.nouns.values():
            meaning = self.descriptions.table(noun.described_by)
            if noun.singular:
                by_id = {"id": (strawberry.ID, "Its id; the answer is null where there is none.")}
                yield self._field(noun.singular, f"{noun.name} | None", meaning, by_id)
            if noun.single:
                yield self._field(noun.single[0], f"{noun.name} | None", meaning)
            if noun.plural:
                yield self._field(noun.plural, f"{noun.name}Connection | None", meaning, self._list_arguments(noun))
                if noun.groups:
                    yield self._groups_field(noun, at_root=True)
        yield self._field(
            "node",
            "Node | None",
            "Any thing again, by its type and id.",
            {"type": ("NodeType", "Its type."), "id": (strawberry.ID, "Its id.")},
        )

    def _payload_type(self, verb: Verb) -> None:
        description = f"What {verb.graphql_name} answers."
        if verb.returns is None:
            fields = [self._field("id", strawberry.ID, "The id of what is gone.")]
        elif isinstance(verb.returns, Report):
            report = verb.returns
            if report.name not in self.namespace:
                columns = (
                    self._field(
                        each.graphql_name,
                        each.kind.annotation | None if each.nullable else each.kind.annotation,
                        each.description,
                    )
                    for each in report.columns
                )
                self._type(report.name, columns, report.description)
            fields = [self._field("rows", f"list[{report.name}]", report.description)]
        else:
            noun = self.declarations.nouns[verb.returns]
            fields = [self._field(payload_field(noun), noun.name, self.descriptions.table(noun.described_by))]
        self._type(verb.payload_name, fields, description)


def _enum_of(name: str, names: list[str]) -> EnumMeta:
    return EnumMeta.__call__(Enum, name, {each: each for each in names})


def payload_field(noun: Noun) -> str:
    """The name under which a payload shows the thing."""
    return f"{noun.name[0].lower()}{noun.name[1:]}"


def group_order_keys(noun: Noun) -> list[str]:
    """What groups of the noun can be ordered by."""
    figures = [f"{column.enum_name}_{figure.upper()}" for column in noun.aggregates for figure in AGGREGATE_MEANINGS]
    return [*noun.groups, "COUNT", *figures]


def _named(kind: Kind, namespace: dict[str, Any] | None = None) -> str:
    """The name by which an annotation string refers to the kind's type."""
    if kind is INTEGER:
        return "int"
    if kind is TEXT:
        return "str"
    if kind is BOOLEAN:
        return "bool"
    if namespace is not None:
        namespace.setdefault(kind.name, kind.annotation)
    return kind.name


def _group_meaning(period: str | None) -> str | None:
    match period:
        case "MONTH":
            return "The first day of the month."
        case "QUARTER":
            return "The first day of the quarter of the calendar year."
        case "FISCAL_YEAR":
            return (
                "The fiscal year, named by the calendar year in which it ends; its first month is the organisation's."
            )
        case _:
            return None
