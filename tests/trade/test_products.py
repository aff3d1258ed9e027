"""Products: entered, changed, and found by a part of their names. sql/trade/products.sql, sql/core/search.sql."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from gql.database.pool import Database
from gql.engine.cost import BUDGET, Cost
from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.doors import ORIGIN, permitted
from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.catalogue import new_product, new_retailer, new_vendor

TABLE = "trade.products"
FOUND: Final = "select trade.products_search($1)"
FOUND_FIRST: Final = "select trade.products_search($1, 1000, null, null)"


async def found(connection: asyncpg.Connection, term: str) -> set[UUID]:
    """What is found, which is the same for a page that has room for all of it."""
    every, first = [await connection.fetchval(form, term) for form in (FOUND, FOUND_FIRST)]
    assert len(every) == len(set(every))
    assert sorted(every) == sorted(first)
    return set(every)


@pytest.fixture(scope="module")
async def engine(database: TestDatabase) -> AsyncIterator[Engine]:
    opened = await Database.open(database.options(read_connections=2, write_connections=1))
    yield Engine(build_schema(), declarations(), opened, OPEN_FIELDS)
    await opened.close()


async def ask(engine: Engine, caller: Caller, source: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer, errors included."""
    try:
        answer = await engine.run(await engine.prepare(source, None, variables, introspection=True), caller)
    except RequestRefused as refusal:
        return {"errors": [error.as_dict("test") for error in refusal.errors]}
    told: dict[str, Any] = json.loads(answer)
    return told


async def somebody(tenant: Tenant, role: str = "owner", *scope: UUID) -> Caller:
    return Caller(await permitted(context_of(tenant, role, scope)), ORIGIN)


# Entering and changing


async def test_a_product_is_entered_and_changed(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_product(connection, "Basmati", tax_rate="16", hsn_code="1006", category="Grain")
        await call(connection, "trade.product_update", id=made, name="Brown rice", hsn_code=None, category=None)
        row = await the_row(connection, TABLE, made)
    assert (row["name"], row["name_key"], row["hsn_code"], row["category"]) == ("Brown rice", "brown rice", None, "")
    assert (row["tax_rate"], row["is_active"], row["metadata"]) == (16, True, "{}")


@pytest.mark.parametrize(
    ("facts", "reason", "field"),
    [
        ({"product_code": "TAKEN"}, "PRODUCT_CODE_TAKEN", "input.productCode"),
        ({"product_code": ""}, "PRODUCT_CODE_INVALID", "input.productCode"),
        ({"name": "Rice\t "}, "NAME_INVALID", "input.name"),
        ({"name": "x" * 201}, "NAME_INVALID", "input.name"),
        ({"hsn_code": "100"}, "HSN_CODE_INVALID", "input.hsnCode"),
        ({"barcode": "5 0 1"}, "BARCODE_INVALID", "input.barcode"),
        ({"category": "x" * 101}, "TEXT_TOO_LONG", None),
    ],
)
async def test_what_cannot_be_said_of_a_product(
    tenant: Tenant, facts: dict[str, Any], reason: str, field: str | None
) -> None:
    code = "CONFLICT" if reason.endswith("TAKEN") else "BAD_USER_INPUT"
    async with as_tenant(tenant) as connection:
        await new_product(connection, product_code="TAKEN")
        mine = await new_product(connection)
        with refused(code, reason) as told:
            await new_product(connection, **facts)
        assert told.field == field
        with refused(code, reason):
            await call(connection, "trade.product_update", id=mine, **facts)


async def test_another_organisations_product_is_nobodys(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        for wanted in (uuid4(), await new_product(theirs)):
            with refused("NOT_FOUND", "PRODUCT_NOT_FOUND"):
                await call(connection, "trade.product_update", id=wanted, name="Mine")


@pytest.mark.parametrize("role", ["vendor", "retailer", "accountant", "viewer", "member"])
@pytest.mark.parametrize("verb", ["create", "update"])
async def test_only_who_runs_the_trade_changes_products(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_product(connection)
    async with as_tenant(tenant, role) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, f"trade.product_{verb}", id=made, product_code="X", name="X")


# Searching


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("rice", {"Basmati Rice 5kg", "RICE flour", "Priced beans"}),
        ("RICE ", {"Basmati Rice 5kg", "RICE flour"}),
        ("ri ce", set()),
        ("5KG", {"Basmati Rice 5kg"}),
        ("0% o", {"100% olive oil"}),
        ("100_", set()),
        ("a_b", {"a_b\\c"}),
        ("%oil", set()),
        ("_b\\c", {"a_b\\c"}),
        ("éMI", {"Émile's ÉMILE"}),
        ("चाव", {"चावल"}),
        ("दाल", {"दाल 1"}),
        ("i", {"Basmati Rice 5kg", "RICE flour", "Priced beans", "100% olive oil", "Émile's ÉMILE"}),
        (
            "",
            {
                "Basmati Rice 5kg",
                "RICE flour",
                "Priced beans",
                "100% olive oil",
                "a_b\\c",
                "Émile's ÉMILE",
                "चावल",
                "दाल 1",
            },
        ),
    ],
)
async def test_a_part_of_a_name_finds_active_products_whatever_the_capitals(
    tenant: Tenant, term: str, names: set[str]
) -> None:
    every = (
        "Basmati Rice 5kg",
        "RICE flour",
        "Priced beans",
        "100% olive oil",
        "a_b\\c",
        "Émile's ÉMILE",
        "चावल",
        "दाल 1",
    )
    async with as_tenant(tenant) as connection:
        made = {await new_product(connection, name): name for name in every}
        await new_product(connection, "Rice of last year", is_active=False)
        assert {made[each] for each in await found(connection, term)} == names


async def test_what_is_taken_out_of_use_is_found_no_more_and_what_is_renamed_by_its_new_name(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_product(connection, "Rice")
        await call(connection, "trade.product_update", id=made, is_active=False)
        assert await found(connection, "rice") == set()
        await call(connection, "trade.product_update", id=made, is_active=True, name="Beans")
        assert (await found(connection, "rice"), await found(connection, "beans")) == (set(), {made})


async def test_a_search_finds_the_own_organisations_products_alone(tenant: Tenant, other_tenant: Tenant) -> None:
    """Through every door: the tenant's in each role, the tables' owner's, an analyst's; and no setting widens it."""
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        mine = {await new_product(connection, "Rice"), await new_product(connection, "Brown rice")}
        other = {await new_product(theirs, "Rice")}
        vendor, retailer = await new_vendor(connection), await new_retailer(connection)
        assert (await found(connection, "rice"), await found(theirs, "rice")) == (mine, other)
        for setting in ("app.tenant_id", "app.role", "app.scope_ids", "app.context", "search_path"):
            async with connection.transaction():
                await connection.execute("select set_config($1, $2, true)", setting, f"{{{other_tenant.tenant_id}}}")
                assert await found(connection, "rice") == mine, setting
    for role, scope in (("retailer", [retailer]), ("vendor", [vendor]), ("retailer", []), ("viewer", [])):
        async with as_tenant(tenant, role, scope) as connection:
            assert await found(connection, "rice") == mine, role
    async with as_analyst(tenant) as connection:
        assert await found(connection, "rice") == mine
        await connection.execute("select set_config('app.role', 'owner', false)")
        assert await found(connection, "rice") == mine


async def test_the_read_door_finds_what_the_tenant_finds(tenant: Tenant, other_tenant: Tenant) -> None:
    """One connection and one prepared statement, two tenants in turn."""
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        mine, other = await new_product(connection, "Rice"), await new_product(theirs, "Rice")
    async with as_nobody() as connection:
        await connection.execute(f"set app.role = 'owner'; set role {tenant.database_role}")
        await connection.execute(
            "prepare search(text) as select convert_to(string_agg(id::text, ' '), 'UTF8') from trade.products"
            " where id = any ((select trade.products_search($1))::uuid[])"
        )
        for whose, expected in ((tenant, mine), (other_tenant, other)) * 3:
            await connection.execute(f"set role {whose.database_role}")
            answer = await connection.fetchval("select core.read('search', array['rice'])")
            assert answer.decode() == str(expected)


async def test_who_is_nobody_searches_nothing_and_nobody_becomes_the_one_who_sees_all(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_product(connection, "Rice")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("set role countinghouse_search")
    for form in (FOUND, FOUND_FIRST):
        async with as_nobody() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetchval(form, "rice")
        async with as_owner(tenant) as connection:
            # The owner of the tables may not call it either: nothing of ours has business with it.
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetchval(form, "rice")
    async with as_superuser() as connection:
        assert await found(connection, "rice") == set()  # whoever has no tenant
        readable = await connection.fetch(
            """select relation, name from (
                   select c.oid::regclass::text as relation, attname::text as name
                   from pg_class c join pg_attribute on attrelid = c.oid join pg_namespace n on n.oid = relnamespace
                   where attnum > 0 and relkind in ('r', 'p', 'v', 'm') and nspname !~ '^(pg|information)_'
                     and has_column_privilege('countinghouse_search', c.oid, attname, 'select')) as found order by 2"""
        )
    assert [tuple(row) for row in readable] == [(TABLE, name) for name in ("id", "is_active", "name_key", "tenant_id")]


SEARCH: Final = """query($part: String, $after: String, $filter: ProductFilter) {
  products(search: $part, filter: $filter, orderBy: [PRODUCT_CODE_DESC], first: 2, after: $after) {
    totalCount nodes { id name } pageInfo { hasNextPage endCursor }
  }
}"""


async def test_a_list_that_is_searched_keeps_its_filter_its_order_and_its_pages(engine: Engine, tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = [
            await new_product(connection, f"Rice {number}", product_code=f"R{number}", category="AB"[number % 2])
            for number in range(5)
        ]
        await new_product(connection, "Beans", category="A")
        retailer = await new_retailer(connection)
    for caller in (await somebody(tenant), await somebody(tenant, "retailer", retailer)):
        whole: list[str] = []
        variables: dict[str, Any] = {"part": "RICE"}
        while True:
            page = (await ask(engine, caller, SEARCH, variables))["data"]["products"]
            assert page["totalCount"] == 5
            whole += [node["id"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            variables["after"] = page["pageInfo"]["endCursor"]
        assert whole == [str(each) for each in reversed(made)]
        narrowed = await ask(engine, caller, SEARCH, {"part": "rice", "filter": {"category": {"eq": "B"}}})
        assert narrowed["data"]["products"]["totalCount"] == 2
        assert (await ask(engine, caller, SEARCH, {"part": None}))["data"]["products"]["totalCount"] == 6
        assert (await ask(engine, caller, SEARCH, {}))["data"]["products"]["totalCount"] == 6


PAGE: Final = """query($part: String, $after: String, $before: String, $filter: ProductFilter, $first: Int) {
  products(search: $part, filter: $filter, first: $first, after: $after, before: $before) {
    nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}"""
NAMES: Final = (
    "Zebra rice",
    "arborio Rice",
    "Rice",
    "émile rice",
    "Brown rice",
    "black RICE",
    "RICE flour",
    "Wild rice",
)


async def test_pages_by_name_hold_all_that_is_found_once(engine: Engine, tenant: Tenant) -> None:
    """Page by page, without what comes after: so many of them, in order, from where the last one ended."""
    async with as_tenant(tenant) as connection:
        for name in (*NAMES, "Rice of last year"):
            await new_product(connection, name, is_active=name in NAMES)
        for name in ("Beans", "Nuts", "Salt"):
            await new_product(connection, name)
        retailer = await new_retailer(connection)
    expected = sorted(NAMES, key=str.lower)
    for caller in (await somebody(tenant), await somebody(tenant, "retailer", retailer)):
        for size in (1, 3, len(NAMES) - 1, len(NAMES), 20):
            whole: list[str] = []
            cursors: list[str] = []
            variables: dict[str, Any] = {"part": "rice", "first": size}
            while True:
                page = (await ask(engine, caller, PAGE, variables))["data"]["products"]
                assert page["pageInfo"]["hasPreviousPage"] == bool(whole)
                whole += [node["name"] for node in page["nodes"]]
                cursors.append(page["pageInfo"]["endCursor"])
                if not page["pageInfo"]["hasNextPage"]:
                    break
                assert len(page["nodes"]) == size
                variables["after"] = cursors[-1]
            assert whole == expected, size
        between = {"part": "rice", "first": 20, "before": cursors[-1], "filter": None}
        names = [each["name"] for each in (await ask(engine, caller, PAGE, between))["data"]["products"]["nodes"]]
        assert names == expected[:-1]
        with_filter = {"part": "rice", "first": 1, "filter": {"name": {"eq": "Wild rice"}}}
        page = (await ask(engine, caller, PAGE, with_filter))["data"]["products"]
        assert [each["name"] for each in page["nodes"]] == ["Wild rice"]


NEXT: Final = "select array(select name from trade.products where id = any (trade.products_search('rice', $1, $2, $3)))"


async def test_what_many_names_hold_is_found_page_by_page_and_what_few_hold_at_once(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        ids = {name: await new_product(connection, name) for name in (*NAMES, "Aniseed", "Basil", "Cloves", "Dill")}
        await new_product(theirs, "A rice")
    whole = sorted(NAMES, key=str.lower)
    async with as_superuser() as connection:
        wanted = "trade.products_search(text, integer, text, uuid)"
        body = await connection.fetchval(f"select pg_get_functiondef('{wanted}'::regprocedure)")
        assert "few constant integer := 2000;" in body
        for few in (1, len(NAMES), len(NAMES) + 1):
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(body.replace(":= 2000;", f":= {few};"))
            await connection.execute(f"set local role {tenant.database_role}")
            for most in (1, 3, 100):
                for place in range(-1, len(whole)):
                    name = whole[place] if place >= 0 else None
                    after = (name.lower(), ids[name]) if name else (None, None)
                    found = await connection.fetchval(NEXT, most, *after)
                    assert set(found) == set(whole[place + 1 :][:most] if few <= len(NAMES) else whole)
            await transaction.rollback()


@pytest.mark.parametrize("part", ["", "ri", "  ri  ", "%%%%", "r_c", "🦉🦉🦉", "\t\n a"])
@pytest.mark.parametrize("selection", ["nodes { id }", "totalCount", "__typename"])
async def test_fewer_than_three_letters_are_refused_before_anything_is_asked(
    engine: Engine, tenant: Tenant, part: str, selection: str
) -> None:
    asked = engine.database.reads.statistics.acquisitions
    source = f"query($part: String) {{ found: products(search: $part) {{ {selection} }} }}"
    answer = await ask(engine, await somebody(tenant), source, {"part": part})
    [error] = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("BAD_USER_INPUT", "SEARCH_TOO_SHORT")
    assert error["extensions"]["field"] == "found.search"
    assert engine.database.reads.statistics.acquisitions == asked


async def test_who_may_not_read_products_may_not_search_them(engine: Engine, tenant: Tenant) -> None:
    for role in ("member", "business", "investor"):
        answer = await ask(engine, await somebody(tenant, role), SEARCH, {"part": "rice"})
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"] * 2
    caller = await somebody(tenant)
    assert caller.context is not None
    without = caller._replace(context=replace(caller.context, permissions=frozenset({"billing:read"})))
    assert (await ask(engine, without, SEARCH, {"part": "rice"}))["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_searches_are_paid_for(engine: Engine, tenant: Tenant) -> None:
    def searches(number: int) -> str:
        return (
            "{ "
            + " ".join(f'a{each}: products(search: "rice", first: 1) {{ nodes {{ id }} }}' for each in range(number))
            + " }"
        )

    most = BUDGET // (Cost.SEARCH + 2)
    caller = await somebody(tenant)
    assert "errors" not in await ask(engine, caller, searches(most))
    [error] = (await ask(engine, caller, searches(most + 1)))["errors"]
    assert error["extensions"]["reason"] == "COST_BUDGET"


MANY: Final = """
    insert into trade.products (tenant_id, product_code, name)
    select $1, 'M-' || number, case when number % 1000 = 0 then 'Rice ' else 'Beans ' end || md5(number::text)
    from generate_series(1, 4000) as number
"""
READ: Final = "select pg_stat_get_xact_tuples_fetched('trade.products'::regclass)"


async def test_a_search_reads_what_it_finds_and_not_what_there_is(tenant: Tenant, other_tenant: Tenant) -> None:
    """Of the own organisation, and nothing of another's."""
    async with as_superuser() as connection:
        for each in (tenant, other_tenant):
            await connection.execute(MANY, each.tenant_id)
        await connection.execute("analyze trade.products")
    async with as_tenant(tenant) as connection, connection.transaction():
        before = await connection.fetchval(READ)
        assert len(await connection.fetchval(FOUND, "rice")) == 4
        assert await connection.fetchval(READ) - before <= 4
        await connection.execute("select from trade.products where name ilike '%rice%'")
        body = await connection.fetchval(
            "select prosrc from pg_proc where oid = 'trade.products_search(text)'::regprocedure"
        )
    async with as_superuser() as connection:
        statement = body.replace("core.tenant_id()", f"'{tenant.tenant_id}'").replace("core.part_of(term)", "'%rice%'")
        plan = await connection.fetchval(f"explain (format json) {statement}")
    assert "products_name_trigrams" in plan
    condition = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert "tenant_id" in condition
    assert "name_key" in condition
