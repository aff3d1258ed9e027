"""`migrate` and `doctor`: the schema in the database, and whether it keeps the rules of the house."""

import asyncio
from typing import Annotated, Final

import asyncpg
import typer

from gql.cli.console import CommandFailed, progress_bar, say
from gql.cli.databases import Addresses, admin_connection, load_schema, the_database, the_settings
from gql.cli.logins import let_in, passwords
from gql.database.embedded import EmbeddedServer
from gql.database.pool.servers import connect

PLACE: Final = "select (current_database()::text, pg_postmaster_start_time())"


def migrate(
    logins: Annotated[
        bool,
        typer.Option("--logins", help="Give the two logins of the house the passwords of their addresses."),
    ] = False,
) -> None:
    """Load the schema into an empty database; do nothing where it is there already."""
    settings = the_settings()
    given = passwords(settings) if logins else {}
    if settings.database_url is None:
        server = EmbeddedServer(settings.data_dir)
        with server:
            report = load_schema(server.admin_url)
            asyncio.run(server.set_passwords())
    else:
        admin_url = Addresses(settings.database_url, settings.admin_url).demand_admin_url()
        report = load_schema(admin_url)
        asyncio.run(let_in(admin_url, given))
    if report.loaded:
        say(f"Loaded version {report.version} in {report.seconds:.1f} s.")
    else:
        say(f"The database has version {report.version} already; nothing was changed.")
    if given:
        say(f"Let in with the passwords of their addresses: {', '.join(given)}.")
    if report.roles_restored:
        say(f"Made {report.roles_restored} missing roles of organisations again.")
    if report.analysts_restored:
        say(
            f"Made {report.analysts_restored} missing logins of analysts again, without their secrets, which no dump"
            " carries: each is to be rotated (analystSecretRotate)."
        )


def doctor() -> None:
    """Examine the running database, its rules and every organisation's books and audit log, and say what is wrong."""
    from gql.database.catalog import RULES

    with the_database(the_settings()) as addresses:
        version, organisations, sentences = asyncio.run(_examine(addresses))
    for sentence in sentences:
        say(sentence)
    if sentences:
        raise typer.Exit(1)
    say(f"PostgreSQL {version}: all {len(RULES)} rules hold.")
    say(f"Books that balance, and audit logs whose seals hold: of all {organisations} organisations.")


async def _examine(addresses: Addresses) -> tuple[str, int, list[str]]:
    from gql.database.books import examine_books
    from gql.database.catalog import examine

    async with admin_connection(addresses) as connection:
        if not await connection.fetchval("select rolsuper from pg_catalog.pg_roles where rolname = current_user"):
            raise CommandFailed("COUNTINGHOUSE_ADMIN_URL is not a superuser's, and others cannot see every rule.")
        version = str(await connection.fetchval("select current_setting('server_version')"))
        sentences = [finding.sentence for finding in await examine(connection)]
        sentences += await _examine_login(
            connection, addresses.api_url, "The server", "DATABASE_URL", "countinghouse_api"
        )
        if addresses.worker_url is not None:
            sentences += await _examine_login(
                connection, addresses.worker_url, "The worker", "WORKER_URL", "countinghouse_worker"
            )
        organisations, faults = await examine_books(
            connection, lambda total: progress_bar("Examining the books", total)
        )
        return version, organisations, sentences + faults


async def _examine_login(admin: asyncpg.Connection, url: str, who: str, setting: str, wanted: str) -> list[str]:
    """What is wrong with an address that a program of ours uses, which pg_catalog does not know."""
    try:
        # Behind a pooler a statement that is kept would be met by whoever is given its server next.
        api = await connect(url, timeout=10, statement_cache_size=0)
    except (OSError, asyncpg.PostgresError) as error:
        return [f"{who} cannot sign in to the database as COUNTINGHOUSE_{setting} says: {error}."]
    try:
        login = await api.fetchval("select session_user::text")
        is_same = await api.fetchval(PLACE) == await admin.fetchval(PLACE)
    finally:
        await api.close()
    sentences = []
    if login != wanted:
        sentences.append(
            f"{who} signs in to the database as {login}. Put {wanted} into COUNTINGHOUSE_{setting},"
            " which has no rights of its own."
        )
    if not is_same:
        sentences.append(
            f"COUNTINGHOUSE_{setting} and COUNTINGHOUSE_ADMIN_URL lead to different databases; name the same one."
        )
    return sentences
