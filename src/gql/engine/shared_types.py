"""The GraphQL types that all nouns share: pages, operators of filters, figures of groups."""

from typing import Any, Final

import strawberry

from gql.engine.factory import TypeFactory
from gql.engine.fields import Column
from gql.engine.kinds import BOOLEAN, DECIMAL, INTEGER, MONEY, TEXT, Kind

OPERATOR_MEANINGS: Final = {
    "eq": "Equal to this value.",
    "ne": "Not equal to this value; a missing value is not equal to any.",
    "in": "Equal to one of these values, at most 100.",
    "lt": "Less than, or earlier than, this value.",
    "lte": "At most, or not later than, this value.",
    "gt": "More than, or later than, this value.",
    "gte": "At least, or not earlier than, this value.",
    "startsWith": "Begins with this text; upper and lower case are the same.",
    "isNull": "Whether there is no value.",
}
AGGREGATE_MEANINGS: Final = {
    "sum": "The sum, exact.",
    "avg": "The mean, rounded half away from zero to two decimals.",
    "min": "The smallest.",
    "max": "The largest.",
}


def make_shared_types(make: TypeFactory) -> None:
    """PageInfo, Node, and the figures of groups."""
    node = make.class_of("Node", [make.field("id", strawberry.ID, "The row's own uuid.")])
    make.namespace["Node"] = strawberry.interface(
        node, name="Node", description="A thing with an id that can be fetched again."
    )
    make.object(
        "PageInfo",
        [
            make.field("hasNextPage", bool, "Whether there is more after the last one shown."),
            make.field("hasPreviousPage", bool, "Whether there is more before the first one shown."),
            make.field("startCursor", "str | None", "The cursor of the first one shown."),
            make.field("endCursor", "str | None", "The cursor of the last one shown: pass it as `after`."),
        ],
        "Where a page lies in its list.",
    )
    for kind in (MONEY, DECIMAL, INTEGER):
        make.object(
            f"{kind.name}Aggregate",
            [
                make.field(
                    figure,
                    "Decimal | None" if kind is INTEGER and figure == "avg" else f"{annotation_of(kind, make)} | None",
                    meaning,
                )
                for figure, meaning in AGGREGATE_MEANINGS.items()
            ],
            f"Figures over a group's {kind.name} values.",
        )


def operator_type(make: TypeFactory, column: Column) -> str:
    """The filter type for a column, made once for each kind and set of operators."""
    kind = column.kind
    name = "ExactFilter" if kind is TEXT and column.key is None else f"{kind.name}Filter"
    if name not in make.namespace:
        value: Any = kind.annotation
        make.input(
            name,
            {
                operator: (
                    list[value] | None if operator == "in" else (bool if operator == "isNull" else value) | None,
                    OPERATOR_MEANINGS[operator],
                )
                for operator in column.operators
            },
            f"Conditions on a {kind.name}; all that are given must hold. Null is refused: leave the operator out.",
        )
    return name


def annotation_of(kind: Kind, make: TypeFactory) -> str:
    """The name by which an annotation refers to the kind's type."""
    builtin = {INTEGER: "int", TEXT: "str", BOOLEAN: "bool"}
    if kind in builtin:
        return builtin[kind]
    make.namespace.setdefault(kind.name, kind.annotation)
    return kind.name
