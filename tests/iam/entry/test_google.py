"""Signing in and signing up with Google: iam/entry/google.py, sql/iam/google.sql. The provider is a local one, its
tokens are real."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from secrets import token_bytes, token_hex
from typing import Any, Final
from uuid import UUID

import pyotp
import pytest

from gql.database.pool import Origin
from gql.errors import ApiError, Code
from gql.iam.credentials.passwords import Passwords
from gql.iam.entry.google import Trust
from gql.iam.issuers.fetching import Fetcher
from gql.iam.issuers.key_sets import KeySets, Source
from gql.iam.keys.secrets import Secrets
from gql.iam.services import Services
from gql.iam.tokens.principals import Principals
from gql.iam.tokens.sessions import SignedIn
from tests.harness.actors import as_superuser
from tests.harness.inbox import Inbox
from tests.harness.issuer import Issuer, an_issuer, rsa_key
from tests.harness.tenants import Person, Tenant, make_person
from tests.iam.comers import invite
from tests.iam.entry.test_codes import somewhere

CLIENT: Final = "1234.apps.googleusercontent.com"
HERE: Final = "postgresql://127.0.0.1:5432/countinghouse"
APP: Final = "5678.apps.googleusercontent.com"
ORGANISATION: Final = {"name": "Byron & Daughters", "country": "GB", "currency": "GBP", "time_zone": "Europe/London"}


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[Issuer]:
    async with an_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
async def google(services: Services, provider: Issuer) -> Services:
    """The services of a house where Google is set up."""
    trust = Trust((CLIENT, APP), Source(provider.url, provider.jwks_url), KeySets(Fetcher(private=True)))
    secrets = Secrets([token_bytes(32)])
    return Services.of(services.database, services.tokens, Passwords(workers=1), secrets, Inbox().post, HERE, trust)


def token(provider: Issuer, **claims: Any) -> str:
    """An ID token as Google gives it, of nobody known."""
    said = {"aud": CLIENT, "sub": token_hex(8), "email_verified": True, "name": "Ada Byron", **claims}
    return provider.token(**{"email": f"{said['sub']}@gmail.com", **said})


async def signs_in(google: Services, id_token: str, **more: Any) -> SignedIn:
    given: dict[str, Any] = {"nonce": None, "slug": None, "origin": somewhere(), **more}
    return await google.google.sign_in(id_token, **given)


async def signs_up(google: Services, id_token: str, **more: Any) -> SignedIn:
    given: dict[str, Any] = {
        "nonce": None,
        "name": None,
        "organisation": dict(ORGANISATION),
        "origin": somewhere(),
        **more,
    }
    return await google.google.sign_up(id_token, **given)


async def refusal(google: Services, id_token: str, **more: Any) -> str | None:
    with pytest.raises(ApiError) as refused:
        await signs_in(google, id_token, **more)
    return refused.value.reason


async def hosted(tenant: Tenant, *, verified: bool = True) -> tuple[Person, dict[str, Any]]:
    """Somebody of the organisation, and what Google says of them, who hosts the organisation's mail."""
    person = await make_person(tenant, "viewer")
    async with as_superuser() as connection:
        if verified:
            await connection.execute("update iam.users set email_verified_at = now() where id = $1", person.user_id)
    return person, {"email": person.email.upper(), "hd": "example.org", "sub": token_hex(8)}


async def linked_to(user_id: UUID) -> str | None:
    async with as_superuser() as connection:
        found: str | None = await connection.fetchval("select google_sub from iam.users where id = $1", user_id)
        return found


async def noted(user_id: UUID) -> list[dict[str, Any]]:
    """What the log says of this person's coming in."""
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select new_values from core.audit_log where entity_id = $1 and action in ('SIGN_IN', 'UPDATE')"
            " order by created_at, id",
            user_id,
        )
    return [json.loads(row[0]) if row[0] else {} for row in rows]


async def test_somebody_signs_up_with_google_and_owns_an_organisation(google: Services, provider: Issuer) -> None:
    text = token(provider, sub="9" + token_hex(8))
    signed_in = await signs_up(google, text)
    identity = google.tokens.verify(signed_in.access.text)
    context = await Principals(google.database).context(identity)
    assert (context.role, context.time_zone, signed_in.organisation.name) == (
        "owner",
        "Europe/London",
        "Byron & Daughters",
    )
    async with as_superuser() as connection:
        user = await connection.fetchrow("select * from iam.users where id = $1", identity.user_id)
        tenant = await connection.fetchrow("select * from iam.tenants where id = $1", identity.tenant_id)
        methods = "select count(*) from billing.payment_methods where tenant_id = $1"
        assert await connection.fetchval(methods, identity.tenant_id) == 15
    assert user is not None
    assert tenant is not None
    assert user["email"] == f"{user['google_sub']}@gmail.com"
    assert (user["name"], user["password_hash"]) == ("Ada Byron", None)
    assert user["email_verified_at"] is not None
    assert (tenant["currency"], tenant["country"], tenant["created_by"]) == ("GBP", "GB", identity.user_id)
    assert signed_in.refresh is not None
    assert (await google.sessions.refresh(signed_in.refresh, somewhere())).organisation == signed_in.organisation
    assert await noted(identity.user_id) == [{"method": "GOOGLE"}]
    # The same person comes back, with this token or another one.
    for again in (text, token(provider, sub=user["google_sub"], email="another@gmail.com")):
        assert google.tokens.verify((await signs_in(google, again)).access.text).user_id == identity.user_id


async def test_whoever_is_invited_needs_no_organisation_of_their_own(
    google: Services, provider: Issuer, tenant: Tenant, other_tenant: Tenant
) -> None:
    text = token(provider, sub="8" + token_hex(8))
    with pytest.raises(ApiError) as refused:
        await signs_up(google, text, organisation=None)
    assert refused.value.reason == "ORGANISATION_REQUIRED"
    person, claims = await hosted(tenant)
    await invite(other_tenant, person.email, "admin")
    assert (
        await signs_in(google, token(provider, **claims), slug=other_tenant.slug)
    ).organisation.slug == other_tenant.slug
    email = f"7{token_hex(8)}@gmail.com"
    await invite(tenant, email, "operator")
    signed_in = await signs_up(google, token(provider, email=email), organisation=None)
    context = await Principals(google.database).context(google.tokens.verify(signed_in.access.text))
    assert (context.tenant_id, context.role) == (tenant.tenant_id, "operator")


async def test_who_has_an_account_is_told_to_sign_in(google: Services, provider: Issuer, tenant: Tenant) -> None:
    person, said = await hosted(tenant)
    for claims in (said, said | {"sub": token_hex(8)}):
        with pytest.raises(ApiError) as refused:
            await signs_up(google, token(provider, **claims))
        assert (refused.value.code, refused.value.reason) == (Code.CONFLICT, "ACCOUNT_EXISTS")
    assert await linked_to(person.user_id) is None


@pytest.mark.parametrize(
    ("wanted", "reason", "field"),
    [
        ({"time_zone": "Nowhere"}, "TIME_ZONE_UNKNOWN", "input.organisation.timeZone"),
        ({"name": " "}, "NAME_INVALID", "input.organisation.name"),
        ({"country": "gb"}, "COUNTRY_INVALID", "input.organisation.country"),
        ({"currency": "euros"}, "CURRENCY_CODE", None),
    ],
)
async def test_what_no_organisation_can_have_is_refused_as_when_signing_up_with_a_code(
    wanted: dict[str, str], reason: str, field: str | None, google: Services, provider: Issuer
) -> None:
    text = token(provider)
    with pytest.raises(ApiError) as refused:
        await signs_up(google, text, organisation=ORGANISATION | wanted)
    assert (refused.value.reason, refused.value.field) == (reason, field)
    assert await refusal(google, text) == "GOOGLE_ACCOUNT_UNKNOWN"
    await signs_up(google, text)


async def test_the_first_time_links_the_account_with_the_address_and_is_noted(
    google: Services, provider: Issuer, tenant: Tenant
) -> None:
    person, said = await hosted(tenant)
    signed_in = await signs_in(google, token(provider, **said))
    assert google.tokens.verify(signed_in.access.text).user_id == person.user_id
    assert signed_in.organisation.slug == tenant.slug
    assert await linked_to(person.user_id) == said["sub"]
    assert await noted(person.user_id) == [{"google": "LINKED"}, {"method": "GOOGLE"}]
    # From now on the Google account counts, whatever its address is; and another one with the address does not.
    await signs_in(google, token(provider, sub=said["sub"], email="new@elsewhere.example", email_verified=False))
    assert await refusal(google, token(provider, **said | {"sub": token_hex(8)})) == "GOOGLE_ACCOUNT_UNKNOWN"
    assert len(await noted(person.user_id)) == 4


async def test_an_account_whose_address_nobody_has_verified_is_not_taken_over(
    google: Services, provider: Issuer, tenant: Tenant
) -> None:
    """Somebody else may have made it, and would be let in with whoever takes it."""
    person, said = await hosted(tenant, verified=False)
    assert await refusal(google, token(provider, **said)) == "GOOGLE_ACCOUNT_UNKNOWN"
    assert await linked_to(person.user_id) is None


@pytest.mark.parametrize(
    "said",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "false"},
        {"email_verified": 1},
        {"hd": None},
        {"email": None},
        {"email": ["x"]},
        {"email": "a\0b@gmail.com"},
    ],
    ids=str,
)
async def test_an_address_that_google_does_not_vouch_for_opens_nothing(
    said: dict[str, Any], google: Services, provider: Issuer, tenant: Tenant
) -> None:
    """Without `hd`, Google knows whose the address once was, and not whose it is."""
    person, right = await hosted(tenant)
    text = token(provider, **right | said)
    assert await refusal(google, text) == "GOOGLE_ACCOUNT_UNKNOWN"
    assert await linked_to(person.user_id) is None
    with pytest.raises(ApiError) as refused:
        await signs_up(google, text)
    assert refused.value.reason == "GOOGLE_EMAIL_NOT_VOUCHED"


@pytest.mark.parametrize("closing", ["is_active = false", "deleted_at = now()"])
async def test_a_closed_account_is_refused_in_the_same_words_as_none(
    closing: str, google: Services, provider: Issuer, tenant: Tenant
) -> None:
    person, said = await hosted(tenant)
    await signs_in(google, token(provider, **said))
    async with as_superuser() as connection:
        await connection.execute(f"update iam.users set {closing} where id = $1", person.user_id)
    told = set()
    for claims in (said, said | {"sub": token_hex(8)}, {}):
        with pytest.raises(ApiError) as refused:
            await signs_in(google, token(provider, **claims))
        told.add((refused.value.code, refused.value.reason, refused.value.message, refused.value.field))
    assert len(told) == 1
    assert (await noted(person.user_id))[-1] == {"refused": "GOOGLE_ACCOUNT_UNKNOWN"}


async def test_a_closed_account_s_google_account_takes_no_other_account(
    google: Services, provider: Issuer, tenant: Tenant
) -> None:
    person, said = await hosted(tenant)
    await signs_in(google, token(provider, **said))
    other, theirs = await hosted(tenant)
    async with as_superuser() as connection:
        await connection.execute("update iam.users set deleted_at = now() where id = $1", person.user_id)
    assert await refusal(google, token(provider, **theirs | {"sub": said["sub"]})) == "GOOGLE_ACCOUNT_UNKNOWN"
    assert await linked_to(other.user_id) is None


async def test_the_second_factor_is_still_asked_for_and_links_nothing_before_it_is_shown(
    google: Services, provider: Issuer, tenant: Tenant
) -> None:
    person, said = await hosted(tenant)
    enrolled = await google.second_factors.enrol(person.user_id, "telephone")
    device = pyotp.TOTP(enrolled.seed)
    codes = await google.second_factors.confirm(person.user_id, enrolled.id, device.now(), somewhere())
    text = token(provider, **said)
    assert await refusal(google, text) == "SECOND_FACTOR_REQUIRED"
    assert await refusal(google, text, second_factor="000000") == "SECOND_FACTOR_INVALID"
    assert await linked_to(person.user_id) is None
    signed_in = await signs_in(google, text, second_factor=codes[0])
    assert google.tokens.verify(signed_in.access.text).user_id == person.user_id
    assert await linked_to(person.user_id) == said["sub"]


async def test_the_organisation_is_chosen_as_with_a_password(
    google: Services, provider: Issuer, tenant: Tenant, other_tenant: Tenant
) -> None:
    _, said = await hosted(tenant)
    assert (await signs_in(google, token(provider, **said), slug=tenant.slug)).organisation.slug == tenant.slug
    assert await refusal(google, token(provider, **said), slug=other_tenant.slug) == "ORGANISATION_UNKNOWN"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another.apps.googleusercontent.com"},
        {"aud": [CLIENT]},
        {"aud": None},
        {"iss": "https://accounts.example.com"},
        {"iss": None},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"iat": "-661", "exp": "+600"},
        {"iat": "-700", "exp": "-61"},
        {"iat": "+120", "exp": "+600"},
        {"exp": "+3700"},
        {"nonce": "which nobody asked for"},
    ],
    ids=str,
)
async def test_a_token_that_is_not_google_s_for_this_house_now_is_refused(
    claims: dict[str, Any], google: Services, provider: Issuer, tenant: Tenant
) -> None:
    """`+` and `-` are seconds from now."""
    _, said = await hosted(tenant)
    now = int(time.time())
    claims = {
        name: now + int(value) if isinstance(value, str) and value[:1] in ("+", "-") else value
        for name, value in claims.items()
    }
    assert await refusal(google, token(provider, **said | claims)) == "ID_TOKEN_INVALID"


async def test_a_forged_token_is_refused(google: Services, provider: Issuer, tenant: Tenant) -> None:
    _, said = await hosted(tenant)
    access = google.tokens.issue(tenant.owner_id, tenant.tenant_id).text
    for text in (
        token(provider, **said, key=rsa_key(1)),
        token(provider, **said, key="secret" * 8),
        token(provider, **said, header={"kid": "unknown"}),
        token(provider, **said, header={"jku": provider.jwks_url}),
        token(provider, **said).rpartition(".")[0] + ".",
        access,
        "",
        "nonsense",
        "\ud800",
        "x" * 100_000,
    ):
        assert await refusal(google, text) == "ID_TOKEN_INVALID"


async def test_another_client_of_ours_a_nonce_and_google_s_short_name_are_right(
    google: Services, provider: Issuer, tenant: Tenant
) -> None:
    _, said = await hosted(tenant)
    await signs_in(google, token(provider, **said, aud=APP))
    await signs_in(google, token(provider, **said, nonce="once"), nonce="once")
    assert await refusal(google, token(provider, **said, nonce="once"), nonce="twice") == "ID_TOKEN_INVALID"
    assert await refusal(google, token(provider, **said), nonce="once") == "ID_TOKEN_INVALID"
    trust = Trust((CLIENT,), Source("https://accounts.google.com"), None)
    assert trust.issuers == ("https://accounts.google.com", "accounts.google.com")


async def test_a_token_that_is_nobody_s_is_noted_in_the_log_of_the_house(google: Services, provider: Issuer) -> None:
    here = Origin(f"request-{token_hex(8)}", "198.18.7.8", "a browser")
    forged = token(provider, key=rsa_key(1))
    assert await refusal(google, forged, origin=here) == "ID_TOKEN_INVALID"
    assert await refusal(google, token(provider), origin=here) == "GOOGLE_ACCOUNT_UNKNOWN"
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select facts, user_id from iam.house_log where request_id = $1 order by created_at, id", here.request_id
        )
    assert [(json.loads(row["facts"]), row["user_id"]) for row in rows] == [
        ({"refused": "ID_TOKEN_INVALID"}, None),
        ({"refused": "GOOGLE_ACCOUNT_UNKNOWN"}, None),
    ]


async def test_guessers_wait(google: Services) -> None:
    here = Origin("r", "198.18.7.7", None)
    reasons = [await refusal(google, f"guess {number}", origin=here) for number in range(62)]
    assert reasons[:60] == ["ID_TOKEN_INVALID"] * 60
    assert reasons[-1] == "TOO_MANY_FAILURES"


async def test_google_that_is_away_is_told_and_one_that_is_not_set_up_as_well(
    services: Services, tenant: Tenant
) -> None:
    async with an_issuer() as away:
        away.status = "500 Broken"
        trust = Trust((CLIENT,), Source(away.url, away.jwks_url), KeySets(Fetcher(private=True)))
        house = Services.of(
            services.database,
            services.tokens,
            services.passwords,
            Secrets([token_bytes(32)]),
            Inbox().post,
            HERE,
            trust,
        )
        assert await refusal(house, token(away)) == "ISSUER_AWAY"
        for each in (signs_in, signs_up):
            with pytest.raises(ApiError) as refused:
                await each(services, token(away))
            assert (refused.value.code, refused.value.reason) == (Code.UNAVAILABLE, "GOOGLE_OFF")


async def test_what_was_signed_up_with_google_is_forgotten_as_well(google: Services, provider: Issuer) -> None:
    await signs_up(google, token(provider))
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        for table in ("iam.signup_sessions", "iam.codes"):
            old = "created_at = created_at - interval '2 days', expires_at = expires_at - interval '2 days'"
            await connection.execute(f"update {table} set {old}")
        await connection.execute("select iam.codes_forget()")
        for table in ("iam.signup_sessions", "iam.codes"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0


async def test_of_two_google_accounts_at_once_one_is_linked(tenant: Tenant) -> None:
    person, _ = await hosted(tenant)
    link = "select count(*) from iam.sign_in_with_google($1, $2, null, null, null)"
    async with as_superuser() as first, as_superuser() as second:
        async with first.transaction():
            assert await first.fetchval(link, "one", person.email) == 1
            late = asyncio.ensure_future(second.fetchval(link, "other", person.email))
            await asyncio.sleep(0.2)
            assert not late.done()
        assert await late == 0
    assert await linked_to(person.user_id) == "one"
