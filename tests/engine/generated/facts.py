"""What generated documents may ask about: ids, values and cursors that are really there."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations
from typing import Any

from gql.engine.nouns import Noun
from tests.engine.naive.lists import Ordering
from tests.engine.naive.world import World, answered


@dataclass(frozen=True)
class Facts:
    """The rows that one person sees, as the text of documents needs them."""

    world: World
    _cursors: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)

    @cached_property
    def ids(self) -> dict[str, list[str]]:
        """The ids of each noun, those that root fields hide among them."""
        return {name: [str(thing.id) for thing in things] for name, things in self.world.things.items()}

    @cached_property
    def values(self) -> dict[tuple[str, str], list[Any]]:
        """The values of each column that are not null, by noun and GraphQL name."""
        return {
            (noun.name, column.graphql_name): [
                answered(column, value)
                for thing in self.world.things[noun.name]
                if (value := self.world.value(thing, column)) is not None
            ]
            for noun in self.nouns
            if noun.question is None
            for column in noun.columns
            if column.kind.name not in ("JSON", "Strings")
        }

    @cached_property
    def days(self) -> list[str]:
        """The days on which something happens."""
        return sorted({day for (_, name), days in self.values.items() if name.endswith("Date") for day in days})

    @property
    def nouns(self) -> list[Noun]:
        return list(self.world.declarations.nouns.values())

    def noun(self, name: str) -> Noun | None:
        return self.world.declarations.nouns.get(name)

    def cursors(self, noun: Noun, orders: tuple[str, ...]) -> list[str]:
        """The cursors of all rows in an order."""
        key = noun.name, orders
        if key not in self._cursors:
            ordering = Ordering(noun, orders or (noun.default_order or "",))
            self._cursors[key] = [ordering.cursor(thing) for thing in self.world.things[noun.name]]
        return self._cursors[key]

    def orders(self, noun: Noun) -> list[tuple[str, ...]]:
        """Every way to order by up to two columns."""
        single = [(name,) for name in noun.orders]
        pairs = [
            (one, other)
            for one, other in permutations(noun.orders, 2)
            if noun.orders[one].column is not noun.orders[other].column
        ]
        return [*single, *pairs]

    def may_read(self, permission: str | None) -> bool:
        return permission is None or permission in self.world.person.permissions
