"""What each role may do, as core.permissions in the sql files says it.

Like the comments it is read from the files, so that the schema and docs/roles.md are written without a database. A test
compares it with what the database answers.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from gql.database.comments import literal_value, statements
from gql.database.sources import schema_sources

FUNCTION: Final = ["create", "function", "core", ".", "permissions"]
OF_NO_PERSON: Final = frozenset({"worker", "doorway"})
"""No membership has these."""


@cache
def read_permissions() -> Mapping[str, frozenset[str]]:
    """The permissions of every role that a person can have, in the order of the file."""
    found = parse_permissions("\n;\n".join(schema_sources().values()))
    return MappingProxyType({role: held for role, held in found.items() if role not in OF_NO_PERSON})


def parse_permissions(sql: str) -> Mapping[str, frozenset[str]]:
    """The branches `when 'role' then array['permission', …]` of core.permissions. What is no such branch is passed
    over: roles that are no person's may be told by a pattern.

    Raises ValueError where there are none.
    """
    for statement in statements(sql):
        if [text.lower() for _, text in statement[: len(FUNCTION)]] == FUNCTION:
            found = dict(_branches(statement))
            if found:
                return found
    raise ValueError("No branches of core.permissions were found in the sql files.")


def _branches(statement: list[tuple[str, str]]) -> list[tuple[str, frozenset[str]]]:
    words = [text.lower() for _, text in statement]
    found = []
    for place in range(len(statement) - 4):
        group, role = statement[place + 1]
        shape = words[place], group, words[place + 2 : place + 5]
        if shape != ("when", "text", ["then", "array", "["]):
            continue
        end = words.index("]", place)
        held = (literal_value(*token) for token in statement[place + 5 : end] if token[0] == "text")
        found.append((literal_value(group, role), frozenset(held)))
    return found
