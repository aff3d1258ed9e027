"""Cursors and inputs that nobody would send by accident: each is answered or refused with a code, and nothing is half
done."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql.database.pool import Database
from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.crowd import fill
from tests.engine.doors import ORIGIN, permitted
from tests.engine.probes import LISTED, SCHEMA
from tests.harness.actors import as_tenant, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.thoroughness import examples

EXAMPLES = settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
UNFORESEEN = {"INTERNAL_SERVER_ERROR", "TIMEOUT", "UNAVAILABLE"}
VERBS = sorted(name for name in declarations().verbs)

texts = st.text(st.characters(codec="utf-8") | st.sampled_from("\0\n'\"\\{}%$"), max_size=30)
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
lists = st.sampled_from([(noun, order) for noun in LISTED for order in noun.orders])
inner_values = st.lists(values | st.lists(values, max_size=2) | st.dictionaries(texts, values, max_size=2), max_size=5)


@pytest.fixture(scope="module")
async def engine(database: TestDatabase) -> AsyncIterator[Engine]:
    opened = await Database.open(database.options(read_connections=1, write_connections=1))
    yield Engine(build_schema(), declarations(), opened, OPEN_FIELDS)
    await opened.close()


@pytest.fixture(scope="module")
async def busy() -> Tenant:
    tenant = await make_tenant("Busy people")
    await fill(tenant, 6, clients=2)
    return tenant


async def codes_of(engine: Engine, tenant: Tenant, source: str, variables: dict[str, Any]) -> set[str]:
    """The codes of the answer's errors. Whatever is sent, none of them is one that we did not foresee."""
    caller = Caller(await permitted(context_of(tenant)), ORIGIN)
    try:
        answer = await engine.run(await engine.prepare(source, None, variables, introspection=True), caller)
        errors = json.loads(answer).get("errors", [])
    except RequestRefused as refused:
        errors = [error.as_dict("test") for error in refused.errors]
    codes = {error["extensions"]["code"] for error in errors}
    assert not codes & UNFORESEEN, errors
    told = json.dumps(errors)
    assert not [word for word in ("postgres", "asyncpg", "pg_", "syntax error", "Traceback") if word in told]
    return codes


def page(noun: Any, order: str) -> str:
    return (
        f"query($cursor: String) {{ {noun.plural}(orderBy: [{order}], after: $cursor)"
        " { nodes { id } pageInfo { endCursor hasPreviousPage } } }"
    )


def encoded(inside: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(inside)).decode().rstrip("=")


@EXAMPLES
@given(where=lists, cursor=texts)
async def test_any_text_as_a_cursor_is_answered_or_refused(
    engine: Engine, busy: Tenant, where: tuple[Any, str], cursor: str
) -> None:
    assert await codes_of(engine, busy, page(*where), {"cursor": cursor}) <= {"BAD_USER_INPUT"}


@EXAMPLES
@given(where=lists, inside=inner_values, named=st.booleans())
async def test_a_cursor_with_anything_inside_is_answered_or_refused(
    engine: Engine, busy: Tenant, where: tuple[Any, str], inside: list[Any], named: bool
) -> None:
    noun, order = where
    parts = [f"{noun.name},{order}", *inside] if named else inside
    assert await codes_of(engine, busy, page(noun, order), {"cursor": encoded(parts)}) <= {"BAD_USER_INPUT"}


@EXAMPLES
@given(where=lists, data=st.data())
async def test_a_real_cursor_with_some_bytes_changed_is_answered_or_refused(
    engine: Engine, busy: Tenant, where: tuple[Any, str], data: st.DataObject
) -> None:
    caller = Caller(await permitted(context_of(busy)), ORIGIN)
    operation = await engine.prepare(page(*where), introspection=True)
    real = json.loads(await engine.run(operation, caller))["data"][where[0].plural]["pageInfo"]["endCursor"]
    place = data.draw(st.integers(0, len(real) - 1))
    changed = real[:place] + data.draw(texts) + real[place + data.draw(st.integers(0, 3)) :]
    assert await codes_of(engine, busy, page(*where), {"cursor": changed}) <= {"BAD_USER_INPUT"}


def anything_like(wanted: GraphQLInputType, levels: int = 4) -> st.SearchStrategy[Any]:
    """Values that may or may not fit the type: what is required, forgotten, of another form, or too much."""
    if isinstance(wanted, GraphQLNonNull):
        return anything_like(wanted.of_type, levels)
    if isinstance(wanted, GraphQLList):
        return st.lists(anything_like(wanted.of_type, levels - 1), max_size=3)
    if isinstance(wanted, GraphQLInputObjectType):
        if levels == 0:
            return st.just({})
        required = {
            name: anything_like(field.type, levels - 1)
            for name, field in wanted.fields.items()
            if isinstance(field.type, GraphQLNonNull)
        }
        others = {
            name: anything_like(field.type, levels - 1) for name, field in wanted.fields.items() if name not in required
        }
        return st.fixed_dictionaries(required, optional=others)
    if isinstance(wanted, GraphQLEnumType):
        return st.sampled_from(list(wanted.values))
    return st.none() | PLAUSIBLE.get(wanted.name, texts)


PLAUSIBLE: dict[str, st.SearchStrategy[Any]] = {
    "ID": st.uuids().map(str) | texts,
    "String": texts | st.sampled_from(["EUR", "a@b.c", "GB", "https://example.com", " ", "INV"]),
    "Money": st.decimals("-1e14", "1e14", places=2).map(str) | st.sampled_from(["-1.00", "1.001", "1e5", "NaN", "0"]),
    "Decimal": st.decimals("-1e9", "1e9", places=4).map(str) | st.sampled_from(["Infinity", "-0", "1"]),
    "Date": st.dates().map(str) | st.sampled_from(["0001-01-01", "9999-12-31", "2026-02-30", "infinity"]),
    "Boolean": st.booleans(),
    "JSON": st.dictionaries(texts, values, max_size=3) | values,
}


async def lines_of(tenant: Tenant) -> int:
    async with as_tenant(tenant) as connection:
        return int(await connection.fetchval("select count(*) from billing.invoice_lines"))


@pytest.mark.parametrize("verb", VERBS)
@settings(EXAMPLES, max_examples=examples(40))
@given(data=st.data())
async def test_any_input_of_a_verb_is_taken_whole_or_refused_with_a_code(
    engine: Engine, busy: Tenant, verb: str, data: st.DataObject
) -> None:
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    wanted = mutation.fields[verb].args["input"].type
    document = f"mutation($input: {wanted}) {{ {verb}(input: $input) {{ __typename }} }}"
    before = await lines_of(busy)
    if await codes_of(engine, busy, document, {"input": data.draw(anything_like(wanted))}):
        assert await lines_of(busy) == before
