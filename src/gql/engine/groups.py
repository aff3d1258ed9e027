"""Aggregates with group-by as SQL. Figures are exact decimals; money of different currencies is never added up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from gql.engine.compilation import Compilation
from gql.engine.fields import Column, Group
from gql.engine.kinds import DECIMAL, INTEGER
from gql.engine.nouns import Noun
from gql.engine.rows import Row
from gql.engine.selection import Selected
from gql.engine.statement import Path, dotted
from gql.engine.text import Fragment, Literal, joined, members
from gql.errors import ApiError, Code

MOST_GROUPS: Final = 1000
USUAL_GROUPS: Final = 100
MOST_KEYS: Final = 4


@dataclass
class GroupsCompiler:
    """Writes the groups of one noun that a selection asks for. `refer` writes a thing that a key refers to."""

    compilation: Compilation
    refer: Callable[[Row, Noun, str, Selected, Path], str]
    row: Row
    condition: str
    keys: dict[str, str] = field(default_factory=dict)
    figures: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def noun(self) -> Noun:
        return self.row.noun

    def groups(self, selected: Selected, path: Path, arguments: dict[str, Any]) -> list[Fragment]:
        """The JSON array of the groups."""
        place = dotted(path)
        limit = _limit(arguments.get("first"), place)
        for group in self._grouped_by(arguments["by"], place):
            self.keys[group.name] = f"k{len(self.keys)}"
        order = self._order(arguments.get("orderBy") or (), place)
        self.compilation.cost.groups()
        name = f"{self.noun.name}Group"
        with self.compilation.cost.rows(limit):
            children = self.compilation.selector.under(selected, (name,))
            written = joined(members((child.key, self._member(child, (*path, child.key))) for child in children))
        found = [f"{self._groups()[key].sql(self.row.alias)} as {alias}" for key, alias in self.keys.items()]
        found += [
            f"{_figure(column, figure, self.row)} as {alias}" for (column, figure), alias in self._named_figures()
        ]
        places = ", ".join(str(place) for place in range(1, len(self.keys) + 1))
        grouped = f" group by {places}" if self.keys else " having count(*) > 0"  # else there is one, of nothing
        source = (
            f"select {', '.join([*found, 'count(*) as members'])} from {self.row.source} {self.row.alias}"
            f" where {self.condition}{grouped}{order} limit {limit}"
        )
        return [Literal("["), f"(select string_agg({written}, ',') from ({source}) {self.row.alias})", Literal("]")]

    def _groups(self) -> dict[str, Group]:
        return self.noun.groups

    def _grouped_by(self, by: list[Any], place: str) -> list[Group]:
        if len(by) > MOST_KEYS or len(set(by)) < len(by):
            sentence = f"{place}.by names at most {MOST_KEYS} ways to group, each once."
            raise ApiError(Code.BAD_USER_INPUT, sentence, reason="GROUP_KEYS", field=f"{place}.by")
        found = [self.noun.groups[each.value] for each in by]
        if self.noun.currency is not None and all(group.column.name != self.noun.currency for group in found):
            found.append(Group(self.noun.column(self.noun.currency), None))
        return found

    def _order(self, wanted: Any, place: str) -> str:
        parts = []
        for each in wanted:
            key, _, direction = each.value.rpartition("_")
            parts.append(f"{self._order_key(key, f'{place}.orderBy')} {direction.lower()}")
        parts += [self._key_order(key) for key in self.keys]
        return f" order by {', '.join(parts)}" if parts else ""

    def _order_key(self, key: str, place: str) -> str:
        if key == "COUNT":
            return "members"
        if key in self.noun.groups:
            if key not in self.keys:
                sentence = f"{place} names {key}, which is not grouped by. Add it to by, or order by something else."
                raise ApiError(Code.BAD_USER_INPUT, sentence, reason="ORDER_NOT_GROUPED", field=place)
            return self._key_order(key)
        column, _, figure = key.rpartition("_")
        return self._figure_alias(column.lower(), figure.lower())

    def _key_order(self, key: str) -> str:
        """A key as ORDER BY has it: text by code point, on every server alike."""
        group = self.noun.groups[key]
        return f'{group.sql(self.row.alias)} collate "C"' if group.kind.sql == "text" else self.keys[key]

    def _member(self, selected: Selected, path: Path) -> list[Fragment]:
        match selected.name:
            case "__typename":
                return [Literal(f'"{self.noun.name}Group"')]
            case "count":
                return [f"{self.row.alias}.members"]
            case "key":
                children = self.compilation.selector.under(selected, (f"{self.noun.name}GroupKey",))
                return members((child.key, self._key_member(child, (*path, child.key))) for child in children)
            case name:
                column = self.noun.fields[name]
                assert isinstance(column, Column)
                children = self.compilation.selector.under(selected, (f"{column.kind.name}Aggregate",))
                return members((child.key, self._figure_member(column, child)) for child in children)

    def _key_member(self, selected: Selected, path: Path) -> list[Fragment]:
        if selected.name == "__typename":
            return [Literal(f'"{self.noun.name}GroupKey"')]
        for group in self.noun.groups.values():
            relation = self.noun.to_one_through(group.column) if group.period is None else None
            if selected.name == group.graphql_name:
                if group.name not in self.keys:
                    return [Literal("null")]
                alias = self.keys[group.name]
                return group.kind.json(f"{self.row.alias}.{alias}", nullable=group.column.nullable)
            if relation is not None and selected.name == relation.graphql_name:
                if group.name not in self.keys:
                    return [Literal("null")]
                target = self.compilation.declarations.target(relation)
                return [self.refer(self.row, target, f"{self.row.alias}.{self.keys[group.name]}", selected, path)]
        raise LookupError(selected.name)

    def _figure_member(self, column: Column, selected: Selected) -> list[Fragment]:
        if selected.name == "__typename":
            return [Literal(f'"{column.kind.name}Aggregate"')]
        alias = self._figure_alias(column.name, selected.name)
        kind = DECIMAL if column.kind is INTEGER and selected.name == "avg" else column.kind
        # A group has members, so a figure over a column that is never NULL is none either.
        return kind.json(f"{self.row.alias}.{alias}", nullable=column.nullable)

    def _figure_alias(self, column: str, figure: str) -> str:
        return self.figures.setdefault((column, figure), f"a{len(self.figures)}")

    def _named_figures(self) -> list[tuple[tuple[Column, str], str]]:
        return [((self.noun.column(column), figure), alias) for (column, figure), alias in self.figures.items()]


def _figure(column: Column, figure: str, row: Row) -> str:
    if figure == "avg":
        return f"round(avg({column.sql(row.alias)}), 2)"
    if column.minor is not None:
        # Whole cents add up faster than decimals, and an index may hold them; a hundredth of their sum is exact.
        return f"{figure}({row.alias}.{column.minor}) * 0.01"
    return f"{figure}({column.sql(row.alias)})"


def _limit(first: int | None, place: str) -> int:
    if first is not None and not 1 <= first <= MOST_GROUPS:
        sentence = f"{place}.first is {first}; there are 1 to {MOST_GROUPS} groups in an answer."
        raise ApiError(Code.BAD_USER_INPUT, sentence, reason="PAGE_SIZE", field=f"{place}.first")
    return first or USUAL_GROUPS
