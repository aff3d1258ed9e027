"""What the domains declare is what the database has: no column by hearsay, no verb without its function."""

from collections.abc import Mapping
from typing import Final

import pytest
from strawberry.utils.str_converters import to_camel_case

from gql.engine.fields import ToMany, ToOne
from gql.engine.nouns import Noun
from gql.engine.verbs import Verb
from gql.schema import declarations
from tests.engine.statements import needed_by
from tests.harness.actors import as_superuser

NOUNS = list(declarations().nouns.values())
TABLES = [noun for noun in NOUNS if not noun.table.endswith(")")]
QUESTIONS = [noun for noun in NOUNS if noun.question]
VERBS = list(declarations().verbs.values())
COLUMNS = """
    select attname, coalesce(nullif(format_type(coalesce(nullif(typbasetype, 0), pg_type.oid), null), ''), '') as type,
           attnotnull or typnotnull as required, attcollation::regcollation::text as collation,
           attgenerated::text as generated
    from pg_attribute join pg_type on pg_type.oid = atttypid
    where attrelid = $1::text::regclass and attnum > 0 and not attisdropped
"""
TYPES = {
    "text": {"text"},
    "uuid": {"uuid"},
    "numeric": {"numeric"},
    "bigint": {"bigint", "integer"},
    "boolean": {"boolean"},
    "date": {"date"},
    "timestamptz": {"timestamp with time zone"},
    "jsonb": {"jsonb"},
    "text[]": {"text[]"},
}


async def columns_of(noun: Noun) -> dict[str, dict[str, object]]:
    async with as_superuser() as connection:
        return {row["attname"]: dict(row) for row in await connection.fetch(COLUMNS, noun.table)}


@pytest.mark.parametrize("noun", TABLES, ids=lambda noun: noun.name)
async def test_every_declared_column_is_there_with_its_type_and_nullability(noun: Noun) -> None:
    found = await columns_of(noun)
    for column in noun.columns:
        if column.expression is not None:
            assert set(column.reads) <= set(found), column.name
            continue
        actual = found[column.name]
        assert actual["type"] in TYPES[column.kind.sql], column.name
        assert column.nullable == (not actual["required"]), column.name


@pytest.mark.parametrize("noun", TABLES, ids=lambda noun: noun.name)
async def test_what_lists_are_ordered_by_is_never_null_and_compares_the_same_on_every_server(noun: Noun) -> None:
    found = await columns_of(noun)
    for column in noun.columns:
        if column.key:
            assert found[column.key]["collation"] == '"C"'
            assert found[column.key]["generated"] == "s"
        if column.minor:
            assert found[column.minor]["type"] == "bigint"
            assert found[column.minor]["generated"] == "s"
    for order in noun.orders.values():
        assert found[order.sort_column]["required"], order.name
        if order.sort_type == "text":
            assert found[order.sort_column]["collation"] == '"C"', order.name


@pytest.mark.parametrize("noun", TABLES, ids=lambda noun: noun.name)
async def test_relations_follow_columns_that_are_there(noun: Noun) -> None:
    for relation in noun.relations:
        holder = noun if isinstance(relation, ToOne) else declarations().target(relation)
        found = await columns_of(holder)
        assert relation.via in found
        if isinstance(relation, ToOne):
            # Who sees a row of a scope need not see what has none; so a relation may have nobody at its other end.
            target = declarations().nouns[relation.target].scope
            is_narrower = bool(noun.scope) and (
                target is None or (isinstance(target, Mapping) and target != noun.scope)
            )
            # What shares a row's id may be there for some only: that is for the declaration to say.
            if relation.via != "id":
                assert relation.nullable == (not found[relation.via]["required"] or is_narrower)
        if isinstance(relation, ToMany) and relation.order:
            assert relation.order in found


ANSWERS: Final = """
    select name, format_type(type, null) as type, mode::text from pg_proc,
        unnest(proargnames, proallargtypes, proargmodes) as argument (name, type, mode)
    where oid = $1::text::regproc
"""


@pytest.mark.parametrize("noun", QUESTIONS, ids=lambda noun: noun.name)
async def test_a_question_is_a_function_that_answers_what_is_declared(noun: Noun) -> None:
    """Its arguments are in the order of its placeholders, with their types, and its rows have every column."""
    assert noun.question is not None
    name, _, placeholders = noun.table.rstrip(")").partition("(")
    assert placeholders == ", ".join(f"{{{argument.name}}}" for argument in noun.question.arguments)
    async with as_superuser() as connection:
        found = await connection.fetch(ANSWERS, name)
    given = [row["type"] for row in found if row["mode"] == "i"]
    assert all(
        actual in TYPES[argument.kind.sql] for argument, actual in zip(noun.question.arguments, given, strict=True)
    )
    rows = {row["name"]: row["type"] for row in found if row["mode"] == "t"}
    assert {"tenant_id", "id", noun.question.numbered_by} <= set(rows)
    assert {column.name: rows[column.name] in TYPES[column.kind.sql] for column in noun.columns} == dict.fromkeys(
        (column.name for column in noun.columns), True
    )


NUMBERED: Final = [
    (relation, declarations().target(relation))
    for noun in TABLES
    for relation in noun.relations
    if isinstance(relation, ToMany) and relation.numbered_by
]
KEYS: Final = """
    select array_agg(attname::text order by attname) from pg_index join pg_attribute on attrelid = indrelid
    and attnum = any (indkey[0:indnkeyatts - 1]) where indrelid = $1::text::regclass and indisunique and indpred is null
    group by indexrelid
"""
BOUNDED: Final = """
    select exists (select from pg_constraint where conrelid = $1::text::regclass and contype = 'c'
    and pg_get_constraintdef(oid) like format('%%(%1$I >= 1) AND (%1$I <= 1000)%%', $2::text))
"""


@pytest.mark.parametrize(("relation", "target"), NUMBERED, ids=lambda part: part.name)
async def test_what_numbers_a_list_is_unique_in_it_and_bounded(relation: ToMany, target: Noun) -> None:
    """The engine writes neither a tie-break nor a limit for such a list."""
    async with as_superuser() as connection:
        keys = [row[0] for row in await connection.fetch(KEYS, target.table)]
        assert sorted(["tenant_id", relation.via, relation.numbered_by or ""]) in keys
        assert await connection.fetchval(BOUNDED, target.table, relation.numbered_by)


@pytest.mark.parametrize("noun", TABLES, ids=lambda noun: noun.name)
async def test_scopes_and_currencies_are_columns(noun: Noun) -> None:
    found = await columns_of(noun)
    assert {"tenant_id", "id"} <= set(found)
    said = [noun.scope] if isinstance(noun.scope, str) else (noun.scope or {}).values()
    assert {column for each in said for column in [each.removeprefix("{row}.")]} <= set(found)
    has_money = any(column.kind.name == "Money" and column.aggregated for column in noun.columns)
    assert not has_money or noun.currency in found, "sums of money need a currency that groups never mix"


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
def test_no_argument_tells_of_a_column_with_a_permission_of_its_own(noun: Noun) -> None:
    """The engine judges the permissions of what is selected. A filter, an order, a group or a figure over such a column
    would tell its value to somebody who may not select it."""
    told = [
        column.name
        for column in noun.columns
        if column.permission and (column.filtered or column.ordered or column.grouped or column.aggregated)
    ]
    assert told == []
    kept = {column.name for column in noun.columns if column.permission}
    assert not kept & {name for column in noun.columns for name in column.reads}, "computed for all from what is kept"


FOLLOWED: Final = [
    (noun, relation)
    for noun in NOUNS
    for relation in noun.relations
    if noun.plural and isinstance(relation, ToOne) and relation.filtered
]


@pytest.mark.parametrize(("noun", "relation"), FOLLOWED, ids=lambda part: part.name)
def test_a_filter_on_what_a_row_refers_to_needs_what_reading_that_needs(noun: Noun, relation: ToOne) -> None:
    needed = {noun.permission, declarations().target(relation).permission}
    asked = f"{{ {noun.plural}(filter: {{ or: [{{ {relation.graphql_name}: {{}} }}] }}) {{ totalCount }} }}"
    assert needed_by(asked) == needed
    if noun.groups:
        grouped = f"{noun.singular}Groups(by: [], filter: {{ {relation.graphql_name}: {{}} }})"
        assert needed_by(f"{{ {grouped} {{ count }} }}") == needed


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
def test_groups_never_mix_currencies(noun: Noun) -> None:
    """What has a currency is always grouped by it, so that it can be."""
    assert not (noun.groups and noun.currency) or noun.column(noun.currency).grouped


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.graphql_name)
async def test_a_verb_is_the_function_of_the_same_name_and_demands_its_permission(verb: Verb) -> None:
    schema, _, name = verb.function.partition(".")
    assert verb.graphql_name == to_camel_case(name)
    async with as_superuser() as connection:
        functions = await connection.fetch(
            """select prosecdef, prosrc, pg_get_function_arguments(pg_proc.oid) as arguments
               from pg_proc join pg_namespace on pg_namespace.oid = pronamespace where nspname = $1 and proname = $2""",
            schema,
            name,
        )
    (function,) = functions
    assert function["prosecdef"]
    assert function["arguments"] == "input jsonb"
    assert f"core.demand('{verb.permission}')" in function["prosrc"]


async def test_every_permission_that_is_asked_for_is_one_that_a_role_has() -> None:
    asked = {noun.permission for noun in NOUNS} | {verb.permission for verb in VERBS}
    asked |= {column.permission for noun in NOUNS for column in noun.columns if column.permission}
    async with as_superuser() as connection:
        owners = await connection.fetchval("select core.permissions('owner')")
    assert asked <= set(owners)


@pytest.mark.parametrize("noun", [each for each in NOUNS if each.search], ids=lambda noun: noun.name)
async def test_a_search_finds_all_or_a_page_in_the_nouns_own_order(noun: Noun) -> None:
    order = noun.orders[noun.default_order or ""]
    assert not order.descending
    forms = [f"{noun.search}(text)", f"{noun.search}(text, integer, {order.sort_type}, uuid)"]
    async with as_superuser() as connection:
        for form in forms:
            found = (
                "select prorettype::regtype::text, provolatile::text from pg_proc where oid = $1::text::regprocedure"
            )
            assert [tuple(row) for row in await connection.fetch(found, form)] == [("uuid[]", "s")], form
