"""What those share who walk through the house: two organisations with a row in every table, and all that a connection
can read.

Nothing is named but what fills the tables, so that the next noun is walked through as well: an empty table fails a test
until it is filled.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from tests.harness.actors import as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import keep_answer
from tests.trade.archiving import aged, archived
from tests.trade.packing import packed, sent

OURS: Final = "nspname !~ '^pg_' and nspname not in ('information_schema', 'public')"
RELATIONS: Final = f"""
    select format('%I.%I', nspname, relname) as name, relkind::text as kind, relispartition as is_partition,
        array(select attname::text from pg_catalog.pg_attribute
            where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum) as columns,
        array(select attname::text from pg_catalog.pg_attribute
            where attrelid = c.oid and attnum > 0 and not attisdropped
                and pg_catalog.has_column_privilege(c.oid, attnum, 'select') order by attnum) as readable
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
    where {OURS} and relkind in ('r', 'p', 'v', 'm') order by 1
"""
REFUSED: Final = asyncpg.InsufficientPrivilegeError


@dataclass(frozen=True, slots=True)
class Filled:
    """An organisation with a row in every table, and all its rows by table."""

    tenant: Tenant
    client_ids: tuple[UUID, UUID]
    vendor_ids: tuple[UUID, UUID]
    retailer_ids: tuple[UUID, UUID]
    rows: dict[str, list[dict[str, Any]]]

    @property
    def ids(self) -> set[str]:
        return {row["id"] for rows in self.rows.values() for row in rows if row.get("id")}

    def marks(self, other: "Filled") -> set[str]:
        """Every id and text that is in this organisation's rows and not in the other's."""
        return texts(self.rows) - texts(other.rows)


def texts(value: Any) -> set[str]:
    """Every text in the value that is long enough to be somebody's own."""
    if isinstance(value, dict):
        return set().union(*map(texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(texts, value))
    return {value} if isinstance(value, str) and len(value) > 8 and not re.match(r"\d{4}-\d\d-\d\d", value) else set()


async def rows_of(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    """All rows of the organisation, by table."""
    async with as_superuser() as connection:
        rows = {}
        for relation in await connection.fetch(RELATIONS):
            if relation["kind"] in ("r", "p") and not relation["is_partition"] and "tenant_id" in relation["columns"]:
                found = await connection.fetch(
                    f"select to_jsonb(t) from {relation['name']} t where tenant_id = $1 order by 1", tenant.tenant_id
                )
                rows[relation["name"]] = [json.loads(row[0]) for row in found]
        return rows


async def fill(name: str) -> Filled:
    """A new organisation, entered through the verbs."""
    tenant = await make_tenant(name)
    async with as_tenant(tenant) as connection:

        async def call(function: str, **facts: Any) -> UUID:
            made = await connection.fetchval(f"select {function}($1::jsonb)", json.dumps(facts))
            assert isinstance(made, UUID)
            return made

        today = str(await connection.fetchval("select core.today()"))
        clients, recurring, vendors, retailers, old_orders = [], [], [], [], []
        for ordinal in ("first", "second"):
            of = f"{ordinal} client of {tenant.slug}"
            client_id = await call("billing.client_create", name=f"The {of}", email=f"{ordinal}@{tenant.slug}.example")
            about = {"client_id": str(client_id)}
            await call("billing.client_contact_create", **about, name=f"Contact at the {of}")
            await call("billing.client_note_create", **about, content=f"Note about the {of}")
            line = {"description": f"Work for the {of}", "quantity": "2", "unit_price": "10.00"}
            invoice_id = await call("billing.invoice_create", **about, lines=[line])
            await call("billing.invoice_issue", id=str(invoice_id))
            payment_id = await call(
                "billing.payment_record",
                **about,
                method="BANK_TRANSFER",
                amount="15.00",
                status="CONFIRMED",
                reference=f"Reference of the {of}",
                allocations=[{"invoice_id": str(invoice_id), "amount": "12.00"}],
            )
            await call("billing.payment_refund", id=str(payment_id), amount="1.00", reason=f"Refund to the {of}")
            await call("billing.invoice_credit_note", id=str(invoice_id), amount="5.00", reason=f"Credit to the {of}")
            await call("billing.invoice_send", id=str(invoice_id), greeting=f"Greetings to the {of}")
            await call("billing.recurring_invoice_set", id=str(invoice_id), frequency="MONTHLY", next_date=today)
            recurring.append(invoice_id)
            clients.append(client_id)
        for ordinal in ("first", "second"):
            of = f"{ordinal} of {tenant.slug}"
            code = f"{ordinal}-of-{tenant.slug}"[:50]
            vendor_id = await call("trade.vendor_create", vendor_code=code, name=f"Vendor {of}")
            await call("trade.vendor_approve", id=str(vendor_id))
            retailer_id = await call("trade.retailer_create", retailer_code=code, name=f"Retailer {of}")
            parties = {"retailer_id": str(retailer_id), "vendor_id": str(vendor_id)}
            line_id = await call("trade.credit_line_set", **parties, credit_limit="100.00")
            product_id = await call("trade.product_create", product_code=code, name=f"Product {of}")
            offer = {"vendor_id": str(vendor_id), "product_id": str(product_id), "sku": code, "vendor_price": "9.50"}
            offer_id = await call("trade.vendor_product_set", **offer)
            await call("trade.stock_receive", id=str(offer_id), quantity=5, note=f"Delivery of the {of}")
            item = {"vendor_product_id": str(offer_id), "quantity": 2}
            order_id = await call(
                "trade.order_create", **parties, items=[item], metadata={"note": f"Order of the {of}"}
            )
            for verb in ("place", "confirm", "ship", "deliver"):
                await call(f"trade.order_{verb}", id=str(order_id))
            old = {"note": f"Old order of the {of}"}
            old_id = await call("trade.order_create", **parties, items=[item], metadata=old)
            await call("trade.order_cancel", id=str(old_id), reason=f"Too late for the {of}")
            old_orders.append(old_id)
            transfer = {"method": "BANK_TRANSFER", "transaction_id": f"Transfer of the {of}"}
            await call("trade.retailer_payment_record", **parties, **transfer, amount="7.00")
            adjusted = {"credit_line_id": str(line_id), "kind": "DEBIT", "amount": "0.50"}
            await call("trade.credit_adjust", **adjusted, reason=f"Adjustment of the {of}")
            numbers = {"from_number": "+254700000001", "to_number": "+254700000002", "direction": "INBOUND"}
            await call("trade.message_ingest", **numbers, message_id=f"Message of the {of}", body=f"Words of the {of}")
            await call("trade.message_ingest", **sent(f"Old words to the {of}"))
            if ordinal == "second":
                await call("trade.vendor_suspend", id=str(vendor_id), reason=f"The {of} is late")
            vendors.append(vendor_id)
            retailers.append(retailer_id)
        await call("iam.invite_create", address=f"invited@{tenant.slug}.example", role="viewer")
        known = {"secret_hash": hashlib.sha256(tenant.slug.encode()).hexdigest(), "hint": tenant.slug[-4:]}
        await call("iam.app_create", name=f"App of {tenant.slug}", scopes=["billing:read"], **known)
        issuer_id = await call(
            "iam.trusted_issuer_create", name=f"Login of {tenant.slug}", issuer=f"https://{tenant.slug}.example"
        )
        await call("iam.analyst_create", label=f"Analyst of {tenant.slug}")
        channel = {"encrypted_secret": f"Secret of {tenant.slug}", "verify_hash": "ab" * 32}
        await call("iam.message_channel_create", phone_number="+254700000002", **channel)
        await keep_answer(connection, f"key of {tenant.slug}".replace(" ", "-"), f"Answer to {tenant.slug}")
    await aged(*old_orders)
    assert await archived(tenant) == set(old_orders)
    assert len(await packed(tenant)) == 2
    async with as_tenant(tenant, "worker") as connection:
        for invoice_id in recurring:
            await connection.execute("select billing.recurring_invoice_make($1)", invoice_id)
        await connection.execute("select trade.credit_scores_make()")
        await connection.execute("select core.audit_seal()")
    async with as_owner(tenant) as connection:
        await connection.execute("select ledger.hold(id, 'UP', 1) from ledger.accounts where owner_id is not null")
    async with as_superuser() as connection:
        asks = f"asks@{tenant.slug}.example"
        person = await connection.fetchval(
            "insert into iam.users (email, name, email_verified_at) values ($1, $2, now()) returning id",
            asks,
            f"Somebody who asks {tenant.slug}",
        )
        await connection.execute("select iam.join_request_create($1, $2, $3)", person, tenant.slug, f"From {asks}")
    async with as_nobody() as connection:
        someone = (tenant.tenant_id, issuer_id, uuid4(), f"Subject of {tenant.slug}", f"Person of {tenant.slug}")
        await connection.execute(
            "select * from iam.external_context($1, $2, $3, $4, $5, null, array['viewer'], '{}')", *someone
        )
    await refresh_reports()
    rows = await rows_of(tenant)
    return Filled(tenant, _pair(clients), _pair(vendors), _pair(retailers), rows)


def _pair(ids: list[UUID]) -> tuple[UUID, UUID]:
    one, other = ids
    return one, other


async def refresh_reports() -> None:
    """Reckon every materialized view anew."""
    async with as_superuser() as connection:
        for relation in await connection.fetch(RELATIONS):
            if relation["kind"] == "m":
                await connection.execute(f"refresh materialized view {relation['name']}")


async def readable(connection: asyncpg.Connection) -> dict[str, list[dict[str, Any]]]:
    """All that this connection can read, by relation, in an order that no plan changes."""
    found = {}
    for relation in await connection.fetch(RELATIONS):
        if columns := ", ".join(relation["readable"]):
            asked = f"select to_jsonb(t) from (select {columns} from {relation['name']}) t order by 1"
            found[relation["name"]] = [json.loads(row[0]) for row in await connection.fetch(asked)]
    return found
