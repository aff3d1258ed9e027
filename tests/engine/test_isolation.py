"""Nobody sees, changes or detects what is not theirs: another tenant's, or another scope's of their own tenant.

Every probe is asked about an id of the others and about an id that nobody has. The two must not be told apart: not by
the answer, not by the error, not by the time it takes.
"""

import json
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from gql.database.pool import Database
from gql.engine.engine import Caller, Engine
from gql.engine.nouns import NO_ROW, Noun
from gql.errors import RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.crowd import fill
from tests.engine.doors import ORIGIN, permitted
from tests.engine.probes import LISTED, Probe, cursors, everything, filters, look_ups, verbs
from tests.harness.actors import SCOPED, as_superuser, as_tenant, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_person, make_tenant
from tests.iam.comers import invite, make_comer, new_address
from tests.iam.test_join_requests import ask as ask_to_join

MARKER = "ZEBRA-"
TABLES_OF_ALL = (
    "billing.payment_methods",
    "ledger.transfers",
    "ledger.entries",
    "core.audit_log",
    "iam.apps",
    "iam.app_secrets",
    "iam.trusted_issuers",
    "iam.external_people",
    "iam.analysts",
    "iam.invites",
    "iam.join_requests",
    "iam.message_channels",
    "trade.vendors",
    "trade.retailers",
    "trade.credit_lines",
    "trade.products",
    "trade.vendor_products",
    "trade.credit_scores",
    "trade.orders",
    "trade.order_items",
    "trade.archived_orders",
    "trade.archived_order_items",
    "trade.credit_entries",
    "trade.retailer_payments",
    "trade.retailer_payment_allocations",
    "trade.credit_adjustments",
    "trade.messages",
    "trade.message_packs",
)
TABLES = (
    *("clients", "client_contacts", "client_notes", "invoices", "invoice_lines"),
    *("payments", "payment_refunds", "allocations", "credit_notes", "credit_note_lines"),
    *("recurring_invoices", "invoice_messages"),
)


@dataclass(frozen=True)
class Pair:
    """A caller, somebody whose things they must not see, and what gives those away."""

    caller: Caller
    other: Caller
    others_ids: dict[str, list[UUID]]
    traces: frozenset[str]
    """Ids and texts that must not stand in any answer to the caller."""

    def betrays(self, answer: str) -> set[str]:
        return {trace for trace in self.traces if trace in answer}


@pytest.fixture(scope="module")
async def engine(database: TestDatabase) -> AsyncIterator[Engine]:
    opened = await Database.open(database.options(read_connections=2, write_connections=1))
    yield Engine(build_schema(), declarations(), opened, OPEN_FIELDS)
    await opened.close()


async def ids_of(tenant: Tenant, clients: str) -> dict[str, list[UUID]]:
    """The ids of the tenant's rows of clients that fulfil the condition, by table."""
    async with as_tenant(tenant) as connection:
        chosen = await connection.fetch(f"select id from billing.clients where {clients}")
        kept = [row["id"] for row in chosen]
        found = {}
        for table in TABLES:
            column = "id" if table == "clients" else "client_id"
            rows = await connection.fetch(f"select id from billing.{table} where {column} = any ($1)", kept)
            found[table] = [row["id"] for row in rows]
        rows = await connection.fetch("select id from ledger.accounts where owner_id = any ($1)", kept)
        found["accounts"] = [row["id"] for row in rows]
    return found


@pytest.fixture(scope="module")
async def pairs() -> dict[str, Pair]:
    """Two tenants; and two members of one tenant who speak for different clients."""
    mine, theirs = await make_tenant("Mine"), await make_tenant("Theirs")
    await fill(mine, 12, clients=3)
    await fill(theirs, 12, clients=3, marker=MARKER)
    for tenant, elsewhere in ((mine, theirs), (theirs, mine)):
        await invite(tenant, new_address())
        await ask_to_join(await make_comer(elsewhere), tenant.slug)
    others = await ids_of(theirs, "true")
    async with as_superuser() as connection:
        memberships = await connection.fetch("select id from iam.memberships where tenant_id = $1", theirs.tenant_id)
        for table in TABLES_OF_ALL:
            rows = await connection.fetch(f"select id from {table} where tenant_id = $1", theirs.tenant_id)
            others[table] = [row["id"] for row in rows]
    others["memberships"] = [row["id"] for row in memberships]
    traces = {str(each) for ids in others.values() for each in ids} | {MARKER, str(theirs.tenant_id), theirs.slug}
    strangers = Pair(
        Caller(await permitted(context_of(mine)), ORIGIN),
        Caller(await permitted(context_of(theirs)), ORIGIN),
        others,
        frozenset(traces),
    )
    async with as_tenant(mine) as connection:
        first, second, third = [
            row["id"] for row in await connection.fetch("select id from billing.clients order by id")
        ]
    one = await make_person(mine, "member", [first])
    two = await make_person(mine, "member", [second, third])
    others = await ids_of(mine, f"id <> '{first}'")
    async with as_superuser() as connection:
        memberships = await connection.fetch(
            "select id from iam.memberships where tenant_id = $1 and user_id <> $2", mine.tenant_id, one.user_id
        )
        notes = await connection.fetch("select id from billing.client_notes where tenant_id = $1", mine.tenant_id)
    others["memberships"] = [row["id"] for row in memberships]
    others["client_notes"] = [row["id"] for row in notes]
    members = Pair(
        Caller(await permitted(context_of(mine, "member", [first], user_id=one.user_id)), ORIGIN),
        Caller(await permitted(context_of(mine, "member", [second, third], user_id=two.user_id)), ORIGIN),
        others,
        frozenset(str(each) for ids in others.values() for each in ids),
    )
    return {
        "tenants": strangers,
        "scopes": members,
        "vendors": await traders(mine, "vendor"),
        "retailers": await traders(mine, "retailer"),
    }


# What the trader of this id does not see of those that the crowd entered together. A retailer sees what it may order.
UNSEEN = {
    "vendor": """
        select 'vendors' as name, id from trade.vendors where id <> $1 union all
        select 'credit_lines', id from trade.credit_lines where vendor_id <> $1 union all
        select 'vendor_products', id from trade.vendor_products where vendor_id <> $1 union all
        select 'orders', id from trade.orders where vendor_id <> $1 union all
        select 'order_items', id from trade.order_items where vendor_id <> $1 union all
        select 'credit_entries', id from trade.credit_entries where vendor_id <> $1 union all
        select 'retailers', id from trade.retailers where id not in (
            select retailer_id from trade.credit_lines where vendor_id = $1) union all
        select 'credit_scores', id from trade.credit_scores
    """,
    "retailer": """
        select 'retailers' as name, id from trade.retailers where id <> $1 union all
        select 'credit_lines', id from trade.credit_lines where retailer_id <> $1 union all
        select 'orders', id from trade.orders where retailer_id <> $1 union all
        select 'order_items', id from trade.order_items where retailer_id <> $1 union all
        select 'credit_entries', id from trade.credit_entries where retailer_id <> $1 union all
        select 'vendors', id from trade.vendors where not is_approved union all
        select 'vendor_products', id from trade.vendor_products where not vendor_is_approved union all
        select 'credit_scores', id from trade.credit_scores
    """,
}


async def traders(tenant: Tenant, role: str) -> Pair:
    """Two vendors, or two retailers, of one organisation; the first has to do with none whom the second sees."""
    async with as_tenant(tenant) as connection:
        [first, second, third] = [
            row["id"] for row in await connection.fetch(f"select id from trade.{role}s order by {role}_code")
        ]
        unseen = await connection.fetch(UNSEEN[role], first)
    others: dict[str, list[UUID]] = {}
    for row in unseen:
        others.setdefault(row["name"], []).append(row["id"])
    ordered = {"orders", "order_items", "credit_entries"}
    assert set(others) == {"vendors", "retailers", "credit_lines", "vendor_products", "credit_scores"} | ordered
    one, two = await make_person(tenant, role, [first]), await make_person(tenant, role, [second, third])
    return Pair(
        Caller(await permitted(context_of(tenant, role, [first], user_id=one.user_id)), ORIGIN),
        Caller(await permitted(context_of(tenant, role, [second, third], user_id=two.user_id)), ORIGIN),
        others,
        frozenset(str(each) for ids in others.values() for each in ids),
    )


@pytest.fixture(params=["tenants", "scopes", "vendors", "retailers"])
def pair(request: pytest.FixtureRequest, pairs: dict[str, Pair]) -> Pair:
    return pairs[request.param]


async def ask(engine: Engine, caller: Caller, source: str, variables: dict[str, Any] | None = None) -> str:
    """The answer as text, errors included."""
    try:
        return (await engine.run(await engine.prepare(source, None, variables, introspection=True), caller)).decode()
    except RequestRefused as refused:
        return json.dumps({"errors": [error.as_dict("differential") for error in refused.errors]})


def asked_ids(pair: Pair) -> list[UUID]:
    return [ids[0] for ids in pair.others_ids.values() if ids]


@pytest.mark.parametrize("probe", [*look_ups(), *filters("ID"), *verbs()], ids=str)
async def test_an_id_of_others_is_the_same_as_an_id_of_nobody(engine: Engine, pair: Pair, probe: Probe) -> None:
    """Attack 29."""
    nobodys = str(uuid4())
    expected = await ask(engine, pair.caller, probe.source, probe.with_value(nobodys))
    assert "INTERNAL" not in expected
    for other in asked_ids(pair):
        answer = await ask(engine, pair.caller, probe.source, probe.with_value(str(other)))
        assert answer.replace(str(other), nobodys) == expected


@pytest.mark.parametrize("probe", list(filters("String")), ids=str)
async def test_a_text_of_others_finds_what_a_text_of_nobody_finds(
    engine: Engine, pairs: dict[str, Pair], probe: Probe
) -> None:
    pair = pairs["tenants"]
    expected = await ask(engine, pair.caller, probe.source, probe.with_value("Nobody is called this"))
    of_clients = ("Client 1", "client-1", "invoice-1", "1@example.com")
    for name in (*of_clients, "Vendor 1", "V-1", "R-1", "Product 1", "P-1", "S-1", "Kind 1"):
        text = f"{MARKER}{name}"
        assert await ask(engine, pair.caller, probe.source, probe.with_value(text)) == expected


@pytest.mark.parametrize("noun", [each for each in LISTED if each.search], ids=lambda noun: noun.name)
async def test_a_search_finds_nothing_of_others(engine: Engine, pairs: dict[str, Pair], noun: Noun) -> None:
    pair = pairs["tenants"]
    document = f"query($part: String) {{ {noun.plural}(search: $part) {{ totalCount nodes {{ id }} }} }}"
    expected = await ask(engine, pair.caller, document, {"part": "Nobody is called this"})
    for part in (MARKER, MARKER.lower(), f"{MARKER}Product 1"):
        assert await ask(engine, pair.caller, document, {"part": part}) == expected
        assert pair.betrays(await ask(engine, pair.other, document, {"part": part}))
    assert pair.betrays(await ask(engine, pair.caller, document, {"part": "product"})) == set()


@pytest.mark.parametrize(("noun", "making", "taking"), list(cursors()), ids=lambda each: str(each)[:60])
async def test_a_cursor_of_others_shows_nothing_of_theirs(
    engine: Engine, pair: Pair, noun: Any, making: str, taking: str
) -> None:
    made = json.loads(await ask(engine, pair.other, making))
    if "errors" in made:
        assert made["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        return
    page = made["data"][noun.plural]
    if not page["nodes"]:
        # Whoever works in the organisation is nothing to a scoped person, nor is what their role has no scope of.
        assert pair.other.context is not None
        role = pair.other.context.role
        assert (noun.name == "App" and role in SCOPED) or noun.scope_condition(role, "t", str) == NO_ROW
        return
    cursor = page["pageInfo"]["endCursor"]
    answer = await ask(engine, pair.caller, taking, {"cursor": cursor})
    assert "errors" not in answer
    assert pair.betrays(answer) == set()


@pytest.mark.parametrize("document", list(everything()))
async def test_everything_that_can_be_asked_holds_nothing_of_others(engine: Engine, pair: Pair, document: str) -> None:
    answer = await ask(engine, pair.caller, document)
    assert "INTERNAL" not in answer
    assert pair.betrays(answer) == set()


async def test_the_probes_would_notice_because_the_others_do_see_their_own(
    engine: Engine, pairs: dict[str, Pair]
) -> None:
    pair = pairs["tenants"]
    seen = [await ask(engine, pair.other, document) for document in everything()]
    assert [answer[:300] for answer in seen if not pair.betrays(answer)] == []
    client = pair.others_ids["clients"][0]
    found = await ask(engine, pair.other, "query($id: ID!) { client(id: $id) { id } }", {"id": str(client)})
    assert str(client) in found


async def test_verbs_about_others_have_changed_nothing(engine: Engine, pairs: dict[str, Pair]) -> None:
    """Runs every verb against the others' ids, then looks at the others' rows with nothing in the way."""
    pair = pairs["tenants"]
    assert pair.other.context is not None
    counts = """select (select count(*) from core.audit_log where tenant_id = $1),
        (select md5(string_agg(c::text, ',' order by id)) from billing.clients c where tenant_id = $1),
        (select md5(string_agg(i::text, ',' order by id)) from billing.invoices i where tenant_id = $1),
        (select md5(string_agg(v::text, ',' order by id)) from trade.vendors v where tenant_id = $1),
        (select md5(string_agg(l::text, ',' order by id)) from trade.credit_lines l where tenant_id = $1),
        (select md5(string_agg(o::text, ',' order by id)) from trade.vendor_products o where tenant_id = $1),
        (select md5(string_agg(b::text, ',' order by id)) from trade.orders b where tenant_id = $1),
        (select md5(string_agg(t::text, ',' order by id)) from trade.order_items t where tenant_id = $1),
        (select md5(string_agg(p::text, ',' order by id)) from trade.retailer_payments p where tenant_id = $1),
        (select md5(string_agg(j::text, ',' order by id)) from trade.credit_adjustments j where tenant_id = $1),
        (select md5(string_agg(m::text, ',' order by id)) from trade.messages m where tenant_id = $1),
        (select md5(string_agg(h::text, ',' order by id)) from iam.message_channels h where tenant_id = $1)"""
    async with as_superuser() as connection:
        before = await connection.fetchrow(counts, pair.other.context.tenant_id)
        for probe in verbs():
            for other in asked_ids(pair):
                await ask(engine, pair.caller, probe.source, probe.with_value(str(other)))
        assert await connection.fetchrow(counts, pair.other.context.tenant_id) == before


async def test_an_id_of_others_takes_as_long_as_an_id_of_nobody(engine: Engine, pairs: dict[str, Pair]) -> None:
    """Attack 29. The same class of time: one statement, one look at an index. The bound is wide, for busy machines; a
    look-up that found the row and then refused it would read its lines and its client as well."""
    pair = pairs["tenants"]
    document = "query($id: ID!) { invoice(id: $id) { id client { name } lines { description amount } } }"
    times: dict[str, list[float]] = {"theirs": [], "nobodys": []}
    for _ in range(300):
        for whose, wanted in (("theirs", pair.others_ids["invoices"][0]), ("nobodys", uuid4())):
            started = time.perf_counter()
            await ask(engine, pair.caller, document, {"id": str(wanted)})
            times[whose].append(time.perf_counter() - started)
    theirs, nobodys = (statistics.median(times[whose]) for whose in ("theirs", "nobodys"))
    assert 0.5 < theirs / nobodys < 2
