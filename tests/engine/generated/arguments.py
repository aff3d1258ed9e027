"""Arguments that are most often valid and find something."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from graphql import (
    EnumValueNode,
    FieldNode,
    GraphQLField,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    value_from_ast_untyped,
)

from gql.engine.fields import Column, ToOne
from gql.engine.nouns import Noun
from tests.engine.generated.choices import Choices
from tests.engine.generated.facts import Facts
from tests.engine.generated.values import Name

DEEPEST_FILTER: Final = 3


@dataclass
class Arguments:
    """Makes the arguments of fields. Of what hypothesis-graphql grew it keeps the shape: which arguments there are,
    and how filters nest; values come from the facts."""

    facts: Facts
    choices: Choices

    def of(self, field: FieldNode, declared: GraphQLField, returned: str) -> dict[str, Any]:
        """The arguments of a field that answers with this type."""
        grown = {argument.name.value: argument.value for argument in field.arguments or ()}
        if "id" in declared.args:
            return self._look_up(field.name.value, declared, returned)
        if "asOf" in declared.args:
            return {"asOf": self._day()} if self.choices.often(0.5) else {}
        if "from" in declared.args:
            return {"from": self._day() or "1900-01-01", "to": self._day() or "9999-12-31"}
        noun = self.facts.noun(returned.removesuffix("Connection").removesuffix("Group"))
        if noun is None or not declared.args:
            return {}
        found: dict[str, Any] = {}
        if "filter" in declared.args and not isinstance(grown.get("filter"), NullValueNode | None):
            found["filter"] = self.filter(noun, grown["filter"])
        elif "filter" in declared.args and self.choices.often(0.2):
            found["filter"] = None
        if "search" in declared.args and self.choices.often(0.5):
            found["search"] = self._term(noun)
        found |= self._archived(declared)
        return found | (self._groups(noun, grown) if "by" in declared.args else self._page(noun, declared))

    def _look_up(self, name: str, declared: GraphQLField, returned: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        wanted = returned
        if "type" in declared.args:
            wanted = self.choices.one_of(
                [noun.name for noun in self.facts.nouns if noun.singular and self.facts.may_read(noun.permission)]
            )
            found["type"] = Name(wanted)
            wanted = "Client" if self.choices.often(0.1) else wanted
        known = self.facts.ids[wanted]
        of_nobody = not known or self.choices.often(0.05)
        chosen = str(UUID(int=self.choices.number(0, 2**128 - 1))) if of_nobody else self.choices.one_of(known)
        found |= self._archived(declared)
        return found | {"id": chosen.upper() if self.choices.often(0.05) else chosen}

    def _archived(self, declared: GraphQLField) -> dict[str, Any]:
        """Whether those in the archive are wanted, too, where there is one."""
        if "includeArchived" not in declared.args or self.choices.often(0.4):
            return {}
        return {"includeArchived": self.choices.one_of([True, False, None])}

    def _term(self, noun: Noun) -> str | None:
        """A part of a name, in capitals or not, most often long enough."""
        names = self.facts.values[noun.name, "name"]
        if not names or self.choices.often(0.05):
            return None
        name: str = self.choices.one_of(names)
        start = self.choices.number(0, max(len(name) - 3, 0))
        part = name[start : start + self.choices.number(2 if self.choices.often(0.1) else 3, 8)]
        written: str = self.choices.one_of([part, part.upper(), part.lower(), f" {part} "])
        return written

    def _day(self) -> str | None:
        """A day on which something happens, most often."""
        return self.choices.one_of(self.facts.days) if self.facts.days and self.choices.often(0.9) else None

    def _page(self, noun: Noun, declared: GraphQLField) -> dict[str, Any]:
        """One end of the list or the other, from the beginning or from a cursor that was made with the same order."""
        found: dict[str, Any] = {}
        orders: tuple[str, ...] = ()
        if "orderBy" in declared.args and self.choices.often(0.7):
            orders = self.choices.one_of([(), *self.facts.orders(noun)])
            found["orderBy"] = [Name(each) for each in orders]
        elif self.choices.often(0.2):
            found["orderBy"] = None
        end, start = self.choices.one_of([("first", "after"), ("last", "before")])
        found[end] = self.choices.number(1, 5)
        if self.choices.often(0.02):
            found[end] = self.choices.one_of([0, -1, 101, 20, 100])
        if self.choices.often(0.2):
            found["last" if end == "first" else "first"] = None
        for name, probability in ((start, 0.4), ("before" if start == "after" else "after", 0.1)):
            cursors = self.facts.cursors(noun, orders)
            if cursors and self.choices.often(probability):
                found[name] = self.choices.one_of(cursors)
            elif self.choices.often(0.1):
                found[name] = None
        return found

    def _groups(self, noun: Noun, grown: dict[str, ValueNode]) -> dict[str, Any]:
        names = list(noun.groups)
        by = self.choices.some(names, self.choices.number(0 if self.choices.often(0.2) else 1, min(3, len(names))))
        found: dict[str, Any] = {"by": [Name(each) for each in by]}
        if len(by) == 1 and self.choices.often(0.3):
            found["by"] = found["by"][0]
        figures = [
            f"{column.enum_name}_{figure}" for column in noun.aggregates for figure in ("SUM", "AVG", "MIN", "MAX")
        ]
        keys = names if self.choices.often(0.02) else [*by, "COUNT", *figures]
        if self.choices.often(0.6):
            chosen = self.choices.some(keys, self.choices.number(0, min(2, len(keys))))
            found["orderBy"] = [Name(f"{each}_{self.choices.one_of(['ASC', 'DESC'])}") for each in chosen]
        if self.choices.often(0.5):
            found["first"] = self.choices.one_of([1, 2, 3, 5, 1000, None])
        return found

    # Filters

    def filter(self, noun: Noun, grown: ValueNode, level: int = 1) -> Any:
        """The filter in the shape that it has grown in, with values that rows have."""
        if not isinstance(grown, ObjectValueNode):
            return {}
        found: dict[str, Any] = {}
        for each in grown.fields:
            name, value = each.name.value, each.value
            if isinstance(value, NullValueNode):
                if self.choices.often(0.01):
                    found[name] = None
            elif name in ("and", "or"):
                if level < DEEPEST_FILTER:
                    found[name] = self._several(noun, value, level)
            elif name == "not":
                if level < DEEPEST_FILTER:
                    found[name] = self.filter(noun, value, level + 1)
            else:
                field = noun.fields[name]
                if isinstance(field, ToOne):
                    if level < DEEPEST_FILTER:
                        found[name] = self.filter(self.facts.world.declarations.target(field), value, level + 1)
                elif isinstance(field, Column) and isinstance(value, ObjectValueNode):
                    found[name] = self._operators(noun, field, value)
        # Two conditions at most, or nothing would fulfil them all.
        return dict(self.choices.some(sorted(found.items()), min(2, len(found))))

    def _several(self, noun: Noun, grown: ValueNode, level: int) -> Any:
        if not isinstance(grown, ListValueNode):
            return self.filter(noun, grown, level + 1)
        return [self.filter(noun, each, level + 1) for each in grown.values[:3]]

    def _operators(self, noun: Noun, column: Column, grown: ObjectValueNode) -> Any:
        names = [each.name.value for each in grown.fields if not isinstance(each.value, NullValueNode)]
        given = {each.name.value: each.value for each in grown.fields}
        return {
            name: self._operand(noun, column, name, given[name])
            for name in self.choices.some(names, min(len(names), 2 if self.choices.often(0.2) else 1))
        }

    def _operand(self, noun: Noun, column: Column, operator: str, grown: ValueNode) -> Any:
        if operator == "isNull" or column.kind.name == "Boolean":
            return value_from_ast_untyped(grown)
        known = self.facts.values[noun.name, column.graphql_name] or [self._grown(grown)]
        if operator == "in":
            return [self._value(column, self.choices.one_of(known)) for _ in range(self.choices.number(0, 3))]
        value = self._value(column, self.choices.one_of(known))
        if operator != "startsWith":
            return value
        start = value[: self.choices.number(0, 4)]
        if self.choices.often(0.1):
            return self._grown(grown)
        return self.choices.one_of([start, start.upper(), start.lower()])

    def _value(self, column: Column, value: Any) -> Any:
        return Name(value) if column.kind.is_enum else value

    def _grown(self, grown: ValueNode) -> Any:
        """What hypothesis-graphql made up, if it is one value."""
        if isinstance(grown, EnumValueNode):
            return grown.value
        value = value_from_ast_untyped(grown)
        return value if isinstance(value, str) else ""
