"""`demo`: three organisations to try things with."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
import typer

from gql.cli.console import CommandFailed, progress_bar, say
from gql.cli.databases import Addresses, admin_connection, the_database, the_settings
from gql.settings import Settings

FIGURES: Final = {
    "clients": "billing.clients",
    "invoices": "billing.invoices",
    "vendors": "trade.vendors",
    "retailers": "trade.retailers",
    "products": "trade.products",
    "orders": "trade.orders",
}
"""What an organisation has, and where it is counted."""


def demo(as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON, with tokens.")] = False) -> None:
    """Make the demo's organisations if they are missing, and print who can sign in."""
    settings = the_settings()
    with the_database(settings, make=True) as addresses:
        make_demo(settings, addresses)
        described = asyncio.run(_describe(settings, addresses))
    if as_json:
        say(json.dumps(described, ensure_ascii=False, indent=2))
        return
    for organisation in described["organisations"]:
        counted = ", ".join(f"{organisation[what]} {what}" for what in FIGURES if organisation[what])
        say(f"{organisation['name']} ({organisation['slug']}): {counted}")
        for user in organisation["users"]:
            say(f"  {user['role']:<11} {user['email']:<32} {user['name']}")
    say(f"Everybody's password: {described['password']}")


def make_demo(settings: Settings, addresses: Addresses) -> None:
    """Make what is missing of the demo, with a progress bar. Raises CommandFailed in production, because everybody
    knows the passwords of the demo."""
    if settings.environment == "production":
        raise CommandFailed(
            "The demo's passwords are known to everybody, so it is not made in production."
            " Set COUNTINGHOUSE_ENVIRONMENT=development where nobody else can get at this database.",
            2,
        )
    asyncio.run(_make(settings, addresses))


async def demo_is_complete(admin: asyncpg.Connection) -> bool:
    """Whether there is nothing left to make."""
    from gql.demo import ORGANISATIONS, is_made
    from gql.iam.provisioning import Provisioner

    return all([await is_made(organisation, Provisioner(admin)) for organisation in ORGANISATIONS])


async def _make(settings: Settings, addresses: Addresses) -> None:
    async with admin_connection(addresses) as admin:
        if await demo_is_complete(admin):
            return
        from gql.cli.engines import asker, open_engine
        from gql.demo import DISTRIBUTOR, INVOICERS, Maker, count_steps, is_made, make
        from gql.demo.trade.model import Distributor
        from gql.iam.credentials.passwords import hash_password
        from gql.iam.provisioning import Provisioner
        from gql.iam.tokens.principals import context_of
        from gql.imports.operations import Asker

        async with open_engine(settings, addresses.api_url) as engine:

            async def asker_for(user_id: UUID, tenant_id: UUID) -> Asker:
                context = await context_of(admin, user_id, tenant_id)
                assert context is not None
                return asker(engine, context, "demo")

            maker = Maker(Provisioner(admin), hash_password, asker_for, datetime.now(UTC).date())
            for organisation in (*INVOICERS, DISTRIBUTOR.with_orders(settings.demo_orders)):
                if not await is_made(organisation, maker.provisioner):
                    what = f"Making {organisation.name}"
                    if isinstance(organisation, Distributor):
                        what += f", a year of {organisation.orders} orders (most of the demo's time)"
                    with progress_bar(what, count_steps(organisation)) as advance:
                        await make(organisation, maker, advance)


async def _describe(settings: Settings, addresses: Addresses) -> dict[str, Any]:
    from gql.demo import ORGANISATIONS, PASSWORD
    from gql.iam.tokens.access import Tokens

    tokens = Tokens.from_settings(settings)
    organisations = []
    async with admin_connection(addresses) as admin:
        for each in ORGANISATIONS:
            tenant_id = await admin.fetchval("select id from iam.tenants where slug = $1", each.slug)
            users = []
            for person in each.people:
                user_id = await admin.fetchval("select id from iam.users where email = $1", person.email)
                token, expires_at = tokens.issue(user_id, tenant_id)
                users.append(
                    {
                        "id": str(user_id),
                        "name": person.name,
                        "email": person.email,
                        "role": person.role,
                        "accessToken": token,
                        "expiresAt": expires_at.isoformat(),
                    }
                )
            organisations.append(
                {
                    "id": str(tenant_id),
                    "slug": each.slug,
                    "name": each.name,
                    "currency": each.currency,
                    **{
                        what: await admin.fetchval(f"select count(*) from {table} where tenant_id = $1", tenant_id)
                        for what, table in FIGURES.items()
                    },
                    "users": users,
                }
            )
    return {"password": PASSWORD, "organisations": organisations}
