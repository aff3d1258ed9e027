"""Invites: sql/iam/invites.sql, iam/entry/invitations.py."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gql.iam.services import Services
from gql.iam.tokens.principals import Principals
from tests.harness import verbs
from tests.harness.actors import as_analyst, as_owner, as_superuser, as_tenant
from tests.harness.inbox import Inbox
from tests.harness.tenants import PASSWORD, Person, Tenant, make_person, make_tenant
from tests.harness.verbs import call
from tests.iam.comers import (
    invite,
    make_comer,
    make_older,
    membership_of,
    mine,
    new_address,
    refused,
    the_invite,
    told,
)
from tests.iam.entry.test_codes import somewhere
from tests.iam.entry.test_sign_up import begun
from tests.iam.test_join_requests import ask

NOT_THERE = ("NOT_FOUND", "INVITE_NOT_FOUND")


async def test_whoever_is_invited_joins_with_that_role_and_scope(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    person, client = await make_comer(other_tenant), uuid4()
    made = await invite(tenant, f" {person.email.upper()} ", "member", scope_ids=[str(client)])
    [seen] = await mine(other_tenant, person.user_id, "my_invites")
    assert (seen["id"], seen["organisation_slug"], seen["role"], seen["invited_by"]) == (
        made,
        tenant.slug,
        "member",
        tenant.owner.name,
    )
    joined = await services.invitations.accept(person.user_id, made, somewhere())
    assert (joined.tenant_id, joined.slug) == (tenant.tenant_id, tenant.slug)
    assert await membership_of(tenant, person.user_id) == {
        "role": "member",
        "scope_ids": [client],
        "is_active": True,
        "created_by": tenant.owner_id,
    }
    assert (await the_invite(made))["outcome"] == "ACCEPTED"
    assert await mine(other_tenant, person.user_id, "my_invites") == []
    switched = await services.sign_in.with_password(person.email, PASSWORD, tenant.slug, somewhere())
    context = await Principals(services.database).context(services.tokens.verify(switched.access.text))
    assert (context.role, context.scope_ids) == ("member", (client,))


async def test_the_address_is_told_who_invites_it_and_where(tenant: Tenant) -> None:
    address = new_address()
    await invite(tenant, address)
    [notice] = await told(address)
    assert notice["subject"] == f"{tenant.name} invites you"
    assert all(each in notice["text"] for each in (tenant.owner.name, tenant.name, tenant.slug))


async def test_names_that_want_to_be_headers_stay_on_one_line() -> None:
    tenant, address = await make_tenant("Ashdown"), new_address()
    async with as_superuser() as connection:
        await connection.execute(
            "update iam.tenants set name = $2 where id = $1", tenant.tenant_id, "A\r\nBcc: x@example.org\n\nB"
        )
    await invite(tenant, address)
    [notice] = await told(address)
    assert notice["subject"] == "A Bcc: x@example.org B invites you"
    assert "\nBcc" not in notice["text"]


async def test_nothing_is_told_of_what_is_rolled_back_or_refused(tenant: Tenant) -> None:
    address = new_address()
    async with as_tenant(tenant) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await call(connection, "iam.invite_create", address=address, role="viewer")
        await transaction.rollback()
        with verbs.refused("BAD_USER_INPUT", "ROLE_UNKNOWN"):
            await call(connection, "iam.invite_create", address=address, role="boss")
    assert await told(address) == []


async def test_whoever_needs_no_scope_may_be_given_null(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await call(connection, "iam.invite_create", address=new_address(), role="viewer", scope_ids=None)
        assert await connection.fetchval("select scope_ids from iam.invites where id = $1", made) == []


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"address": "no address"}, "ADDRESS_INVALID"),
        ({"address": "a@example.org,b@example.org"}, "ADDRESS_INVALID"),
        ({"address": "a@example.org\nBcc: b@example.org"}, "ADDRESS_INVALID"),
        ({"address": "07911 123456"}, "ADDRESS_INVALID"),
        ({"address": "x" * 250 + "@c.org"}, "ADDRESS_INVALID"),
        ({"address": None}, "REQUIRED"),
        ({"role": "doorway"}, "ROLE_UNKNOWN"),
        ({"role": "worker"}, "ROLE_UNKNOWN"),
        ({"role": None}, "REQUIRED"),
        ({"role": "member"}, "SCOPE_REQUIRED"),
        ({"role": "member", "scope_ids": []}, "SCOPE_REQUIRED"),
        ({"role": "member", "scope_ids": None}, "SCOPE_REQUIRED"),
        ({"scope_ids": [str(uuid4())]}, "SCOPE_REQUIRED"),
        ({"role": "member", "scope_ids": ["no uuid"]}, "INVALID_VALUE"),
    ],
)
async def test_an_invite_that_makes_no_sense_is_refused(tenant: Tenant, facts: dict[str, Any], reason: str) -> None:
    async with as_tenant(tenant) as connection:
        with verbs.refused("BAD_USER_INPUT", reason):
            await call(connection, "iam.invite_create", **{"address": new_address(), "role": "viewer", **facts})


@pytest.mark.parametrize("role", ["admin", "accountant", "operator", "viewer", "member", "doorway", "worker", ""])
async def test_nobody_but_an_owner_invites_or_revokes(tenant: Tenant, role: str) -> None:
    made = await invite(tenant, new_address())
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        with verbs.refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, "iam.invite_create", address=new_address(), role="viewer")
        with verbs.refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, "iam.invite_revoke", id=made)


@pytest.mark.parametrize("role", ["owner", "admin", "accountant", "operator", "viewer", "member", "worker", ""])
async def test_no_role_of_an_organisation_answers_for_the_invited(tenant: Tenant, role: str) -> None:
    person = await make_comer(tenant)
    made = await invite(tenant, new_address())
    async with as_tenant(tenant, role, [uuid4()], user_id=person.user_id) as connection:
        for verb in ("iam.invite_accept", "iam.invite_decline", "iam.membership_leave"):
            with verbs.refused("FORBIDDEN", "PERMISSION_MISSING"):
                await call(connection, verb, id=made)


@pytest.mark.parametrize("statement", ["update iam.invites set role = 'owner'", "delete from iam.invites"])
async def test_nobody_writes_an_invite(tenant: Tenant, statement: str) -> None:
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst:
        for connection in (person, analyst):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_another_organisations_invite_is_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = await invite(other_tenant, new_address())
    async with as_tenant(tenant) as connection:
        assert await connection.fetch("select id from iam.invites where id = $1", foreign) == []
        for wanted in (foreign, uuid4()):
            with verbs.refused(*NOT_THERE):
                await call(connection, "iam.invite_revoke", id=wanted)
    async with as_owner(tenant) as connection:
        assert await connection.fetch("select id from iam.invites where id = $1", foreign) == []


async def test_whether_an_address_has_an_account_is_not_told(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    seen = []
    for address in (person.email, new_address()):
        made = await the_invite(await invite(tenant, address))
        seen.append({name for name, value in made.items() if value is None})
        [notice] = await told(address)
        seen.append(notice["text"].replace(address, ""))
    assert seen[:2] == seen[2:]


async def test_an_address_is_invited_once_at_a_time_and_no_colleagues(tenant: Tenant) -> None:
    address = new_address()
    first = await invite(tenant, address)
    async with as_tenant(tenant) as connection:
        with verbs.refused("CONFLICT", "INVITE_OPEN"):
            await call(connection, "iam.invite_create", address=address, role="admin")
        with verbs.refused("CONFLICT", "ALREADY_A_MEMBER"):
            await call(connection, "iam.invite_create", address=tenant.owner_email, role="admin")
        await call(connection, "iam.invite_revoke", id=first)
        with verbs.refused("CONFLICT", "INVITE_OVER"):
            await call(connection, "iam.invite_revoke", id=first)
    second = await invite(tenant, address)
    await make_older("invites", second, "14 days", "expires_at")
    third = await invite(tenant, address)
    assert [(await the_invite(each))["outcome"] for each in (first, second, third)] == ["REVOKED", "EXPIRED", None]


async def test_of_two_who_invite_an_address_at_once_one_does(tenant: Tenant) -> None:
    address = new_address()
    made = await asyncio.gather(*(invite(tenant, address) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, UUID) for each in made) == 1
    assert len(await told(address)) == 1


async def test_no_more_than_a_hundred_are_open_or_sent_within_a_day() -> None:
    tenant = await make_tenant("Many Hands")
    async with as_tenant(tenant) as connection:
        for number in range(100):
            made = await call(connection, "iam.invite_create", address=new_address(), role="viewer")
            if number % 2:
                await call(connection, "iam.invite_revoke", id=made)
        with verbs.refused("CONFLICT", "TOO_MANY_INVITES"):
            await call(connection, "iam.invite_create", address=new_address(), role="viewer")


async def test_nobody_floods_an_inbox_with_however_many_organisations_and_at_once() -> None:
    address = new_address()
    tenants = [await make_tenant("One of many") for _ in range(12)]
    await asyncio.gather(*(invite(each, address) for each in tenants))
    assert len(await told(address)) == 10
    async with as_tenant(tenants[0]) as connection:
        [made] = [row["id"] for row in await connection.fetch("select id from iam.invites")]
        await call(connection, "iam.invite_revoke", id=made)
        await call(connection, "iam.invite_create", address=address, role="viewer")
    assert len(await told(address)) == 10


async def test_an_address_that_was_not_shown_to_be_theirs_lets_nobody_in(
    services: Services, inbox: Inbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await make_comer(other_tenant, verified=False)
    made = await invite(tenant, person.email)
    assert await mine(other_tenant, person.user_id, "my_invites") == []
    with refused(*NOT_THERE):
        await services.invitations.accept(person.user_id, made, somewhere())
    with refused("BAD_USER_INPUT", "ORGANISATION_UNKNOWN"):
        await services.sign_in.with_password(person.email, PASSWORD, tenant.slug, somewhere())
    assert await membership_of(tenant, person.user_id) is None
    # A code that comes back shows it.
    given = await services.codes.request("SIGN_IN", person.email, somewhere())
    await services.codes.sign_in(given.id, await inbox.code_to(person.email), None, somewhere())
    await services.invitations.accept(person.user_id, made, somewhere())


async def test_an_invite_to_somebody_else_is_as_one_that_does_not_exist(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    person, stranger = await make_comer(other_tenant), await make_comer(other_tenant)
    made = await invite(tenant, person.email)
    said = []
    for wanted in (made, uuid4()):
        for answer in (services.invitations.accept, services.invitations.decline):
            with refused(*NOT_THERE) as problem:
                await answer(stranger.user_id, wanted, somewhere())
            said.append((problem.value.message, problem.value.field))
    assert len(set(said)) == 1
    # Nor does it help to be in the invites' own organisation, in the role in which one answers.
    async with as_tenant(tenant, "doorway", user_id=stranger.user_id) as connection:
        with verbs.refused(*NOT_THERE) as told_there:
            await call(connection, "iam.invite_accept", id=made)
    assert (told_there.message, told_there.field) == said[0]
    assert await membership_of(tenant, stranger.user_id) is None


@pytest.mark.parametrize("fate", ["expired", "revoked", "declined", "suspended", "closed"])
async def test_what_is_over_is_not_accepted(fate: str, services: Services, other_tenant: Tenant) -> None:
    tenant = await make_tenant("Ashdown")
    person = await make_comer(other_tenant)
    made = await invite(tenant, person.email)
    match fate:
        case "expired":
            await make_older("invites", made, "14 days", "expires_at")
        case "revoked":
            async with as_tenant(tenant) as connection:
                await call(connection, "iam.invite_revoke", id=made)
        case "declined":
            await services.invitations.decline(person.user_id, made, somewhere())
        case _:
            async with as_superuser() as connection:
                if fate == "suspended":
                    await connection.execute(
                        "update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id
                    )
                else:
                    await connection.execute("update iam.users set deleted_at = now() where id = $1", person.user_id)
    with refused(*NOT_THERE):
        await services.invitations.accept(person.user_id, made, somewhere())
    assert await mine(other_tenant, person.user_id, "my_invites") == []
    assert await membership_of(tenant, person.user_id) is None


async def test_one_invite_lets_one_in_however_often_it_is_accepted_at_once(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await make_comer(other_tenant)
    made = await invite(tenant, person.email)
    tried = await asyncio.gather(
        *(services.invitations.accept(person.user_id, made, somewhere()) for _ in range(6)), return_exceptions=True
    )
    assert sum(not isinstance(each, BaseException) for each in tried) == 1
    assert {getattr(each, "reason", "joined") for each in tried} <= {"joined", "INVITE_NOT_FOUND", "ALREADY_A_MEMBER"}
    async with as_superuser() as connection:
        count = (
            "select count(*) from core.audit_log where tenant_id = $1 and entity_type = 'MEMBERSHIP' and user_id = $2"
        )
        assert await connection.fetchval(count, tenant.tenant_id, person.user_id) == 1


async def test_revoked_while_it_is_accepted_it_is_the_one_or_the_other(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    for _ in range(6):
        person = await make_comer(other_tenant)
        made = await invite(tenant, person.email)

        async def revoke(wanted: UUID = made) -> None:
            async with as_tenant(tenant) as connection:
                await call(connection, "iam.invite_revoke", id=wanted)

        ended = await asyncio.gather(
            services.invitations.accept(person.user_id, made, somewhere()), revoke(), return_exceptions=True
        )
        failed = [isinstance(each, BaseException) for each in ended]
        assert failed.count(True) == 1
        outcome = (await the_invite(made))["outcome"]
        assert outcome == ("REVOKED" if failed[0] else "ACCEPTED")
        assert (await membership_of(tenant, person.user_id) is None) == failed[0]


async def test_whoever_may_invite_no_more_has_invited_nobody(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    inviter, person, other = await make_person(tenant, "owner"), await make_comer(other_tenant), new_address()
    async with as_tenant(tenant, user_id=inviter.user_id) as connection:
        theirs = await call(connection, "iam.invite_create", address=person.email, role="owner")
    others = await invite(tenant, other)
    async with as_tenant(tenant) as connection:
        membership = await connection.fetchval("select id from iam.memberships where user_id = $1", inviter.user_id)
        await call(connection, "iam.membership_update", id=membership, role="admin")
    assert (await the_invite(theirs))["outcome"] == "REVOKED"
    assert (await the_invite(others))["outcome"] is None
    with refused(*NOT_THERE):
        await services.invitations.accept(person.user_id, theirs, somewhere())


async def test_whoever_was_an_owner_until_just_now_lets_nobody_in(tenant: Tenant, other_tenant: Tenant) -> None:
    """The server believes a role for ten seconds; the database does not."""
    was, person = await make_person(tenant, "owner"), await make_comer(other_tenant)
    request = await ask(person, tenant.slug)
    async with as_tenant(tenant, user_id=was.user_id) as connection:
        own = await connection.fetchval("select id from iam.memberships where user_id = $1", was.user_id)
        async with as_tenant(tenant) as owner:
            await call(owner, "iam.membership_update", id=own, role="viewer")
        for verb, facts in (
            ("invite_create", {"address": new_address()}),
            ("join_request_approve", {"id": request}),
            ("membership_update", {"id": own}),
        ):
            with verbs.refused("FORBIDDEN", "PERMISSION_MISSING"):
                await call(connection, f"iam.{verb}", role="owner", **facts)


async def test_an_invite_that_is_written_while_its_writer_is_no_owner_any_more_is_none(tenant: Tenant) -> None:
    for _ in range(5):
        was, address = await make_person(tenant, "owner"), new_address()

        async def write(was: Person = was, address: str = address) -> None:
            async with as_tenant(tenant, user_id=was.user_id) as connection:
                await call(connection, "iam.invite_create", address=address, role="owner")

        async def demote(was: Person = was) -> None:
            async with as_tenant(tenant) as connection:
                own = await connection.fetchval("select id from iam.memberships where user_id = $1", was.user_id)
                await call(connection, "iam.membership_update", id=own, role="viewer")

        await asyncio.gather(write(), demote(), return_exceptions=True)
        async with as_superuser() as connection:
            still = "select count(*) from iam.invites where address = $1 and outcome is null"
            assert await connection.fetchval(still, address) == 0


async def test_whoever_was_kept_out_does_not_come_back_by_an_older_invite(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await make_comer(other_tenant)
    phone = f"+4479{uuid4().int % 10**8:08}"
    async with as_superuser() as connection:
        await connection.execute(
            "update iam.users set phone = $2, phone_verified_at = now() where id = $1", person.user_id, phone
        )
    first, second = await invite(tenant, person.email), await invite(tenant, phone, "admin")
    await services.invitations.accept(person.user_id, first, somewhere())
    async with as_tenant(tenant) as connection:
        membership = await connection.fetchval("select id from iam.memberships where user_id = $1", person.user_id)
        await call(connection, "iam.membership_update", id=membership, is_active=False)
    with refused("CONFLICT", "ALREADY_A_MEMBER"):
        await services.invitations.accept(person.user_id, second, somewhere())
    membership_now = await membership_of(tenant, person.user_id)
    assert membership_now is not None
    assert (membership_now["role"], membership_now["is_active"]) == ("viewer", False)


async def test_whoever_has_no_account_signs_up_without_an_organisation(
    services: Services, inbox: Inbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    email = new_address()
    await invite(tenant, email, "viewer")
    newest = await invite(other_tenant, email, "admin")
    sign_up = await begun(services, email=email, organisation=None)
    signed_in = await services.sign_up.complete(sign_up.id, await inbox.code_to(email), somewhere())
    assert signed_in.organisation.slug == other_tenant.slug
    identity = services.tokens.verify(signed_in.access.text)
    context = await Principals(services.database).context(identity)
    assert (context.tenant_id, context.role) == (other_tenant.tenant_id, "admin")
    assert (await the_invite(newest))["outcome"] == "ACCEPTED"
    [left] = await mine(other_tenant, identity.user_id, "my_invites")
    assert left["organisation_slug"] == tenant.slug
    async with as_superuser() as connection:
        mine_now = "select count(*) from iam.memberships where user_id = $1"
        assert await connection.fetchval(mine_now, identity.user_id) == 1


async def test_without_an_invite_one_names_an_organisation_and_only_the_address_learns_of_it(
    services: Services, inbox: Inbox, tenant: Tenant
) -> None:
    email = new_address()
    made = await invite(tenant, email)
    sign_up = await begun(services, email=email, organisation=None)
    async with as_tenant(tenant) as connection:
        await call(connection, "iam.invite_revoke", id=made)
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await services.sign_up.complete(sign_up.id, "000000", somewhere())
    with refused("CONFLICT", "ORGANISATION_REQUIRED"):
        await services.sign_up.complete(sign_up.id, await inbox.code_to(email), somewhere())
    async with as_superuser() as connection:
        assert await connection.fetchval("select count(*) from iam.users where email = $1", email) == 0
    again = await begun(services, email=email)
    assert (await services.sign_up.complete(again.id, await inbox.code_to(email), somewhere())).organisation.slug


async def test_whoever_belongs_nowhere_comes_in_by_naming_who_invites_them(
    services: Services, inbox: Inbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await make_comer(other_tenant)
    async with as_superuser() as connection:
        await connection.execute("update iam.memberships set is_active = false where user_id = $1", person.user_id)
    made = await invite(tenant, person.email, "operator")
    with refused("FORBIDDEN", "NO_ORGANISATION"):
        await services.sign_in.with_password(person.email, PASSWORD, None, somewhere())
    with refused("BAD_USER_INPUT", "ORGANISATION_UNKNOWN"):
        await services.sign_in.with_password(person.email, PASSWORD, other_tenant.slug, somewhere())
    with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
        await services.sign_in.with_password(person.email, "not the password", tenant.slug, somewhere())
    assert (await the_invite(made))["outcome"] is None
    given = await services.codes.request("SIGN_IN", person.email, somewhere())
    signed_in = await services.codes.sign_in(given.id, await inbox.code_to(person.email), tenant.slug, somewhere())
    assert signed_in.organisation.slug == tenant.slug
    assert (await the_invite(made))["outcome"] == "ACCEPTED"


async def test_every_step_stands_in_the_log_of_the_organisation(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    person, origin = await make_comer(other_tenant), somewhere()
    made = await invite(tenant, person.email)
    await services.invitations.accept(person.user_id, made, origin)
    async with as_superuser() as connection:
        said = await connection.fetch(
            "select action, entity_type, user_id, ip_address, new_values from core.audit_log"
            # Letting in is one statement, and its entries are of one moment.
            " where tenant_id = $1 and (entity_id = $2 or user_id = $3) order by created_at, action, entity_type",
            tenant.tenant_id,
            made,
            person.user_id,
        )
    assert [(row["action"], row["entity_type"], row["user_id"]) for row in said] == [
        ("CREATE", "INVITE", tenant.owner_id),
        ("CREATE", "MEMBERSHIP", person.user_id),
        ("UPDATE", "INVITE", person.user_id),
    ]
    assert said[2]["ip_address"] == origin.ip_address
    assert json.loads(said[2]["new_values"])["outcome"] == "ACCEPTED"


async def test_neither_a_member_nor_an_analyst_sees_invites(tenant: Tenant) -> None:
    await invite(tenant, new_address())
    async with as_tenant(tenant, "member", [uuid4()]) as connection:
        assert await connection.fetch("select id from iam.invites") == []
    async with as_analyst(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select id from iam.invites")


async def test_a_role_can_be_invited_to_if_it_can_be_had() -> None:
    """Two tables know the roles; whoever adds one adds it to both."""
    async with as_superuser() as connection:
        said = await connection.fetch(
            "select pg_get_constraintdef(oid) from pg_constraint"
            " where conname in ('memberships_role_check', 'invites_role_check')"
        )
    assert len(said) == 2
    assert len({row[0] for row in said}) == 1
