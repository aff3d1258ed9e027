"""What one compilation knows, and what it finds out on the way: parameters, permissions needed, cost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema

from gql.engine.arguments import Values, arguments_of
from gql.engine.cost import Cost
from gql.engine.declarations import Declarations
from gql.engine.predicates import FilterCompiler
from gql.engine.rows import Aliases, Row, source_condition
from gql.engine.selection import Selected, Selector
from gql.engine.statement import Parameters, Path


@dataclass(frozen=True, slots=True)
class Requirement:
    """A permission that the selection needs, and the field that needs it."""

    permission: str
    path: Path


@dataclass
class Compilation:
    """The compilation of one operation, for one shape of its variables."""

    schema: GraphQLSchema
    declarations: Declarations
    selector: Selector
    variables: Values
    scoped_as: str | None
    parameters: Parameters = field(default_factory=Parameters)
    aliases: Aliases = field(default_factory=Aliases)
    requirements: list[Requirement] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)

    def require(self, permission: str | None, path: Path) -> None:
        """Note that the field at the path needs the permission."""
        if permission is not None:
            self.requirements.append(Requirement(permission, path))

    def arguments_of(self, type_name: str, selected: Selected) -> dict[str, Any]:
        """The arguments of a selected field of that type."""
        if selected.name == "__typename":
            return {}
        parent = self.schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType)
        return arguments_of(parent.fields[selected.name], selected.node, self.variables)

    def list_condition(
        self, row: Row, arguments: dict[str, Any], place: str, extra: Callable[[Row], str | None]
    ) -> str:
        """Which rows a list is of: the caller's, what `extra` demands, and what the filter lets through; but for what
        a search finds of them."""
        conditions = [source_condition(row, self.parameters, self.scoped_as)]
        if more := extra(row):
            conditions.append(more.format(row=row.alias))
        if (wanted := arguments.get("filter")) is not None:
            path: Path = tuple(place.split("."))
            filters = FilterCompiler(
                self.declarations, self.parameters, self.scoped_as, lambda permission: self.require(permission, path)
            )
            conditions.append(f"({filters.conditions(row, wanted, f'{place}.filter')})")
        return " and ".join(conditions)
