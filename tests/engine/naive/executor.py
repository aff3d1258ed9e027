"""Documents, executed by graphql-core over what one person sees."""

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute,
    parse,
)

from gql.engine.fields import Answers, Column, ToMany, ToOne
from gql.engine.nouns import Noun
from tests.engine.naive.groups import groups
from tests.engine.naive.lists import connection
from tests.engine.naive.questions import answer, as_of
from tests.engine.naive.searches import is_found, judge_term
from tests.engine.naive.world import Refused, Thing, World, answered, identifier


@dataclass
class NaiveExecutor:
    """Executes queries for one person. The documents are valid: the engine has seen to that before."""

    sdl: str
    world: World
    schema: GraphQLSchema = field(init=False)

    def __post_init__(self) -> None:
        self.schema = build_schema(self.sdl)

    def execute(
        self, source: str, variables: dict[str, Any] | None = None, operation_name: str | None = None
    ) -> tuple[dict[str, Any] | None, set[str]]:
        """The data of the answer, and the codes of its errors."""
        result = execute(
            self.schema,
            parse(source),
            variable_values=variables,
            operation_name=operation_name,
            field_resolver=self._resolve,
            type_resolver=lambda value, _info, _type: value.noun.name,
        )
        assert isinstance(result, ExecutionResult)
        return result.data, {_code(error) for error in result.errors or ()}

    def _resolve(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if info.parent_type.name == "Query":
            return self._root(info.field_name, arguments)
        if isinstance(source, Thing):
            return self._member(source, info.field_name, arguments)
        return source[info.field_name]

    def _root(self, name: str, arguments: dict[str, Any]) -> Any:
        for noun in self.world.declarations.nouns.values():
            if noun.question:
                if name == noun.question.field:
                    return answer(self.world, noun, arguments)
                continue
            visible = _asked_for(
                [thing for thing in self.world.things[noun.name] if self.world.is_visible(thing)],
                {"includeArchived": True} if name == "node" else arguments,
            )
            if name == noun.singular or (name == "node" and noun.name == arguments["type"]):
                self.world.demand(noun.permission)
                wanted = identifier(arguments["id"])
                return next((thing for thing in visible if thing.id == wanted), None)
            if noun.single and name == noun.single.name:
                self.world.demand(noun.permission)
                return next((thing for thing in self.world.things[noun.name] if self.world.is_single(thing)), None)
            if name == noun.plural:
                judge_term(arguments)
                return self._connection(noun, [each for each in visible if is_found(each, arguments)], arguments)
            if name == _groups_field(noun):
                return self._groups(noun, visible, arguments)
        raise LookupError(name)

    def _member(self, thing: Thing, name: str, arguments: dict[str, Any]) -> Any:
        declared = thing.noun.fields.get(name)
        if isinstance(declared, Column):
            self.world.demand(declared.permission)
            if arguments.get("asOf") is not None:
                return answered(declared, as_of(self.world, thing, declared.name, arguments["asOf"]))
            return answered(declared, self.world.value(thing, declared))
        if isinstance(declared, Answers):
            return answer(self.world, self.world.declarations.target(declared), arguments, thing)
        if isinstance(declared, ToOne):
            self.world.demand(self.world.declarations.target(declared).permission)
            return self.world.find(declared.target, thing.row[declared.via])
        if isinstance(declared, ToMany):
            target = self.world.declarations.target(declared)
            if not declared.listed:
                return self._connection(target, _asked_for(self._children(thing, declared), arguments), arguments)
            self.world.demand(target.permission)
            children = self._children(thing, declared)
            return sorted(children, key=lambda child: (child.row[declared.order or "id"], child.id))
        for relation in thing.noun.relations:
            target = self.world.declarations.target(relation)
            if isinstance(relation, ToMany) and name == _groups_field(target):
                return self._groups(target, _asked_for(self._children(thing, relation), arguments), arguments)
        raise LookupError(name)

    def _children(self, thing: Thing, relation: ToMany) -> list[Thing]:
        return [each for each in self.world.things[relation.target] if each.row[relation.via] == thing.id]

    def _connection(self, noun: Noun, things: list[Thing], arguments: dict[str, Any]) -> dict[str, Any]:
        self.world.demand(noun.permission)
        return connection(self.world, noun, things, arguments)

    def _groups(self, noun: Noun, things: list[Thing], arguments: dict[str, Any]) -> list[dict[str, Any]]:
        self.world.demand(noun.permission)
        return groups(self.world, noun, things, arguments)


def _asked_for(things: list[Thing], arguments: dict[str, Any]) -> list[Thing]:
    """Those that are archived only where they are asked for."""
    return [thing for thing in things if not thing.is_archived or arguments.get("includeArchived")]


def _groups_field(noun: Noun) -> str:
    return f"{noun.name[0].lower()}{noun.name[1:]}Groups"


def _code(error: GraphQLError) -> str:
    if isinstance(error.original_error, Refused):
        return error.original_error.code
    if error.original_error is not None:
        raise error.original_error
    return "BAD_USER_INPUT"
