"""What PostgreSQL keeps for all at once, and knows no organisations: sequences, channels and advisory locks. Ours say
nothing of anybody and hold up nobody."""

import asyncio
import re
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from tests.database.isolation import OURS, REFUSED
from tests.harness.actors import as_analyst, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_invoice

SQL: Final = Path(__file__).parents[2] / "sql"
CHANNEL: Final = "countinghouse_work"


async def test_nothing_of_an_organisation_is_numbered_for_all() -> None:
    """Attack 15: a sequence would tell one organisation of the business of others."""
    async with as_superuser() as connection:
        where = f"pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'S' and {OURS}"
        # Jobs of the house, which no tenant comes near.
        assert {row[0] for row in await connection.fetch(f"select nspname::text from {where}")} <= {"pgqueuer"}


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_nobody_counts_the_jobs_of_the_house(entrance: Any, tenant: Tenant) -> None:
    """Attack 15."""
    async with as_superuser() as superuser:
        found = await superuser.fetch("select oid::regclass::text from pg_class where relkind = 'S'")
    assert found
    async with entrance(tenant) as connection:
        for [sequence] in found:
            for asking in ("select nextval('{}')", "select last_value from {}", "select setval('{}', 1)"):
                with pytest.raises(REFUSED):
                    await connection.execute(asking.format(sequence))
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await connection.execute("select lastval()")


async def test_two_organisations_number_their_invoices_alike(tenant: Tenant, other_tenant: Tenant) -> None:
    """Attack 15."""
    numbers = set()
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            invoice = await new_invoice(connection)
            numbers.add(await connection.fetchval("select number from billing.invoices where id = $1", invoice))
    assert len(numbers) == 1


async def test_what_the_worker_is_told_is_empty(tenant: Tenant, other_tenant: Tenant) -> None:
    """Attack 24: whoever listens hears that something happened, and not what or to whom."""
    texts = "".join(path.read_text(encoding="utf-8") for path in SQL.rglob("*.sql"))
    said = re.findall(r"(?im)pg_notify\([^;]*;|^\s*notify\s+\w+\s*[,;].*$", texts)
    assert said == [f"pg_notify('{CHANNEL}', '');"]
    heard: list[str] = []
    async with as_tenant(other_tenant) as listener, as_tenant(tenant) as connection:
        await listener.add_listener(CHANNEL, lambda *given: heard.append(given[-1]))
        invoice = str(await new_invoice(connection))
        await call(connection, "billing.recurring_invoice_set", id=invoice, frequency="WEEKLY", next_date="2199-01-01")
        for _ in range(600):
            if heard:
                break
            await asyncio.sleep(0.05)
    assert set(heard) == {""}


async def test_no_lock_has_a_number_that_others_could_take(tenant: Tenant) -> None:
    """Attack 25: whoever is somebody takes no advisory lock, and no function takes one for them."""
    async with as_superuser() as connection:
        taking = f"""
            select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = pronamespace
            where {OURS} and nspname <> 'pgqueuer' and prosrc ~ 'advisory_(xact_)?lock'
        """
        assert await connection.fetch(taking) == []
    for entrance in (as_tenant, as_analyst):
        async with entrance(tenant) as somebody:
            for name in ("advisory_lock", "advisory_xact_lock", "try_advisory_lock", "advisory_lock_shared"):
                with pytest.raises(REFUSED):
                    await somebody.execute(f"select pg_{name}(4027001500)")
