"""The vocabulary in which a domain declares its nouns.

A noun is a table (or a view) and what may be asked of it. The declaration below is all that the engine needs: it makes
the GraphQL type, its connection, filter, order and group types, the root fields, and every SQL statement.

    @noun(table="billing.clients", plural="clients", scope="id", permission="billing:read", default_order="NAME_ASC")
    class Client:
        name: str = column(key="name_key", filtered=True, ordered=True)
        status: ClientStatus = column(filtered=True, grouped=True)
        invoices = to_many("Invoice", "client_id")

Meanings (descriptions) are not repeated here: they are the `comment on` texts of the table and its columns.
"""

import types
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin

from gql.engine.fields import Answers, Argument, Column, Field, Period, ToMany, ToOne
from gql.engine.kinds import ID, Kind, kind_of
from gql.engine.nouns import Noun, Question, Single


def column(
    *,
    key: str | None = None,
    minor: str | None = None,
    filtered: bool = False,
    ordered: bool = False,
    grouped: tuple[Period, ...] | bool = False,
    aggregated: bool = False,
    permission: str | None = None,
    description: str | None = None,
    as_of: str | None = None,
) -> Any:
    """A stored column. The annotation beside it says its kind, and whether it may be null. `as_of` is the expression of
    its value at the end of a day: `{row}` is the row, `{as_of}` the day."""

    def declare(name: str, kind: Kind, nullable: bool) -> Column:
        return Column(
            name,
            kind,
            nullable,
            None,
            key,
            minor,
            filtered,
            ordered,
            grouped,
            aggregated,
            permission,
            description,
            as_of,
        )

    return declare


def computed(expression: str, *, description: str, filtered: bool = False, permission: str | None = None) -> Any:
    """A figure that PostgreSQL computes from the row, which the expression calls `{row}`."""

    def declare(name: str, kind: Kind, nullable: bool) -> Column:
        return Column(
            name, kind, nullable, expression, None, None, filtered, False, False, False, permission, description
        )

    return declare


def report_column(name: str, kind: Kind, description: str, *, nullable: bool = False) -> Column:
    """A column of a report."""
    return Column(name, kind, nullable, None, None, None, False, False, False, False, None, description)


def to_one(target: str, via: str, *, nullable: bool = False, filtered: bool = True) -> Any:
    """The thing whose id stands in the column `via`. Not nullable only where both ends have the same policy."""
    return lambda name: ToOne(name, target, via, nullable, filtered)


def to_many(
    target: str, via: str, *, listed: bool = False, order: str | None = None, numbered_by: str | None = None
) -> Any:
    """The rows of the target whose column `via` holds this row's id: a connection, or where they are few by nature the
    whole list (`listed`), in the order of a column that may repeat (`order`) or of one that numbers them
    (`numbered_by`)."""
    return lambda name: ToMany(name, target, via, listed, order, numbered_by)


def argument(name: str, annotation: Any, description: str, default: str | None = None) -> Argument:
    """An argument of a question; `default` is the SQL that stands for one that is left out."""
    return Argument(name, kind_of(annotation), description, default)


def answers(target: str, **bound: str) -> Any:
    """The answer to a question about this row: `bound` names the columns that its other arguments are."""
    return lambda name: Answers(name, target, tuple(bound.items()))


def noun(
    *,
    table: str,
    permission: str,
    described_by: str | None = None,
    plural: str | None = None,
    singular: str | None = None,
    single: Single | None = None,
    scope: str | Mapping[str, str] | None = None,
    visible: str | None = None,
    default_order: str | None = None,
    currency: str | None = None,
    question: Question | None = None,
    reported: bool = True,
    search: str | None = None,
    archive: str | None = None,
) -> Callable[[type], type]:
    """Declare a noun.

    - `table`: its table, view or function; every one has `tenant_id` and `id`. `described_by`: the table whose comments
      give it meaning, where that is another.
    - `permission`: what a role needs to read it (the roles' permissions stand in the database).
    - `plural`: the name of its list; without one it is only reached through other nouns. `singular` is the name of the
      look-up by id, made from the class name unless given. `single` adds a look-up without an id.
    - `scope`: the column that carries the scope's id, written into every statement of a scoped person; or for each
      scoped role such a column, or a condition. A role that is not named there sees no row.
    - `visible`: a condition that the rows of root fields fulfil (rows that others refer to stay reachable from there).
    - `default_order`: the order of lists that name none. `currency`: the column that groups never mix.
    - `question`: what its table, a function, is asked with.
    - `reported`: whether analysts have a view of it, which is so unless it is one person's own or an administrator's.
    - `search`: a function of countinghouse_search, from a text to the ids of what it finds; the root list takes it as
      `search`. A second form of it takes how many and after which, in the default order, which then ascends.
    - `archive`: the view of its rows and of those in its archive, with the same columns: lists, groups and look-ups
      take `includeArchived`, and what refers to a row finds it in either.
    """

    def declare(cls: type) -> type:
        fields: dict[str, Field] = {"id": _id_column()}
        for name, declared in vars(cls).items():
            if not callable(declared) or name.startswith("_"):
                continue
            if name in cls.__annotations__:
                annotation, nullable = _optional(cls.__annotations__[name])
                made: Field = declared(name, kind_of(annotation), nullable)
            else:
                made = declared(name)
            fields[made.graphql_name] = made
        lookup = singular or (cls.__name__[0].lower() + cls.__name__[1:] if plural else None)
        cls.__noun__ = Noun(  # type: ignore[attr-defined]
            name=cls.__name__,
            table=table,
            described_by=described_by or table,
            plural=plural,
            scope=scope,
            permission=permission,
            visible=visible,
            singular=lookup,
            single=single,
            default_order=default_order,
            currency=currency,
            fields=fields,
            question=question,
            reported=reported,
            search=search,
            archive=archive,
        )
        return cls

    return declare


def _id_column() -> Column:
    return report_column("id", ID, "The row's own uuid.")


def _optional(annotation: Any) -> tuple[Any, bool]:
    """The type without None, and whether None was in it."""
    if get_origin(annotation) in (Union, types.UnionType):
        (inner,) = [each for each in get_args(annotation) if each is not type(None)]
        return inner, True
    return annotation, False
