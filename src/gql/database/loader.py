"""Loading the schema into a database, once and whole."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from gql.database.catalog import House
from gql.database.catalog.server import SAFE_VERSIONS, is_safe
from gql.database.pool.servers import FAILURES, connect
from gql.database.sources import schema_sources, schema_version, sql_directory

__all__ = ["MigrationError", "MigrationReport", "migrate", "schema_version", "sql_directory"]

LOCK: Final = 4_027_001_500  # any number, the same for everyone who migrates
JOBS: Final = "core/jobs.sql"
"""The file that is about tables which a library makes."""


class MigrationError(Exception):
    """The schema cannot be loaded into this database; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What `migrate` did. `loaded` is False where the database had this version already. Analysts whose role was made
    again have no secret."""

    version: str
    loaded: bool
    files: int
    roles_restored: int
    analysts_restored: int
    seconds: float


async def migrate(admin_url: str, progress: Callable[[int, int, str], None] | None = None) -> MigrationReport:
    """Load the schema into an empty database, in one transaction; on a match make missing roles of tenants and analysts
    again, which a dump does not carry, and change nothing else.

    `progress` is called before each file with its number, how many there are, and its name. Raises MigrationError for
    a database of another version, one that holds something else, and a login that may not do it.
    """
    begun = time.monotonic()
    try:
        connection = await connect(admin_url, server_settings={"application_name": "countinghouse migrate"})
    except FAILURES as error:
        raise MigrationError(f"The database does not let us in: {error}") from error
    try:
        await _demand_server(connection, House())
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
            present = await _version_of(connection)
            files = 0
            if present is None:
                await _demand_empty(connection)
                files = await _load(connection, progress or (lambda number, total, name: None))
            elif present != schema_version():
                raise MigrationError(
                    f"The database holds version {present} and this is {schema_version()}. Before release 1.0 there is"
                    " no way from one to the other: export what you need and load into an empty database (the embedded"
                    " one: stop it and remove its data directory)."
                )
            restored = await connection.fetchval("select iam.tenant_roles_restore()")
            analysts = await connection.fetchval("select iam.analyst_roles_restore()")
    finally:
        await connection.close()
    return MigrationReport(
        schema_version(), present is None, files, restored or 0, analysts or 0, time.monotonic() - begun
    )


async def _demand_server(connection: asyncpg.Connection, house: House) -> None:
    """A superuser's login, a server without known ways past row security, and every letter there is."""
    row = await connection.fetchrow(
        "select rolsuper, rolname, current_setting('server_version_num')::int as number,"
        " current_setting('server_version') as version, current_setting('server_encoding') as encoding"
        " from pg_catalog.pg_roles where rolname = current_user"
    )
    assert row is not None
    if not row["rolsuper"]:
        raise MigrationError(
            f"{row['rolname']} is no superuser, and the schema makes roles, row security and functions of several"
            " owners. Put a superuser's address into COUNTINGHOUSE_ADMIN_URL."
        )
    if not is_safe(row["number"], house.version_floors):
        raise MigrationError(
            f"This server is PostgreSQL {row['version']}, which is too old or has known ways past row security."
            f" {SAFE_VERSIONS}"
        )
    if row["encoding"] != "UTF8":
        raise MigrationError(f"The database must be in UTF8 and is in {row['encoding']}; create another one.")


async def _version_of(connection: asyncpg.Connection) -> str | None:
    if await connection.fetchval("select to_regclass('core.schema_version') is null"):
        return None
    version = await connection.fetchval("select version from core.schema_version")
    return str(version or "unknown")


async def _demand_empty(connection: asyncpg.Connection) -> None:
    """Nothing of anyone else's: no schema but public, and nothing in public that is not an extension's."""
    found = await connection.fetchval(
        """
        select 'schema ' || nspname from pg_catalog.pg_namespace as schema
        where nspname !~ '^pg_' and nspname not in ('information_schema', 'public') and not exists (
            select from pg_catalog.pg_depend
            where classid = 'pg_catalog.pg_namespace'::regclass and objid = schema.oid and deptype = 'e')
        union all
        select 'public.' || relname from pg_catalog.pg_class as relation
        where relnamespace = to_regnamespace('public') and relkind in ('r', 'p', 'v', 'm', 'f') and not exists (
            select from pg_catalog.pg_depend
            where classid = 'pg_catalog.pg_class'::regclass and objid = relation.oid and deptype = 'e')
        limit 1
        """
    )
    if found is not None:
        raise MigrationError(f"The database is not empty: it holds {found}. Create one for Countinghouse alone.")


async def _load(connection: asyncpg.Connection, progress: Callable[[int, int, str], None]) -> int:
    sources = schema_sources()
    for number, (name, text) in enumerate(sources.items(), 1):
        progress(number, len(sources), name)
        try:
            if name == JOBS:
                from gql.database.jobs import installation

                await connection.execute(installation())
            await connection.execute(text)
        except asyncpg.PostgresError as error:
            position = error.as_dict().get("position")
            line = f", line {text.count(chr(10), 0, int(position)) + 1}" if position else ""
            raise MigrationError(f"sql/{name}{line}: {error}") from error
    await connection.execute("reset role")  # the files leave the owner's
    await connection.execute("insert into core.schema_version (version) values ($1)", schema_version())
    return len(sources)
