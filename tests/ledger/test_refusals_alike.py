"""What nobody may do is refused alike, whoever tries, whichever way, and on each version of PostgreSQL: the table below
is the same for 15 and 18, so a run on either proves it. Every attempt is one transaction, which it tries to commit."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest

from gql.database.refusals import translate
from tests.billing.money import on, pay
from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice
from tests.ledger.books import move, open_account, post, wrong

WAYS: Final[dict[str, Callable[[Tenant], AbstractAsyncContextManager[asyncpg.Connection]]]] = {
    "person": as_tenant,
    "definer": as_tenant,
    "owner": as_owner,
    "superuser": lambda tenant: as_superuser(),
}
TABLES: Final = (
    *("ledger.transfers", "ledger.entries", "ledger.accounts", "ledger.holds"),
    *("billing.invoices", "billing.invoice_lines", "billing.clients", "billing.payments", "billing.allocations"),
    *("billing.payment_refunds", "billing.credit_notes", "billing.credit_note_lines", "billing.client_entries"),
)

Told = tuple[str, str | None]

APPEND_ONLY: Final = ("CH409", "APPEND_ONLY")
OUT_OF_STEP: Final = ("CH409", "ACCOUNT_OUT_OF_STEP")
UNBALANCED: Final = ("CH400", "TRANSFER_UNBALANCED")
ISSUED: Final = ("CH409", "INVOICE_ISSUED")
PAYMENT_FIXED: Final = ("CH409", "PAYMENT_FIXED")
ALLOCATION_FIXED: Final = ("CH409", "ALLOCATION_FIXED")
CREDIT_NOTE_ISSUED: Final = ("CH409", "CREDIT_NOTE_ISSUED")
REFERRED_TO: Final = ("23503", "REFERENCE_NOT_FOUND")
TRUNCATED_ALONE: Final = ("0A000", None)
"""PostgreSQL's own: other tables refer to this one."""
NOT_PERMITTED: Final = ("42501", "NOT_PERMITTED")

ATTEMPTS: Final[dict[str, Told]] = {
    "update ledger.transfers set description = 'Other' where id = '{transfer}'": APPEND_ONLY,
    "update ledger.transfers set effective_date = effective_date - 1 where id = '{transfer}'": APPEND_ONLY,
    "update ledger.transfers set id = core.new_id() where id = '{transfer}'": APPEND_ONLY,
    "delete from ledger.transfers where id = '{transfer}'": APPEND_ONLY,
    "truncate ledger.transfers": TRUNCATED_ALONE,
    "truncate ledger.transfers cascade": APPEND_ONLY,
    "insert into ledger.transfers (tenant_id, kind, effective_date) values ('{tenant}', 'TEST', "
    "'2026-01-05')": UNBALANCED,
    "insert into ledger.transfers (tenant_id, kind, effective_date, reverses_id) values "
    "('{tenant}', 'TEST', '2026-01-05', '{reversed}')": ("CH409", "TRANSFER_REVERSED"),
    "select ledger.post('TEST', array[('{cash}', 10), ('{sales}', -9)]::ledger.leg[], null, 'Unbalanced')": UNBALANCED,
    "select ledger.reverse('{reversed}', 'Twice')": ("CH409", "TRANSFER_REVERSED"),
    "update ledger.entries set amount = amount + 1 where transfer_id = '{transfer}'": APPEND_ONLY,
    "update ledger.entries set transfer_id = '{reversed}' where transfer_id = '{transfer}'": APPEND_ONLY,
    "delete from ledger.entries where transfer_id = '{transfer}'": APPEND_ONLY,
    "truncate ledger.entries": TRUNCATED_ALONE,
    "truncate ledger.entries cascade": APPEND_ONLY,
    "insert into ledger.entries (tenant_id, transfer_id, position, account_id, currency, amount) "
    "values ('{tenant}', '{transfer}', 3, '{cash}', 'EUR', 1)": UNBALANCED,
    "insert into ledger.entries (tenant_id, transfer_id, position, account_id, currency, amount) "
    "values ('{tenant}', '{transfer}', 3, '{cash}', 'EUR', 1), ('{tenant}', '{transfer}', 4, "
    "'{cash}', 'EUR', -2)": UNBALANCED,
    "update ledger.accounts set posted = posted + 1 where id = '{cash}'": OUT_OF_STEP,
    "update ledger.accounts set posted = posted + 1, version = version + 1 where id = '{cash}'": OUT_OF_STEP,
    "update ledger.accounts set version = 0 where id = '{cash}'": OUT_OF_STEP,
    "update ledger.accounts set held_up = held_up + 1 where id = '{cash}'": OUT_OF_STEP,
    "update ledger.accounts set held_down = held_down + 1 where id = '{sales}'": OUT_OF_STEP,
    "update ledger.accounts set kind = 'EQUITY' where id = '{cash}'": ("CH409", "ACCOUNT_FIXED"),
    "update ledger.accounts set currency = 'USD' where id = '{cash}'": ("CH409", "ACCOUNT_FIXED"),
    "update ledger.accounts set ceiling = 1 where id = '{cash}'": ("23514", "CEILING_EXCEEDED"),
    "insert into ledger.accounts (tenant_id, code, name, kind, currency, posted) values "
    "('{tenant}', 'NEW', 'New', 'ASSET', 'EUR', 1)": ("CH409", "ACCOUNT_STARTS_EMPTY"),
    "delete from ledger.accounts where id = '{cash}'": APPEND_ONLY,
    "delete from ledger.accounts where id = '{unused}'": APPEND_ONLY,
    "truncate ledger.accounts cascade": APPEND_ONLY,
    "update ledger.holds set amount = amount + 1 where id = '{hold}'": ("CH409", "HOLD_FIXED"),
    "update ledger.holds set account_id = '{sales}' where id = '{hold}'": ("CH409", "HOLD_FIXED"),
    "update ledger.holds set state = 'PENDING' where id = '{ended}'": ("CH409", "HOLD_ENDED"),
    "update ledger.holds set state = 'POSTED' where id = '{hold}'": ("23514", "HOLD_ENDED_INVALID"),
    "insert into ledger.holds (tenant_id, account_id, direction, amount, state) values "
    "('{tenant}', '{cash}', 'UP', 1, 'VOIDED')": ("CH409", "HOLD_STARTS_PENDING"),
    "delete from ledger.holds where id = '{hold}'": APPEND_ONLY,
    "truncate ledger.holds": TRUNCATED_ALONE,
    "truncate ledger.holds cascade": APPEND_ONLY,
    "update billing.invoices set total = total + 1 where id = '{invoice}'": ISSUED,
    "update billing.invoices set discount = 1 where id = '{invoice}'": ISSUED,
    "update billing.invoices set number = 'INV-000077' where id = '{invoice}'": ISSUED,
    "update billing.invoices set issued_at = null, number = null, bill_from = null, bill_to = "
    "null where id = '{invoice}'": ISSUED,
    "update billing.invoices set due_date = due_date + 1 where id = '{invoice}'": ISSUED,
    "update billing.invoices set client_id = '{other_client}' where id = '{invoice}'": (
        "CH409",
        "INVOICE_CLIENT_FIXED",
    ),
    "update billing.invoices set notes = 'Other' where id = '{void}'": ("CH409", "INVOICE_VOID"),
    "update billing.invoices set voided_at = null, void_reason = null where id = '{void}'": ("CH409", "INVOICE_VOID"),
    "insert into billing.invoices (tenant_id, client_id, number, issue_date, due_date, currency, "
    "issued_at, bill_from, bill_to) values ('{tenant}', '{client}', 'INV-000077', '2026-01-01', "
    "'2026-01-01', 'EUR', now(), '{{}}', '{{}}')": ("CH409", "INVOICE_STARTS_AS_DRAFT"),
    "delete from billing.invoices where id = '{invoice}'": APPEND_ONLY,
    "delete from billing.invoices where id = '{draft}'": APPEND_ONLY,
    "truncate billing.invoices": TRUNCATED_ALONE,
    "truncate billing.invoices cascade": APPEND_ONLY,
    "update billing.invoice_lines set quantity = 1 where invoice_id = '{invoice}'": APPEND_ONLY,
    "update billing.invoice_lines set invoice_id = '{draft}' where invoice_id = '{invoice}'": APPEND_ONLY,
    "delete from billing.invoice_lines where invoice_id = '{invoice}'": ISSUED,
    "insert into billing.invoice_lines (tenant_id, client_id, invoice_id, position, description, "
    "quantity, unit_price) values ('{tenant}', '{client}', '{invoice}', 2, 'Added', 1, 5)": ISSUED,
    "truncate billing.invoice_lines": APPEND_ONLY,
    "update billing.payments set amount = amount + 1 where id = '{payment}'": PAYMENT_FIXED,
    "update billing.payments set confirmed_at = null where id = '{payment}'": PAYMENT_FIXED,
    "update billing.payments set client_id = '{other_client}' where id = '{payment}'": PAYMENT_FIXED,
    "update billing.payments set reversed_at = now(), reversal_reason = 'x' where id = '{payment}'": (
        "23514",
        "PAYMENT_REVERSED",
    ),
    "delete from billing.payments where id = '{payment}'": APPEND_ONLY,
    "truncate billing.payments cascade": APPEND_ONLY,
    "update billing.allocations set amount = amount + 1 where payment_id = '{payment}'": ALLOCATION_FIXED,
    "update billing.allocations set refunded = 0 where payment_id = '{payment}'": ALLOCATION_FIXED,
    "insert into billing.allocations (tenant_id, client_id, invoice_id, payment_id, amount, effective_date, "
    "applied_at) values ('{tenant}', '{client}', '{invoice}', '{payment}', 1000, '2199-01-01', now())": (
        "CH400",
        "ALLOCATION_TOO_LARGE",
    ),
    "delete from billing.allocations where payment_id = '{payment}'": APPEND_ONLY,
    "truncate billing.allocations": APPEND_ONLY,
    "update billing.payment_refunds set amount = 1 where payment_id = '{payment}'": APPEND_ONLY,
    "insert into billing.payment_refunds (tenant_id, client_id, payment_id, amount, reason) "
    "values ('{tenant}', '{client}', '{payment}', 1000, 'All of it')": ("CH400", "REFUND_TOO_LARGE"),
    "delete from billing.payment_refunds where payment_id = '{payment}'": APPEND_ONLY,
    "truncate billing.payment_refunds": APPEND_ONLY,
    "update billing.credit_notes set total = 1 where id = '{note}'": CREDIT_NOTE_ISSUED,
    "update billing.credit_notes set issue_date = issue_date + 1 where id = '{note}'": CREDIT_NOTE_ISSUED,
    "delete from billing.credit_notes where id = '{note}'": APPEND_ONLY,
    "truncate billing.credit_notes cascade": APPEND_ONLY,
    "update billing.credit_note_lines set tax_rate = 1 where credit_note_id = '{note}'": APPEND_ONLY,
    "insert into billing.credit_note_lines (tenant_id, client_id, credit_note_id, position, description, unit_price, "
    "tax_rate, tax_amount) values ('{tenant}', '{client}', '{note}', 2, 'Added', 5, 0, 0)": CREDIT_NOTE_ISSUED,
    "delete from billing.credit_note_lines where credit_note_id = '{note}'": APPEND_ONLY,
    "truncate billing.credit_note_lines": APPEND_ONLY,
    "update billing.client_entries set amount = 1 where client_id = '{client}'": APPEND_ONLY,
    "delete from billing.client_entries where client_id = '{client}'": APPEND_ONLY,
    "truncate billing.client_entries": APPEND_ONLY,
    "delete from billing.clients where id = '{client}'": REFERRED_TO,
    "update billing.clients set id = core.new_id() where id = '{client}'": REFERRED_TO,
    "truncate billing.clients cascade": APPEND_ONLY,
    "delete from iam.tenants where id = '{tenant}'": REFERRED_TO,
    "update iam.tenants set id = core.new_id() where id = '{tenant}'": NOT_PERMITTED,
    "truncate iam.tenants cascade": APPEND_ONLY,
}
"""What the owner of the tables is told, who stands in the organisation, and a function of the owner's that a person
calls. A person who tries it themselves has no permission for any of it."""

AS_SUPERUSER: Final[dict[str, Told]] = {
    "select ledger.post('TEST', array[('{cash}', 10), ('{sales}', -9)]::ledger.leg[], null, 'Unbalanced')": (
        "23502",
        "REQUIRED",
    ),
    "select ledger.reverse('{reversed}', 'Twice')": ("CH404", "TRANSFER_NOT_FOUND"),
    "insert into ledger.entries (tenant_id, transfer_id, position, account_id, currency, amount) "
    "values ('{tenant}', '{transfer}', 3, '{cash}', 'EUR', 1)": OUT_OF_STEP,
    "insert into ledger.entries (tenant_id, transfer_id, position, account_id, currency, amount) "
    "values ('{tenant}', '{transfer}', 3, '{cash}', 'EUR', 1), ('{tenant}', '{transfer}', 4, "
    "'{cash}', 'EUR', -2)": OUT_OF_STEP,
    "update iam.tenants set id = core.new_id() where id = '{tenant}'": REFERRED_TO,
}
"""What differs for a superuser, who stands in no organisation: its checks find nothing, so that nothing stands."""


@dataclass(frozen=True)
class Books:
    """An organisation with one of everything that an attempt may be made on, and the function through which it may."""

    tenant: Tenant
    names: dict[str, Any]


DEFINER: Final = """
    create schema attempts;
    grant usage on schema attempts to countinghouse_tenant;
    create function attempts.run(attempt text) returns void language plpgsql security definer
        set search_path = pg_catalog, pg_temp as $$ begin execute attempt; end $$;
    alter function attempts.run(text) owner to countinghouse_owner;
    grant execute on function attempts.run(text) to countinghouse_tenant;
"""


@pytest.fixture(scope="module")
async def books() -> AsyncIterator[Books]:
    tenant = await make_tenant()
    names: dict[str, Any] = {"tenant": tenant.tenant_id}
    async with as_owner(tenant) as owner:
        cash, sales = await open_account(owner, "CASH"), await open_account(owner, "SALES", "INCOME")
        names |= {"cash": cash, "sales": sales, "unused": await open_account(owner, "UNUSED")}
        names["transfer"] = await move(owner, cash, sales, "10")
        names["reversed"] = await post(owner, (cash, "3"), (sales, "-3"))
        await owner.fetchval("select ledger.reverse($1, 'A mistake', null)", names["reversed"])
        for name in ("hold", "ended"):
            names[name] = await owner.fetchval("select ledger.hold($1, 'UP', 1, 'ORDER', $2, null)", cash, uuid4())
        await owner.execute("select ledger.void_hold($1)", names["ended"])
    async with as_tenant(tenant) as person:
        names["client"] = await new_client(person, "Fen Orchards")
        names["other_client"] = await new_client(person, "Bray Mills")
        names["invoice"] = await new_invoice(person, names["client"])
        names["draft"] = await new_draft(person, names["client"])
        names["void"] = await new_invoice(person, names["client"])
        await call(person, "billing.invoice_void", id=names["void"], reason="Not wanted")
        paid = on(names["invoice"], "90.00")
        names["payment"] = await pay(person, names["client"], "100.00", allocations=paid)
        await call(person, "billing.payment_refund", id=names["payment"], amount="15.00", reason="Too much")
        names["note"] = await call(
            person, "billing.invoice_credit_note", id=names["invoice"], amount="30.00", reason="Scratched"
        )
    async with as_superuser() as superuser:
        await superuser.execute(DEFINER)
        try:
            yield Books(tenant, names)
        finally:
            await superuser.execute("drop schema attempts cascade")


def expected(way: str) -> dict[str, Told]:
    """What everybody who comes this way must be told, whichever the version."""
    match way:
        case "person":
            return dict.fromkeys(ATTEMPTS, NOT_PERMITTED)
        case "superuser":
            return ATTEMPTS | AS_SUPERUSER
        case _:
            return ATTEMPTS


async def told(connection: asyncpg.Connection, way: str, attempt: str) -> Told | str:
    """What was said to the attempt, which ends with a COMMIT if it gets so far."""
    try:
        if way == "definer":
            await connection.execute("select attempts.run($1)", attempt)
        else:
            await connection.execute(attempt)
    except asyncpg.PostgresError as error:
        return error.sqlstate or "", translate(error).reason
    return "It was done."


async def all_of(tenant: Tenant) -> dict[str, Any]:
    """Every row that an attempt was made on."""
    async with as_superuser() as connection:
        return {
            table: await connection.fetch(
                f"select to_jsonb(t)::text as row from {table} as t where tenant_id = $1 order by 1", tenant.tenant_id
            )
            for table in TABLES
        }


@pytest.mark.parametrize("way", WAYS)
async def test_what_nobody_may_do_is_refused_alike_and_leaves_everything_as_it_was(books: Books, way: str) -> None:
    before = await all_of(books.tenant)
    async with WAYS[way](books.tenant) as connection:
        said = {attempt: await told(connection, way, attempt.format(**books.names)) for attempt in ATTEMPTS}
    assert said == expected(way)
    assert await all_of(books.tenant) == before
    async with as_owner(books.tenant) as connection:
        assert await wrong(connection) == []


@pytest.mark.parametrize("way", ["person", "definer", "owner"])
async def test_nobody_turns_the_triggers_off_for_themselves(books: Books, way: str) -> None:
    async with WAYS[way](books.tenant) as connection:
        assert await told(connection, way, "set session_replication_role = replica") == NOT_PERMITTED


async def test_the_attempts_are_on_rows_that_are_there(books: Books) -> None:
    """Else an UPDATE of no row would be refused by nobody."""
    assert all((await all_of(books.tenant)).values())
