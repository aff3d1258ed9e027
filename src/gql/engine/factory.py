"""Making Strawberry types at run time: a little vocabulary over Strawberry's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, EnumMeta
from keyword import iskeyword
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from gql.engine.scalars import JSON, Date, DateTime, Decimal, Money


@dataclass(frozen=True, slots=True)
class Member:
    """A field and its annotation, which Strawberry wants in the class's annotations."""

    field: StrawberryField
    annotation: StrawberryAnnotation


@dataclass
class TypeFactory:
    """Makes types that refer to one another by name; `namespace` is where the names are looked up."""

    namespace: dict[str, Any] = field(
        default_factory=lambda: {
            "ID": strawberry.ID,
            "Money": Money,
            "Decimal": Decimal,
            "Date": Date,
            "DateTime": DateTime,
            "JSON": JSON,
        }
    )

    def annotation(self, annotation: Any) -> StrawberryAnnotation:
        return StrawberryAnnotation(annotation, namespace=self.namespace)

    def class_of(self, name: str, members: Iterable[Member], bases: tuple[type, ...] = ()) -> type:
        body: dict[str, Any] = {"__module__": __name__, "__annotations__": {}}
        for member in members:
            body[member.field.python_name] = member.field
            body["__annotations__"][member.field.python_name] = member.annotation
        return type(name, bases, body)

    def object(
        self, name: str, members: Iterable[Member], description: str | None, bases: tuple[type, ...] = ()
    ) -> type:
        made: type = strawberry.type(self.class_of(name, members, bases), name=name, description=description)
        self.namespace[name] = made
        return made

    def field(
        self,
        name: str,
        annotation: Any,
        description: str | None,
        arguments: Mapping[str, tuple[Any, str]] | None = None,
    ) -> Member:
        field = StrawberryField(python_name=name, graphql_name=name, description=description)
        field.arguments = [
            StrawberryArgument(argument, argument, self.annotation(wanted), description=meaning)
            for argument, (wanted, meaning) in (arguments or {}).items()
        ]
        return Member(field, self.annotation(annotation))

    def enum(self, name: str, names: list[str], description: str) -> None:
        self.namespace[name] = strawberry.enum(_enum_of(name, names), name=name, description=description)

    def input(self, name: str, fields: Mapping[str, tuple[Any, str | None]], description: str) -> None:
        members = []
        for name_of_field, (annotation, meaning) in fields.items():
            member = f"{name_of_field}_" if iskeyword(name_of_field) else name_of_field
            made = StrawberryField(
                python_name=member, graphql_name=name_of_field, description=meaning, default=strawberry.UNSET
            )
            members.append(Member(made, self.annotation(annotation)))
        self.namespace[name] = strawberry.input(self.class_of(name, members), name=name, description=description)


def _enum_of(name: str, names: list[str]) -> EnumMeta:
    return EnumMeta.__call__(Enum, name, {each: each for each in names})
