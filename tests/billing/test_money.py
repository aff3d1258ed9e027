"""Whatever happens to invoices and payments, by several at once: documents, clients and ledger agree after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.billing.money import miscounted, wrong
from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import make_tenant
from tests.harness.thoroughness import walks
from tests.harness.verbs import call, new_client

WRITERS = 4
DAY = date(2026, 6, 1)
VERBS = (
    *("issue", "issue", "issue", "pay", "pay", "pay", "pay_oldest", "expect", "confirm", "fail", "retry", "allocate"),
    *(
        "unallocate",
        "refund",
        "refund",
        "reverse",
        "credit",
        "credit_lines",
        "credit_alone",
        "use_credit",
        "void",
        "write_off",
        "dispute",
    ),
    *("resolve", "currency"),
)
NTH = {
    kind: f"select {columns} from billing.{table} where {condition} order by id desc offset $1 limit 1"
    for kind, columns, table, condition in (
        ("invoice", "id", "invoices", "issued_at is not null"),
        ("payment", "id", "payments", "true"),
        ("waiting", "id", "payments", "status in ('PENDING', 'PROCESSING', 'FAILED')"),
        ("allocation", "id, payment_id", "allocations", "payment_id is not null"),
        ("credit_note", "id", "credit_notes", "unapplied_amount > 0"),
    )
}


@dataclass(frozen=True)
class Act:
    """One thing that one person does."""

    verb: str
    first: int
    second: int
    amount: Decimal
    days: int


ACTS = st.builds(
    Act,
    verb=st.sampled_from(VERBS),
    first=st.integers(0, 5),
    second=st.integers(0, 5),
    amount=st.decimals("0.01", "250", places=2),
    days=st.integers(-60, 0),
)


@dataclass(frozen=True)
class House:
    """A few clients of one organisation, people who write, and the owner who looks."""

    clients: list[UUID]
    writers: list[asyncpg.Connection]
    owner: asyncpg.Connection


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    tenant = await make_tenant()
    async with AsyncExitStack() as stack:
        writers = [await stack.enter_async_context(as_tenant(tenant)) for _ in range(WRITERS)]
        owner = await stack.enter_async_context(as_owner(tenant))
        clients = [await new_client(writers[0], f"Client {number}") for number in range(3)]
        yield House(clients, writers, owner)


async def nth(connection: asyncpg.Connection, what: str, place: int) -> Any:
    """The row at that place, or the first one where there are fewer."""
    return await connection.fetchrow(NTH[what], place) or await connection.fetchrow(NTH[what], 0)


async def act(house: House, connection: asyncpg.Connection, what: Act) -> None:
    """Do it. That the database refuses it is as good; that it fails is not."""
    try:
        await _act(house, connection, what)
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "")[:2] not in ("CH", "23"):
            raise


async def _act(house: House, connection: asyncpg.Connection, what: Act) -> None:
    client_id = house.clients[what.first % len(house.clients)]
    day = str(DAY + timedelta(what.days))
    paid = {"client_id": client_id, "method": "CASH", "amount": what.amount, "received_at": f"{day}T12:00:00Z"}
    reason = {"reason": "As it goes"}

    async def found(kind: str) -> dict[str, Any]:
        row = await nth(connection, kind, what.second)
        return {"id": row["id"], "row": row} if row else {"id": client_id, "row": None}

    async def do(verb: str, **facts: Any) -> Any:
        facts.pop("row", None)
        return await call(connection, f"billing.{verb}", **facts)

    match what.verb:
        case "issue":
            rates = [{"tax_rate": "19"}, {"tax_rate": "7", "quantity": "3"}, {}]
            lines = [
                {"description": "Work", "quantity": "1", "unit_price": what.amount, **rate}
                for rate in rates[: 1 + what.second % 3]
            ]
            async with connection.transaction():
                draft = await do("invoice_create", client_id=client_id, lines=lines, issue_date=day, tax_rate="20")
                await do("invoice_issue", id=draft)
        case "pay":
            invoice = await found("invoice")
            wanted = [{"invoice_id": invoice["id"], "amount": what.amount}]
            await do("payment_record", **paid, status="CONFIRMED", allocations=wanted if what.second else None)
        case "pay_oldest":
            await do("payment_record", **paid, status="CONFIRMED", oldest_first=True)
        case "expect":
            invoice = await found("invoice")
            allocations = [{"invoice_id": invoice["id"], "amount": what.amount}]
            await do("payment_record", **paid, allocations=allocations if what.second % 2 else None)
        case "confirm":
            await do("payment_confirm", **await found("waiting"))
        case "fail":
            await do("payment_fail", **await found("waiting"), **reason)
        case "retry":
            await do("payment_retry", **await found("waiting"))
        case "allocate":
            await do("payment_allocate", **await found("payment"), oldest_first=True)
        case "unallocate":
            row = (await found("allocation"))["row"]
            if row:
                await do("payment_unallocate", id=row["payment_id"], allocation_id=row["id"])
        case "refund":
            amount = {"amount": what.amount} if what.first % 2 else {}
            await do("payment_refund", **await found("payment"), **reason, **amount)
        case "reverse":
            await do("payment_reverse", **await found("payment"), **reason)
        case "credit":
            amount = {"amount": what.amount} if what.first % 3 else {}
            await do("invoice_credit_note", **await found("invoice"), **reason, **amount)
        case "credit_lines":
            price = (what.amount / 4).quantize(Decimal("0.01"))
            lines = [{"description": "Back", "unit_price": price, "tax_rate": rate} for rate in ("19", "7", "20")]
            await do("invoice_credit_note", **await found("invoice"), **reason, lines=lines[: 1 + what.first % 3])
        case "credit_alone":
            line = {"description": "Elsewhere", "unit_price": what.amount, "tax_rate": "19"}
            await do("credit_note_create", client_id=client_id, lines=[line], issue_date=day, **reason)
        case "use_credit":
            await do("credit_note_allocate", **await found("credit_note"), oldest_first=True)
        case "void":
            await do("invoice_void", **await found("invoice"), **reason)
        case "write_off":
            await do("invoice_write_off", **await found("invoice"), **reason)
        case "dispute":
            await do("invoice_dispute", **await found("invoice"), **reason)
        case "resolve":
            await do("invoice_resolve", **await found("invoice"))
        case "currency":
            await do("client_update", id=client_id, currency=["EUR", "USD"][what.second % 2])


@given(rounds=st.lists(st.lists(ACTS, min_size=1, max_size=WRITERS), min_size=1, max_size=10))
@settings(
    max_examples=walks(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_documents_clients_and_ledger_agree_after_every_commit(house: House, rounds: list[list[Act]]) -> None:
    for acts in rounds:
        await asyncio.gather(*(act(house, writer, what) for writer, what in zip(house.writers, acts, strict=False)))
        assert await wrong(house.writers[0]) == []
        assert await miscounted(house.owner) == []
