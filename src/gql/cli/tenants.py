"""`tenant create`: organisations are made by the operator of the house."""

import asyncio
import json
import secrets
import sys
from typing import Annotated, Any

import typer

from gql.cli.console import CommandFailed, say
from gql.cli.databases import Addresses, admin_connection, the_database, the_settings

app = typer.Typer(help="Make, list, suspend, export and remove organisations.", no_args_is_help=True)


@app.callback()
def tenants() -> None:
    """Make, list, suspend, export and remove organisations."""


@app.command()
def create(
    slug: Annotated[str, typer.Option(help="Its short name, such as acme.")],
    name: Annotated[str, typer.Option(help="Its name, as it stands on invoices.")],
    owner_email: Annotated[str, typer.Option(help="Who may do everything there; a known address keeps its account.")],
    currency: Annotated[str, typer.Option(help="The currency of its invoices (ISO 4217).")] = "EUR",
    time_zone: Annotated[str, typer.Option(help="Its time zone (IANA), which decides what day it is.")] = "UTC",
    country: Annotated[str | None, typer.Option(help="Its country (ISO 3166, two letters).")] = None,
    fiscal_year_start: Annotated[int, typer.Option(help="The month in which its fiscal year begins.")] = 1,
    owner_name: Annotated[str | None, typer.Option(help="The owner's name; else the address.")] = None,
    owner_password: Annotated[
        str | None, typer.Option(help="The owner's password; else asked for, or made up.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Make an organisation, its database role and its owner."""
    profile = {
        "slug": slug,
        "name": name,
        "currency": currency,
        "time_zone": time_zone,
        "fiscal_year_start": fiscal_year_start,
        **({"country": country} if country else {}),
    }
    with the_database(the_settings(), make=True) as addresses:
        made = asyncio.run(_create(addresses, profile, owner_email, owner_name or owner_email, owner_password))
    if as_json:
        say(json.dumps(made, ensure_ascii=False, indent=2))
        return
    say(f"Made the organisation {made['slug']} ({made['id']}).")
    say(f"Its owner is {made['owner']}, who signs in with {made.get('password', 'the password they have')}.")


async def _create(
    addresses: Addresses, profile: dict[str, Any], email: str, owner_name: str, password: str | None
) -> dict[str, Any]:
    """Everything in one transaction. The answer shows a password only when it was made up here."""
    from gql.iam.credentials.passwords import hash_password
    from gql.iam.provisioning import Provisioner

    async with admin_connection(addresses) as admin:
        provisioner = Provisioner(admin)
        user_id = await provisioner.user_id(email)
        if user_id is not None and password is not None:
            raise CommandFailed(
                f"{email} has an account already, which keeps its password; leave out --owner-password.", 2
            )
        made: dict[str, Any] = {"slug": profile["slug"], "owner": email}
        async with provisioner.together():
            if user_id is None:
                chosen = password or _ask_for_password(email)
                if chosen is None:
                    chosen = made["password"] = secrets.token_urlsafe(15)
                user_id = await provisioner.create_user(email, owner_name, await hash_password(chosen))
            tenant_id = await provisioner.create_tenant(**profile)
            await provisioner.create_membership(tenant_id, user_id, "owner")
    return {"id": str(tenant_id), **made}


def _ask_for_password(email: str) -> str | None:
    """The password that a person at a terminal types, or None for one to be made up."""
    if not sys.stdin.isatty():
        return None
    typed: str = typer.prompt(
        f"A password for {email} (nothing: one is made up)", default="", show_default=False, hide_input=True, err=True
    )
    return typed or None
