"""Codes that are sent to an address: sql/iam/codes.sql, iam/entry/codes.py."""

import asyncio
from ipaddress import IPv4Address
from itertools import count
from typing import Final
from uuid import UUID, uuid4

import pytest

from gql.database.pool import Origin
from gql.errors import ApiError
from gql.iam.entry.codes import Requested
from gql.iam.services import Services
from tests.harness.actors import as_superuser
from tests.harness.inbox import Inbox
from tests.harness.tenants import PASSWORD, Tenant

NEW: Final = "a rather long new password"
_ADDRESSES: Final = count()


def somewhere() -> Origin:
    """Where nobody has failed."""
    return Origin("r", str(IPv4Address("198.19.0.0") + next(_ADDRESSES)), "a browser")


async def requested(services: Services, tenant: Tenant, purpose: str = "SIGN_IN") -> Requested:
    return await services.codes.request(purpose, tenant.owner_email, somewhere())


async def refused(services: Services, given: UUID, digits: str) -> str | None:
    with pytest.raises(ApiError) as problem:
        await services.codes.sign_in(given, digits, None, somewhere())
    return problem.value.reason


def another(digits: str) -> str:
    return f"{(int(digits) + 1) % 1_000_000:06}"


async def let_pass(interval: str) -> None:
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")  # created_at never changes otherwise
        await connection.execute(
            "update iam.codes set created_at = created_at - $1::text::interval,"
            " expires_at = expires_at - $1::text::interval",
            interval,
        )


async def test_whoever_has_the_code_signs_in_once(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    given = await requested(services, tenant)
    digits = await inbox.code_to(tenant.owner_email)
    signed_in = await services.codes.sign_in(given.id, f" {digits} ", None, somewhere())
    assert services.tokens.verify(signed_in.access.text).user_id == tenant.owner_id
    assert signed_in.organisation.slug == tenant.slug
    assert await refused(services, given.id, digits) == "CODE_INVALID"
    async with as_superuser() as connection:
        verified = "select email_verified_at is not null from iam.users where id = $1"
        assert await connection.fetchval(verified, tenant.owner_id)
        kept = await connection.fetch("select c::text from iam.codes c")
    assert not any(f",{digits}," in row[0] for row in kept)


async def test_one_code_lets_one_in_however_many_try_it_at_once(
    services: Services, inbox: Inbox, tenant: Tenant
) -> None:
    given = await requested(services, tenant)
    digits = await inbox.code_to(tenant.owner_email)
    tried = await asyncio.gather(
        *(services.codes.sign_in(given.id, digits, None, somewhere()) for _ in range(8)), return_exceptions=True
    )
    assert sum(not isinstance(each, BaseException) for each in tried) == 1


async def test_after_five_wrong_ones_the_right_one_is_wrong(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    """Attack 53."""
    given = await requested(services, tenant)
    digits = await inbox.code_to(tenant.owner_email)
    for _ in range(5):
        assert await refused(services, given.id, another(digits)) == "CODE_INVALID"
    assert await refused(services, given.id, digits) == "CODE_INVALID"


async def test_guesses_at_once_count_one_by_one(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    """Attack 53."""
    given = await requested(services, tenant)
    digits = await inbox.code_to(tenant.owner_email)
    await asyncio.gather(*(refused(services, given.id, another(digits)) for _ in range(20)))
    async with as_superuser() as connection:
        assert await connection.fetchval("select failures from iam.codes where id = $1", given.id) == 5
    assert await refused(services, given.id, digits) in ("CODE_INVALID", "TOO_MANY_FAILURES")


async def test_a_code_is_good_for_ten_minutes(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    given = await requested(services, tenant)
    await let_pass("9 minutes 30 seconds")
    later = await requested(services, tenant, "PASSWORD_RESET")
    await services.codes.sign_in(
        given.id, (await inbox.to(tenant.owner_email))[0].text.split(" is ")[1][:6], None, somewhere()
    )
    await let_pass("10 minutes")
    with pytest.raises(ApiError, match="no longer good"):
        await services.codes.reset_password(later.id, await inbox.code_to(tenant.owner_email), NEW, somewhere())


async def test_the_newest_code_is_the_one_that_counts(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    first = await requested(services, tenant)
    old = await inbox.code_to(tenant.owner_email)
    second = await requested(services, tenant)
    assert await refused(services, first.id, old) == "CODE_INVALID"
    await services.codes.sign_in(second.id, await inbox.code_to(tenant.owner_email), None, somewhere())


async def test_a_code_is_good_for_its_purpose_alone(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    given = await requested(services, tenant, "PASSWORD_RESET")
    digits = await inbox.code_to(tenant.owner_email)
    assert await refused(services, given.id, digits) == "CODE_INVALID"
    with pytest.raises(ApiError, match="wrong"):
        await services.sign_up.complete(given.id, digits, somewhere())
    await services.codes.reset_password(given.id, digits, NEW, somewhere())


async def test_an_unknown_address_is_answered_alike_and_sent_nothing(services: Services, inbox: Inbox) -> None:
    """Attack 52."""
    given = await services.codes.request("SIGN_IN", "nobody.at.all@example.org", somewhere())
    assert given.id.version in (4, 7)
    assert inbox.messages == []
    assert await refused(services, given.id, "000000") == await refused(services, uuid4(), "000000") == "CODE_INVALID"


async def test_too_many_codes_are_not_sent(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    here = somewhere()
    for _ in range(5):
        await services.codes.request("SIGN_IN", tenant.owner_email, here)
    with pytest.raises(ApiError) as problem:
        await services.codes.request("SIGN_IN", tenant.owner_email, here)
    assert problem.value.reason == "TOO_MANY_FAILURES"
    assert len(await inbox.to(tenant.owner_email)) == 5


async def test_a_new_password_takes_the_place_of_the_old_and_ends_all_sessions(
    services: Services, inbox: Inbox, tenant: Tenant
) -> None:
    held = await services.sign_in.with_password(tenant.owner_email, PASSWORD, None, somewhere())
    given = await requested(services, tenant, "PASSWORD_RESET")
    await services.codes.reset_password(given.id, await inbox.code_to(tenant.owner_email), NEW, somewhere())
    with pytest.raises(ApiError, match="no account"):
        await services.sign_in.with_password(tenant.owner_email, PASSWORD, None, somewhere())
    assert held.refresh is not None
    with pytest.raises(ApiError, match="over"):
        await services.sessions.refresh(held.refresh, somewhere())
    await services.sign_in.with_password(tenant.owner_email, NEW, None, somewhere())


@pytest.mark.parametrize(
    ("password", "reason"),
    [("short", "PASSWORD_LENGTH"), ("x" * 129, "PASSWORD_LENGTH"), ("Qwertyuiop12", "PASSWORD_COMMON")],
)
async def test_a_bad_new_password_is_refused_and_the_code_stays_good(
    password: str, reason: str | None, services: Services, inbox: Inbox, tenant: Tenant
) -> None:
    given = await requested(services, tenant, "PASSWORD_RESET")
    digits = await inbox.code_to(tenant.owner_email)
    if reason is not None:
        with pytest.raises(ApiError) as problem:
            await services.codes.reset_password(given.id, digits, password, somewhere())
        assert problem.value.reason == reason
    await services.codes.reset_password(given.id, digits, NEW, somewhere())


async def test_who_knows_the_password_changes_it_and_nobody_else(services: Services, tenant: Tenant) -> None:
    with pytest.raises(ApiError) as problem:
        await services.codes.change_password(tenant.owner_id, "not the password", NEW, somewhere())
    assert (problem.value.reason, problem.value.field) == ("CREDENTIALS_INVALID", "input.currentPassword")
    with pytest.raises(ApiError, match="12 to 128"):
        await services.codes.change_password(tenant.owner_id, PASSWORD, "short", somewhere())
    held = await services.sign_in.with_password(tenant.owner_email, PASSWORD, None, somewhere())
    await services.codes.change_password(tenant.owner_id, PASSWORD, NEW, somewhere())
    assert held.refresh is not None
    with pytest.raises(ApiError, match="over"):
        await services.sessions.refresh(held.refresh, somewhere())
    await services.sign_in.with_password(tenant.owner_email, NEW, None, somewhere())


async def test_half_a_character_is_a_wrong_code_and_a_wrong_token(services: Services) -> None:
    assert await refused(services, uuid4(), "\ud800") == "CODE_INVALID"
    with pytest.raises(ApiError, match="over"):
        await services.sessions.refresh("\ud800", somewhere())
    with pytest.raises(ApiError, match="belong to no organisation"):
        await services.sessions.switch(uuid4(), uuid4(), "\ud800", somewhere())


@pytest.mark.parametrize("address", ["", "   ", "a" * 300, "with\0nul@example.org", "\ud800@example.org"])
async def test_what_is_no_address_is_refused(address: str, services: Services) -> None:
    with pytest.raises(ApiError) as problem:
        await services.codes.request("SIGN_IN", address, somewhere())
    assert problem.value.reason == "ADDRESS_REQUIRED"
