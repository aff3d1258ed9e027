"""`psql`: PostgreSQL's own shell on the database, as its administrator or as an organisation sees it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Annotated
from urllib.parse import parse_qs, unquote

import typer

from gql.cli.callers import owner_context
from gql.cli.console import CommandFailed
from gql.cli.databases import Addresses, admin_connection, the_database, the_settings
from gql.database.context import Context
from gql.database.embedded.cluster import EmbeddedServerError, wheel_bin_directory
from gql.places import parts_of, places_of
from gql.settings import Settings


def psql(
    tenant: Annotated[str | None, typer.Option(help="See what this organisation (its short name) sees.")] = None,
    command: Annotated[str | None, typer.Option("-c", "--command", help="Run this SQL and leave.")] = None,
) -> None:
    """Open psql as the administrator, or with --tenant as that organisation's own role."""
    # A database of another version must be open to look at, too: one exports from it.
    settings = the_settings()
    with the_database(settings, load=False) as addresses:
        program = program_for(is_interactive=command is None and sys.stdin.isatty())
        if tenant is None:
            environment = _environment(addresses.demand_admin_url())
        else:
            context = asyncio.run(_context(addresses, tenant))
            environment = _environment(_of_a_session(settings, addresses)) | {"PGOPTIONS": _options(context)}
        arguments = [program, "--no-psqlrc", *(["--command", command] if command is not None else [])]
        status = _run(arguments, environment)
    raise typer.Exit(status)


def program_for(*, is_interactive: bool) -> str:
    """The psql that comes with the embedded server, or one on the path. A person at a terminal gets the latter where
    there is one, because ours is built without line editing."""
    on_path = shutil.which("psql")
    if is_interactive and on_path:
        return on_path
    with suppress(EmbeddedServerError):
        ours = wheel_bin_directory() / "psql"
        if ours.is_file():
            return str(ours)
    if on_path is None:
        raise CommandFailed("There is no psql on the path; install PostgreSQL's client programs.")
    return on_path


async def _context(addresses: Addresses, slug: str) -> Context:
    async with admin_connection(addresses) as connection:
        return await owner_context(connection, slug)


def _of_a_session(settings: Settings, addresses: Addresses) -> str:
    """The server's own login where its context can stay: a pooler that gives each transaction another connection is
    passed by, on the way that the superuser takes."""
    if settings.pool_mode == "session":
        return addresses.api_url
    login = parts_of(addresses.api_url).netloc.rpartition("@")[0]
    place = parts_of(addresses.demand_admin_url())
    return place._replace(netloc=f"{login}@{place.netloc.rpartition('@')[2]}").geturl()


def _environment(url: str) -> dict[str, str]:
    """The address as psql's own variables: an argument could be read by every user of the machine."""
    address, places = parts_of(url), places_of(url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {
        "PGHOST": ",".join(place.host for place in places),
        "PGPORT": ",".join(str(place.port) for place in places),
        "PGTARGETSESSIONATTRS": "primary" if len(places) > 1 else "any",
        "PGUSER": unquote(address.username or ""),
        "PGPASSWORD": unquote(address.password or ""),
        "PGDATABASE": unquote(address.path.removeprefix("/")),
        "PGAPPNAME": "countinghouse psql",
    }
    modes = parse_qs(address.query).get("sslmode")
    return environment | ({"PGSSLMODE": modes[0]} if modes else {})


def _options(context: Context) -> str:
    """The context as settings of the session, so that RESET comes back to them."""
    settings = {
        "role": context.database_role,
        "app.user_id": str(context.user_id or ""),
        "app.role": context.role,
        "app.scope_ids": context.scope_literal,
        "app.time_zone": context.time_zone,
        "app.fiscal_year_start": str(context.fiscal_year_start),
        "app.context": context.fingerprint,
        "app.user_agent": "countinghouse psql",
    }
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _run(arguments: list[str], environment: dict[str, str]) -> int:
    """Run psql to its end. A Ctrl-C is psql's, which has a handler of its own: it cancels a statement there."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run(arguments, env=environment, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
