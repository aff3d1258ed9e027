"""Filters as SQL conditions that an index can serve under row security."""

from collections.abc import Callable
from typing import Any, Final

from gql.engine.declarations import Declarations
from gql.engine.fields import Column, ToOne
from gql.engine.kinds import ID, Kind
from gql.engine.nouns import Noun
from gql.engine.rows import Row, source_condition
from gql.engine.statement import Parameters, as_enum, as_list, as_text, as_uuid
from gql.errors import ApiError, Code

MOST_LEVELS: Final = 5
MOST_ALTERNATIVES: Final = 20
_COMPARISONS: Final = {"eq": "=", "ne": "is distinct from", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
# What comes after every text that begins so: the last code point, more often than such a text is long.
_AFTER_EVERY_TEXT: Final = "repeat(chr(1114111), 255)"


class FilterCompiler:
    """Writes the conditions of one filter argument."""

    def __init__(
        self,
        declarations: Declarations,
        parameters: Parameters,
        scoped_as: str | None,
        require: Callable[[str], None],
    ) -> None:
        self.declarations = declarations
        self.parameters = parameters
        self.scoped_as = scoped_as
        self.require = require
        """Called with the permission of each noun that the filter looks into besides its own."""

    def conditions(self, row: Row, filter_value: dict[str, Any], place: str, level: int = 1) -> str:
        """The filter over the row as one condition. NULL counts as false, also under `not`."""
        if level > MOST_LEVELS:
            raise ApiError(
                Code.LIMIT_EXCEEDED,
                f"{place}: a filter has at most {MOST_LEVELS} levels of and, or, not and related things.",
                reason="FILTER_DEPTH",
                field=place,
            )
        found = []
        for name, value in filter_value.items():
            here = f"{place}.{name}"
            if value is None:
                raise _null_refused(here)
            match name:
                case "and" | "or":
                    found.append(self._several(row, name, value, here, level))
                case "not":
                    found.append(f"({self.conditions(row, value, here, level + 1)}) is not true")
                case _:
                    field = row.noun.fields[name]
                    if isinstance(field, Column):
                        found.extend(self._operators(row, field, value, here))
                    elif isinstance(field, ToOne):
                        found.append(self._related(row, field, value, here, level))
        return " and ".join(found) or "true"

    def _several(self, row: Row, word: str, filters: list[dict[str, Any]], place: str, level: int) -> str:
        if len(filters) > MOST_ALTERNATIVES:
            raise ApiError(
                Code.LIMIT_EXCEEDED,
                f"{place} holds at most {MOST_ALTERNATIVES} conditions; this one has {len(filters)}.",
                reason="FILTER_BREADTH",
                field=place,
            )
        conditions = []
        for number, each in enumerate(filters):
            if each is None:
                raise _null_refused(f"{place}[{number}]")
            conditions.append(f"({self.conditions(row, each, f'{place}[{number}]', level + 1)})")
        nothing = "true" if word == "and" else "false"
        return f"({f' {word} '.join(conditions)})" if conditions else nothing

    def _related(self, row: Row, relation: ToOne, value: dict[str, Any], place: str, level: int) -> str:
        target: Noun = self.declarations.target(relation)
        self.require(target.permission)
        other = row.leading_to(target)
        condition = self.conditions(other, value, place, level + 1)
        belongs = source_condition(other, self.parameters, self.scoped_as)
        return (
            f"exists (select from {other.source} {other.alias} where {belongs}"
            f" and {other.alias}.id = {row.column(relation.via)} and ({condition}))"
        )

    def _operators(self, row: Row, column: Column, operators: dict[str, Any], place: str) -> list[str]:
        found = []
        for operator, value in operators.items():
            if value is None:
                raise _null_refused(f"{place}.{operator}")
            found.append(self._operator(row, column, operator, value, f"{place}.{operator}"))
        return found

    def _operator(self, row: Row, column: Column, operator: str, value: Any, place: str) -> str:
        plain = row.value(column)
        if operator == "isNull":
            return f"{plain} is {'null' if value else 'not null'}"
        if column.kind.name == "Boolean":
            # A stored one that is never null is found in an index either way.
            is_stored = column.expression is None and not column.nullable
            return plain if value else f"not {plain}" if is_stored else f"({plain}) is not true"
        if operator == "startsWith":
            key, start = row.column(column.key or column.name), self.parameters.add(value, "text", as_text, place)
            exists = f" and {plain} is not null" if column.nullable else ""
            return f"({key} >= lower({start}) and {key} < lower({start}) || {_AFTER_EVERY_TEXT}{exists})"
        read, sql_type = reader_of(column.kind), column.kind.sql
        if operator == "in":
            values = self.parameters.add(value, "text", as_list(read), place)
            if column.minor:
                cents = f"array(select (each * 100)::bigint from unnest({values}::numeric[]) each)"
                return f"{row.column(column.minor)} = any ({cents})"
            matches = f"{plain} = any ({values}::{sql_type}[])"
            # lower() over the array's text is lower() over its elements: the key's index finds, the column decides.
            return (
                f"({row.column(column.key)} = any (lower({values})::text[]) and {matches})" if column.key else matches
            )
        argument = self.parameters.add(value, sql_type, read, place)
        if column.minor:
            return f"{row.column(column.minor)} {_COMPARISONS[operator]} ({argument} * 100)::bigint"
        comparison = f"{plain} {_COMPARISONS[operator]} {argument}"
        if column.key and operator == "eq":
            return f"({row.column(column.key)} = lower({argument}) and {comparison})"
        return comparison


def reader_of(kind: Kind) -> Any:
    """What reads a value of this kind into a parameter's text."""
    if kind is ID:
        return as_uuid
    return as_enum if kind.is_enum else as_text


def _null_refused(place: str) -> ApiError:
    return ApiError(
        Code.BAD_USER_INPUT,
        f"{place} is null. Leave it out to set no condition, or ask for missing values with isNull.",
        reason="NULL_IN_FILTER",
        field=place,
    )
