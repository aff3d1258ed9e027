"""Two organisations with small, believable and nasty books: what has gone wrong somewhere before is in them.

Ids are fixed, so that documents can name them, and both organisations have the same ones: a row of the wrong tenant
would show. Rows are written as they are, past the triggers, because the books hold states that no present verb makes.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from tests.engine import (
    apps,
    audit_entries,
    client_entries,
    comers,
    ledgers,
    messages,
    ordering,
    outsiders,
    receipts,
    settling,
    trading,
)
from tests.engine.ids import client_id, invoice_id
from tests.harness.actors import as_superuser
from tests.harness.tenants import Tenant, make_person, make_tenant

Row = dict[str, Any]

LAST_CHARACTER: Final = "\U0010ffff"
LONG: Final = "A summary that goes on. “Quotes”, \\ and \u2028 separators.\n" * 200
METADATA: Final = {
    "": "empty",
    "null": None,
    "number": 2.50,
    "big": 12345678901234567890123,
    "deep": {"list": [1, [], {}, "\\", "\u0001", "é🦉", {'a"b': False}]},
}


SESSION: Final = """
insert into iam.sessions (
    user_id, organisation_id, user_agent, ip_address, last_used_at, expires_at, ended_at, end_reason
)
values ($1, $2, $3, $4, now() - $5 * interval '1 day', now() + $6 * interval '1 day',
    case when $7 then now() end, case when $7 then 'SIGNED_OUT' end)
"""
DEVICE: Final = """
insert into iam.totp_devices (user_id, name, encrypted_seed, confirmed_at, created_at)
values ($1, $2, 'sealed', case when $2 = 'telephone' then now() end, clock_timestamp())
"""
SESSIONS: Final = (
    ("a browser", "192.0.2.1", 1, 29, False),
    ('a "program" \\ of sorts', None, 0, 30, False),
    (None, "2001:db8::1", 29, 1, False),
    ("ended", "192.0.2.1", 1, 29, True),
    ("expired", "192.0.2.1", 31, -1, False),
)
"""Of each owner: program, address, days since the last use and until the end, and whether it was ended."""


def _analyst(number: int, label: str, minute: int, **more: Any) -> Row:
    made = f"2025-05-01T08:{minute:02}:00.500Z"
    limits = {"connection_limit": number, "statement_timeout_ms": 100 * number}
    times = {"created_at": made, "updated_at": made, "rotated_at": made}
    return {"id": UUID(int=0xA7 << 120 | number), "label": label, **limits, **times, **more}


ANALYSTS: Final[list[Row]] = [
    _analyst(1, 'Warehouse "BI" \\', 0),
    _analyst(2, "🦉 & 'sons'", 0, valid_until="2999-12-31T23:59:59.999999Z"),
    _analyst(3, "Warehouse, formerly", 1, revoked_at="2025-06-01T00:00:00Z"),
]

SCOPE: Final = (client_id(1), client_id(4), client_id(13))
"""The clients that the member of the first organisation speaks for."""


async def open_books() -> tuple[Tenant, Tenant]:
    """The two organisations: one whose fiscal year starts in April, at the edge of the day, and an ordinary one."""
    first = await make_tenant("Kauri & Co", currency="EUR", time_zone="Pacific/Auckland", fiscal_year_start=4)
    second = await make_tenant("Bellwether Yarns", currency="USD", time_zone="America/Los_Angeles")
    await make_person(first, "member", SCOPE, name="Member of O'Hara")
    await make_person(first, "vendor", trading.VENDOR_SCOPE, name="Vendor")
    await make_person(first, "retailer", trading.RETAILER_SCOPE, name="Retailer")
    await make_person(first, "viewer", name='Viewer "V" \\')
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await _write(connection, first, CLIENTS, INVOICES)
        await _write(connection, second, CLIENTS[:3], [*INVOICES[:4], *INVOICES[25:27]])
        for tenant, other in ((first, second), (second, first)):
            await connection.execute("update iam.users set email_verified_at = now() where id = $1", tenant.owner_id)
            for table, row in comers.rows(tenant, other):
                await _insert(connection, tenant, table, row)
            for row in ANALYSTS:
                await _insert(connection, tenant, "iam.analysts", row)
            await connection.executemany(SESSION, [(tenant.owner_id, tenant.tenant_id, *each) for each in SESSIONS])
            for name in ("telephone", 'a "key" \\'):
                await connection.execute(DEVICE, tenant.owner_id, name)
        for report in ("revenue_months", "retailer_stats"):
            await connection.execute(f"refresh materialized view reports.{report}")
        await connection.execute(
            "update billing.clients set summary = 'of the other organisation' where tenant_id = $1", second.tenant_id
        )
    return first, second


async def _write(
    connection: "asyncpg.Connection[asyncpg.Record]", tenant: Tenant, clients: list[Row], invoices: list[Row]
) -> None:
    today = datetime.now(ZoneInfo(tenant.time_zone)).date()
    known = {client["id"] for client in clients}
    for number, client in enumerate(clients, 1):
        row = {"currency": tenant.currency, **client}
        if "oldest_due_in" in row:
            row["oldest_due_date"] = str(today + timedelta(days=row.pop("oldest_due_in")))
        await _insert(connection, tenant, "billing.clients", row)
        for row in _contacts(number):
            await _insert(connection, tenant, "billing.client_contacts", {**row, "client_id": client["id"]})
        for row in _notes(number):
            await _insert(connection, tenant, "billing.client_notes", {**row, "client_id": client["id"]})
    for number, invoice in enumerate(invoices, 1):
        if invoice["client_id"] not in known:
            continue
        row = {"currency": tenant.currency, **invoice}
        if "due_in" in row:
            row["due_date"] = str(today + timedelta(days=row.pop("due_in")))
        await _insert(connection, tenant, "billing.invoices", row)
        for line in _lines(number):
            belongs = {"invoice_id": invoice["id"], "client_id": invoice["client_id"]}
            await _insert(connection, tenant, "billing.invoice_lines", {**line, **belongs})
    methods = await connection.fetch(
        "select method_name, id from billing.payment_methods where tenant_id = $1", tenant.tenant_id
    )
    known_clients = {number: client_id(number) for number in range(1, len(CLIENTS) + 1) if client_id(number) in known}
    known_invoices = {int(str(invoice["id"])[-12:]): invoice["id"] for invoice in invoices}
    for table, row in receipts.rows(
        known_clients, known_invoices, {row["method_name"]: row["id"] for row in methods}, tenant.currency
    ):
        await _insert(connection, tenant, table, row)
    kept = [each for each in invoices if each["client_id"] in known]
    moved = client_entries.rows(tenant.time_zone, known)
    more = (*messages.rows(kept), *ledgers.rows(METADATA), *apps.rows(), *outsiders.rows())
    more += tuple(trading.rows(tenant.currency, whole=len(clients) == len(CLIENTS)))
    more += tuple(ordering.rows(tenant.currency, whole=len(clients) == len(CLIENTS)))
    by_name = {row["method_name"]: row["id"] for row in methods}
    more += tuple(settling.rows(by_name, tenant.currency, whole=len(clients) == len(CLIENTS)))
    for table, row in (*_recurring(kept), *more, *moved, *audit_entries.rows(tenant.owner_id)):
        await _insert(connection, tenant, table, row)
    for statement in ordering.ARCHIVE:
        await connection.execute(statement, tenant.tenant_id, ordering.ARCHIVED)


async def _insert(connection: "asyncpg.Connection[asyncpg.Record]", tenant: Tenant, table: str, row: Row) -> None:
    row = {"tenant_id": tenant.tenant_id, **row}
    columns = ", ".join(row)
    await connection.execute(
        f"insert into {table} ({columns}) select {columns} from jsonb_populate_record(null::{table}, $1::jsonb)",
        json.dumps(row, default=str),
    )


def _client(number: int, name: str, *, minute: int = 0, **more: Any) -> Row:
    created = f"2025-05-01T08:{minute:02}:00Z"
    return {"id": client_id(number), "name": name, "created_at": created, "updated_at": created, **more}


# Many share a minute, and some a name, so that only the id can tell them apart.
CLIENTS: Final[list[Row]] = [
    _client(
        1,
        "Ashdown Joinery",
        email="office@ashdown.example",
        phone="+353 1 496 0000",
        address="4 Saw Pit Lane\nUnit 2",
        city="Bray",
        state="Wicklow",
        zip_code="A98 X2Y3",
        country="IE",
        tax_id="IE6388047V",
        website="https://ashdown.example/?a=1&b='2'",
        external_ref="crm-1",
        metadata=METADATA,
        summary=LONG,
        oldest_due_in=-1,
        paid_invoices=1,
        paid_days=45,
        total_payments=3,
        total_received="100.00",
        last_payment_date="2025-04-01",
        lifetime_billed="9999999999999.99",
    ),
    _client(
        2,
        "ashdown joinery",
        email="OFFICE@ashdown.example",
        external_ref="CRM-1",
        status="INACTIVE",
        oldest_due_in=0,
        paid_invoices=2,
        paid_days=61,
    ),
    _client(
        3, "ASHDOWN JOINERY", status="ARCHIVED", payment_terms="DUE_ON_RECEIPT", external_ref="crm-2", oldest_due_in=-60
    ),
    _client(
        4,
        'O\'Hara & "Sons" \\ Ltd',
        email="office@ohara.example",
        currency="USD",
        summary="",
        minute=1,
        oldest_due_in=-61,
        lifetime_paid="-0.01",
        total_payments=1,
        total_received="0.02",
    ),
    _client(5, "Ctl\ttab\nnewline\x01\x1f\x7f", metadata={"k": "\t\x01"}, minute=1),
    _client(6, "Émile Ünïcode ß", payment_terms="NET_90", minute=1, paid_invoices=3, paid_days=270),
    _client(7, "🦉 Owl & 🧵", email="🦉@owl.example", minute=2),
    _client(8, "Zed", minute=2),
    _client(9, f"Zed{LAST_CHARACTER}", minute=2),
    _client(10, f"Zed{LAST_CHARACTER}x", currency="USD", minute=3),
    _client(11, LAST_CHARACTER, status="INACTIVE", minute=3),
    _client(12, "<script>alert(1)</script> $1 ${x} {{y}} %s ?", status="ARCHIVED", minute=3),
    _client(13, "Deleted Dairy", email="gone@dairy.example", deleted_at="2025-06-01T00:00:00Z", minute=4),
    _client(14, "İstanbul ΣΊΣΥΦΟΣ", minute=4, created_at="2025-05-01T08:00:00.500000Z"),
    _client(15, '{"a",NULL,b}', minute=4, created_at="2025-05-01T08:00:00.000001Z"),
    _client(
        16,
        "NULL",
        payment_terms="NET_15",
        oldest_due_in=1,
        paid_invoices=3,
        paid_days=46,
        created_at="1999-12-31T23:59:59.999999Z",
    ),
    _client(17, "Long " + "name " * 38 + "end", address="x" * 500, minute=5),
    _client(18, "ash%own_", deleted_at="2025-06-01T00:00:00.123Z", status="ARCHIVED", minute=5),
]


def _contacts(client: int) -> Iterable[Row]:
    """None, one or a few; those of the third client were all entered at once."""
    for number in range(client % 4):
        yield {
            "id": UUID(f"e1000000-0000-4000-8000-{client:06}{number:06}"),
            "name": ["Zoë “Z” Ó Briain", "O'Neil", "李 小龍"][number],
            "email": None if number else "zoe@example.org",
            "phone": "" if number else None,
            "role": None if number == 1 else 'Head of "Accounts"\t\\',
            "is_primary": number == 0,
            "created_at": f"2025-05-0{1 if client == 3 else 3 - number}T00:00:00Z",
            "updated_at": "2025-05-09T00:00:00.100Z",
        }


def _notes(client: int) -> Iterable[Row]:
    for number in range(client % 5):
        yield {
            "id": UUID(f"f1000000-0000-4000-8000-{client:06}{number:06}"),
            "content": f"Note {number}: they said “\\o/” and {{left}}\r\n" + "…" * number * 1000,
            "type": ["GENERAL", "FOLLOW_UP", "ISSUE", "COMPLIMENT"][number],
            "created_at": f"2025-05-01T0{number // 2}:00:00Z",
            "updated_at": "2025-05-01T00:00:00Z",
        }


def _lines(invoice: int) -> Iterable[Row]:
    """None, one, a few, or more than anybody wants to see."""
    for position in range(1, 1 + (40 if invoice == 5 else invoice % 4)):
        yield {
            "id": UUID(f"a1000000-0000-4000-8000-{invoice:06}{position:06}"),
            "position": position,
            "description": f'Line {position}: ½" board, 10% off \\ {chr(0x1F980 + position)}',
            "quantity": ["1", "0.001", "2.500", "999999999.999"][position % 4],
            "unit_price": ["0.01", "100", "0", "12.5"][position % 4],
            "discount": "0.00",
            "tax_rate": ["0", "19.00", "7.5"][position % 3],
        }


def _recurring(invoices: list[Row]) -> Iterable[tuple[str, Row]]:
    """The first invoice of each client recurs, and made the others."""
    first: dict[UUID, UUID] = {}
    for number, invoice in enumerate(invoices):
        client, created = invoice["client_id"], f"2025-05-01T0{number // 10}:00:00Z"
        row = {"id": invoice["id"], "client_id": client, "created_at": created}
        if client in first:
            row |= {"recurring_invoice_id": first[client], "period_date": f"2025-01-{number + 1:02}"}
            yield "billing.recurring_invoice_periods", row
            continue
        state = ["ACTIVE", "PAUSED", "ENDED", "ACTIVE"][len(first) % 4]
        first[client] = invoice["id"]
        row |= {
            "status": state,
            "frequency": ["MONTHLY", "WEEKLY", "YEARLY", "QUARTERLY", "MONTHLY"][len(first) % 5],
            "anchor_date": "2024-01-31",
            "period": number,
            "end_date": None if number % 2 else "9999-12-31",
            "pause_reason": 'Archived "for now" \\ \u2028' if state == "PAUSED" else None,
            "updated_at": "2025-05-09T00:00:00.100Z",
        }
        yield "billing.recurring_invoices", row


def _invoice(serial: int, client: int, state: str, issued: str, due: str | int, total: str, **more: Any) -> Row:
    """An invoice that has come as far as `state`; one of nothing is paid by its issue."""
    moment = f"{min(issued, '2025-09-01')}T08:00:00Z"
    row: Row = {
        "id": invoice_id(serial),
        "client_id": client_id(client),
        "issue_date": issued,
        "subtotal": total,
        "total": total,
        "created_at": moment,
        "updated_at": moment,
    }
    row |= {"due_in": due, "issue_date": "2025-07-01"} if isinstance(due, int) else {"due_date": due}
    if state in ("ISSUED", "VIEWED", "VOID", "DISPUTED", "WRITTEN_OFF"):
        row |= {
            "number": f"INV-{serial:04}",
            "issued_at": moment,
            "bill_from": {"name": "Us"},
            "bill_to": {"name": "X"},
        }
    if state == "VIEWED":
        row["viewed_at"] = "2025-09-02T10:11:12.131415Z"
    if state == "DISPUTED":
        row |= {"disputed_at": "2025-09-03T00:00:00Z", "dispute_reason": "“Not ours” \\"}
    if state == "WRITTEN_OFF":
        row |= {"written_off_at": "2025-09-03T00:00:00Z", "write_off_reason": "Gone\t\x07"}
    if state in ("VOID", "DISCARDED"):
        row |= {"voided_at": "2025-09-03T00:00:00Z", "void_reason": 'Typed "twice"\n\\'}
    return row | more


# Payments and credits of the last ones are in receipts.py.
# Days at both ends of a fiscal year that starts in April, of months and of quarters; due yesterday, today and tomorrow;
# amounts whose mean is half a cent, that tie, that are nothing, and that are as large as they may be.
INVOICES: Final[list[Row]] = [
    _invoice(
        1, 1, "ISSUED", "2025-04-01", "2025-04-30", "119.00", subtotal="100.00", tax_rate="19.00", tax_amount="19"
    ),
    _invoice(2, 1, "VIEWED", "2025-03-31", "2025-04-30", "119.00", notes="Thank you.\u2028\x07", terms="30 days"),
    _invoice(3, 1, "ISSUED", "2024-12-31", "2025-01-30", "0.00", template="classic", branding={"logo": "🦉"}),
    _invoice(4, 2, "DRAFT", "2025-01-01", "2025-01-31", "0.02", metadata=METADATA),
    _invoice(5, 2, "VOID", "2025-01-01", "2025-01-31", "0.02", external_ref="crm-1"),
    _invoice(6, 3, "DRAFT", "2025-04-01", "2025-04-30", "0", payment_link="https://pay.example/?q='\"\\"),
    _invoice(7, 3, "ISSUED", "2025-04-01", "2025-04-30", "9999999999999.99"),
    _invoice(8, 4, "ISSUED", "2025-06-30", "2025-07-30", "0.03", currency="USD"),
    _invoice(9, 4, "ISSUED", "2025-07-01", 0, "0.02", currency="USD"),
    _invoice(10, 4, "ISSUED", "2025-07-01", -1, "0.03", currency="USD"),
    _invoice(11, 4, "VIEWED", "2025-07-31", -1, "250.00", currency="EUR", subtotal="260.01", discount="10.01"),
    _invoice(12, 13, "VIEWED", "2026-03-31", "2026-04-30", "77.77"),
    _invoice(13, 13, "ISSUED", "2025-07-01", 1, "77.77"),
    _invoice(14, 18, "ISSUED", "2025-07-01", -1, "0.01"),
    _invoice(15, 7, "ISSUED", "2000-02-29", "2000-03-30", "1.00"),
    _invoice(16, 7, "ISSUED", "2025-04-01", "9999-12-31", "100.00"),
    _invoice(17, 8, "ISSUED", "2025-04-01", "2025-04-30", "0.00"),
    _invoice(18, 8, "DRAFT", "2025-12-31", "2026-01-30", "10.00", currency="USD"),
    _invoice(19, 9, "VIEWED", "2026-01-01", "2026-01-31", "3333333333333.33"),
    _invoice(20, 9, "VIEWED", "2026-01-31", "2026-03-02", "3333333333333.34"),
    _invoice(21, 9, "VIEWED", "2026-01-15", "2026-02-14", "0.00"),
    _invoice(22, 12, "DISCARDED", "2026-02-28", "2026-03-30", "119.00"),
    _invoice(23, 16, "ISSUED", "2026-02-28", "2026-03-30", "119.00", external_ref="öre-ø\\", number="inv-0001"),
    _invoice(24, 16, "ISSUED", "2026-02-28", "2026-03-30", "119.00", number="Inv-0001"),
    _invoice(25, 4, "ISSUED", "1900-01-01", "1900-01-01", "119.00", number="INV-\U0010ffff"),
    _invoice(26, 1, "VIEWED", "2025-07-01", -1, "200.00", paid_amount="80", payment_count=2, partial_payment_count=2),
    _invoice(27, 1, "ISSUED", "2025-07-01", "2025-08-31", "139.00", paid_amount="120", credited="19.00",
             payment_count=2, last_payment_date="2025-04-01", settled_on="2025-08-15"),
    _invoice(28, 4, "DISPUTED", "2025-04-01", "2025-04-30", "50.00", currency="USD"),
    _invoice(29, 4, "WRITTEN_OFF", "2025-04-01", "2025-04-30", "40.00", currency="USD", paid_amount="10.00",
             written_off="30.00", payment_count=1, partial_payment_count=1, last_payment_date="2000-02-29"),
    _invoice(30, 2, "ISSUED", "2025-07-01", 0, "60.00", credited="20.00"),
    _invoice(31, 13, "ISSUED", "2025-07-01", -61, "9999999999999.99", paid_amount="0.01", payment_count=1,
             partial_payment_count=1, last_payment_date="2025-07-02"),
]  # fmt: skip
