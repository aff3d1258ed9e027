"""Commands that change much are killed in the middle, or the database is: run again, they do the rest, and once."""

import asyncio
import csv
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from gql.imports.online_retail import HEADINGS
from tests.adversity.victims import HELD, Cluster
from tests.database.pooling import until
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.command_line import PROGRAM, Outcome, countinghouse, environment
from tests.harness.postgres import the_database
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.thoroughness import IS_THOROUGH
from tests.harness.verbs import call, new_invoice
from tests.ledger.books import wrong

PATIENCE: Final = 60.0
INVOICES: Final = 220
"""In three batches, the last of them small; and a cancellation for every fiftieth."""
PRICE: Final = "3.39"
AT_A_LOCK: Final = "wait_event_type = 'Lock'"
WHAT_CAME: Final = """
    select number, external_ref, total from billing.invoices
    union all
    select number, external_ref, total from billing.credit_notes
    order by 1
"""


@asynccontextmanager
async def begun(cluster: Cluster, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, under way; killed at the end if it is not over."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *arguments,
        env=environment(cluster.settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(cluster: Cluster, *arguments: str) -> Outcome:
    return await countinghouse(*arguments, env=environment(cluster.settings))


async def stands(which: str, user: str = "countinghouse_api") -> bool:
    await asyncio.sleep(0.02)
    async with as_superuser() as connection:
        found: bool = await connection.fetchval(
            f"select exists (select from pg_stat_activity where usename = $1 and {which})", user
        )
    return found


@asynccontextmanager
async def locked(table: str) -> AsyncIterator[None]:
    """Nobody can write there in the body. Whoever kills PostgreSQL ends that, too."""
    connection = await asyncpg.connect((await the_database()).admin_url)
    try:
        await connection.execute(f"begin; lock table {table} in share mode")
        yield
    finally:
        connection.terminate()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sales, and cancellations of some of them."""
    path = tmp_path_factory.mktemp("imported") / "sales.csv"
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(HEADINGS)
        for number in range(INVOICES):
            writer.writerow(row(f"{700_000 + number}", number, 1 + number % 9))
        for number in range(0, INVOICES, 50):
            writer.writerow(row(f"C{800_000 + number}", number, -1))
    return path


def row(invoice: str, number: int, quantity: int) -> list[Any]:
    goods = (f"{10 + number}", "TIN LANTERN", quantity, "2/28/2011 8:05", PRICE)
    return [invoice, *goods, 20_000 + number % 30, "United Kingdom"]


async def came(tenant: Tenant) -> list[tuple[Any, ...]]:
    async with as_tenant(tenant) as connection:
        assert await wrong(connection) == []
        return [tuple(row) for row in await connection.fetch(WHAT_CAME)]


async def test_an_import_that_is_killed_again_and_again_brings_everything_once(
    on_it: None, cluster: Cluster, file: Path
) -> None:
    tenant = await make_tenant("Interrupted")
    command = ("import", "online-retail", str(file), "--tenant", tenant.slug)
    # PostgreSQL is killed in the middle of a batch: none of it is there, or the server did it again by itself.
    async with locked("billing.invoice_lines"), begun(cluster, *command) as process:
        await until(lambda: stands(AT_A_LOCK), "it is in the middle of a batch", PATIENCE)
        assert await cluster.kill_one(AT_A_LOCK)
        process.kill()
        await process.wait()
    assert len(await came(tenant)) < INVOICES
    # A batch is committed, and it was not told.
    async with cluster.answers_held(), begun(cluster, *command) as process:
        await until(lambda: stands(HELD), "a batch is committed", PATIENCE)
        process.kill()
        await process.wait()
    assert 0 < len(await came(tenant)) < INVOICES
    # The invoices are there, and a credit note is not.
    async with locked("billing.credit_notes"), begun(cluster, *command) as process:
        await until(lambda: stands(AT_A_LOCK), "it has come to the cancellations", PATIENCE)
        process.kill()
        await process.wait()
    assert len(await came(tenant)) == INVOICES
    outcome = await run(cluster, *command, "--json")
    assert outcome.status == 0, outcome.err
    assert json.loads(outcome.out)["invoices"] == INVOICES
    notes, invoices = (list(each) for _, each in groupby(await came(tenant), lambda row: row[0].startswith("INV")))
    assert [row[0] for row in invoices] == [f"INV-{number:06}" for number in range(1, INVOICES + 1)]
    assert {row[1:] for row in invoices} == {
        (f"online-retail:{700_000 + number}", (1 + number % 9) * Decimal(PRICE)) for number in range(INVOICES)
    }
    assert [row[0] for row in notes] == [f"CN-{number:06}" for number in range(1, len(notes) + 1)]
    assert {row[1] for row in notes} == {f"online-retail:C{800_000 + number}" for number in range(0, INVOICES, 50)}


async def test_an_offboarding_that_is_killed_has_done_all_or_nothing(
    on_it: None, cluster: Cluster, tmp_path: Path
) -> None:
    tenant = await make_tenant("Quiet Harbour")
    async with as_tenant(tenant) as connection:
        await new_invoice(connection)
    async with as_superuser() as connection:
        await call(connection, "iam.tenant_suspend", slug=tenant.slug, reason="Leaving")
        await connection.execute(
            "update iam.tenants set suspended_at = now() - interval '1 minute' where id = $1", tenant.tenant_id
        )
    command = ("tenant", "offboard", tenant.slug, "--export", str(tmp_path / "out"), "--confirm", tenant.slug)
    # PostgreSQL is killed while everything goes.
    async with locked("ledger.transfers"), begun(cluster, *command) as process:
        await until(lambda: stands(AT_A_LOCK, "postgres"), "it is in the middle", PATIENCE)
        assert await cluster.kill_one(AT_A_LOCK, "postgres")
        _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith("countinghouse: "), said.decode()
    assert len(said.decode().splitlines()) == 1
    assert await is_there(tenant)
    # All is gone, and it was not told.
    async with cluster.answers_held(), begun(cluster, *command) as process:
        await until(lambda: stands(HELD, "postgres"), "it is committed", PATIENCE)
        process.kill()
        await process.wait()

    async def is_gone() -> bool:  # for others only once nobody is waited for any more
        return not await is_there(tenant)

    await until(is_gone, "it is gone", PATIENCE)
    outcome = await run(cluster, *command)
    assert (outcome.status, outcome.err) == (0, "")
    assert "it was removed before" in outcome.out


async def is_there(tenant: Tenant) -> bool:
    async with as_superuser() as connection:
        return bool(await connection.fetchval("select count(*) from iam.tenants where id = $1", tenant.tenant_id))


async def killed_or_ended(cluster: Cluster, after: float) -> int:
    """How a demo ends that is killed after so many seconds, if it takes so long."""
    async with begun(cluster, "demo", "--json") as process:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), after)
        if process.returncode is None:
            process.kill()
        return await process.wait()


@pytest.mark.skipif(not IS_THOROUGH, reason="the demo takes its time; usual runs interrupt it inside of their process")
async def test_a_demo_that_is_killed_again_and_again_is_the_same_in_the_end(on_it: None, cluster: Cluster) -> None:
    ended = [await killed_or_ended(cluster, after) for after in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)]
    assert -signal.SIGKILL in ended
    outcome = await run(cluster, "demo", "--json")
    assert (outcome.status, outcome.err) == (0, "")
    again = await run(cluster, "demo", "--json")
    told, told_again = json.loads(outcome.out), json.loads(again.out)
    for first, second in zip(told["organisations"], told_again["organisations"], strict=True):
        for person in (*first["users"], *second["users"]):
            del person["accessToken"], person["expiresAt"]
        assert first == second
    doctor = await run(cluster, "doctor")
    assert "Books that balance, and audit logs whose seals hold" in doctor.out
