"""The Strawberry types of a noun's groups, and the field that asks for them."""

from typing import Any, Final

from gql.engine.factory import Member, TypeFactory
from gql.engine.meanings import Meanings
from gql.engine.nouns import Noun
from gql.engine.shared_types import AGGREGATE_MEANINGS, annotation_of

ARCHIVED: Final = {"includeArchived": ("bool | None", "Those that are archived, too; without it, they are left out.")}


def make_group_types(make: TypeFactory, meanings: Meanings, noun: Noun) -> None:
    """What it is grouped by and ordered by, the key of a group, and the group with its figures."""
    groups, name = noun.groups, f"{noun.name}Group"
    make.enum(f"{name}By", list(groups), f"A way to group {noun.plural}.")
    directions = [f"{key}_{way}" for key in _order_keys(noun) for way in ("ASC", "DESC")]
    make.enum(
        f"{name}Order", directions, f"An order for groups of {noun.plural}: by a key that is grouped by, or a figure."
    )
    make.object(
        f"{name}Key",
        _key_fields(make, meanings, noun),
        "What the members of a group have in common; null where it was not grouped by.",
    )
    figures = [
        make.field(column.graphql_name, f"{column.kind.name}Aggregate", meanings.column(noun, column))
        for column in noun.aggregates
    ]
    make.object(
        name,
        [
            make.field("key", f"{name}Key", "What its members have in common."),
            make.field("count", int, "How many are in the group."),
            *figures,
        ],
        f"{(noun.plural or noun.name).capitalize()} that have something in common."
        + (" Groups never mix currencies: the currency is always part of the key." if noun.currency else ""),
    )


def groups_field(make: TypeFactory, noun: Noun, *, at_root: bool = False) -> Member:
    """The field that asks for the noun's groups."""
    return make.field(
        noun.groups_field,
        f"list[{noun.name}Group]" + (" | None" if at_root else ""),
        f"{(noun.plural or noun.name).capitalize()} grouped and summed.",
        {
            "filter": (f"{noun.name}Filter | None", "Only those that fulfil this."),
            "by": (f"list[{noun.name}GroupBy]", "What to group by, at most 4."),
            "orderBy": (f"list[{noun.name}GroupOrder] | None", "The order; without it, by the keys."),
            "first": ("int | None", "How many groups: 1 to 1000. Without it, 100."),
        }
        | archived(noun),
    )


def archived(noun: Noun) -> dict[str, tuple[Any, str]]:
    """The argument that takes in what was moved to the archive, where the noun has one."""
    return ARCHIVED if noun.archive else {}


def _key_fields(make: TypeFactory, meanings: Meanings, noun: Noun) -> list[Member]:
    fields = []
    for group in noun.groups.values():
        annotation = f"{annotation_of(group.kind, make)} | None"
        meaning = _period_meaning(group.period) or meanings.column(noun, group.column)
        fields.append(make.field(group.graphql_name, annotation, meaning))
        if group.period is None and (relation := noun.to_one_through(group.column)):
            fields.append(make.field(relation.graphql_name, f"{relation.target} | None", meanings.of_target(relation)))
    return fields


def _order_keys(noun: Noun) -> list[str]:
    figures = [f"{column.enum_name}_{figure.upper()}" for column in noun.aggregates for figure in AGGREGATE_MEANINGS]
    return [*noun.groups, "COUNT", *figures]


def _period_meaning(period: str | None) -> str | None:
    match period:
        case "MONTH":
            return "The first day of the month."
        case "QUARTER":
            return "The first day of the quarter of the calendar year."
        case "FISCAL_YEAR":
            return (
                "The fiscal year, named by the calendar year in which it ends; its first month is the organisation's."
            )
        case _:
            return None
