"""Putting the text of an answer together in SQL: literals, and concat() calls that PostgreSQL accepts at any length."""

from collections.abc import Iterable
from typing import Final


class Literal(str):
    """Text that stands in the answer as it is: declarations and GraphQL names, never a caller's value."""

    __slots__ = ()


Fragment = Literal | str
"""A piece of an answer: a literal, or a SQL expression whose text is wanted."""

_MOST_ARGUMENTS: Final = 100  # PostgreSQL's limit for one call


def quoted(text: str) -> str:
    """The text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def joined(fragments: Iterable[Fragment]) -> str:
    """One SQL expression for all fragments in a row. concat() takes NULL for nothing, as `||` would not."""
    expressions: list[str] = []
    pending = ""
    for fragment in fragments:
        if isinstance(fragment, Literal):
            pending += fragment
            continue
        if pending:
            expressions.append(quoted(pending))
            pending = ""
        expressions.append(fragment)
    if pending or not expressions:
        expressions.append(quoted(pending))
    while len(expressions) > _MOST_ARGUMENTS:
        starts = range(0, len(expressions), _MOST_ARGUMENTS)
        expressions = [_concat(expressions[start : start + _MOST_ARGUMENTS]) for start in starts]
    return _concat(expressions)


def _concat(expressions: list[str]) -> str:
    return f"concat({', '.join(expressions)})"


def members(fields: Iterable[tuple[str, list[Fragment]]]) -> list[Fragment]:
    """The fragments of a JSON object with these members."""
    fragments: list[Fragment] = []
    opening = "{"
    for key, value in fields:
        fragments.append(Literal(f'{opening}"{key}":'))
        fragments.extend(value)
        opening = ","
    fragments.append(Literal("{}" if opening == "{" else "}"))
    return fragments
