"""Whether a thing fulfils a filter."""

from collections.abc import Callable
from typing import Any, Final

from gql.engine.fields import Column, ToOne
from tests.engine.naive.world import Refused, Thing, World, read

COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "lt": lambda value, limit: bool(value < limit),
    "lte": lambda value, limit: bool(value <= limit),
    "gt": lambda value, limit: bool(value > limit),
    "gte": lambda value, limit: bool(value >= limit),
}


def refuse_nulls(wanted: Any) -> None:
    """Null is no condition: neither a missing value nor the absence of a condition."""
    if wanted is None:
        raise Refused("BAD_USER_INPUT", "null in a filter")
    if isinstance(wanted, dict | list):
        for each in wanted.values() if isinstance(wanted, dict) else wanted:
            refuse_nulls(each)


def fulfils(world: World, thing: Thing, wanted: dict[str, Any]) -> bool:
    """Whether every condition of the filter holds. What is missing fulfils no comparison; `not` turns that around."""
    return all(_holds(world, thing, name, condition) for name, condition in wanted.items())


def _holds(world: World, thing: Thing, name: str, condition: Any) -> bool:
    match name:
        case "and":
            return all(fulfils(world, thing, each) for each in condition)
        case "or":
            return any(fulfils(world, thing, each) for each in condition)
        case "not":
            return not fulfils(world, thing, condition)
    field = thing.noun.fields[name]
    if isinstance(field, ToOne):
        world.demand(world.declarations.target(field).permission)
        other = world.find(field.target, thing.row[field.via])
        return other is not None and fulfils(world, other, condition)
    assert isinstance(field, Column)
    value = world.value(thing, field)
    return all(_compares(field, value, operator, operand) for operator, operand in condition.items())


def _compares(column: Column, value: Any, operator: str, operand: Any) -> bool:
    if operator == "isNull":
        return (value is None) is operand
    if operator == "startsWith":
        return value is not None and lower(value).startswith(lower(operand))
    if operator == "in":
        return value is not None and value in [read(column, each) for each in operand]
    wanted = read(column, operand)
    if operator == "eq":
        return bool(value == wanted)
    if operator == "ne":
        return bool(value != wanted)
    return value is not None and COMPARISONS[operator](value, wanted)


def lower(text: str) -> str:
    """Lower case, one character for one, as PostgreSQL has it: no final sigma, no dot that becomes two."""
    return "".join(character.lower()[0] for character in text)
