"""`analyst`: logins for psql and BI tools, made by the operator of the house for an organisation."""

import asyncio
import json
from typing import Annotated, Any

import typer

from gql.cli.console import say
from gql.cli.databases import Addresses, admin_connection, the_database, the_settings
from gql.settings import Settings

app = typer.Typer(help="Make logins that read an organisation's figures.", no_args_is_help=True)


@app.callback()
def analysts() -> None:
    """Make logins that read an organisation's figures."""


@app.command()
def create(
    tenant: Annotated[str, typer.Option(help="The short name of the organisation.")],
    label: Annotated[str, typer.Option(help="Whose login it is, or what it is for.")],
    connections: Annotated[int, typer.Option(help="How many connections it may have at a time.")] = 5,
    statement_timeout_ms: Annotated[int, typer.Option(help="How long a statement may take.")] = 30_000,
    valid_until: Annotated[str | None, typer.Option(help="Until when it may come in, such as 2027-01-01.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Make a login, and show its secret, once."""
    facts: dict[str, Any] = {
        "label": label,
        "connection_limit": connections,
        "statement_timeout_ms": statement_timeout_ms,
        **({"valid_until": valid_until} if valid_until else {}),
    }
    settings = the_settings()
    with the_database(settings) as addresses:
        made = asyncio.run(_create(settings, addresses, tenant, facts))
    if as_json:
        say(json.dumps(made, ensure_ascii=False, indent=2))
        return
    say(f"Made the login {made['user']}. Its secret stands in this address and nowhere else:")
    say(f"psql '{made['url']}'")


async def _create(settings: Settings, addresses: Addresses, slug: str, facts: dict[str, Any]) -> dict[str, Any]:
    from gql.cli.callers import command_origin, owner_context
    from gql.database.pool import Database
    from gql.database.pool.options import DatabaseOptions
    from gql.iam.credentials.analyst_logins import AnalystLogins

    async with admin_connection(addresses) as admin:
        context = await owner_context(admin, slug)
    database = await Database.open(DatabaseOptions.from_settings(settings, addresses.api_url))
    try:
        logins = AnalystLogins(database, settings.analyst_url or addresses.api_url)
        made = await logins.create(context, command_origin("analyst create"), facts)
    finally:
        await database.close()
    return {"id": str(made.id), "user": made.user, "secret": made.secret, "url": made.url}
