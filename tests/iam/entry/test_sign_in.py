"""Signing in: the right password opens a person's own organisations, and nothing tells who has an account."""

import asyncio
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Final

import pytest

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.credentials.passwords import Passwords
from gql.iam.keys.secrets import Secrets
from gql.iam.services import Services
from gql.iam.tokens.access import Identity
from gql.iam.tokens.principals import Principals
from gql.iam.tokens.sessions import SignedIn
from gql.messages.post import Post
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import PASSWORD, Person, Tenant, make_person, make_tenant

ORIGIN: Final = Origin("request-7", "192.0.2.7", "a browser")
SECRETS: Final = Secrets([bytes(32)])
ELSEWHERE: Final = (
    Origin("request-7", str(IPv4Address("198.18.0.0") + number), "a browser") for number in range(60_000)
)
"""An address that nobody has tried from: so that tests do not wait for one another's failures."""
STRANGER: Final = "nobody.at.all@example.org"


async def sign_in(
    services: Services, email: str, password: str = PASSWORD, slug: str | None = None, origin: Origin | None = None
) -> SignedIn:
    return await services.sign_in.with_password(email, password, slug, origin or next(ELSEWHERE))


async def refusal(
    services: Services, email: str, password: str = PASSWORD, slug: str | None = None, origin: Origin | None = None
) -> ApiError:
    with pytest.raises(ApiError) as problem:
        await sign_in(services, email, password, slug, origin)
    return problem.value


async def change(statement: str, *arguments: object) -> None:
    async with as_superuser() as connection:
        await connection.execute(statement, *arguments)


async def join(tenant: Tenant, person: Person, role: str = "viewer") -> None:
    facts = f'{{"tenant_id": "{tenant.tenant_id}", "user_id": "{person.user_id}", "role": "{role}"}}'
    await change("select iam.membership_create($1::jsonb)", facts)


async def test_the_right_password_gives_a_token_for_the_organisation(services: Services, tenant: Tenant) -> None:
    signed_in = await sign_in(services, tenant.owner_email)
    identity = services.tokens.verify(signed_in.access.text)
    assert (identity.user_id, identity.tenant_id) == (tenant.owner_id, tenant.tenant_id)
    assert identity.session_id == signed_in.session_id
    assert signed_in.organisation == (tenant.tenant_id, tenant.slug, tenant.name)


@pytest.mark.parametrize("write", [str.upper, str.title, "  {}\t".format])
async def test_capitals_and_blanks_around_an_address_do_not_matter(
    write: Callable[[str], str], services: Services, tenant: Tenant
) -> None:
    assert (await sign_in(services, write(tenant.owner_email))).organisation.slug == tenant.slug


async def test_a_person_of_several_organisations_gets_the_first_by_name_or_the_one_they_name(
    services: Services,
) -> None:
    last, first = await make_tenant("Zephyr Sails"), await make_tenant("Anvil Works")
    await join(first, last.owner)
    assert (await sign_in(services, last.owner_email)).organisation.name == "Anvil Works"
    named = await sign_in(services, last.owner_email, slug=last.slug)
    assert named.organisation.name == "Zephyr Sails"
    assert services.tokens.verify(named.access.text).tenant_id == last.tenant_id


async def test_unknown_wrong_and_inactive_are_answered_in_the_same_words(services: Services, tenant: Tenant) -> None:
    """Attack 52."""
    retired, closed, keyless = [await make_person(tenant, "viewer") for _ in range(3)]
    await change("update iam.users set is_active = false where id = $1", retired.user_id)
    await change("update iam.users set deleted_at = now() where id = $1", closed.user_id)
    await change("update iam.users set password_hash = null where id = $1", keyless.user_id)
    problems = [
        await refusal(services, STRANGER),
        await refusal(services, tenant.owner_email, "a long and wooden fridge"),
        await refusal(services, tenant.owner_email, PASSWORD.upper()),
        await refusal(services, tenant.owner_email, ""),
        await refusal(services, tenant.owner_email, "x" * 129),
        await refusal(services, STRANGER, slug=tenant.slug),
        *[await refusal(services, person.email) for person in (retired, closed, keyless)],
    ]
    assert {(each.code, each.reason, each.message, each.field) for each in problems} == {
        (
            Code.UNAUTHENTICATED,
            "CREDENTIALS_INVALID",
            "There is no account with this address and password. Check both and try again.",
            None,
        )
    }


async def test_unknown_wrong_and_inactive_are_answered_after_the_same_work(services: Services, tenant: Tenant) -> None:
    """One hash each; and a quick attempt of each kind is about as quick as one of the others, where without the dummy
    hash one for an unknown address takes a twentieth. (The quickest of many says the least about this machine.)"""
    retired = await make_person(tenant, "viewer")
    await change("update iam.users set is_active = false where id = $1", retired.user_id)
    emails = (STRANGER, tenant.owner_email, retired.email, "not an address \0")
    taken: dict[str, list[float]] = {email: [] for email in emails}
    for _ in range(12):
        for email in emails:
            hashed, started = services.passwords.statistics.finished, time.perf_counter()
            await refusal(services, email, "a long and wooden fridge")
            taken[email].append(time.perf_counter() - started)
            assert services.passwords.statistics.finished == hashed + 1
    quick = [sorted(each)[2] for each in taken.values()]
    assert max(quick) / min(quick) < 3


async def test_a_foreign_organisation_and_one_that_does_not_exist_are_refused_alike(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    problems = [
        await refusal(services, tenant.owner_email, slug=slug)
        for slug in (other_tenant.slug, "no-such-organisation", "", "\0", tenant.slug.upper(), str(tenant.tenant_id))
    ]
    assert {(each.code, each.reason, each.field) for each in problems} == {
        (Code.BAD_USER_INPUT, "ORGANISATION_UNKNOWN", "input.organisation")
    }
    assert len({each.message for each in problems}) == 1


async def test_the_organisation_is_judged_only_after_the_password(services: Services, tenant: Tenant) -> None:
    for slug in (tenant.slug, "no-such-organisation"):
        assert (await refusal(services, tenant.owner_email, "wrong password", slug)).reason == "CREDENTIALS_INVALID"


async def test_a_suspended_organisation_cannot_be_signed_in_to(services: Services, tenant: Tenant) -> None:
    await change("update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id)
    problem = await refusal(services, tenant.owner_email)
    assert (problem.code, problem.reason) == (Code.FORBIDDEN, "NO_ORGANISATION")
    assert (await refusal(services, tenant.owner_email, slug=tenant.slug)).reason == "ORGANISATION_UNKNOWN"


async def test_a_deactivated_membership_cannot_be_signed_in_to(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    await join(other_tenant, tenant.owner)
    await make_person(tenant, "owner")
    await change(
        "update iam.memberships set is_active = false where tenant_id = $1 and user_id = $2",
        tenant.tenant_id,
        tenant.owner_id,
    )
    assert (await sign_in(services, tenant.owner_email)).organisation.slug == other_tenant.slug
    assert (await refusal(services, tenant.owner_email, slug=tenant.slug)).reason == "ORGANISATION_UNKNOWN"


async def test_somebody_who_belongs_nowhere_is_told_so(services: Services, tenant: Tenant) -> None:
    person = await make_person(tenant, "viewer")
    await change("delete from iam.memberships where user_id = $1", person.user_id)
    problem = await refusal(services, person.email)
    assert (problem.code, problem.reason) == (Code.FORBIDDEN, "NO_ORGANISATION")


@pytest.mark.parametrize("email", ["", "\0", "a\0@b", "\ud800@example.org", "x" * 1_000_000, "' or true --", "%", "@"])
async def test_any_text_may_be_tried_as_an_address(email: str, services: Services) -> None:
    assert (await refusal(services, email)).reason == "CREDENTIALS_INVALID"


async def test_what_nobody_can_have_is_refused_without_asking_the_database(services: Services) -> None:
    asked = services.database.writes.statistics.acquisitions
    assert (await refusal(services, "nobody@example.org", "x" * 129)).reason == "CREDENTIALS_INVALID"
    assert services.database.writes.statistics.acquisitions == asked


async def test_signing_in_is_recorded_with_where_it_came_from(services: Services, tenant: Tenant) -> None:
    await sign_in(services, tenant.owner_email, origin=ORIGIN)
    async with as_superuser() as connection:
        last_login = await connection.fetchval("select last_login_at from iam.users where id = $1", tenant.owner_id)
        entries = await connection.fetch(
            "select * from core.audit_log where tenant_id = $1 and action = 'SIGN_IN'", tenant.tenant_id
        )
    assert last_login is not None
    [entry] = entries
    assert (entry["entity_type"], entry["entity_id"]) == ("USER", tenant.owner_id)
    assert (entry["user_id"], entry["request_id"]) == (tenant.owner_id, "request-7")
    assert (entry["ip_address"], entry["user_agent"]) == ("192.0.2.7", "a browser")
    assert (entry["old_values"], entry["new_values"]) == (None, None)


async def test_a_refused_sign_in_changes_nothing(services: Services, tenant: Tenant) -> None:
    await refusal(services, tenant.owner_email, "a long and wooden fridge", origin=ORIGIN)
    await refusal(services, tenant.owner_email, slug="no-such-organisation", origin=ORIGIN)
    async with as_superuser() as connection:
        assert await connection.fetchval("select last_login_at from iam.users where id = $1", tenant.owner_id) is None
        entries = await connection.fetch(
            "select user_id, new_values ->> 'refused' as said, ip_address from core.audit_log"
            " where tenant_id = $1 and action = 'SIGN_IN' order by created_at",
            tenant.tenant_id,
        )
    assert [tuple(entry) for entry in entries] == [
        (tenant.owner_id, reason, "192.0.2.7") for reason in ("CREDENTIALS_INVALID", "ORGANISATION_UNKNOWN")
    ]


@pytest.mark.parametrize("agent", ["with a \0 inside", "", "ü" * 3000, None])
async def test_whatever_a_browser_calls_itself_it_can_sign_in(
    agent: str | None, services: Services, tenant: Tenant
) -> None:
    await services.sign_in.with_password(tenant.owner_email, PASSWORD, None, Origin("", None, agent))


async def test_who_finds_the_queue_full_is_sent_away_before_the_database_is_asked(
    services: Services, tenant: Tenant
) -> None:
    """Attack 51."""
    passwords = Passwords(workers=1, waiting=0)
    busy = Services.of(services.database, services.tokens, passwords, SECRETS, Post(None), "postgresql://house/books")
    async with services.database.nobody():
        await passwords._free.acquire()
        asked = services.database.writes.statistics.acquisitions
        problem = await refusal(busy, tenant.owner_email)
        assert (problem.code, problem.reason) == (Code.RATE_LIMITED, "SIGN_IN_BUSY")
        assert services.database.writes.statistics.acquisitions == asked
    passwords.close()


async def test_two_hundred_guesses_at_once_cost_few_hashes_and_hold_few_connections(
    database: TestDatabase, services: Services, tenant: Tenant
) -> None:
    """Attack 51."""
    opened = await Database.open(database.options(read_connections=1, write_connections=4))
    passwords = Passwords(workers=1, waiting=4)
    besieged = Services.of(opened, services.tokens, passwords, SECRETS, Post(None), "postgresql://house/books")

    async def guess(number: int) -> str | None:
        return (await refusal(besieged, tenant.owner_email, f"guess number {number}", origin=ORIGIN)).reason

    siege = [asyncio.ensure_future(guess(number)) for number in range(200)]
    # Meanwhile, who has signed in already works on.
    identity = Identity(tenant.owner_id, tenant.tenant_id, time.time())
    assert (await Principals(opened).context(identity)).role == "owner"
    assert not all(task.done() for task in siege)
    answers = await asyncio.gather(*siege)
    assert answers.count("CREDENTIALS_INVALID") == passwords.statistics.finished == 5
    assert set(answers) <= {"CREDENTIALS_INVALID", "SIGN_IN_BUSY", "TOO_MANY_FAILURES"}
    assert opened.writes.statistics.size <= 3
    passwords.close()
    await opened.close()
