"""`migrate` and `doctor`: the schema in the database, and whether it keeps the rules of the house."""

import asyncio
from typing import Final

import asyncpg
import typer

from gql.cli.console import CommandFailed, say
from gql.cli.databases import Addresses, admin_connection, load_schema, the_database, the_settings
from gql.database.embedded import EmbeddedServer

PLACE: Final = "select (current_database()::text, pg_postmaster_start_time())"


def migrate() -> None:
    """Load the schema into an empty database; do nothing where it is there already."""
    settings = the_settings()
    if settings.database_url is None:
        server = EmbeddedServer(settings.data_dir)
        with server:
            report = load_schema(server.admin_url)
            asyncio.run(server.set_passwords())
    else:
        report = load_schema(Addresses(settings.database_url, settings.admin_url).demand_admin_url())
    if report.loaded:
        say(f"Loaded version {report.version} in {report.seconds:.1f} s.")
    else:
        say(f"The database has version {report.version} already; nothing was changed.")
    if report.roles_restored:
        say(f"Made {report.roles_restored} missing roles of organisations again.")


def doctor() -> None:
    """Examine the running database, and say in sentences what breaks the rules of the house."""
    from gql.database.catalog import RULES

    with the_database(the_settings()) as addresses:
        version, sentences = asyncio.run(_examine(addresses))
    for sentence in sentences:
        say(sentence)
    if sentences:
        raise typer.Exit(1)
    say(f"PostgreSQL {version}: all {len(RULES)} rules hold.")


async def _examine(addresses: Addresses) -> tuple[str, list[str]]:
    from gql.database.catalog import examine

    async with admin_connection(addresses) as connection:
        if not await connection.fetchval("select rolsuper from pg_catalog.pg_roles where rolname = current_user"):
            raise CommandFailed("COUNTINGHOUSE_ADMIN_URL is not a superuser's, and others cannot see every rule.")
        version = str(await connection.fetchval("select current_setting('server_version')"))
        sentences = [finding.sentence for finding in await examine(connection)]
        return version, sentences + await _examine_login(connection, addresses.api_url)


async def _examine_login(admin: asyncpg.Connection, api_url: str) -> list[str]:
    """What is wrong with the address that the server uses, which pg_catalog does not know."""
    try:
        api = await asyncpg.connect(api_url, timeout=10)
    except (OSError, asyncpg.PostgresError) as error:
        return [f"The server cannot sign in to the database as COUNTINGHOUSE_DATABASE_URL says: {error}."]
    try:
        login = await api.fetchval("select session_user::text")
        is_same = await api.fetchval(PLACE) == await admin.fetchval(PLACE)
    finally:
        await api.close()
    sentences = []
    if login != "countinghouse_api":
        sentences.append(
            f"The server signs in to the database as {login}. Put countinghouse_api into COUNTINGHOUSE_DATABASE_URL,"
            " which has no rights of its own."
        )
    if not is_same:
        sentences.append(
            "COUNTINGHOUSE_DATABASE_URL and COUNTINGHOUSE_ADMIN_URL lead to different databases; name the same one."
        )
    return sentences
