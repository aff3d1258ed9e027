"""The demo of trade in the database: made through the public operations, once, and whole however it is interrupted."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from gql.cli.engines import open_engine
from gql.database.pool import Origin
from gql.demo import DISTRIBUTOR
from gql.demo.making import Maker, is_made, make
from gql.engine.engine import Caller, Engine
from gql.iam.credentials.passwords import hash_password
from gql.iam.provisioning import Provisioner
from gql.iam.tokens.principals import context_of
from gql.imports.operations import Asker
from gql.settings import Settings
from gql.trade.orders import OrderPaymentStatus, OrderStatus
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.command_line import ORDERS
from tests.harness.tenants import Person, Tenant
from tests.trade.placing import wrong

FEW: Final = replace(DISTRIBUTOR.with_orders(ORDERS), slug="ziwa-again")
TENANT: Final = """
select id as tenant_id, slug, name, currency::text, time_zone, fiscal_year_start from iam.tenants where slug = $1
"""
SCOPES: Final = "select role, scope_ids::uuid[] from iam.memberships where tenant_id = $1 and scope_ids <> '{}'"


class Interrupted(Exception):
    """Somebody has pulled the plug."""


@dataclass
class Patience:
    """How many operations there are to the next interruption."""

    left: int = 0


@dataclass(frozen=True, slots=True)
class ImpatientAsker(Asker):
    """One who is interrupted after so many operations, and what was done stays."""

    patience: Patience = field(default_factory=Patience)

    async def ask(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        self.patience.left -= 1
        if self.patience.left < 0:
            raise Interrupted
        return await Asker.ask(self, document, variables)


async def is_made_on(day: date, engine: Engine, patience: int) -> bool:
    """Whether it is made, after so many operations more on that day."""
    async with as_superuser() as admin:
        impatience = Patience(patience)

        async def asker_for(user_id: UUID, tenant_id: UUID) -> Asker:
            context = await context_of(admin, user_id, tenant_id)
            return ImpatientAsker(engine, Caller(context, Origin("demo")), impatience)

        # Several may be at work when it happens, and others are cancelled in the middle of what they do.
        try:
            await make(FEW, Maker(Provisioner(admin), hash_password, asker_for, day), lambda _: None)
        except* Interrupted:
            pass
        return await is_made(FEW, Provisioner(admin))


@pytest.fixture(scope="module")
async def tenant(settings: Settings) -> Tenant:
    """The distributor: begun some days ago, and interrupted again and again."""
    assert settings.database_url is not None
    today = datetime.now(UTC).date()
    async with open_engine(settings, settings.database_url) as engine:
        tries = 1
        while not await is_made_on(today - timedelta(days=max(0, 4 - tries)), engine, 35):
            tries += 1
            assert tries < 100, "each time some of it is made"
    assert tries > 3
    async with as_superuser() as connection:
        facts = await connection.fetchrow(TENANT, FEW.slug)
        owner_id = await connection.fetchval("select id from iam.users where email = $1", FEW.owner.email)
    assert facts is not None
    return Tenant(**facts, owner=Person(owner_id, "", "", "owner"))


async def test_each_order_is_there_once_however_often_it_was_interrupted(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        keys = [row[0] for row in await connection.fetch("select metadata ->> 'demo' from trade.orders order by 1")]
        assert keys == [f"demo:order-{number:05}" for number in range(1, ORDERS + 1)]
        counts = [await connection.fetchval(f"select count(*) from trade.{name}") for name in ("retailers", "products")]
        assert counts == [FEW.retailers, FEW.products]


async def test_orders_have_every_status_and_the_books_are_right(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        rows = await connection.fetch("select * from (select status, payment_status, due_date from trade.orders) o")
        assert await wrong(connection) == []
    assert len(rows) == ORDERS
    assert {row["status"] for row in rows} == {each.value for each in OrderStatus}
    assert {row["payment_status"] for row in rows} == {each.value for each in OrderPaymentStatus}
    today = datetime.now(UTC).date()
    assert any(row["due_date"] < today for row in rows if row["payment_status"] == "UNPAID" and row["due_date"])


async def test_orders_are_of_a_year_and_as_one_meets_them(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        [placed] = await connection.fetch(
            "select min(placed_at) as first, max(placed_at) as last, count(*) filter (where returned_total > 0"
            " and status = 'DELIVERED') as partly_back, count(*) filter (where delivered_subtotal between 0.01 and"
            " subtotal - 0.01) as short, count(*) filter (where prepaid > 0) as prepaid from trade.orders"
        )
        [shipped] = await connection.fetch(
            "select count(*) from trade.order_items i join trade.orders o on o.id = i.order_id"
            " where o.status = 'SHIPPED' and quantity_shipped between 1 and quantity - 1"
        )
        [entered] = await connection.fetch(
            "select count(*) filter (where effective_date < current_date - 300) as old,"
            " count(*) filter (where due_date - effective_date not in (14, 30, 45)) as odd from trade.credit_entries"
            " where transaction_type = 'ORDER_CREDIT'"
        )
    assert timedelta(days=300) < placed["last"] - placed["first"] <= timedelta(days=366)
    assert min(placed["partly_back"], placed["short"], placed["prepaid"], shipped[0]) >= 1
    assert (entered["old"] > 0, entered["odd"]) == (True, 0)


async def test_retailers_pay_in_every_way_and_cheques_bounce(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        rows = await connection.fetch("select cheque_state, is_reversed, reverses_id from trade.retailer_payments")
        late = await connection.fetchval(
            "select count(*) from trade.retailer_payments p join trade.retailer_payment_allocations a"
            " on a.payment_id = p.id join trade.orders o on o.id = a.order_id where p.received_at::date > o.due_date"
        )
        lines = await connection.fetch("select state_reason from trade.credit_lines where state = 'SUSPENDED'")
        low = await connection.fetchval("select count(*) from trade.vendor_products where is_low")
        waiting = await connection.fetch("select name from trade.vendors where not is_approved")
    assert {row["cheque_state"] for row in rows} == {None, "PENDING", "CLEARED", "BOUNCED"}
    assert any(row["is_reversed"] for row in rows if row["cheque_state"] is None)
    assert 0 < late < len(rows)
    reasons = {row[0].split(":")[0][:6] for row in lines}
    assert reasons == {"Cheque", "The sh"}
    assert low > 0
    assert [row[0] for row in waiting] == ["Upepo Electricals"]


@pytest.mark.parametrize(("role", "column"), [("vendor", "vendor_id"), ("retailer", "retailer_id")])
async def test_who_comes_from_outside_sees_its_own(tenant: Tenant, role: str, column: str) -> None:
    async with as_superuser() as connection:
        rows = await connection.fetch(SCOPES, tenant.tenant_id)
    [own] = next(row[1] for row in rows if row[0] == role)
    async with as_tenant(tenant) as connection:
        expected = await connection.fetchval(f"select count(*) from trade.orders where {column} = $1", own)
    async with as_tenant(tenant, role, [own]) as connection:
        rows = await connection.fetch(f"select {column} from trade.orders")
        lines = await connection.fetch(f"select {column} from trade.credit_lines")
        others = await connection.fetchval(f"select count(*) from trade.{role}s where id <> $1", own)
    assert 0 < len(rows) == expected < ORDERS
    assert {row[0] for row in rows} == {row[0] for row in lines} == {own}
    assert others == 0
