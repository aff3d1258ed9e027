"""Input types that say what their fields mean in the words of the table's own comments."""

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import strawberry

Declared = TypeVar("Declared", bound=type)


@dataclass_transform(kw_only_default=True)
def described(table: str, description: str) -> Callable[[Declared], Declared]:
    """Declare an input type whose fields are columns of the table. A field without a description of its own takes the
    column's comment when the schema is built. Fields that several inputs share are
    declared once, in a base, and shown after the input's own."""

    def declare(cls: Declared) -> Declared:
        made: Any = strawberry.input(cls, description=description)
        made.__table__ = table
        own = cls.__annotations__
        made.__strawberry_definition__.fields.sort(key=lambda field: field.python_name not in own)
        return made  # type: ignore[no-any-return]

    return declare


def describe(declared: Any, meaning: Callable[[str, str], str | None]) -> None:
    """Give the fields of a described input, and of the inputs inside it, their meanings."""
    table = getattr(declared, "__table__", None)
    if table is None:
        return
    for field in declared.__strawberry_definition__.fields:
        field.description = field.description or meaning(table, field.python_name)
        inner = field.type
        while hasattr(inner, "of_type"):
            inner = inner.of_type
        describe(inner, meaning)
