"""How operations are run: one statement, one transaction, and what happens when a part of it fails."""

import json
from collections.abc import AsyncIterator, Hashable
from typing import Any, Final

import pytest

from gql.database.pool import Database, Door
from gql.engine.documents import MOST_CHARACTERS_KEPT, MOST_SHAPES
from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.crowd import fill
from tests.engine.doors import ORIGIN, permitted
from tests.harness.actors import as_tenant, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[Engine]:
    opened = await Database.open(database.options(read_connections=1, write_connections=1))
    opened.door = Door.DIRECT
    yield Engine(build_schema(), declarations(), opened, OPEN_FIELDS)
    await opened.close()


@pytest.fixture(scope="module")
async def busy() -> Tenant:
    tenant = await make_tenant("Busy people")
    await fill(tenant, 8, clients=2)
    return tenant


async def owner(tenant: Tenant, role: str = "owner") -> Caller:
    return Caller(await permitted(context_of(tenant, role)), ORIGIN)


async def answer(engine: Engine, caller: Caller, source: str, variables: dict[str, Any] | None = None) -> Any:
    return json.loads(await engine.run(await engine.prepare(source, None, variables, introspection=True), caller))


async def refusal(engine: Engine, caller: Caller, source: str) -> list[dict[str, Any]]:
    with pytest.raises(RequestRefused) as refused:
        await answer(engine, caller, source)
    return [error.as_dict("test") for error in refused.value.errors]


async def test_a_query_of_many_root_fields_is_one_statement(engine: Engine, busy: Tenant) -> None:
    caller = await owner(busy)
    source = """{ a: invoices { totalCount }
        b: clients { nodes { name invoices { nodes { number lines { amount } } } } }
        c: invoiceGroups(by: [STATUS]) { count } me { role } organisation { name } }"""
    await answer(engine, caller, source)
    before = engine.database.reads.statistics
    await answer(engine, caller, source)
    after = engine.database.reads.statistics
    assert after.acquisitions == before.acquisitions + 1
    assert after.direct + after.read == before.direct + before.read + 1


async def test_where_one_root_field_fails_it_is_null_and_the_others_answer(engine: Engine, busy: Tenant) -> None:
    """A fiscal year that starts in a month that is no integer makes the grouping fail; nothing else asks for it."""
    context = context_of(busy, fiscal_year_start=10**10)
    caller = Caller(await permitted(context), ORIGIN)
    source = """{ invoices { totalCount }
        invoiceGroups(by: [ISSUE_DATE_FISCAL_YEAR]) { count }
        organisation { name } }"""
    found = await answer(engine, caller, source)
    assert found["data"]["invoices"] == {"totalCount": 8}
    assert found["data"]["invoiceGroups"] is None
    assert [error["path"] for error in found["errors"]] == [["invoiceGroups"]]


async def test_mutations_of_one_operation_succeed_together_or_not_at_all(engine: Engine, busy: Tenant) -> None:
    caller = await owner(busy)
    source = """mutation { a: clientCreate(input: {name: "First of two"}) { client { id } }
        b: clientCreate(input: {name: " badly "}) { client { id } } }"""
    found = await answer(engine, caller, source)
    assert found["data"] is None
    (error,) = found["errors"]
    assert error["path"] == ["b"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["reason"] == "NAME_INVALID"
    assert error["extensions"]["field"] == "input.name"
    async with as_tenant(busy) as connection:
        assert await connection.fetchval("select count(*) from billing.clients where name = 'First of two'") == 0


async def test_a_later_mutation_sees_what_an_earlier_one_did(engine: Engine, busy: Tenant) -> None:
    caller = await owner(busy)
    created = await answer(engine, caller, 'mutation { clientCreate(input: {name: "Twice"}) { client { id } } }')
    client = created["data"]["clientCreate"]["client"]["id"]
    source = """mutation($id: ID!) { clientArchive(input: {id: $id}) { client { status } }
        clientRestore(input: {id: $id}) { client { status } } }"""
    found = await answer(engine, caller, source, {"id": client})
    assert found["data"]["clientArchive"]["client"]["status"] == "ARCHIVED"
    assert found["data"]["clientRestore"]["client"]["status"] == "ACTIVE"


async def test_a_role_without_the_permission_is_refused_with_the_path_before_anything_runs(
    engine: Engine, busy: Tenant
) -> None:
    viewer = await owner(busy, "viewer")
    (error,) = await refusal(engine, viewer, 'mutation { clientCreate(input: {name: "No"}) { client { id } } }')
    assert error["path"] == ["clientCreate"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    member = await owner(busy, "member")
    errors = await refusal(engine, member, "{ clients { nodes { id why: summary notes { totalCount } } } }")
    assert [error["path"] for error in errors] == [["clients", "nodes", "why"], ["clients", "nodes", "notes"]]
    assert engine.database.reads.statistics.acquisitions == 0


async def test_a_stranger_may_ask_for_nothing_but_the_type(engine: Engine) -> None:
    stranger = Caller(None, ORIGIN)
    assert await answer(engine, stranger, "{ __typename }") == {"data": {"__typename": "Query"}}
    (error,) = await refusal(engine, stranger, "{ invoices { totalCount } }")
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    (error,) = await refusal(engine, stranger, "{ __typename invoices { totalCount } }")
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_signing_in_stands_alone(engine: Engine, busy: Tenant) -> None:
    source = """mutation { signIn(input: {email: "a@b.c", password: "x"}) { accessToken }
        clientCreate(input: {name: "x"}) { client { id } } }"""
    (error,) = await refusal(engine, await owner(busy), source)
    assert error["extensions"]["reason"] == "FIELD_STANDS_ALONE"


async def test_an_operation_over_the_budget_is_refused_before_a_connection_is_taken(
    engine: Engine, busy: Tenant
) -> None:
    deep = "{ clients(first: 100) { nodes { invoices(first: 100) { nodes { id number lines { description } } } } } }"
    (error,) = await refusal(engine, await owner(busy), deep)
    assert error["extensions"]["reason"] == "COST_BUDGET"
    assert engine.database.reads.statistics.acquisitions == 0


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{ invoices(first: 99999999) { totalCount } }", "PAGE_SIZE"),
        ("{ invoices(first: 0) { totalCount } }", "PAGE_SIZE"),
        ("{ invoices(first: -1) { totalCount } }", "PAGE_SIZE"),
        ("{ invoices(first: 1, last: 1) { totalCount } }", "FIRST_AND_LAST"),
        ('{ invoices(after: "nonsense") { nodes { id } } }', "INVALID_VALUE"),
        ('{ invoice(id: "nonsense") { id } }', "INVALID_VALUE"),
        ('{ invoices(filter: {clientId: {in: ["nonsense"]}}) { totalCount } }', "INVALID_VALUE"),
        ("{ invoices(filter: {status: {eq: null}}) { totalCount } }", "NULL_IN_FILTER"),
        ("{ invoices(filter: {and: [null]}) { totalCount } }", None),
        ("{ invoices(orderBy: [TOTAL_ASC, TOTAL_DESC]) { totalCount } }", "ORDER_REPEATED"),
        ("{ invoices(orderBy: [TOTAL_ASC, BALANCE_ASC, NUMBER_ASC, DUE_DATE_ASC]) { totalCount } }", "ORDER_LENGTH"),
        ("{ invoiceGroups(by: [STATUS], orderBy: [CLIENT_ID_ASC]) { count } }", "ORDER_NOT_GROUPED"),
        ("{ invoiceGroups(by: [STATUS, STATUS]) { count } }", "GROUP_KEYS"),
        ("{ invoiceGroups(by: [STATUS], first: 1001) { count } }", "PAGE_SIZE"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_place(
    engine: Engine, busy: Tenant, source: str, reason: str | None
) -> None:
    errors = await refusal(engine, await owner(busy), source)
    assert errors[0]["extensions"].get("reason") == reason
    assert errors[0]["extensions"]["code"] in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")
    assert reason is None or "field" in errors[0]["extensions"]


async def test_a_page_size_that_is_a_variable_is_judged_as_well(engine: Engine, busy: Tenant) -> None:
    operation = await engine.prepare(
        "query($n: Int) { invoices(first: $n) { totalCount } }", None, {"n": 101}, introspection=True
    )
    with pytest.raises(RequestRefused) as refused:
        await engine.run(operation, await owner(busy))
    assert refused.value.errors[0].reason == "PAGE_SIZE"


async def test_plans_are_shared_by_values_and_bounded_in_number(engine: Engine, busy: Tenant) -> None:
    caller = await owner(busy)
    source = "query($n: Int, $min: Money) { invoices(first: $n, filter: {total: {gte: $min}}) { nodes { id } } }"
    plans = (await engine.prepare(source, None, {}, introspection=True)).text.plans
    for amount in range(50):
        await answer(engine, caller, source, {"n": 5, "min": f"{amount}.00"})
    assert len(plans) == 1
    await answer(engine, caller, source, {"n": 5})
    assert len(plans) == 2
    for size in range(1, 101):
        await answer(engine, caller, source, {"n": size})
    assert len(plans) == MOST_SHAPES


_IMPORT: Final = "invoicesImport(input: {rows: $rows}) { rows { outcome reason @include(if: $told) } }"


@pytest.mark.parametrize(
    "source",
    [
        "mutation A($rows: [InvoiceImportRow!]!, $told: Boolean!) { %s }",
        "mutation A($rows: [InvoiceImportRow!]!, $told: Boolean!) { ... on Mutation { %s } }",
        "mutation A($rows: [InvoiceImportRow!]!, $told: Boolean!) { ...M } fragment M on Mutation { %s }",
        "mutation A($rows: [InvoiceImportRow!]!, $told: Boolean!) { %s }"
        " query B($rows: Int) { invoices(first: $rows) { totalCount } }",
    ],
)
async def test_a_mutation_is_planned_once_whatever_its_input_holds(engine: Engine, source: str) -> None:
    async def shape(rows: list[dict[str, Any]], told: bool = True) -> Hashable:
        asked = await engine.prepare(source % _IMPORT, "A", {"rows": rows, "told": told}, introspection=True)
        return asked.shaped.shape

    row: dict[str, Any] = {"externalRef": "A-1", "lines": []}
    shapes = {await shape(rows) for rows in ([], [row], [row | {"issue": True}], [row | {"issue": False}] * 200)}
    assert len(shapes) == 1
    assert await shape([row], told=False) not in shapes, "what decides the SQL is another shape all the same"


async def test_documents_are_bounded_by_their_length_all_together(engine: Engine) -> None:
    for number in range(200):
        await engine.prepare(f"{{ invoices {{ totalCount }} }} # {number} {'x' * 14_000}", introspection=True)
    assert engine.documents._known.currsize <= MOST_CHARACTERS_KEPT
    assert len(engine.documents._known) < 100


async def test_what_the_schema_is_like_is_found_out_once_for_each_question(engine: Engine, busy: Tenant) -> None:
    """The whole of it takes Python a second, in which nobody else is answered."""
    both = 'query One { __type(name: "Client") { name } } query Two { __type(name: "Invoice") { name } }'
    caller, stranger = await owner(busy), Caller(None, ORIGIN)
    found = {}
    for name in ("One", "Two"):
        asked = await engine.prepare(both, name, introspection=True)
        found[name] = await engine.run(asked, caller)
        assert await engine.run(asked, stranger) is found[name]
    assert [json.loads(each)["data"]["__type"]["name"] for each in found.values()] == ["Client", "Invoice"]
    given = "query ($name: String!) { __type(name: $name) { name } }"
    for name in ("Client", "Invoice", "Client"):
        assert (await answer(engine, caller, given, {"name": name}))["data"]["__type"] == {"name": name}
    mixed = '{ __type(name: "Client") { name } organisation { name } }'
    assert (await answer(engine, caller, mixed))["data"]["organisation"] == {"name": "Busy people"}
