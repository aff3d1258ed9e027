"""From declarations to Strawberry types: one shape for every noun, so that whoever has used one has used them all."""

from collections.abc import Collection, Iterable
from typing import Any, Final

import strawberry

from gql.engine.declarations import Declarations
from gql.engine.factory import Member, TypeFactory
from gql.engine.fields import Answers, Column, ToMany, ToOne
from gql.engine.group_types import archived, groups_field, make_group_types
from gql.engine.inputs import describe
from gql.engine.meanings import Descriptions, Meanings
from gql.engine.nouns import Noun, Question
from gql.engine.scalars import Date
from gql.engine.shared_types import make_shared_types, operator_type
from gql.engine.verbs import Report, Verb

PAGE_ARGUMENTS: Final = {
    "first": ("int | None", "How many, from the start: 1 to 100. Without `first` and `last`, 20."),
    "after": ("str | None", "Only what comes after this cursor. A cursor belongs to the order that it was made with."),
    "last": ("int | None", "How many, from the end: 1 to 100."),
    "before": ("str | None", "Only what comes before this cursor."),
}


SEARCH: Final = {
    "search": (
        "str | None",
        "Only those that can be had and whose name holds this somewhere, whatever the capitals: 3 letters or more.",
    )
}
AS_OF: Final = {"asOf": (Date | None, "The day at whose end it is wanted; without it, now.")}


class TypeBuilder:
    """Makes the Strawberry types of all declared nouns. Types refer to one another by name, in `namespace`."""

    def __init__(self, declarations: Declarations, descriptions: Descriptions) -> None:
        self.declarations = declarations
        self.descriptions = descriptions
        self.meanings = Meanings(declarations, descriptions)
        self.make = TypeFactory()

    def build(self, queries: tuple[type, ...] = (), mutations: tuple[type, ...] = ()) -> tuple[type, type, list[type]]:
        """The Query and Mutation types, which inherit what Python resolves, and the types of the nouns."""
        make_shared_types(self.make)
        nouns = self.declarations.nouns.values()
        for noun in nouns:
            self._object_type(noun)
            if noun.filters or any(isinstance(each, ToOne) and each.filtered for each in noun.relations):
                self._filter_type(noun)
            if noun.orders:
                self.make.enum(
                    f"{noun.name}Order", list(noun.orders), f"An order for a list of {noun.plural or noun.name}."
                )
            if noun.plural or self._is_connected(noun):
                self._connection_types(noun)
            if noun.groups:
                make_group_types(self.make, self.meanings, noun)
        looked_up = [noun for noun in nouns if noun.singular]
        self.make.enum("NodeType", [noun.name for noun in looked_up], "A type of thing that `node` can fetch again.")
        query = self.make.object(
            "Query", self._query_fields(), "What can be read. Every field answers within the caller's scope.", queries
        )
        verbs = self.declarations.verbs.values()
        for verb in verbs:
            describe(verb.input, self.descriptions.column)
            self._payload_type(verb)
        mutation = self.make.object(
            "Mutation",
            [
                self.make.field(
                    verb.graphql_name,
                    f"{verb.payload_name}",
                    self.descriptions.function(verb.function),
                    {"input": (verb.input, "What the verb needs.")},
                )
                for verb in verbs
            ],
            "What can be done. All mutations of one operation succeed together or not at all.",
            mutations,
        )
        return query, mutation, [self.make.namespace[noun.name] for noun in nouns]

    def _is_connected(self, noun: Noun) -> bool:
        return any(
            isinstance(relation, ToMany) and relation.target == noun.name and not relation.listed
            for other in self.declarations.nouns.values()
            for relation in other.relations
        )

    # The types of one noun

    def _object_type(self, noun: Noun) -> None:
        fields = []
        for field in noun.fields.values():
            if isinstance(field, Column):
                annotation = field.kind.annotation | None if field.nullable else field.kind.annotation
                as_of = AS_OF if field.as_of else None
                fields.append(self.make.field(field.graphql_name, annotation, self.meanings.column(noun, field), as_of))
            elif isinstance(field, Answers):
                fields.append(self._answers_field(field))
            elif isinstance(field, ToOne):
                annotation = f"{field.target} | None" if field.nullable else field.target
                fields.append(self.make.field(field.graphql_name, annotation, self.meanings.of_target(field)))
            else:
                fields.extend(self._to_many_fields(field))
        node = (self.make.namespace["Node"],)
        meaning = self.meanings.asked(noun) if noun.question else self.meanings.of(noun)
        self.make.object(noun.name, fields, meaning, node)

    def _answers_field(self, field: Answers) -> Member:
        target = self.declarations.target(field)
        assert target.question is not None
        arguments = _question_arguments(target.question, {name for name, _ in field.bound})
        return self.make.field(field.graphql_name, f"list[{target.name}]", self.meanings.asked(target), arguments)

    def _to_many_fields(self, relation: ToMany) -> Iterable[Member]:
        target = self.declarations.target(relation)
        meaning = self.meanings.of(target)
        if relation.listed:
            yield self.make.field(relation.graphql_name, f"list[{target.name}]", meaning)
            return
        yield self.make.field(relation.graphql_name, f"{target.name}Connection", meaning, self._list_arguments(target))
        if target.groups:
            yield groups_field(self.make, target)

    def _list_arguments(self, noun: Noun) -> dict[str, tuple[Any, str]]:
        arguments: dict[str, tuple[Any, str]] = {}
        if f"{noun.name}Filter" in self.make.namespace or noun.filters:
            arguments["filter"] = (f"{noun.name}Filter | None", "Only those that fulfil this.")
        if noun.orders:
            arguments["orderBy"] = (
                f"list[{noun.name}Order] | None",
                f"The order, at most 3; without it {noun.default_order}.",
            )
        return arguments | archived(noun) | PAGE_ARGUMENTS

    def _filter_type(self, noun: Noun) -> None:
        name = f"{noun.name}Filter"
        fields: dict[str, tuple[Any, str | None]] = {
            "and": (f"list[{name}] | None", "All of these hold."),
            "or": (f"list[{name}] | None", "At least one of these holds."),
            "not": (f"{name} | None", "This does not hold."),
        }
        for column in noun.filters:
            operators = operator_type(self.make, column)
            fields[column.graphql_name] = (f"{operators} | None", self.meanings.column(noun, column))
        for relation in noun.relations:
            if isinstance(relation, ToOne) and relation.filtered:
                fields[relation.graphql_name] = (f"{relation.target}Filter | None", "What it refers to fulfils this.")
        self.make.input(name, fields, f"Conditions on a {noun.name}; all that are given must hold.")

    def _connection_types(self, noun: Noun) -> None:
        self.make.object(
            f"{noun.name}Edge",
            [
                self.make.field("cursor", str, "Where this one lies in the list."),
                self.make.field("node", noun.name, self.meanings.of(noun)),
            ],
            f"A {noun.name} and its place in the list.",
        )
        self.make.object(
            f"{noun.name}Connection",
            [
                self.make.field("nodes", f"list[{noun.name}]", "Those on this page, in order."),
                self.make.field("edges", f"list[{noun.name}Edge]", "Those on this page, each with its cursor."),
                self.make.field("pageInfo", "PageInfo", "Where this page lies in the list."),
                self.make.field("totalCount", int, "How many fulfil the filter, on all pages together."),
            ],
            f"A page of a list of {noun.plural or noun.name}.",
        )

    # The roots

    def _query_fields(self) -> Iterable[Member]:
        for noun in self.declarations.nouns.values():
            meaning = self.meanings.of(noun)
            if noun.singular:
                by_id = {"id": (strawberry.ID, "Its id; the answer is null where there is none.")}
                yield self.make.field(noun.singular, f"{noun.name} | None", meaning, by_id | archived(noun))
            if noun.single:
                yield self.make.field(noun.single.name, f"{noun.name} | None", noun.single.meaning or meaning)
            if noun.question and noun.question.field:
                arguments = _question_arguments(noun.question)
                yield self.make.field(
                    noun.question.field, f"list[{noun.name}] | None", self.meanings.asked(noun), arguments
                )
            if noun.plural:
                arguments = (SEARCH if noun.search else {}) | self._list_arguments(noun)
                yield self.make.field(noun.plural, f"{noun.name}Connection | None", meaning, arguments)
                if noun.groups:
                    yield groups_field(self.make, noun, at_root=True)
        yield self.make.field(
            "node",
            "Node | None",
            "Any thing again, by its type and id.",
            {"type": ("NodeType", "Its type."), "id": (strawberry.ID, "Its id.")},
        )

    def _payload_type(self, verb: Verb) -> None:
        description = f"What {verb.graphql_name} answers."
        if verb.returns is None:
            fields = [self.make.field("id", strawberry.ID, "The id of what is gone.")]
        elif isinstance(verb.returns, Report):
            report = verb.returns
            if report.name not in self.make.namespace:
                columns = (
                    self.make.field(
                        each.graphql_name,
                        each.kind.annotation | None if each.nullable else each.kind.annotation,
                        each.description,
                    )
                    for each in report.columns
                )
                self.make.object(report.name, columns, report.description)
            fields = [self.make.field("rows", f"list[{report.name}]", report.description)]
        else:
            noun = self.declarations.nouns[verb.returns]
            fields = [self.make.field(noun.field_name, noun.name, self.meanings.of(noun))]
        self.make.object(verb.payload_name, fields, description)


def _question_arguments(question: Question, bound: Collection[str] = ()) -> dict[str, tuple[Any, str]]:
    """The arguments of the field that asks it: those that are not the row's own."""
    return {
        argument.graphql_name: (
            argument.kind.annotation if argument.default is None else argument.kind.annotation | None,
            argument.description,
        )
        for argument in question.arguments
        if argument.name not in bound
    }
