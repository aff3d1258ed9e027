"""`tenant export` and `tenant offboard`: everything of one organisation taken out, and taken away."""

import asyncio
import getpass
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal
from uuid import UUID

import asyncpg
import typer

from gql.cli.callers import no_such_organisation
from gql.cli.console import CommandFailed, progress_bar, say
from gql.cli.databases import Addresses, admin_connection, the_database, the_settings

if TYPE_CHECKING:
    from gql.tenants.manifest import Manifest
    from gql.tenants.offboarding import Belongings, Removed

TENANT: Final = "select id, name, suspended_at from iam.tenants where slug = $1"
REASON: Final = "Leaving"
ALL_HAVE_FORGOTTEN: Final = timedelta(seconds=11)
"""Servers remember for ten seconds what a person may do. Only then nobody tries to work in a role that is gone."""
Form = Literal["jsonl", "csv", "both"]


def export(
    slug: Annotated[str, typer.Argument(help="The organisation, by its short name.")],
    output: Annotated[Path, typer.Option(help="The directory to write, which must be empty or not there yet.")],
    form: Annotated[Form, typer.Option("--format", help="JSON lines, CSV, or both.")] = "both",
) -> None:
    """Take out everything of one organisation, as it is now: a file a table, and a manifest with checksums."""
    # A database of another version too: one exports from it.
    with the_database(the_settings(), load=False) as addresses:
        manifest = asyncio.run(_export(addresses, slug, output, form))
    _say_exported(manifest, output)


def offboard(
    slug: Annotated[str, typer.Argument(help="The organisation, by its short name.")],
    export_to: Annotated[
        Path | None, typer.Option("--export", help="Where its export goes, or lies already; needed with --confirm.")
    ] = None,
    confirm: Annotated[str | None, typer.Option(help="The short name again: without it nothing is changed.")] = None,
) -> None:
    """Remove an organisation for good: suspend it, take everything out, and take everything away.

    Without --confirm it only says what would go. If it is interrupted, run it again.
    """
    if confirm is not None and confirm != slug:
        raise CommandFailed(f"--confirm says {confirm!r} and the organisation is {slug!r}. Nothing was changed.", 2)
    if confirm is not None and export_to is None:
        raise CommandFailed("Say with --export where everything that it has is to be kept. Nothing was changed.", 2)
    with the_database(the_settings()) as addresses:
        if confirm is None or export_to is None:
            _say_survey(slug, asyncio.run(_survey(addresses, slug)))
            return
        removed = asyncio.run(_offboard(addresses, slug, export_to))
    if removed is None:
        say(f"{slug} is gone; it was removed before, and nothing of it was left. Its export is in {export_to}.")
        return
    say(
        f"{slug} is gone: {removed.rows:,} rows, {removed.accounts} accounts of people who belonged nowhere else,"
        f" {removed.roles} database roles. Its export is in {export_to}."
    )


async def _export(addresses: Addresses, slug: str, output: Path, form: Form) -> "Manifest":
    async with admin_connection(addresses) as admin:
        tenant_id, _ = await _find(admin, slug)
        return await _take_out(admin, tenant_id, output, form)


async def _take_out(admin: asyncpg.Connection, tenant_id: UUID, output: Path, form: Form) -> "Manifest":
    from contextlib import ExitStack

    from gql.tenants.export import Advance, OutputInTheWay, export_tenant

    with ExitStack() as bar:

        def begin(rows: int) -> Advance:
            return bar.enter_context(progress_bar("Exporting rows", rows))

        try:
            return await export_tenant(admin, tenant_id, output, form, begin)
        except OutputInTheWay as problem:
            raise CommandFailed(str(problem), 2) from None


async def _survey(addresses: Addresses, slug: str) -> "Belongings":
    from gql.tenants.offboarding import survey

    async with admin_connection(addresses) as admin:
        tenant_id, _ = await _find(admin, slug)
        return await survey(admin, tenant_id)


async def _offboard(addresses: Addresses, slug: str, directory: Path) -> "Removed | None":
    """The order of docs/offboarding.md. Each step finds out whether it was done before; None where all were."""
    from gql.iam.provisioning import Provisioner
    from gql.tenants.offboarding import CannotOffboard, remove, sweep

    async with admin_connection(addresses) as admin:
        gone = await _removed_before(admin, slug, directory)
        if gone is not None:
            await sweep(admin, gone)
            return None
        tenant_id, suspended_at = await _find(admin, slug)
        provisioner = Provisioner(admin)
        if suspended_at is None:
            await provisioner.suspend_tenant(slug, REASON)
            suspended_at = datetime.now(UTC)
        await provisioner.end_connections(tenant_id)
        manifest, digest = await _exported(admin, tenant_id, directory)
        await asyncio.sleep(max(0.0, (suspended_at + ALL_HAVE_FORGOTTEN - datetime.now(UTC)).total_seconds()))
        try:
            removed = await remove(admin, tenant_id, manifest, digest, getpass.getuser())
        except CannotOffboard as problem:
            raise CommandFailed(str(problem)) from None
        await sweep(admin, tenant_id)
        return removed


async def _removed_before(admin: asyncpg.Connection, slug: str, directory: Path) -> UUID | None:
    """The id of the organisation whose export lies there, if it was this one and has been removed already: whoever was
    interrupted at the very end runs the same command again."""
    from gql.tenants.manifest import NoExport, read_manifest
    from gql.tenants.offboarding import was_removed

    try:
        manifest, _ = read_manifest(directory)
    except NoExport:
        return None
    is_it = manifest.tenant.slug == slug and await was_removed(admin, manifest.tenant.id)
    return manifest.tenant.id if is_it else None


async def _exported(admin: asyncpg.Connection, tenant_id: UUID, directory: Path) -> "tuple[Manifest, bytes]":
    """The export in the directory, taken now if there is none yet, and read again from the disk in either case."""
    from gql.tenants.manifest import NAME, NoExport, verify

    if not (directory / NAME).exists():
        _say_exported(await _take_out(admin, tenant_id, directory, "both"), directory)
    try:
        return verify(directory)
    except NoExport as problem:
        raise CommandFailed(f"{problem} Nothing was removed.") from None


async def _find(admin: asyncpg.Connection, slug: str) -> tuple[UUID, datetime | None]:
    row = await admin.fetchrow(TENANT, slug)
    if row is None:
        raise await no_such_organisation(admin, slug)
    return row["id"], row["suspended_at"]


def _say_exported(manifest: "Manifest", directory: Path) -> None:
    say(
        f"Exported {manifest.tenant.slug} as of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC: {manifest.rows:,} rows of"
        f" {len(manifest.tables)} tables, {manifest.size:,} bytes, in {directory}."
    )
    say(f"SHA-256 of its manifest: {hashlib.sha256(manifest.encoded()).hexdigest()}")


def _say_survey(slug: str, found: "Belongings") -> None:
    for table, rows in found.rows.items():
        if rows:
            say(f"{rows:>12,}  {table}")
    say(f"{found.sessions:>12,}  sessions in it")
    say(f"{found.jobs:>12,}  jobs of the worker")
    say(f"{len(found.people):>12,}  accounts of people who belong nowhere else")
    say(f"{len(found.roles):>12,}  database roles")
    say(f"All of this would go. Nothing was changed; --export DIR --confirm {slug} does it.")
