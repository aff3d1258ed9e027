"""Who the command line speaks for when it works in an organisation."""

from typing import Final
from uuid import uuid4

import asyncpg

from gql.cli.console import CommandFailed
from gql.database.context import Context
from gql.database.pool.standing import Origin

TENANT: Final = "select id, suspended_at is not null as suspended from iam.tenants where slug = $1"
# The owner who has been there longest, or the person with this address.
PERSON: Final = """
select memberships.user_id
from iam.memberships
where memberships.tenant_id = $1 and memberships.is_active
  and case when $2::text is null then memberships.role = 'owner' else memberships.user_email = lower($2) end
order by memberships.created_at, memberships.id
limit 1
"""


async def owner_context(admin: asyncpg.Connection, slug: str, email: str | None = None) -> Context:
    """The context of an owner of the organisation, or of the person with this e-mail address there.

    Raises CommandFailed where there is no such organisation or person.
    """
    tenant = await admin.fetchrow(TENANT, slug)
    if tenant is None:
        raise await no_such_organisation(admin, slug)
    if tenant["suspended"]:
        raise CommandFailed(f"The organisation {slug!r} is suspended: nobody may work in it.")
    user_id = await admin.fetchval(PERSON, tenant["id"], email)
    if user_id is None:
        who = "no owner" if email is None else f"nobody with the address {email}"
        raise CommandFailed(f"There is {who} in {slug!r} to act for.")
    from gql.iam.tokens.principals import context_of

    context = await context_of(admin, user_id, tenant["id"])
    if context is None:
        raise CommandFailed(f"The account to act for in {slug!r} is closed.")
    return context


def command_origin(command: str) -> Origin:
    """Where the audit log shall say that a change came from."""
    return Origin(request_id=str(uuid4()), user_agent=f"countinghouse {command}")


async def no_such_organisation(admin: asyncpg.Connection, slug: str) -> CommandFailed:
    """What is said where nobody has this short name: some that somebody has."""
    return CommandFailed(f"There is no organisation {slug!r}. {await _known(admin)}")


async def _known(admin: asyncpg.Connection) -> str:
    slugs = await admin.fetch("select slug from iam.tenants order by slug limit 11")
    if not slugs:
        return "There is none at all: `countinghouse tenant create` makes one, `countinghouse demo` those of the demo."
    names = ", ".join(row["slug"] for row in slugs[:10])
    return f"There are {names}{' and more' if len(slugs) > 10 else ''}."
