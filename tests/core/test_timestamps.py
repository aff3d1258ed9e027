"""created_at, created_by and updated_at: sql/core/timestamps.sql."""

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person
from tests.harness.verbs import call, new_client, the_row


async def test_a_row_knows_who_made_it_and_when_it_last_changed(tenant: Tenant) -> None:
    person = await make_person(tenant, "operator")
    async with as_tenant(tenant, "operator", user_id=person.user_id) as connection:
        client_id = await new_client(connection)
        made = await the_row(connection, "billing.clients", client_id)
    async with as_tenant(tenant) as connection:
        await call(connection, "billing.client_update", id=client_id, city="Ely")
        changed = await the_row(connection, "billing.clients", client_id)
    assert made["created_at"] == made["updated_at"]
    assert changed["updated_at"] > made["updated_at"]
    assert changed["created_at"] == made["created_at"]
    assert changed["created_by"] == made["created_by"] == person.user_id


async def test_nobody_rewrites_who_made_a_row_and_when(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        client_id = await new_client(connection)
        made = await the_row(connection, "billing.clients", client_id)
        await connection.execute(
            "update billing.clients set created_at = '2000-01-01', created_by = null, updated_at = '2000-01-01'"
        )
        changed = await the_row(connection, "billing.clients", client_id)
    assert (changed["created_at"], changed["created_by"]) == (made["created_at"], made["created_by"])
    assert changed["updated_at"] >= made["updated_at"]


async def test_every_table_says_when_its_rows_were_made_and_those_that_change_when_they_did() -> None:
    async with as_superuser() as connection:
        rows = await connection.fetch(
            """
            select c.oid::regclass::text as name,
                   array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0) as columns,
                   exists (select from pg_trigger where tgrelid = c.oid and tgname = 'touch') as touched
            from pg_class c
            where relnamespace::regnamespace::text in ('billing', 'ledger', 'iam', 'trade') and relkind = 'r'
            """
        )
    lacking = {row["name"] for row in rows if not {"created_at", "created_by"} <= set(row["columns"])}
    assert lacking == set()
    unchanging = {row["name"] for row in rows if not row["touched"] or "updated_at" not in row["columns"]}
    assert unchanging == {
        "billing.invoice_lines",
        "billing.client_entries",
        "billing.credit_note_lines",
        "billing.payment_refunds",
        "billing.recurring_invoice_periods",
        "iam.offboardings",
        "trade.archived_order_items",
        "trade.archived_orders",
        "trade.credit_entries",
        "trade.credit_scores",
        "trade.message_packs",
        "trade.retailer_payment_allocations",
        "ledger.transfers",
        "ledger.entries",
        "iam.house_log",
    }
