"""Orders to which nothing has happened for years, and their archive."""

from typing import Final
from uuid import UUID

from tests.harness.actors import as_superuser, as_tenant
from tests.harness.tenants import Tenant

ARCHIVE: Final = "select trade.archive()"
YEARS: Final = "2 years 1 day"
AGE: Final = """
    update {} set created_at = created_at - $2::text::interval, updated_at = updated_at - $2::text::interval
    where {} = any ($1)
"""


async def aged(*order_ids: UUID, by: str = YEARS) -> None:
    """Have nothing have happened to these orders for so long: past the triggers, which know no other time than now."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        for table, column in (("trade.order_items", "order_id"), ("trade.orders", "id")):
            await connection.execute(AGE.format(table, column), list(order_ids), by)


async def archived(tenant: Tenant) -> set[UUID]:
    """Have the worker archive what it finds; what then is archived."""
    async with as_tenant(tenant, "worker") as working:
        while await working.fetchval(ARCHIVE):
            pass
        return {row[0] for row in await working.fetch("select id from trade.archived_orders")}
