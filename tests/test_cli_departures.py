"""`tenant list`, `suspend`, `resume`, `export` and `offboard`, as the operator of the house runs them."""

import asyncio
import json
import os
import secrets
import signal
from pathlib import Path
from typing import Final

import pytest

from gql.settings import Settings
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.command_line import PROGRAM, Outcome, countinghouse, environment, on_a_terminal
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import new_client, new_invoice

LONG_AGO: Final = "update iam.tenants set suspended_at = now() - interval '1 minute' where id = $1"
"""Before servers forget."""


async def run(settings: Settings, *arguments: str | Path) -> Outcome:
    return await countinghouse("tenant", *arguments, env=environment(settings))


def way_out_of(tenant: Tenant, directory: Path) -> list[str]:
    return ["offboard", tenant.slug, "--export", str(directory), "--confirm", tenant.slug]


async def is_there(tenant: Tenant) -> bool:
    async with as_superuser() as connection:
        return bool(await connection.fetchval("select count(*) from iam.tenants where id = $1", tenant.tenant_id))


async def suspend_long_ago(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await connection.execute(LONG_AGO, tenant.tenant_id)


@pytest.fixture
async def trading() -> Tenant:
    """An organisation with an invoice."""
    tenant = await make_tenant("Quiet Harbour")
    async with as_tenant(tenant) as connection:
        await new_invoice(connection)
    return tenant


def inside(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_organisations_are_listed_with_the_size_of_their_books(trading: Tenant, settings: Settings) -> None:
    assert (await run(settings, "suspend", trading.slug, "--reason", "Unpaid")).status == 0
    outcome = await run(settings, "list", "--json")
    told = next(each for each in json.loads(outcome.out) if each["slug"] == trading.slug)
    assert (told["invoices"], told["ledgerEntries"], told["people"], told["suspendReason"]) == (1, 2, 1, "Unpaid")
    assert told["suspendedAt"]
    lines = (await run(settings, "list")).out.splitlines()
    line = next(line for line in lines if line.startswith(f"{trading.slug}\t"))
    assert line.split("\t")[3:6] == ["1", "1", "2"]
    assert line.split("\t")[6].endswith(": Unpaid")
    assert (line.split("\t")[7], told["offboardRequestedAt"]) == ("", None)
    async with as_superuser() as connection:
        await connection.execute(
            "update iam.tenants set offboard_requested_at = '2026-11-02' where id = $1", trading.tenant_id
        )
    assert f"{trading.slug}\t" in (asked := (await run(settings, "list")).out)
    assert next(line for line in asked.splitlines() if line.startswith(f"{trading.slug}\t")).endswith("\t2026-11-02")


async def test_suspending_and_resuming_are_told_and_refused_where_they_make_no_sense(
    trading: Tenant, settings: Settings
) -> None:
    outcome = await run(settings, "suspend", trading.slug, "--reason", "Unpaid")
    assert outcome.status == 0
    assert f"{trading.slug} is suspended." in outcome.out
    outcome = await run(settings, "suspend", trading.slug, "--reason", "Unpaid")
    assert (outcome.status, outcome.err) == (1, "countinghouse: This organisation is suspended already.\n")
    assert (await run(settings, "resume", trading.slug)).status == 0
    outcome = await run(settings, "resume", trading.slug)
    assert (outcome.status, outcome.err) == (1, "countinghouse: This organisation is not suspended.\n")
    for command in (["resume"], ["suspend", "--reason", "x"], ["export", "--output", "x"], ["offboard"]):
        outcome = await run(settings, *command, "nobody-is-called-so")
        assert outcome.status == 1
        assert "There is no organisation" in outcome.err


async def test_an_export_is_told_in_a_pipe_and_shown_on_a_terminal(
    trading: Tenant, settings: Settings, tmp_path: Path
) -> None:
    outcome = await run(settings, "export", trading.slug, "--output", tmp_path / "one", "--format", "csv")
    assert (outcome.status, outcome.err) == (0, "")
    assert f"Exported {trading.slug} as of" in outcome.out
    assert {Path(name).suffix for name in inside(tmp_path / "one")} == {".csv", ".json"}
    shown = await on_a_terminal(
        "tenant", "export", trading.slug, "--output", tmp_path / "two", env=environment(settings)
    )
    assert "Exporting rows" in shown
    assert "manifest.json" in inside(tmp_path / "two")
    again = await run(settings, "export", trading.slug, "--output", tmp_path / "one")
    assert again.status == 2
    assert "is there already" in again.err


async def test_an_export_that_is_killed_has_no_manifest_and_not_its_name(
    trading: Tenant, settings: Settings, tmp_path: Path
) -> None:
    """It is held up by a lock, in the middle."""
    async with as_superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("lock table billing.invoices in access exclusive mode")
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *("tenant", "export", trading.slug, "--output", str(tmp_path / "out")),
            env=environment(settings),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while not inside(tmp_path):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await transaction.rollback()
    [unfinished] = inside(tmp_path)
    assert unfinished.endswith(".unfinished")
    assert "manifest.json" not in inside(tmp_path / unfinished)


async def test_without_confirmation_it_only_says_what_would_go(
    trading: Tenant, settings: Settings, tmp_path: Path
) -> None:
    outcome = await run(settings, "offboard", trading.slug)
    assert outcome.status == 0
    assert "           1  billing.invoices" in outcome.out
    assert "           1  accounts of people who belong nowhere else" in outcome.out
    assert "Nothing was changed" in outcome.out
    for arguments in (
        ["--export", str(tmp_path / "out"), "--confirm", "another"],
        ["--confirm", trading.slug],
    ):
        outcome = await run(settings, "offboard", trading.slug, *arguments)
        assert outcome.status == 2
        assert "Nothing was changed." in outcome.err
    async with as_superuser() as connection:
        assert (
            await connection.fetchval("select suspended_at from iam.tenants where id = $1", trading.tenant_id) is None
        )
    assert inside(tmp_path) == []


async def test_the_whole_way_from_an_open_organisation_and_back_to_an_empty_one(
    trading: Tenant, settings: Settings, tmp_path: Path
) -> None:
    way_out = way_out_of(trading, tmp_path / "out")
    outcome = await run(settings, *way_out)
    assert (outcome.status, outcome.err) == (0, "")
    assert f"{trading.slug} is gone:" in outcome.out
    assert not await is_there(trading)
    outcome = await run(settings, *way_out)
    assert outcome.status == 0
    assert "it was removed before" in outcome.out
    profile = ["--slug", trading.slug, "--name", trading.name, "--owner-email", trading.owner_email]
    made = json.loads((await run(settings, "create", *profile, "--json")).out)
    assert made["id"] != str(trading.tenant_id)
    assert "password" in made, "the account is a new one"
    outcome = await run(settings, "offboard", trading.slug)
    assert "billing.invoices" not in outcome.out


async def test_a_killed_offboarding_is_gone_on_with(trading: Tenant, settings: Settings, tmp_path: Path) -> None:
    """Killed while it deletes, held up by a lock: nothing has gone. The same command does the rest."""
    way_out = way_out_of(trading, tmp_path / "out")
    await suspend_long_ago(trading)
    async with as_superuser() as connection, as_superuser() as looking:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("lock table ledger.transfers in share mode")
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "tenant", *way_out, env=environment(settings), stdout=asyncio.subprocess.DEVNULL
        )
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like 'delete from%'"
        async with asyncio.timeout(30):
            while not await looking.fetchval(waiting):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await transaction.rollback()
    assert await is_there(trading)
    exported = (tmp_path / "out" / "manifest.json").read_bytes()
    outcome = await run(settings, *way_out)
    assert (outcome.status, outcome.err) == (0, "")
    assert "Exported" not in outcome.out, "the export was there already"
    assert (tmp_path / "out" / "manifest.json").read_bytes() == exported
    assert not await is_there(trading)


async def test_an_export_that_does_not_fit_stops_it(trading: Tenant, settings: Settings, tmp_path: Path) -> None:
    assert (await run(settings, "export", trading.slug, "--output", tmp_path / "out")).status == 0
    async with as_tenant(trading) as connection:
        await new_client(connection, f"Late {secrets.token_hex(4)}")
    await suspend_long_ago(trading)
    way_out = way_out_of(trading, tmp_path / "out")
    outcome = await run(settings, *way_out)
    assert outcome.status == 1
    assert "it was taken too early" in outcome.err
    path = tmp_path / "out" / "billing.invoices.jsonl"
    path.write_bytes(path.read_bytes() + b"{}\n")
    outcome = await run(settings, *way_out)
    assert outcome.status == 1
    assert "is not what was exported" in outcome.err
    assert await is_there(trading)
