"""Whatever happened and however it was backdated, what ageing and statements say of any day is what the ledger says."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.billing.test_money import ACTS, DAY, Act, House, act
from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import make_tenant
from tests.harness.verbs import call, new_client

# From the ledger alone, forwards: each transfer says which document it came from.
STOOD: Final = """
    with moved as (
        select a.owner_id as client, e.currency::text, e.amount,
               case when t.source_noun <> 'ALLOCATION' then t.source_id when a.kind = 'ASSET' then al.invoice_id
                    else coalesce(al.payment_id, al.credit_note_id) end as document
        from ledger.entries e
        join ledger.accounts a on a.id = e.account_id and a.owner_noun = 'CLIENT'
        join ledger.transfers t on t.id = e.transfer_id
        left join billing.allocations al on al.id = t.source_id
        where e.effective_date <= $1
    )
    select client, m.currency, coalesce(i.due_date, p.received_on, n.issue_date), i.id is null, sum(m.amount)
    from moved m
    left join billing.invoices i on i.id = document
    left join billing.payments p on p.id = document
    left join billing.credit_notes n on n.id = document
    group by 1, 2, 3, 4
"""
BALANCES: Final = """
    select owner_id as client_id, currency::text,
           sum(case kind when 'ASSET' then 1 else -1 end * ledger.balance(id, $1)) as balance
    from ledger.accounts where owner_noun = 'CLIENT' group by 1, 2
"""
CLOSINGS: Final = """
    select c.id as client_id, s.currency, s.balance from billing.clients c, lateral billing.statement(c.id, $2, $1) s
    where s.kind = 'CLOSING_BALANCE'
"""
RUNNING: Final = """
    select c.id from billing.clients c, lateral billing.statement(c.id, $2, $1) s
    group by c.id, s.currency
    having max(s.balance) filter (where s.kind = 'OPENING_BALANCE') + coalesce(sum(s.amount), 0)
           <> max(s.balance) filter (where s.kind = 'CLOSING_BALANCE')
"""
FIGURES: Final = ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "over_90", "total", "unapplied")
UNENTERED: Final = """
    select e.id, e.amount::numeric, e.effective_date from ledger.entries e
    join ledger.accounts a on a.id = e.account_id and a.owner_noun = 'CLIENT'
    except select id, amount::numeric, effective_date from billing.client_entries
"""


def bucket(days: int) -> str:
    if days <= 0:
        return "not_due"
    return {0: "days_1_to_30", 1: "days_31_to_60", 2: "days_61_to_90"}.get((days - 1) // 30, "over_90")


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    tenant = await make_tenant(time_zone="Pacific/Auckland")
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(as_tenant(tenant))
        owner = await stack.enter_async_context(as_owner(tenant))
        yield House([await new_client(writer, f"Client {number}") for number in range(3)], [writer], owner)


async def refund_backdated(connection: asyncpg.Connection, what: Act) -> None:
    """Give some of a payment back on a day between its own and today."""
    row = await connection.fetchrow(
        "select id, received_on from billing.payments where confirmed_at is not null order by id offset $1 limit 1",
        what.first,
    )
    if row:
        day = row["received_on"] + timedelta(what.second * 3)
        try:
            await call(
                connection, "billing.payment_refund", id=row["id"], reason="x", amount=what.amount, refunded_on=day
            )
        except asyncpg.PostgresError as error:
            if not (error.sqlstate or "").startswith("CH"):
                raise


async def differs(connection: asyncpg.Connection, day: date) -> list[Any]:
    """Everything in which a report of that day differs from the ledger."""

    async def rows(query: str, *arguments: Any) -> set[tuple[Any, ...]]:
        return {tuple(row) for row in await connection.fetch(query, day, *arguments)}

    expected: dict[tuple[Any, str], dict[str, Any]] = {}
    for client_id, currency, ages_from, is_credit, amount in await rows(STOOD):
        line = expected.setdefault((client_id, currency), dict.fromkeys(FIGURES, Decimal(0)))
        for name in (bucket((day - ages_from).days), "total", *(["unapplied"] if is_credit else [])):
            line[name] += amount
    lines = {
        (row["client_id"], row["currency"]): {name: row[name] for name in FIGURES}
        for row in await connection.fetch("select * from billing.ageing($1)", day)
    }
    expected = {key: line for key, line in expected.items() if any(line.values())}
    found: list[Any] = [(key, lines.get(key), line) for key, line in expected.items() if lines.get(key) != line]
    found += lines.keys() - expected.keys()
    balances = {row for row in await rows(BALANCES) if row[2]}
    found += balances ^ {(*key, row["total"]) for key, row in lines.items() if row["total"]}
    for first in (date(1900, 1, 1), day - timedelta(40), day):
        found += balances ^ {row for row in await rows(CLOSINGS, first) if row[2]}
        found += await rows(RUNNING, first)
    return found


@given(acts=st.lists(ACTS, min_size=3, max_size=12), days=st.lists(st.integers(-65, 15), min_size=2, max_size=2))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_reports_as_of_any_day_are_what_the_ledger_says(house: House, acts: list[Act], days: list[int]) -> None:
    [writer] = house.writers
    for what in acts:
        await act(house, writer, what)
        if what.days % 5 == 0:
            await refund_backdated(writer, what)
    today = await writer.fetchval("select core.today()")
    for day in (*(DAY + timedelta(each) for each in days), today - timedelta(1), today, date(9999, 1, 1)):
        assert await differs(writer, day) == []
    assert await writer.fetch(UNENTERED) == []
