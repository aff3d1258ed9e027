"""Groups: what things have in common, how many they are, and figures over them."""

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cmp_to_key
from typing import Any

from gql.engine.fields import Column, Group
from gql.engine.nouns import Noun
from tests.engine.naive.filters import fulfils, refuse_nulls
from tests.engine.naive.world import Refused, Thing, World, answered, written

Key = tuple[Any, ...]
FIGURES = ("sum", "avg", "min", "max")


def groups(world: World, noun: Noun, things: list[Thing], arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The groups that the arguments ask for, in order."""
    by, wanted = _grouped_by(noun, arguments["by"]), arguments.get("filter") or {}
    refuse_nulls(wanted)
    first = arguments.get("first")
    if first is not None and not 1 <= first <= 1000:
        raise Refused("BAD_USER_INPUT", "number of groups")
    found: dict[Key, list[Thing]] = defaultdict(list)
    for thing in things:
        if fulfils(world, thing, wanted):
            found[tuple(_key(world, group, thing) for group in by)].append(thing)
    order = arguments.get("orderBy") or []
    measures = {key: _measures(world, noun, by, key, members) for key, members in found.items()}
    for name in order:
        if name.rpartition("_")[0] not in _orders(noun, by):
            raise Refused("BAD_USER_INPUT", "an order by what is not grouped by")

    def compare(one: Key, other: Key) -> int:
        for name in [*order, *(f"{group.name}_ASC" for group in by)]:
            measure, _, direction = name.rpartition("_")
            left, right = measures[one][measure], measures[other][measure]
            if left != right:
                return 1 if (left < right) is (direction == "DESC") else -1
        return 0

    keys = sorted(found, key=cmp_to_key(compare))[: first or 100]
    return [_answer(world, noun, by, key, found[key]) for key in keys]


def _grouped_by(noun: Noun, names: list[str]) -> list[Group]:
    if len(names) > 4 or len(set(names)) < len(names):
        raise Refused("BAD_USER_INPUT", "by")
    found = [noun.groups[name] for name in names]
    if noun.currency is not None and noun.currency.upper() not in names:
        found.append(noun.groups[noun.currency.upper()])
    return found


def _orders(noun: Noun, by: list[Group]) -> set[str]:
    figures = {f"{column.enum_name}_{figure.upper()}" for column in noun.aggregates for figure in FIGURES}
    return {"COUNT", *figures, *(group.name for group in by)}


def _key(world: World, group: Group, thing: Thing) -> Any:
    value = world.value(thing, group.column)
    match group.period:
        case "MONTH":
            return value.replace(day=1)
        case "QUARTER":
            return date(value.year, 3 * ((value.month - 1) // 3) + 1, 1)
        case "FISCAL_YEAR":
            start = world.person.fiscal_year_start
            return value.year + (1 if start > 1 and value.month >= start else 0)
        case _:
            return value


def _measures(world: World, noun: Noun, by: list[Group], key: Key, members: list[Thing]) -> dict[str, Any]:
    """Everything that groups can be ordered by."""
    found: dict[str, Any] = {group.name: value for group, value in zip(by, key, strict=True)}
    found["COUNT"] = len(members)
    for column in noun.aggregates:
        for name, figure in figures(world, column, members).items():
            found[f"{column.enum_name}_{name.upper()}"] = figure
    return found


def figures(world: World, column: Column, members: list[Thing]) -> dict[str, Any]:
    """Sum, mean, least and greatest; the mean rounded half away from zero."""
    values = [value for member in members if (value := world.value(member, column)) is not None]
    if not values:
        return dict.fromkeys(FIGURES)
    with localcontext() as context:
        context.prec = 60
        total = sum(values, start=Decimal(0))
        mean = (total / len(values)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return {"sum": total, "avg": mean, "min": min(values), "max": max(values)}


def _answer(world: World, noun: Noun, by: list[Group], key: Key, members: list[Thing]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for group in noun.groups.values():
        relation = noun.to_one_through(group.column) if group.period is None else None
        at = next((place for place, each in enumerate(by) if each.name == group.name), None)
        value = None if at is None else key[at]
        kind = "Int" if group.period == "FISCAL_YEAR" else "Date"
        shown[group.graphql_name] = written(kind, value) if group.period else answered(group.column, value)
        if relation is not None:
            shown[relation.graphql_name] = None if value is None else world.find(relation.target, value)
    found: dict[str, Any] = {"key": shown, "count": len(members)}
    for column in noun.aggregates:
        kind = column.kind.name
        found[column.graphql_name] = {
            name: written("Decimal" if kind == "Int" and name == "avg" else kind, figure)
            for name, figure in figures(world, column, members).items()
        }
    return found
