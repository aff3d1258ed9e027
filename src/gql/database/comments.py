"""What `comment on` says in the sql files: the descriptions of the GraphQL schema and the sentences of refusals.

They are read from the files, so that the schema can be printed and the catalogue of errors written without a
database. A test compares them with what PostgreSQL itself has in pg_description.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from gql.database.sources import schema_sources

TOKEN: Final = re.compile(
    r"""
      (?P<space> \s+ | --[^\n]* | /\* .*? \*/ )
    | (?P<escaped> [eE]'(?: [^'\\] | '' | \\. )*' )
    | (?P<text> '(?: [^'] | '' )*' )
    | (?P<dollar> \$(?P<tag>\w*)\$ .*? \$(?P=tag)\$ )
    | (?P<quoted> "(?: [^"] | "" )*" )
    | (?P<end> ; )
    | (?P<word> \w+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
RELATIONS: Final = frozenset({"table", "view", "materialized view", "foreign table"})
FUNCTIONS: Final = frozenset({"function", "procedure", "aggregate", "routine"})


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments by the name of what they are about: schema.name, or the bare name of a constraint. Runs of white
    space, line breaks included, are one space."""

    tables: Mapping[str, str]
    columns: Mapping[str, str]
    functions: Mapping[str, str]
    constraints: Mapping[str, str]
    others: Mapping[str, str]

    def table(self, name: str) -> str | None:
        """The comment of a table or view, such as billing.invoices."""
        return self.tables.get(name)

    def column(self, table: str, name: str) -> str | None:
        """The comment of a column of a table or view."""
        return self.columns.get(f"{table}.{name}")

    def function(self, name: str) -> str | None:
        """The comment of a function or procedure, whatever its arguments."""
        return self.functions.get(name)


@cache
def read_comments() -> Comments:
    """The comments in all files of the schema."""
    return parse_comments("\n;\n".join(schema_sources().values()))


def parse_comments(sql: str) -> Comments:
    """The comments in a piece of SQL. Raises ValueError where one constraint name has two different comments, because
    the sentence of a refusal is looked up by that name alone."""
    tables: dict[str, str] = {}
    columns: dict[str, str] = {}
    functions: dict[str, str] = {}
    constraints: dict[str, str] = {}
    others: dict[str, str] = {}
    for kind, name, text in _comment_statements(sql):
        if kind in RELATIONS:
            tables[name] = text
        elif kind == "column":
            columns[name] = text
        elif kind in FUNCTIONS:
            functions[name] = text
        elif kind in ("constraint", "index"):
            # A unique index is known to a violation by its own name, without the schema.
            name = name.rpartition(".")[2]
            if constraints.setdefault(name, text) != text:
                raise ValueError(f"Two constraints are called {name} and say different things; rename one.")
        else:
            others[f"{kind} {name}"] = text
    return Comments(*map(MappingProxyType, (tables, columns, functions, constraints, others)))


def _comment_statements(sql: str) -> Iterator[tuple[str, str, str]]:
    """(kind, name, text) of each `comment on` statement; `is null` is no comment."""
    for statement in statements(sql):
        words = [text.lower() if group == "word" else text for group, text in statement]
        groups = [group for group, _ in statement]
        if words[:2] != ["comment", "on"]:
            continue
        is_at = max(place for place, word in enumerate(words) if word == "is" and groups[place] == "word")
        kind_ends = 4 if words[2] in ("materialized", "foreign", "event") else 3
        text = "".join(literal_value(group, word) for group, word in statement[is_at + 1 :] if group != "word")
        if text:
            yield " ".join(words[2:kind_ends]), _name(words[kind_ends:is_at]), " ".join(text.split())


def statements(sql: str) -> Iterator[list[tuple[str, str]]]:
    """Tokens, statement by statement, without space and comments. Bodies of functions are one token each."""
    statement: list[tuple[str, str]] = []
    for match in TOKEN.finditer(sql):
        group = match.lastgroup or "other"
        if group == "end":
            yield statement
            statement = []
        elif group != "space":
            statement.append((group, match.group()))
    yield statement


def _name(words: list[str]) -> str:
    """schema.name from its tokens: ends before an argument list, and before the `on table` of a constraint."""
    name = ""
    for word in words:
        if word in ("(", "on"):
            break
        name += word[1:-1].replace('""', '"') if word.startswith('"') else word
    return name


def literal_value(group: str, literal: str) -> str:
    """The text that a literal stands for. Literals that follow one another are one text, as in SQL."""
    if group == "text":
        return literal[1:-1].replace("''", "'")
    if group == "escaped":
        return re.sub(r"\\(.)|''", lambda match: _unescape(match[1]), literal[2:-1], flags=re.DOTALL)
    tag = literal.index("$", 1) + 1
    return literal[tag:-tag]


def _unescape(character: str | None) -> str:
    return "'" if character is None else ESCAPES.get(character, character)
