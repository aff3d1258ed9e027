"""What clients owed on a day, by how long it had been due. sql/billing/ageing.sql."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.billing.money import on, pay
from tests.harness.actors import as_analyst, as_nobody, as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_invoice, the_row

DUE = date(2026, 3, 31)
BUCKETS = ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "over_90")


async def ageing(connection: asyncpg.Connection, day: date) -> list[dict[str, Any]]:
    """The lines of that day: what is not zero of each, with the client's name."""
    rows = await connection.fetch(
        "select c.name, a.* from billing.ageing($1) a join billing.clients c on c.id = a.client_id order by line", day
    )
    told = ("name", "currency", *BUCKETS, "total", "unapplied")
    return [{name: row[name] for name in told if row[name] != 0} for row in rows]


def line(name: str, total: str, currency: str = "EUR", **amounts: str) -> dict[str, Any]:
    return {"name": name, "currency": currency, "total": Decimal(total)} | {
        bucket: Decimal(amount) for bucket, amount in amounts.items()
    }


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        *((-40, "not_due"), (-1, "not_due"), (0, "not_due"), (1, "days_1_to_30"), (30, "days_1_to_30")),
        *((31, "days_31_to_60"), (60, "days_31_to_60"), (61, "days_61_to_90"), (90, "days_61_to_90"), (91, "over_90")),
    ],
)
async def test_each_bucket_begins_and_ends_on_its_day(tenant: Tenant, days: int, bucket: str) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, "Fen")
        await new_invoice(connection, client_id, issue_date=DUE - timedelta(60), due_date=DUE)
        assert await ageing(connection, DUE + timedelta(days)) == [line("Fen", "300", **{bucket: "300"})]


async def test_nothing_counts_before_its_own_day(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, "Fen")
        invoice = await new_invoice(connection, client_id, issue_date="2026-03-01", due_date="2026-03-31")
        payment = {"received_at": "2026-04-10T12:00:00Z", "allocations": on(invoice, "100")}
        await pay(connection, client_id, "120", **payment)
        assert await ageing(connection, date(2026, 2, 28)) == []
        assert await ageing(connection, date(2026, 3, 1)) == [line("Fen", "300", not_due="300")]
        assert await ageing(connection, date(2026, 4, 9)) == [line("Fen", "300", days_1_to_30="300")]
        # What is left of the payment ages from its own day: on the tenth it is no days old.
        assert await ageing(connection, date(2026, 4, 10)) == [
            line("Fen", "180", days_1_to_30="200", not_due="-20", unapplied="-20")
        ]
        assert await ageing(connection, date(2026, 6, 1)) == [
            line("Fen", "180", days_61_to_90="200", days_31_to_60="-20", unapplied="-20")
        ]


async def test_what_was_taken_back_today_still_stood_yesterday(tenant: Tenant) -> None:
    today, before = await _days(tenant)
    async with as_tenant(tenant) as connection:
        old = {"issue_date": "2025-01-01", "due_date": "2025-01-31"}
        voided, written_off, reversed_, loosened = [await new_client(connection, name) for name in "VWRU"]
        await call(connection, "billing.invoice_void", id=await new_invoice(connection, voided, **old), reason="x")
        await call(
            connection, "billing.invoice_write_off", id=await new_invoice(connection, written_off, **old), reason="x"
        )
        for client_id in (reversed_, loosened):
            invoice = await new_invoice(connection, client_id, **old)
            received = {"received_at": "2025-02-01T00:00:00Z", "allocations": on(invoice, "300")}
            payment = await pay(connection, client_id, "300", **received)
            if client_id == reversed_:
                await call(connection, "billing.payment_reverse", id=payment, reason="Bounced")
            else:
                allocation = await connection.fetchval(
                    "select id from billing.allocations where payment_id = $1", payment
                )
                await call(connection, "billing.payment_unallocate", id=payment, allocation_id=allocation)
        assert await ageing(connection, before) == [line(name, "300", over_90="300") for name in "VW"]
        assert await ageing(connection, today) == [
            line("R", "300", over_90="300"),
            # Owed and paid, but the one does not stand on the other any more.
            {"name": "U", "currency": "EUR", "unapplied": Decimal(-300)},
        ]


async def test_a_refund_of_an_earlier_day_opens_the_invoice_today_and_takes_the_credit_then(tenant: Tenant) -> None:
    today, before = await _days(tenant)
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, "Fen")
        invoice = await new_invoice(connection, client_id, issue_date="2025-01-01", due_date="2025-01-31")
        paid = await pay(
            connection, client_id, "300", received_at="2025-02-01T00:00:00Z", allocations=on(invoice, "300")
        )
        await call(
            connection, "billing.payment_refund", id=paid, reason="x", amount="50", refunded_on=before - timedelta(9)
        )
        assert await ageing(connection, before - timedelta(10)) == []
        # As the ledger has it: the money was gone, and the invoice not open again yet.
        assert await ageing(connection, before) == [line("Fen", "50", over_90="50", unapplied="50")]
        assert await ageing(connection, today) == [line("Fen", "50", over_90="50")]


async def test_what_is_disputed_or_owed_again_after_a_write_off_counts(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, "Fen")
        disputed, written_off = [
            await new_invoice(connection, client_id, issue_date="2026-03-01", due_date="2026-03-31") for _ in range(2)
        ]
        await call(connection, "billing.invoice_dispute", id=disputed, reason="Not ordered")
        payment = {"received_at": "2026-03-05T12:00:00Z", "allocations": on(written_off, "100")}
        payment_id = await pay(connection, client_id, "100", **payment)
        today = await connection.fetchval("select core.today()")
        await call(connection, "billing.invoice_write_off", id=written_off, reason="Gone")
        [told] = await ageing(connection, today)
        assert told["total"] == 300
        await call(connection, "billing.payment_reverse", id=payment_id, reason="Bounced")
        [told] = await ageing(connection, today)
        assert (told["total"], (await the_row(connection, "billing.invoices", written_off))["status"]) == (
            400,
            "WRITTEN_OFF",
        )
        assert told["total"].as_tuple().exponent == -2


async def test_a_client_has_a_line_for_each_currency_and_the_totals_one_for_each(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for name, amounts in (("b", [("EUR", "10"), ("USD", "5")]), ("A", [("EUR", "7")])):
            client_id = await new_client(connection, name)
            for currency, price in amounts:
                lines = [{"description": "x", "quantity": 1, "unit_price": price}]
                await new_invoice(connection, client_id, currency=currency, lines=lines, issue_date=DUE, due_date=DUE)
        await pay(connection, client_id, "2", received_at=f"{DUE}T00:00:00Z", method="CASH")
        assert await ageing(connection, DUE + timedelta(45)) == [
            line("A", "5", days_31_to_60="5", unapplied="-2"),
            line("b", "10", days_31_to_60="10"),
            line("b", "5", "USD", days_31_to_60="5"),
        ]
        totals = await connection.fetch("select * from billing.ageing_totals($1) order by line", DUE + timedelta(45))
        assert [(row["currency"], row["client_count"], row["total"], row["unapplied"]) for row in totals] == [
            ("EUR", 2, 15, -2),
            ("USD", 1, 5, 0),
        ]
        assert [row["days_31_to_60"] for row in totals] == [15, 5]


async def test_what_is_owed_is_told_by_when_each_client_paid_last(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for name, days in (("never", None), ("today", 0), ("a month", 30), ("more", 31), ("long", 91), ("back", 5)):
            client_id = await new_client(connection, name)
            await new_invoice(connection, client_id, issue_date="2025-06-01", due_date="2025-06-01")
            if days is not None:
                at = f"{DUE - timedelta(days)}T12:00:00Z"
                paid = await pay(connection, client_id, "1", received_at=at, oldest_first=True)
                if name == "back":
                    await call(connection, "billing.payment_reverse", id=paid, reason="Bounced")
        rows = await connection.fetch("select * from billing.ageing_by_last_payment($1) order by line", DUE)
        assert [(row["last_payment"], row["client_count"], row["total"]) for row in rows] == [
            ("DAYS_0_TO_30", 2, 598),
            ("DAYS_31_TO_60", 1, 299),
            ("OVER_90", 1, 299),
            # A payment that was reversed since is none: it was still there then, so less was owed.
            ("NEVER", 2, 599),
        ]
        dates = await connection.fetch("select last_payment_date from billing.ageing($1) order by line", DUE)
        assert [row[0] and (DUE - row[0]).days for row in dates] == [30, None, 91, 31, None, 0]


@pytest.mark.parametrize("question", ["ageing", "ageing_totals", "ageing_by_last_payment"])
async def test_who_asks_sees_their_own(tenant: Tenant, other_tenant: Tenant, question: str) -> None:
    async with as_tenant(other_tenant) as theirs:
        await new_invoice(theirs, issue_date=DUE, due_date=DUE)
    async with as_tenant(tenant) as owner:
        mine, stranger = await new_client(owner, "Mine"), await new_client(owner, "Not mine")
        for client_id in (mine, stranger, stranger):
            await new_invoice(owner, client_id, issue_date=DUE, due_date=DUE)
    asked = f"select sum(total) from billing.{question}($1)"

    async def total(entrance: Any) -> Any:
        async with entrance as connection:
            return await connection.fetchval(asked, DUE)

    assert await total(as_tenant(tenant)) == await total(as_owner(tenant)) == await total(as_analyst(tenant)) == 900
    assert await total(as_tenant(tenant, "member", [mine])) == 300
    assert await total(as_tenant(tenant, "member", [])) is None
    assert await total(as_tenant(other_tenant, "member", [mine])) is None
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await total(as_nobody())


async def test_a_member_is_told_of_their_clients_what_an_owner_is_on_any_day(tenant: Tenant) -> None:
    async with as_tenant(tenant) as owner:
        clients = [await new_client(owner, name) for name in "ABC"]
        for number, client_id in enumerate(clients):
            dates = {"issue_date": "2026-01-10", "due_date": "2026-02-10"}
            paid, disputed, credited = [await new_invoice(owner, client_id, **dates) for _ in range(3)]
            received = {"received_at": f"2026-03-0{number + 1}T12:00:00Z", "allocations": on(paid, "100")}
            await pay(owner, client_id, "120", **received)
            await call(owner, "billing.invoice_dispute", id=disputed, reason="Not ordered")
            await call(owner, "billing.invoice_credit_note", id=credited, amount="30", reason="Scratched")

    async def told(entrance: Any, day: date) -> list[list[dict[str, Any]]]:
        """What each question answers, but for the place of a line among others."""
        async with entrance as connection:
            rows = [
                await connection.fetch(f"select * from billing.{question}($1) order by line", day)
                for question in ("ageing", "ageing_totals", "ageing_by_last_payment")
            ]
        return [[{key: value for key, value in row.items() if key != "line"} for row in each] for each in rows]

    today, _ = await _days(tenant)
    for day in (date(2026, 1, 9), date(2026, 1, 10), date(2026, 3, 1), date(2026, 3, 2), today, date(9999, 1, 1)):
        everything = await told(as_tenant(tenant), day)
        assert everything == await told(as_analyst(tenant), day) == await told(as_owner(tenant), day)
        assert everything == await told(as_tenant(tenant, "member", clients), day)
        assert len(everything[0]) == (0 if day == date(2026, 1, 9) else 3)
        # A scope names what it names once, however often it does.
        for scope in (clients[:1], [*clients[1:], clients[1]], [other := clients[2], other]):
            lines = [each for each in everything[0] if each["client_id"] in scope]
            [shown, totals, _] = await told(as_tenant(tenant, "member", scope), day)
            assert shown == lines
            assert sum(each["total"] for each in totals) == sum(each["total"] for each in lines)
        assert await told(as_tenant(tenant, "member", []), day) == [[], [], []]


async def test_a_client_entry_is_never_changed_by_anybody(tenant: Tenant) -> None:
    async with as_owner(tenant) as owner:
        await new_invoice(owner)
        for change in ("update billing.client_entries set amount = 1", "delete from billing.client_entries"):
            with pytest.raises(asyncpg.PostgresError, match="never"):
                await owner.execute(change)
    async with as_tenant(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("delete from billing.client_entries")
        row = await the_row(connection, "billing.client_entries", await _only_entry(connection))
        assert (row["kind"], row["amount"]) == ("INVOICE", 300)


async def _only_entry(connection: asyncpg.Connection) -> UUID:
    found = await connection.fetchval("select id from billing.client_entries")
    assert isinstance(found, UUID)
    return found


async def _days(tenant: Tenant) -> tuple[date, date]:
    """The day it is, and the one before."""
    async with as_tenant(tenant) as connection:
        today = await connection.fetchval("select core.today()")
    return today, today - timedelta(1)
