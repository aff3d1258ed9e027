"""`tenant create`."""

import json
import secrets

import argon2
import pytest

from gql.settings import Settings
from tests.harness.actors import as_superuser
from tests.harness.command_line import Outcome, countinghouse, environment

HASH = "select password_hash from iam.users where email = $1"


async def create(settings: Settings, slug: str, *options: str) -> Outcome:
    needed = ["--slug", slug, "--name", "Quiet Harbour Ltd", "--owner-email", f"{slug}@example.org"]
    return await countinghouse("tenant", "create", *needed, *options, env=environment(settings))


@pytest.fixture
def slug() -> str:
    return f"quiet-{secrets.token_hex(4)}"


async def test_an_organisation_is_made_with_its_role_and_its_owner(slug: str, settings: Settings) -> None:
    profile = ["--currency", "GBP", "--time-zone", "Europe/London", "--country", "GB", "--fiscal-year-start", "4"]
    outcome = await create(settings, slug, *profile, "--owner-password", "a quiet harbour wall", "--json")
    assert (outcome.status, outcome.err) == (0, "")
    made = json.loads(outcome.out)
    assert "password" not in made
    async with as_superuser() as connection:
        row = await connection.fetchrow(
            "select currency::text, time_zone, country, fiscal_year_start, user_email, role,"
            " to_regrole('tenant_' || replace(tenants.id::text, '-', '')) is not null"
            " from iam.tenants as tenants join iam.memberships on tenant_id = tenants.id where slug = $1",
            slug,
        )
        password_hash = await connection.fetchval(HASH, f"{slug}@example.org")
    assert row is not None
    assert tuple(row) == ("GBP", "Europe/London", "GB", 4, f"{slug}@example.org", "owner", True)
    assert argon2.PasswordHasher().verify(password_hash, "a quiet harbour wall")


async def test_a_password_is_made_up_and_shown_where_none_is_given(slug: str, settings: Settings) -> None:
    made = json.loads((await create(settings, slug, "--json")).out)
    assert len(made["password"]) >= 12
    async with as_superuser() as connection:
        password_hash = await connection.fetchval(HASH, made["owner"])
    assert argon2.PasswordHasher().verify(password_hash, made["password"])


async def test_somebody_with_an_account_keeps_it_and_gets_another_organisation(slug: str, settings: Settings) -> None:
    await create(settings, slug)
    other = ["--slug", f"{slug}-two", "--name", "Second Harbour", "--owner-email", f"{slug}@example.org"]
    outcome = await countinghouse("tenant", "create", *other, env=environment(settings))
    assert outcome.status == 0
    assert f"Its owner is {slug}@example.org, who signs in with the password they have." in outcome.out
    refused = await countinghouse(
        "tenant", "create", *other, "--owner-password", "another long password", env=environment(settings)
    )
    assert refused.status == 2
    assert "has an account already" in refused.err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--currency", "pounds"], "A currency is three capital letters, such as EUR."),
        (["--currency", "KWD"], "Currencies with more than two decimals are not supported."),
        (["--time-zone", "Mars/Olympus"], "A time zone is an IANA name, such as Europe/London."),
        (["--country", "England"], "A country is its two-letter ISO 3166 code, such as GB."),
        (["--fiscal-year-start", "13"], "A fiscal year starts in a month from 1 to 12."),
        (["--owner-password", "short"], "A password has 12 to 128 characters."),
    ],
)
async def test_what_is_wrong_is_told_and_nothing_is_made(
    options: list[str], complaint: str, slug: str, settings: Settings
) -> None:
    outcome = await create(settings, slug, *options)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"countinghouse: {complaint}")
    async with as_superuser() as connection:
        assert await connection.fetchval("select count(*) from iam.tenants where slug = $1", slug) == 0
        assert await connection.fetchval("select count(*) from iam.users where email = $1", f"{slug}@example.org") == 0


async def test_a_short_name_is_given_once(slug: str, settings: Settings) -> None:
    await create(settings, slug)
    outcome = await create(settings, slug)
    assert outcome.status == 1
    assert outcome.err == "countinghouse: This short name is taken. Choose another.\n"
