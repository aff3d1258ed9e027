"""Input types that say what their fields mean in the words of the table's own comments."""

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import strawberry

Declared = TypeVar("Declared", bound=type)


@dataclass_transform()
def described(table: str, description: str) -> Callable[[Declared], Declared]:
    """Declare an input type. A field without a description of its own takes the comment of the table's column of the
    same name, once the schema is assembled."""

    def declare(cls: Declared) -> Declared:
        made: Any = strawberry.input(cls, description=description)
        made.__table__ = table
        return made  # type: ignore[no-any-return]

    return declare
