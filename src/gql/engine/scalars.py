"""The scalars of the schema.

Values stay text from the socket to PostgreSQL and back: a scalar checks the form of what comes in and passes it on, so
that no digit of an amount and no microsecond is lost on the way. Forms follow the GraphQL Scalars community
specifications; NaN and Infinity are refused.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, Final, NewType

import msgspec
import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from gql.errors import ApiError, Code

Money = NewType("Money", str)
Decimal = NewType("Decimal", str)
Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
JSON = NewType("JSON", object)

DEEPEST_JSON: Final = 50
"""Levels of arrays and objects. What reads a value calls itself for each of them, and so does PostgreSQL."""

_MONEY: Final = re.compile(r"-?\d{1,13}(\.\d{1,2})?\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d{1,20}(\.\d{1,12})?\Z", re.ASCII)
_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)\Z",
    re.ASCII,
)


def _text(value: Any, expected: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str):
        raise GraphQLError(f"Expected {expected} as a string.")
    return value


def parse_money(value: Any) -> str:
    """An amount such as "1250.00": at most two decimals and 13 digits before them."""
    text = _text(value, 'an amount of money such as "1250.00"')
    if not _MONEY.match(text):
        raise GraphQLError('Expected an amount of money such as "1250.00": digits with at most two decimals.')
    return text


def parse_decimal(value: Any) -> str:
    """A decimal number such as "12.5", as a string so that nothing is rounded."""
    text = _text(value, 'a decimal number such as "12.5"')
    if not _DECIMAL.match(text):
        raise GraphQLError('Expected a decimal number such as "12.5".')
    return text


def parse_date(value: Any) -> str:
    """A day such as "2026-11-20" (RFC 3339 full-date)."""
    text = _text(value, 'a date such as "2026-11-20"')
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise GraphQLError('Expected a date such as "2026-11-20".') from None


def parse_datetime(value: Any) -> str:
    """A moment such as "2026-11-20T08:30:00Z" (RFC 3339 date-time); the zone is required."""
    text = _text(value, 'a moment such as "2026-11-20T08:30:00Z"')
    try:
        if not _TIMESTAMP.match(text):
            raise ValueError
        return datetime.fromisoformat(text.upper()).isoformat()
    except ValueError:
        raise GraphQLError('Expected a moment with its zone, such as "2026-11-20T08:30:00Z".') from None


def parse_json(value: Any) -> Any:
    """Any JSON value that PostgreSQL can keep: NUL characters, lone surrogates and endless nesting are refused."""
    if is_deeper(value, DEEPEST_JSON):
        sentence = (
            f"JSON is nested at most {DEEPEST_JSON} levels deep. Make it flatter, or send the inner part as text."
        )
        raise ApiError(Code.BAD_USER_INPUT, sentence, reason="JSON_TOO_DEEP")
    try:
        encoded = msgspec.json.encode(value)
    except (UnicodeEncodeError, TypeError):
        raise GraphQLError("Expected JSON of valid Unicode text.") from None
    if b"\\u0000" in encoded:
        raise GraphQLError("Expected JSON without NUL characters.")
    return value


def is_deeper(value: Any, levels: int) -> bool:
    """Whether arrays and objects are nested in more levels than these, found without going down by recursion."""
    inside = [value]
    for _ in range(levels + 1):
        inside = [each for it in inside if isinstance(it, (dict, list)) for each in _members(it)]
        if not inside:
            return False
    return True


def _members(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    """What is inside; for an empty one something, because it is a level all the same."""
    return (value.values() if isinstance(value, dict) else value) or (None,)


def parse_cursor_value(value: str | int, sql_type: str) -> str:
    """A value from inside a cursor, if it reads as its SQL type. Raises ValueError when it does not."""
    if sql_type == "bigint":
        if not isinstance(value, int) or not -(2**63) <= value < 2**63:
            raise ValueError("this cursor was altered.")
        return str(value)
    text = str(value)
    try:
        match sql_type:
            case "date":
                return parse_date(text)
            case "timestamptz":
                return parse_datetime(text)
            case _:
                if "\0" in text or text != text.encode(errors="replace").decode():
                    raise ValueError
                return text
    except (GraphQLError, ValueError):
        raise ValueError("this cursor was altered.") from None


def _unchanged(value: Any) -> Any:
    return value


def _scalar(
    name: str, description: str, parse: Callable[[Any], Any], specification: str | None = None
) -> ScalarDefinition:
    return strawberry.scalar(
        name=name,
        description=description,
        serialize=_unchanged,
        parse_value=parse,
        specified_by_url=specification,
    )


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Money: _scalar(
        "Money",
        'An amount of money: a decimal string with two decimals, such as `"1250.00"`. Its currency stands beside it.',
        parse_money,
    ),
    Decimal: _scalar(
        "Decimal",
        'A decimal number as a string, such as `"12.5"`, so that no digit is lost.',
        parse_decimal,
    ),
    Date: _scalar(
        "Date",
        'A day in the calendar, such as `"2026-11-20"`.',
        parse_date,
        "https://scalars.graphql.org/andimarek/local-date",
    ),
    DateTime: _scalar(
        "DateTime",
        'A moment with its zone, such as `"2026-11-20T08:30:00Z"`. Answers are in UTC.',
        parse_datetime,
        "https://scalars.graphql.org/andimarek/date-time",
    ),
    JSON: _scalar("JSON", f"Any JSON value, nested at most {DEEPEST_JSON} levels deep.", parse_json),
}
