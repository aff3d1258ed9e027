"""A statement under construction: its parameters, and where their values come from when it is run.

Every parameter travels as text, which the statement casts, or as a uuid, which both doors take as its text; so the same
arguments serve both, and no value ever becomes part of the SQL.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final
from unicodedata import category
from uuid import UUID

import msgspec

from gql.database.context import Context
from gql.engine.arguments import Values, Variable
from gql.errors import ApiError, Code

LONGEST_LIST: Final = 100
SHORTEST_TERM: Final = 3
_PLACES: Final = re.compile(r"\$(\d+)::(text|uuid)")
_CANONICAL_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Given(Enum):
    """A value that is no part of the document and its variables: a fact of the caller's context, or what a verb is
    called with and what it answered."""

    TENANT = "tenant_text"
    FINGERPRINT = "fingerprint"
    SCOPE = "scope_literal"
    SCOPE_ID = "scope_id"
    INPUT = "input"
    RESULT = "result"


Source = Any  # Given, Variable, a constant of the document, or a list that may hold Variables
Path = tuple[str | int, ...]


def dotted(path: Path, *more: str) -> str:
    """A path as sentences name it."""
    return ".".join(str(step) for step in (*path, *more))


class Parameter(ABC):
    """Where an argument's text comes from."""

    __slots__ = ()

    @abstractmethod
    def text(self, context: Context, values: Values, of_verb: str) -> str | None:
        """The text for this caller, these variables and this verb. Raises ApiError for a value that cannot be read."""


@dataclass(frozen=True, slots=True)
class OfContext(Parameter):
    """A fact of the caller's context."""

    name: str

    def text(self, context: Context, values: Values, of_verb: str) -> str | None:
        found: str = getattr(context, self.name)
        return found


@dataclass(frozen=True, slots=True)
class OfVerb(Parameter):
    """What the verb is called with, in the statement that calls it; in the one that reads its payload, its answer."""

    def text(self, context: Context, values: Values, of_verb: str) -> str | None:
        return of_verb


@dataclass(frozen=True, slots=True)
class OfDocument(Parameter):
    """A value of the document or of its variables, and how it is read."""

    source: Source
    read: Callable[[Any], str | None]
    place: str

    def text(self, context: Context, values: Values, of_verb: str) -> str | None:
        source = self.source
        value = source.read(values) if isinstance(source, Variable) else resolve(source, values)
        return read_at(self.place, self.read, value)


def _parameter(source: Source, read: Callable[[Any], str | None], place: str) -> Parameter:
    if source is Given.INPUT or source is Given.RESULT:
        return OfVerb()
    return OfContext(source.value) if isinstance(source, Given) else OfDocument(source, read, place)


def read_at(place: str, read: Callable[[Any], str | None], value: Any) -> str | None:
    """The value's text. Raises ApiError, with the place, where the reader refuses it."""
    try:
        return read(value)
    except TermTooShort as problem:
        raise ApiError(Code.BAD_USER_INPUT, f"{place}: {problem}", reason="SEARCH_TOO_SHORT", field=place) from None
    except ValueError as problem:
        raise ApiError(Code.BAD_USER_INPUT, f"{place}: {problem}", reason="INVALID_VALUE", field=place) from None


def resolve(source: Source, values: Values) -> Any:
    """The source with its variables filled in."""
    if isinstance(source, Variable):
        return source.read(values)
    if isinstance(source, list):
        return [resolve(each, values) for each in source]
    if isinstance(source, dict):
        return {name: resolve(each, values) for name, each in source.items()}
    return source


@dataclass(slots=True)
class Parameters:
    """The parameters of one statement, numbered as they are asked for; equal ones share a number."""

    found: list[Parameter] = field(default_factory=list)
    _numbers: dict[Any, int] = field(default_factory=dict)

    def add(self, source: Source, sql_type: str, read: Callable[[Any], str | None], place: str = "") -> str:
        """The SQL expression of the parameter."""
        travels_as = "uuid" if sql_type == "uuid" else "text"
        key = (repr(source), read, place, travels_as)
        number = self._numbers.get(key)
        if number is None:
            self.found.append(_parameter(source, read, place))
            number = self._numbers[key] = len(self.found)
        typed = f"(${number}::{travels_as})"
        return typed if sql_type == travels_as else f"{typed}::{sql_type}"

    def given(self, which: Given, sql_type: str) -> str:
        return self.add(which, sql_type, as_text)

    def statement(self, sql: str) -> "Statement":
        """The statement with the parameters that its text still uses: a condition may have been written for a count
        that nobody asked for, and PostgreSQL wants to know the type of each."""
        used = sorted({int(place[1]) for place in _PLACES.finditer(sql)})
        numbers = {old: new for new, old in enumerate(used, 1)}
        numbered = _PLACES.sub(lambda place: f"${numbers[int(place[1])]}::{place[2]}", sql)
        unused = [each for number, each in enumerate(self.found, 1) if number not in numbers]
        return Statement(numbered, tuple(self.found[old - 1] for old in used), tuple(unused))

    def tenant(self) -> str:
        return self.given(Given.TENANT, "uuid")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement that answers with the bytes of a JSON object, and how to run it."""

    sql: str
    parameters: Sequence[Parameter]
    unused: Sequence[Parameter] = ()
    """What was given and the text needs no more: read all the same, so that a bad value is refused."""

    def arguments(self, context: Context, values: Values, of_verb: str = "") -> list[str | None]:
        """The arguments for this caller and these variables. Raises ApiError for a value that cannot be read."""
        for parameter in self.unused:
            parameter.text(context, values, of_verb)
        return [parameter.text(context, values, of_verb) for parameter in self.parameters]


def answering(expression: str, parameters: Parameters) -> Statement:
    """The statement whose one row is the expression's text. It has no row, which is an error, where the connection does
    not stand in the caller's context or its role is not the tenant's (lock three)."""
    fingerprint = parameters.given(Given.FINGERPRINT, "text")
    agreed = f"core.context() = {fingerprint} and core.tenant_id() = {parameters.tenant()}"
    return parameters.statement(f"select convert_to({expression}, 'UTF8') where {agreed}")


# Readers: from a coerced value to the text of a parameter. They raise ValueError with a sentence for the caller.


def as_text(value: Any) -> str | None:
    """A string as PostgreSQL can keep it."""
    text = str(value)
    if "\0" in text:
        raise ValueError("a text cannot hold the NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text must be valid Unicode.") from None
    return text


class TermTooShort(ValueError):
    """A text that is searched for finds too much, and by no index."""


def as_term(value: Any) -> str | None:
    """A text to search for, without blanks around it."""
    term = str(value).strip(" ")
    # Vowel signs, as of Devanagari, are marks: "दाल" has three.
    if sum(category(each)[0] in "LMN" for each in term) < SHORTEST_TERM:
        raise TermTooShort(f"search for {SHORTEST_TERM} letters or digits at least.")
    return as_text(term)


def as_uuid(value: Any) -> str:
    """An id in its canonical form."""
    try:
        if _CANONICAL_ID.fullmatch(value):
            return str(value)
        if len(value) != 36:
            raise ValueError
        return str(UUID(value))
    except ValueError:
        raise ValueError("an id is a uuid such as 0190b6a4-7c3e-7d52-9f38-2f6d1a0c9b11.") from None


def as_enum(value: Any) -> str:
    return str(value.value)


def as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def as_list(read: Callable[[Any], str | None]) -> Callable[[Any], str]:
    """Reads a list into a PostgreSQL array literal."""
    if read not in _LIST_READERS:

        def read_list(values: Any) -> str:
            if len(values) > LONGEST_LIST:
                raise ValueError(f"a list holds at most {LONGEST_LIST} values; this one has {len(values)}.")
            return "{" + ",".join(_array_element(read(value)) for value in values) + "}"

        _LIST_READERS[read] = read_list
    return _LIST_READERS[read]


_LIST_READERS: dict[Callable[[Any], str | None], Callable[[Any], str]] = {}


def _array_element(text: str | None) -> str:
    if text is None:
        raise ValueError("a list cannot hold null.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
