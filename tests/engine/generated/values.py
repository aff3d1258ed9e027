"""Values as the text of a document and as variables."""

from dataclasses import dataclass
from typing import Any

from graphql.language.print_string import print_string


@dataclass(frozen=True)
class Name:
    """The name of an enum value."""

    text: str


@dataclass(frozen=True)
class Variable:
    """A reference to a variable."""

    name: str


def literal(value: Any) -> str:
    """The value as a document writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Name():
            return value.text
        case Variable():
            return f"${value.name}"
        case str():
            return print_string(value)
        case list():
            return f"[{', '.join(literal(each) for each in value)}]"
        case dict():
            return "{ " + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + " }"
        case _:
            return str(value)


def plain(value: Any) -> Any:
    """The value as JSON of the variables holds it."""
    match value:
        case Name():
            return value.text
        case list():
            return [plain(each) for each in value]
        case dict():
            return {name: plain(each) for name, each in value.items()}
        case _:
            return value


def holds_variable(value: Any) -> bool:
    match value:
        case Variable():
            return True
        case list():
            return any(holds_variable(each) for each in value)
        case dict():
            return any(holds_variable(each) for each in value.values())
        case _:
            return False
