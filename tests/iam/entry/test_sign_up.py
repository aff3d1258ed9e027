"""Signing up: sql/iam/sign_up.sql, iam/entry/sign_up.py."""

import asyncio
from typing import Any, Final
from uuid import uuid4

import pytest

from gql.errors import ApiError
from gql.iam.entry.sign_up import Begun
from gql.iam.services import Services
from gql.iam.tokens.principals import Principals
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.inbox import Inbox
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, refused
from tests.iam.entry.test_codes import another, somewhere

PASSWORD: Final = "an unusual wooden fridge"


def new_address() -> str:
    return f"person.{uuid4().hex[:12]}@example.org"


async def begun(services: Services, **facts: Any) -> Begun:
    given: dict[str, Any] = {
        "email": None,
        "phone": None,
        "name": "Ada Byron",
        "password": PASSWORD,
        "organisation": {"name": "Byron & Daughters"},
        **facts,
    }
    return await services.sign_up.begin(origin=somewhere(), **given)


async def reason_of(services: Services, **facts: Any) -> tuple[str | None, str | None]:
    with pytest.raises(ApiError) as problem:
        await begun(services, **facts)
    return problem.value.reason, problem.value.field


async def test_somebody_signs_up_and_owns_an_organisation(services: Services, inbox: Inbox) -> None:
    email = new_address()
    wanted = {"name": "Byron & Daughters", "country": "GB", "currency": "GBP", "time_zone": "Europe/London"}
    sign_up = await begun(services, email=email.upper(), organisation=wanted)
    signed_in = await services.sign_up.complete(sign_up.id, await inbox.code_to(email), somewhere())
    assert signed_in.organisation.name == "Byron & Daughters"
    assert signed_in.organisation.slug.startswith("byron-daughters-")
    identity = services.tokens.verify(signed_in.access.text)
    context = await Principals(services.database).context(identity)
    assert (context.role, context.time_zone) == ("owner", "Europe/London")
    again = await services.sign_in.with_password(email, PASSWORD, None, somewhere())
    assert again.organisation == signed_in.organisation
    assert context.permissions >= {"billing:write", "iam:write"}
    async with as_superuser() as connection:
        row = await connection.fetchrow("select * from iam.tenants where id = $1", identity.tenant_id)
        assert row is not None
        assert (row["currency"], row["country"], row["created_by"]) == ("GBP", "GB", identity.user_id)
        count = "select count(*) from billing.payment_methods where tenant_id = $1"
        assert await connection.fetchval(count, identity.tenant_id) == 15
        assert (
            await connection.fetchval("select password_hash from iam.signup_sessions where id = $1", sign_up.id) is None
        )


async def test_a_telephone_does_as_well_and_a_password_is_not_needed(services: Services, inbox: Inbox) -> None:
    phone = f"+4479{uuid4().int % 10**8:08}"
    sign_up = await begun(services, phone=phone, password=None)
    await services.sign_up.complete(sign_up.id, await inbox.code_to(phone), somewhere())
    given = await services.codes.request("SIGN_IN", phone, somewhere())
    await services.codes.sign_in(given.id, await inbox.code_to(phone), None, somewhere())
    with pytest.raises(ApiError, match="no account"):
        await services.sign_in.with_password(phone, PASSWORD, None, somewhere())


async def test_an_address_that_is_taken_is_answered_alike_and_its_owner_is_told(
    services: Services, inbox: Inbox, tenant: Tenant
) -> None:
    sign_up = await begun(services, email=tenant.owner_email)
    [message] = await inbox.to(tenant.owner_email)
    assert "account already" in message.subject
    assert not any(word.isdigit() and len(word) == 6 for word in message.text.split())
    for digits in ("000000", "123456"):
        with pytest.raises(ApiError, match="wrong or no longer good"):
            await services.sign_up.complete(sign_up.id, digits, somewhere())


async def test_of_two_who_sign_up_with_one_address_one_gets_it(services: Services, inbox: Inbox) -> None:
    email = new_address()
    first = await begun(services, email=email)
    one = await inbox.code_to(email)
    # The second code makes the first good for nothing: whoever reads the mail finishes the newest.
    second = await begun(services, email=email)
    with pytest.raises(ApiError):
        await services.sign_up.complete(first.id, one, somewhere())
    await services.sign_up.complete(second.id, await inbox.code_to(email), somewhere())


async def test_one_code_makes_one_organisation_however_often_it_is_sent(services: Services, inbox: Inbox) -> None:
    email = new_address()
    sign_up = await begun(services, email=email)
    digits = await inbox.code_to(email)
    tried = await asyncio.gather(
        *(services.sign_up.complete(sign_up.id, digits, somewhere()) for _ in range(4)), return_exceptions=True
    )
    assert sum(not isinstance(each, BaseException) for each in tried) == 1
    async with as_superuser() as connection:
        count = "select count(*) from iam.memberships where user_email = $1"
        assert await connection.fetchval(count, email) == 1


async def test_wrong_codes_count_and_another_can_be_sent(services: Services, inbox: Inbox) -> None:
    email = new_address()
    sign_up = await begun(services, email=email)
    digits = await inbox.code_to(email)
    for _ in range(5):
        with pytest.raises(ApiError, match="wrong"):
            await services.sign_up.complete(sign_up.id, another(digits), somewhere())
    with pytest.raises(ApiError, match="wrong"):
        await services.sign_up.complete(sign_up.id, digits, somewhere())
    await services.sign_up.again(sign_up.id, somewhere())
    await services.sign_up.complete(sign_up.id, await inbox.code_to(email), somewhere())
    await services.sign_up.again(sign_up.id, somewhere())  # nothing is going on any more, and nobody is told so
    assert len(await inbox.to(email)) == 2


async def test_a_sign_up_is_over_after_fifteen_minutes(services: Services, inbox: Inbox) -> None:
    email = new_address()
    sign_up = await begun(services, email=email)
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(
            "update iam.signup_sessions set created_at = created_at - interval '15 minutes',"
            " expires_at = expires_at - interval '15 minutes' where id = $1",
            sign_up.id,
        )
    with pytest.raises(ApiError, match="no longer good"):
        await services.sign_up.complete(sign_up.id, await inbox.code_to(email), somewhere())


async def test_what_nobody_can_have_is_refused_before_anything_is_sent(services: Services, inbox: Inbox) -> None:
    email = new_address()
    told = {
        "none": await reason_of(services),
        "both": await reason_of(services, email=email, phone="+447911123456"),
        "email": await reason_of(services, email="no address"),
        "phone": await reason_of(services, phone="07911 123456"),
        "name": await reason_of(services, email=email, name=" "),
        "password": await reason_of(services, email=email, password="short"),
        "common": await reason_of(services, email=email, password="1234567890QWERTY"),
        "organisation": await reason_of(services, email=email, organisation={"name": ""}),
        "country": await reason_of(services, email=email, organisation={"name": "X", "country": "Britain"}),
        "currency": await reason_of(services, email=email, organisation={"name": "X", "currency": "pounds"}),
        "time zone": await reason_of(services, email=email, organisation={"name": "X", "time_zone": "Mars/Base"}),
    }
    assert told == {
        "none": ("ADDRESS_REQUIRED", "input.email"),
        "both": ("ADDRESS_REQUIRED", "input.email"),
        "email": ("EMAIL_INVALID", "input.email"),
        "phone": ("PHONE_INVALID", "input.phone"),
        "name": ("NAME_INVALID", "input.name"),
        "password": ("PASSWORD_LENGTH", "input.password"),
        "common": ("PASSWORD_COMMON", "input.password"),
        "organisation": ("NAME_INVALID", "input.organisation.name"),
        "country": ("COUNTRY_INVALID", "input.organisation.country"),
        "currency": ("CURRENCY_CODE", None),
        "time zone": ("TIME_ZONE_UNKNOWN", "input.organisation.timeZone"),
    }
    assert inbox.messages == []


@pytest.mark.parametrize("name", ["Ünïcödé & Söhne", "!!!", "123", "a", "x" * 200, "Bobby'; drop table iam.users; --"])
async def test_any_name_gives_a_short_name(name: str, services: Services, inbox: Inbox) -> None:
    email = new_address()
    sign_up = await begun(services, email=email, organisation={"name": name})
    signed_in = await services.sign_up.complete(sign_up.id, await inbox.code_to(email), somewhere())
    assert signed_in.organisation.name == name
    assert 2 <= len(signed_in.organisation.slug) <= 63


async def test_an_organisation_is_opened_once_and_by_nobody_elses_role(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection)
        with refused("CONFLICT", "ORGANISATION_OPEN"):
            await call(connection, "iam.organisation_open", name="Another", currency="EUR", time_zone="UTC")
