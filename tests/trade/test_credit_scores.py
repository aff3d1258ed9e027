"""How well retailers pay, reckoned each night: sql/trade/credit_scores.sql."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.actors import as_analyst, as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.asking import Asking
from tests.trade.placing import brought_to, open_market
from tests.worker.working import eventually, the_duty, working

SCORES: Final = "trade.credit_scores"
RETAILERS: Final = "trade.retailers"
MAKE: Final = "select trade.credit_scores_make()"
DUE: Final = "select from trade.credit_scores_due() where tenant_id = $1"
EASTERNMOST, WESTERNMOST = "Pacific/Kiritimati", "Pacific/Pago_Pago"  # 25 hours apart: it is never the same day

# The second reckoning


@dataclass(frozen=True)
class Order:
    """Delivered, and due so many days ago; each payment is an amount, how many minutes after the end of the due date it
    was received, and whether it counts."""

    delivered: int
    prepaid: int
    returned: int
    days_ago: int
    payments: tuple[tuple[int, int, bool], ...]
    status: str

    @property
    def to_pay(self) -> int:
        return max(self.delivered - self.prepaid, 0) - self.returned

    @property
    def is_on_time(self) -> bool:
        return sum(amount for amount, late, counts in self.payments if counts and late < 0) >= self.to_pay


@dataclass(frozen=True)
class Retailer:
    months: int
    days: int
    currency: str
    lines: tuple[tuple[int, int], ...]
    """Limits and debts."""
    orders: tuple[Order, ...]
    is_deleted: bool


PAYMENTS: Final = st.tuples(st.integers(1, 120), st.sampled_from([-100000, -1, 0, 1, 100000]), st.booleans())
ORDERS: Final = st.builds(
    Order,
    delivered=st.integers(1, 100),
    prepaid=st.sampled_from([0, 0, 10, 200]),
    returned=st.sampled_from([0, 0, 1]),
    days_ago=st.sampled_from([-30, -1, 0, 1, 2, 300]),
    payments=st.lists(PAYMENTS, max_size=3).map(tuple),
    status=st.sampled_from(["DELIVERED", "DELIVERED", "DELIVERED", "RETURNED"]),
)
PEOPLE: Final = st.builds(
    Retailer,
    months=st.sampled_from([0, 1, 11, 23, 24, 25, 300]),
    days=st.integers(0, 31),
    currency=st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
    lines=st.lists(st.tuples(st.sampled_from([0, 100, 333]), st.integers(-50, 400)), max_size=3).map(tuple),
    orders=st.lists(ORDERS, max_size=4).map(tuple),
    is_deleted=st.sampled_from([False, False, False, True]),
)


def four(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), ROUND_HALF_UP)


def expected(retailer: Retailer, everybody: Sequence[Retailer], since: date, today: date) -> dict[str, Any]:
    """What is reckoned for a retailer, from what the specification says."""
    delivered = [order for order in retailer.orders if order.status == "DELIVERED"]
    due = [order for order in delivered if order.days_ago > 0]
    on_time = [order for order in due if order.is_on_time]
    limit, debt = (sum(line[place] for line in retailer.lines) for place in (0, 1))
    peers = [volume(each) for each in everybody if each.currency == retailer.currency and not each.is_deleted]
    less = len([each for each in peers if each < volume(retailer)])
    months = (today.year - since.year) * 12 + today.month - since.month - (today.day < since.day)
    on_time_share = four(Decimal(len(on_time)) / len(due)) if due else Decimal("0.5")
    utilisation = four(min(max(Decimal(debt) / limit, Decimal(0)), Decimal(1))) if limit else Decimal(0)
    percentile = four(Decimal(less) / (len(peers) - 1)) if len(peers) > 1 else Decimal(0)
    share = (
        Decimal("0.40") * on_time_share
        + Decimal("0.30") * (1 - utilisation)
        + Decimal("0.15") * Decimal(min(months, 24)) / 24
        + Decimal("0.15") * percentile
    )
    score = int((300 + 600 * share).quantize(Decimal(1), ROUND_HALF_UP))
    return {
        "due_orders": len(due),
        "on_time_orders": len(on_time),
        "on_time_share": on_time_share,
        "utilisation": utilisation,
        "tenure_months": months,
        "volume_percentile": percentile,
        "score": score,
        "risk_category": "HIGH" if score < 550 else "MEDIUM" if score < 700 else "LOW",
    }


def volume(retailer: Retailer) -> int:
    return sum(order.delivered - order.returned for order in retailer.orders if order.status == "DELIVERED")


async def insert(connection: asyncpg.Connection, table: str, **row: Any) -> UUID:
    row = {"id": str(uuid4()), **row}
    columns = ", ".join(row)
    made = await connection.fetchval(
        f"insert into {table} ({columns}) select {columns} from jsonb_populate_record(null::{table}, $1::jsonb)"
        " returning id",
        json.dumps(row, default=str),
    )
    assert isinstance(made, UUID)
    return made


async def enter(connection: asyncpg.Connection, tenant: Tenant, number: int, retailer: Retailer) -> tuple[UUID, date]:
    """Write a retailer and all that is of it past the triggers. Its id, and since which day it is one."""
    zone = ZoneInfo(tenant.time_zone)
    today = datetime.now(zone).date()
    since = datetime.now(UTC) - timedelta(days=round(retailer.months * 30.4375) + retailer.days)
    of = {"tenant_id": tenant.tenant_id}
    retailer_id = await insert(
        connection, RETAILERS, **of, retailer_code=f"R-{number}", name=f"Retailer {number}", created_at=since,
        currency=retailer.currency, deleted_at=since if retailer.is_deleted else None,
    )  # fmt: skip
    parties = {**of, "retailer_id": retailer_id}
    for limit, debt in retailer.lines:
        vendor = {"vendor_id": uuid4(), "account_id": uuid4(), "currency": retailer.currency}
        await insert(connection, "trade.credit_lines", **parties, **vendor, credit_limit=limit, debt=debt)
    for place, order in enumerate(retailer.orders):
        due = today - timedelta(days=order.days_ago)
        parties |= {"vendor_id": uuid4(), "credit_line_id": uuid4()}
        moments = dict.fromkeys(("placed_at", "confirmed_at", "shipped_at", "delivered_at"), since)
        moments |= {"returned_at": since} if order.status == "RETURNED" else {}
        order_id = await insert(
            connection, "trade.orders", **parties, **moments, order_number=f"O-{number}-{place}", due_date=due,
            invoice_number=f"I-{number}-{place}", retailer_name="R", vendor_name="V", status=order.status,
            currency=retailer.currency, delivered_subtotal=order.delivered, prepaid=order.prepaid,
            returned_subtotal=order.returned,
        )  # fmt: skip
        for turn, (amount, late, counts) in enumerate(order.payments):
            midnight = datetime.combine(due + timedelta(days=1), datetime.min.time(), zone)
            payment_id = await insert(
                connection, "trade.retailer_payments", **parties, payment_number=f"P-{number}-{place}-{turn}",
                method_id=uuid4(), amount=amount, currency=retailer.currency,
                received_at=(midnight.astimezone(UTC) + timedelta(minutes=late)).isoformat(),
                cheque_state=None if counts else "PENDING",
            )  # fmt: skip
            paid = {"payment_id": payment_id, "order_id": order_id, "amount": amount}
            await insert(connection, "trade.retailer_payment_allocations", **parties, **paid)
    return retailer_id, since.astimezone(zone).date()


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(PEOPLE, min_size=1, max_size=6), st.sampled_from(["UTC", EASTERNMOST, WESTERNMOST, "Asia/Kathmandu"]))
async def test_scores_are_what_a_second_reckoning_says(retailers: list[Retailer], time_zone: str) -> None:
    tenant = await make_tenant("Scored", time_zone=time_zone)
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        entered = [await enter(connection, tenant, number, each) for number, each in enumerate(retailers)]
    today = datetime.now(ZoneInfo(time_zone)).date()
    async with as_tenant(tenant, "worker") as connection:
        assert await connection.fetchval(MAKE) is False
    async with as_tenant(tenant) as connection:
        found = {row["retailer_id"]: dict(row) for row in await connection.fetch(f"select * from {SCORES}")}
        for retailer, (retailer_id, since) in zip(retailers, entered, strict=True):
            if retailer.is_deleted:
                assert retailer_id not in found
                continue
            wanted = expected(retailer, retailers, since, today)
            assert {name: found[retailer_id][name] for name in wanted} == wanted
            assert found[retailer_id]["scored_on"] == today
            row = await the_row(connection, RETAILERS, retailer_id)
            assert (row["credit_score"], row["risk_category"]) == (wanted["score"], wanted["risk_category"])


# The edges

BASE: Final = {"due_orders": 0, "on_time_orders": 0, "on_time_share": "0.5", "tenure_months": 0, "volume_percentile": 0}


@pytest.fixture
async def retailer(tenant: Tenant) -> UUID:
    async with as_tenant(tenant) as connection:
        made = await call(connection, "trade.retailer_create", retailer_code="R-1", name="Mama Njeri")
    assert isinstance(made, UUID)
    return made


async def score(connection: asyncpg.Connection, tenant: Tenant, retailer: UUID, **inputs: Any) -> None:
    given = {"scored_on": "2026-01-01", "utilisation": 0, **BASE, **inputs}
    await insert(connection, SCORES, tenant_id=tenant.tenant_id, retailer_id=retailer, **given)


@pytest.mark.parametrize(
    ("inputs", "wanted", "category"),
    [
        ({"utilisation": "0.2833"}, 549, "HIGH"),
        ({"utilisation": "0.2806"}, 549, "HIGH"),
        ({"utilisation": "0.2805"}, 550, "MEDIUM"),
        ({"tenure_months": 24, "volume_percentile": "0.1000"}, 699, "MEDIUM"),
        ({"tenure_months": 24, "volume_percentile": "0.1055"}, 699, "MEDIUM"),
        ({"tenure_months": 24, "volume_percentile": "0.1056"}, 700, "LOW"),
        ({"tenure_months": 240, "volume_percentile": "0.1056"}, 700, "LOW"),
        ({"due_orders": 2, "on_time_share": "0.0000", "utilisation": 1}, 300, "HIGH"),
        (
            {"due_orders": 2, "on_time_orders": 2, "on_time_share": 1, "tenure_months": 24, "volume_percentile": 1},
            900,
            "LOW",
        ),
    ],
)
async def test_a_category_begins_where_it_should(
    tenant: Tenant, retailer: UUID, inputs: dict[str, Any], wanted: int, category: str
) -> None:
    async with as_owner(tenant) as connection:
        await score(connection, tenant, retailer, **inputs)
        found = await connection.fetchrow(f"select score, risk_category from {SCORES}")
        assert found is not None
        assert tuple(found) == (wanted, category)
        row = await the_row(connection, RETAILERS, retailer)
        assert (row["credit_score"], row["risk_category"]) == (wanted, category)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"utilisation": "1.0001"}, "SCORE_INPUT_RANGE"),
        ({"utilisation": "-0.0001"}, "SCORE_INPUT_RANGE"),
        ({"volume_percentile": "1.01"}, "SCORE_INPUT_RANGE"),
        ({"tenure_months": -1}, "SCORE_INPUT_RANGE"),
        ({"on_time_share": "0.6"}, "ON_TIME_SHARE_WRONG"),
        ({"due_orders": 1}, "ON_TIME_SHARE_WRONG"),
        ({"due_orders": 1, "on_time_orders": 2, "on_time_share": 2}, None),
    ],
)
async def test_inputs_that_cannot_be_are_refused(
    tenant: Tenant, retailer: UUID, inputs: dict[str, Any], reason: str | None
) -> None:
    async with as_owner(tenant) as connection:
        with pytest.raises(asyncpg.CheckViolationError) as told:
            await score(connection, tenant, retailer, **inputs)
        if reason:
            assert told.value.constraint_name == {
                "SCORE_INPUT_RANGE": "credit_scores_inputs_check", "ON_TIME_SHARE_WRONG": "credit_scores_on_time_check",
            }[reason]  # fmt: skip


async def test_without_a_due_order_and_without_a_limit(tenant: Tenant) -> None:
    """A new retailer among two: half of 0.40, all of 0.30, nothing else. The other owes half of its limit."""
    market = await open_market(tenant, retailers=2, limit="220")
    async with as_tenant(tenant) as connection:
        await brought_to(connection, market, "DELIVERED", 10)
        await call(connection, "trade.credit_line_set", retailer_id=market.retailers[1], vendor_id=market.vendors[0],
                   credit_limit="0")  # fmt: skip
        async with as_tenant(tenant, "worker") as worker:
            await worker.execute(MAKE)
        rows = {row["retailer_id"]: row for row in await connection.fetch(f"select * from {SCORES}")}
    buyer, other = (rows[each] for each in market.retailers)
    assert (buyer["on_time_share"], buyer["utilisation"], buyer["volume_percentile"]) == (
        Decimal("0.5"),
        Decimal("0.5"),
        1,
    )
    assert buyer["score"] == 300 + 600 * 0.5
    assert (other["on_time_share"], other["utilisation"], other["volume_percentile"]) == (Decimal("0.5"), 0, 0)
    assert other["score"] == 600


# When, and who


@pytest.mark.parametrize("time_zone", [EASTERNMOST, WESTERNMOST])
async def test_the_worker_scores_once_a_day_of_the_organisation(time_zone: str) -> None:
    tenant = await make_tenant("Far away", time_zone=time_zone)
    async with as_worker() as worker:
        assert await worker.fetch(DUE, tenant.tenant_id) == []  # nobody to score
        market = await open_market(tenant, retailers=2)
        assert len(await worker.fetch(DUE, tenant.tenant_id)) == 1
        today = datetime.now(ZoneInfo(time_zone)).date()
        async with as_owner(tenant) as connection:
            await score(connection, tenant, market.retailers[0], scored_on=today - timedelta(days=1))
        async with working([the_duty("score-retailers")]):

            async def is_done() -> bool:
                return not await worker.fetch(DUE, tenant.tenant_id)

            await eventually(is_done)
    async with as_tenant(tenant) as connection, as_tenant(tenant, "worker") as worker:
        rows = await connection.fetch(f"select retailer_id, scored_on from {SCORES} where scored_on = $1", today)
        assert {row["retailer_id"] for row in rows} == set(market.retailers)
        await call(connection, "trade.retailer_create", retailer_code="NEW", name="New")
        await worker.execute(MAKE)
        assert await connection.fetchval(f"select count(*) from {SCORES}") == 3


async def test_a_suspended_organisation_is_not_due(tenant: Tenant, retailer: UUID) -> None:
    async with as_superuser() as connection, as_worker() as worker:
        assert len(await worker.fetch(DUE, tenant.tenant_id)) == 1
        await connection.execute("update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id)
        assert await worker.fetch(DUE, tenant.tenant_id) == []


@pytest.mark.parametrize("role", ["owner", "admin", "accountant", "operator", "viewer", "vendor", "retailer", ""])
async def test_only_the_worker_scores(tenant: Tenant, retailer: UUID, role: str) -> None:
    async with as_tenant(tenant, role, [retailer]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute(MAKE)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select * from trade.credit_scores_due()")


@pytest.mark.parametrize(
    "statement",
    [f"update {SCORES} set utilisation = 1", f"delete from {SCORES}", f"truncate {SCORES}"],
)
async def test_a_score_is_never_changed(tenant: Tenant, retailer: UUID, statement: str) -> None:
    async with as_owner(tenant) as connection:
        await score(connection, tenant, retailer)
        with refused("CONFLICT", "APPEND_ONLY"):
            await connection.execute(statement)
        with pytest.raises(asyncpg.UniqueViolationError):
            await score(connection, tenant, retailer)
    async with as_superuser() as connection:
        with refused("CONFLICT", "APPEND_ONLY"):
            await connection.execute(statement)
    async with as_tenant(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_a_retailer_has_its_last_score_whatever_somebody_writes(tenant: Tenant, retailer: UUID) -> None:
    async with as_owner(tenant) as connection:
        await connection.execute(f"update {RETAILERS} set credit_score = 900")
        assert (await the_row(connection, RETAILERS, retailer))["credit_score"] == 600
        await score(connection, tenant, retailer, scored_on="2026-01-02", utilisation=1)
        await score(connection, tenant, retailer, scored_on="2026-01-01")
        await connection.execute(f"update {RETAILERS} set credit_score = 900")
        assert (await the_row(connection, RETAILERS, retailer))["credit_score"] == 420


async def test_who_sees_scores(tenant: Tenant, other_tenant: Tenant, retailer: UUID, asking: Asking) -> None:
    async with as_owner(tenant) as connection:
        await score(connection, tenant, retailer, utilisation="0.5")
    listed = "{ creditScores { totalCount nodes { score scoredOn utilisation retailer { name } } } }"
    of_one = "{ retailers { nodes { scores { nodes { score onTimeShare } } } } }"
    wanted = {"score": 510, "scoredOn": "2026-01-01", "utilisation": "0.5", "retailer": {"name": "Mama Njeri"}}
    for role in ("owner", "admin", "accountant", "operator", "viewer"):
        found = await asking.ask(tenant, listed, role)
        assert found == {"creditScores": {"totalCount": 1, "nodes": [wanted]}}
    assert (await asking.ask(tenant, of_one))["retailers"]["nodes"] == [
        {"scores": {"nodes": [{"score": 510, "onTimeShare": "0.5"}]}}
    ]
    assert (await asking.ask(other_tenant, listed))["creditScores"]["totalCount"] == 0
    for role in ("vendor", "retailer", "member"):
        for source in (listed, of_one):
            assert await asking.refused(tenant, source, role, (retailer,)) == {"FORBIDDEN"}
        async with as_tenant(tenant, role, [retailer]) as connection:
            assert await connection.fetch(f"select id from {SCORES}") == []
    async with as_analyst(tenant) as connection, as_analyst(other_tenant) as other:
        assert await connection.fetchval("select count(*) from reporting.credit_scores") == 1
        assert await other.fetchval("select count(*) from reporting.credit_scores") == 0
