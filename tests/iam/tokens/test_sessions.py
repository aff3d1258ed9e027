"""Sessions: one refresh token after the other, and none twice. sql/iam/sessions.sql, iam/tokens/sessions.py."""

import asyncio
from secrets import token_bytes
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from gql.database.pool import Origin
from gql.errors import ApiError
from gql.iam.keys.secrets import Secrets, new_token
from gql.iam.services import Services
from gql.iam.tokens.principals import Principals
from gql.iam.tokens.sessions import Organisation, Sessions, SignedIn
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person

ORIGIN: Final = Origin("request-3", "192.0.2.3", "a browser")


def organisation(tenant: Tenant) -> Organisation:
    return Organisation(tenant.tenant_id, tenant.slug, tenant.name)


async def begun(services: Services, tenant: Tenant, user_id: UUID | None = None) -> SignedIn:
    return await services.sessions.begin(user_id or tenant.owner_id, organisation(tenant), ORIGIN)


async def refused(sessions: Sessions, token: str | None) -> str | None:
    with pytest.raises(ApiError) as problem:
        await sessions.refresh(token or "", ORIGIN)
    return problem.value.reason


async def row_of(session_id: UUID) -> dict[str, Any]:
    async with as_superuser() as connection:
        row = await connection.fetchrow("select * from iam.sessions where id = $1", session_id)
    assert row is not None
    return dict(row)


async def let_pass(session_id: UUID, interval: str) -> None:
    """As if so much time had gone by since the last use."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")  # created_at never changes otherwise
        await connection.execute(
            "update iam.refresh_tokens set used_at = used_at - $2::text::interval where session_id = $1",
            session_id,
            interval,
        )
        await connection.execute(
            "update iam.sessions set created_at = created_at - $2::text::interval,"
            " expires_at = expires_at - $2::text::interval where id = $1",
            session_id,
            interval,
        )


async def test_each_refresh_gives_a_new_access_token_and_the_next_refresh_token(
    services: Services, tenant: Tenant
) -> None:
    held = await begun(services, tenant)
    seen = {held.refresh}
    for _ in range(5):
        assert held.refresh is not None
        held = await services.sessions.refresh(held.refresh, ORIGIN)
        identity = services.tokens.verify(held.access.text)
        assert (identity.user_id, identity.tenant_id) == (tenant.owner_id, tenant.tenant_id)
        assert identity.session_id == held.session_id
        seen.add(held.refresh)
    assert len(seen) == 6
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select t::text from iam.refresh_tokens t union all select s::text from iam.sessions s"
        )
    assert not any(token in row[0] for row in rows for token in seen if token)


async def test_two_who_refresh_at_once_get_the_same_token(services: Services, tenant: Tenant) -> None:
    """Attack 49."""
    held = await begun(services, tenant)
    assert held.refresh is not None
    answers = await asyncio.gather(*(services.sessions.refresh(held.refresh, ORIGIN) for _ in range(10)))
    assert len({each.refresh for each in answers}) == 1
    assert (await row_of(held.session_id))["ended_at"] is None


async def test_a_lost_answer_is_given_again_for_ten_seconds(services: Services, tenant: Tenant) -> None:
    """Attack 49."""
    held = await begun(services, tenant)
    assert held.refresh is not None
    lost = await services.sessions.refresh(held.refresh, ORIGIN)
    await let_pass(held.session_id, "3 seconds")
    assert (await services.sessions.refresh(held.refresh, ORIGIN)).refresh == lost.refresh
    await let_pass(held.session_id, "8 seconds")
    assert await refused(services.sessions, held.refresh) == "TOKEN_REUSED"


async def test_a_token_that_comes_again_ends_its_session(services: Services, tenant: Tenant) -> None:
    """Attack 49."""
    first = await begun(services, tenant)
    other = await begun(services, tenant)
    assert first.refresh is not None
    assert other.refresh is not None
    second = await services.sessions.refresh(first.refresh, ORIGIN)
    assert second.refresh is not None
    third = await services.sessions.refresh(second.refresh, ORIGIN)
    # Its successor was used already, so no lost answer explains it, however soon it comes.
    assert await refused(services.sessions, first.refresh) == "TOKEN_REUSED"
    assert await refused(services.sessions, third.refresh) == "SESSION_ENDED"
    assert (await row_of(first.session_id))["end_reason"] == "TOKEN_REUSED"
    principals = Principals(services.database)
    with pytest.raises(ApiError, match="no access"):
        await principals.context(services.tokens.verify(third.access.text))
    await services.sessions.refresh(other.refresh, ORIGIN)
    async with as_superuser() as connection:
        said = await connection.fetch(
            "select new_values::text from core.audit_log where tenant_id = $1 and new_values is not null"
            " and action = 'SIGN_IN'",
            tenant.tenant_id,
        )
    assert [row[0] for row in said] == ['{"refused": "TOKEN_REUSED"}']


async def test_what_is_no_refresh_token_is_refused(services: Services, tenant: Tenant) -> None:
    held = await begun(services, tenant)
    assert held.refresh is not None
    for token in (new_token(), "", held.refresh + "A", held.refresh[:-1], held.access.text, "x" * 100_000, "\0", "ü"):
        assert await refused(services.sessions, token) == "SESSION_ENDED"
    await services.sessions.refresh(held.refresh, ORIGIN)


async def test_a_session_ends_thirty_days_after_its_last_use(services: Services, tenant: Tenant) -> None:
    held = await begun(services, tenant)
    assert held.refresh is not None
    await let_pass(held.session_id, "29 days")
    held = await services.sessions.refresh(held.refresh, ORIGIN)
    await let_pass(held.session_id, "30 days")
    assert await refused(services.sessions, held.refresh) == "SESSION_ENDED"


async def test_a_session_ends_a_hundred_and_eighty_days_after_its_beginning(services: Services, tenant: Tenant) -> None:
    held = await begun(services, tenant)
    for _ in range(8):
        assert held.refresh is not None
        await let_pass(held.session_id, "22 days")
        held = await services.sessions.refresh(held.refresh, ORIGIN)
    row = await row_of(held.session_id)
    assert (row["expires_at"] - row["created_at"]).days == 180
    await let_pass(held.session_id, "5 days")
    assert await refused(services.sessions, held.refresh) == "SESSION_ENDED"


async def test_the_house_changes_its_key_and_nobody_is_turned_away(services: Services, tenant: Tenant) -> None:
    old, new = token_bytes(32), token_bytes(32)
    before = Sessions(services.database, services.tokens, Secrets([old]))
    after = Sessions(services.database, services.tokens, Secrets([new, old]))
    held = await before.begin(tenant.owner_id, organisation(tenant), ORIGIN)
    assert held.refresh is not None
    given = await before.refresh(held.refresh, ORIGIN)
    assert (await after.refresh(held.refresh, ORIGIN)).refresh == given.refresh
    assert given.refresh is not None
    assert (await after.refresh(given.refresh, ORIGIN)).refresh not in (given.refresh, None)


async def test_one_session_ends_or_all_of_them(services: Services, tenant: Tenant) -> None:
    first, second, third = [await begun(services, tenant) for _ in range(3)]
    colleague = await make_person(tenant, "viewer")
    theirs = await begun(services, tenant, colleague.user_id)
    assert await services.sessions.end(tenant.owner_id, theirs.session_id, "SIGNED_OUT", ORIGIN) == 0
    assert await services.sessions.end(tenant.owner_id, uuid4(), "SIGNED_OUT", ORIGIN) == 0
    assert await services.sessions.end(tenant.owner_id, first.session_id, "SIGNED_OUT", ORIGIN) == 1
    assert await services.sessions.end(tenant.owner_id, first.session_id, "SIGNED_OUT", ORIGIN) == 0
    assert await refused(services.sessions, first.refresh) == "SESSION_ENDED"
    assert second.refresh is not None
    second = await services.sessions.refresh(second.refresh, ORIGIN)
    assert await services.sessions.end(tenant.owner_id, None, "SIGNED_OUT_EVERYWHERE", ORIGIN) == 2
    for held in (second, third):
        assert await refused(services.sessions, held.refresh) == "SESSION_ENDED"
        with pytest.raises(ApiError, match="no access"):
            await Principals(services.database).context(services.tokens.verify(held.access.text))
    assert theirs.refresh is not None
    await services.sessions.refresh(theirs.refresh, ORIGIN)


async def test_somebody_switches_among_their_organisations_and_to_no_other(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    held = await begun(services, tenant)
    with pytest.raises(ApiError) as unknown:
        await services.sessions.switch(tenant.owner_id, held.session_id, other_tenant.slug, ORIGIN)
    with pytest.raises(ApiError) as strange:
        await services.sessions.switch(tenant.owner_id, held.session_id, "no-such-organisation", ORIGIN)
    assert (unknown.value.reason, unknown.value.message) == (strange.value.reason, strange.value.message)
    async with as_superuser() as connection:
        await connection.execute(
            "select iam.membership_create("
            "jsonb_build_object('tenant_id', $1::uuid, 'user_id', $2::uuid, 'role', 'viewer'))",
            other_tenant.tenant_id,
            tenant.owner_id,
        )
    switched = await services.sessions.switch(tenant.owner_id, held.session_id, other_tenant.slug, ORIGIN)
    identity = services.tokens.verify(switched.access.text)
    assert (identity.tenant_id, identity.session_id) == (other_tenant.tenant_id, held.session_id)
    assert (await Principals(services.database).context(identity)).role == "viewer"
    assert held.refresh is not None
    assert (await services.sessions.refresh(held.refresh, ORIGIN)).organisation.slug == other_tenant.slug
    with pytest.raises(ApiError):
        await services.sessions.switch(other_tenant.owner_id, held.session_id, other_tenant.slug, ORIGIN)


async def test_somebody_sees_their_own_sessions_that_are_open(services: Services, tenant: Tenant) -> None:
    colleague = await make_person(tenant, "viewer")
    await begun(services, tenant, colleague.user_id)
    first, second, ended = [await begun(services, tenant) for _ in range(3)]
    await services.sessions.end(tenant.owner_id, ended.session_id, "SIGNED_OUT", ORIGIN)
    assert first.refresh is not None
    await services.sessions.refresh(first.refresh, Origin("r", "203.0.113.4", "another browser"))
    async with as_tenant(tenant) as connection:
        rows = await connection.fetch("select id, ip_address, user_agent from iam.my_sessions() order by line")
    assert [tuple(row) for row in rows] == [
        (first.session_id, "203.0.113.4", "another browser"),
        (second.session_id, "192.0.2.3", "a browser"),
    ]
