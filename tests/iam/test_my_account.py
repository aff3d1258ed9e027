"""One's own account: sql/iam/my_account.sql, iam/entry/own_account.py, iam/entry/proofs.py."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gql.iam.credentials.second_factors import STEP_SECONDS
from gql.iam.entry.codes import Requested
from gql.iam.entry.proofs import Proof
from gql.iam.services import Services
from gql.iam.tokens.principals import Principals
from gql.iam.tokens.sessions import SignedIn
from tests.harness import verbs
from tests.harness.actors import as_nobody, as_superuser, as_tenant, as_worker
from tests.harness.inbox import Inbox
from tests.harness.tenants import PASSWORD, Person, Tenant, make_person, make_tenant
from tests.harness.verbs import call
from tests.iam.comers import invite, make_comer, membership_of, mine, new_address, refused
from tests.iam.entry.test_codes import another, somewhere
from tests.iam.entry.test_sign_up import begun as sign_up_begun
from tests.iam.test_join_requests import ask, the_request
from tests.iam.test_totp_devices import Clock, enrolled

PROOF = Proof(password=PASSWORD)
WRONG = Proof(password="not the password")


async def the_user(user_id: UUID) -> dict[str, Any]:
    async with as_superuser() as connection:
        row = await connection.fetchrow("select * from iam.users where id = $1", user_id)
    assert row is not None
    return dict(row)


async def signed_in(services: Services, person: Person) -> SignedIn:
    return await services.sign_in.with_password(person.email, PASSWORD, None, somewhere())


async def requested(services: Services, person: Person, address: str, proof: Proof = PROOF) -> Requested:
    return await services.own_account.change_address(person.user_id, address, proof, somewhere())


async def confirmed(services: Services, person: Person, session: UUID, request: UUID, digits: str) -> None:
    await services.own_account.confirm_address(person.user_id, session, request, digits, somewhere())


async def still_open(services: Services, session: SignedIn) -> bool:
    async with as_superuser() as connection:
        return bool(
            await connection.fetchval("select ended_at is null from iam.sessions where id = $1", session.session_id)
        )


# Names, pictures and preferences


async def test_ones_own_name_is_new_in_all_organisations(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_person(tenant, "member", [uuid4()])
    async with as_superuser() as connection:
        facts = {"tenant_id": other_tenant.tenant_id, "user_id": person.user_id, "role": "viewer"}
        await call(connection, "iam.membership_create", **facts)
    async with as_tenant(tenant, "member", [uuid4()], user_id=person.user_id) as connection:
        picture = "https://pictures.example/ash.png"
        facts = {"name": " Ash Moor ", "image": picture, "settings": {"theme": "dark"}}
        assert await call(connection, "iam.account_update", **facts) == person.user_id
        await call(connection, "iam.account_update", image=picture)
        [account] = await connection.fetch("select * from iam.my_account()")
        await call(connection, "iam.account_update", settings=None, image=None)
    assert (account["name"], account["image"], json.loads(account["settings"])) == (
        "Ash Moor",
        picture,
        {"theme": "dark"},
    )
    after = await the_user(person.user_id)
    assert (after["image"], after["settings"]) == (None, "{}")
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            name = "select user_name from iam.memberships where user_id = $1"
            assert await connection.fetchval(name, person.user_id) == "Ash Moor"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"name": " "}, "NAME_INVALID"),
        ({"name": "x" * 201}, "NAME_INVALID"),
        ({"name": None}, "REQUIRED"),
        ({"image": "javascript:alert(1)"}, "IMAGE_INVALID"),
        ({"image": "https://x" + "x" * 2000}, "IMAGE_INVALID"),
        ({"settings": []}, "JSON_OBJECT_REQUIRED"),
        ({"settings": {"x": "x" * 20_001}}, "SETTINGS_TOO_LONG"),
    ],
)
async def test_an_account_that_makes_no_sense_is_refused(tenant: Tenant, facts: dict[str, Any], reason: str) -> None:
    async with as_tenant(tenant) as connection:
        with verbs.refused("BAD_USER_INPUT", reason):
            await call(connection, "iam.account_update", **facts)


async def test_an_account_is_its_persons_and_no_field_of_the_input_says_otherwise(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    before = await the_user(other_tenant.owner_id)
    mine_before = await the_user(tenant.owner_id)
    async with as_tenant(tenant) as connection:
        facts = {
            "id": other_tenant.owner_id,
            "user_id": other_tenant.owner_id,
            "email": new_address(),
            "is_active": False,
        }
        await call(
            connection, "iam.account_update", **facts, password_hash="$argon2id$x", email_verified_at="2026-01-01"
        )
    assert await the_user(other_tenant.owner_id) == before
    assert await the_user(tenant.owner_id) | {"updated_at": None} == mine_before | {"updated_at": None}
    # Nor does whoever stands in an organisation without belonging to it.
    async with as_tenant(tenant, user_id=other_tenant.owner_id) as connection:
        assert await connection.fetch("select * from iam.my_account()") == []
        with verbs.refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, "iam.account_update", name="Mallory")
    assert await the_user(other_tenant.owner_id) == before


# Another address


async def test_another_address_counts_once_its_code_has_come(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    person, address = tenant.owner, new_address()
    here, there = await signed_in(services, person), await signed_in(services, person)
    stolen = await services.codes.request("PASSWORD_RESET", person.email, somewhere())
    at_the_old = await inbox.code_to(person.email)
    given = await requested(services, person, f" {address.upper()} ")
    digits = await inbox.code_to(address)
    assert (await the_user(person.user_id))["email"] == person.email
    await confirmed(services, person, here.session_id, given.id, digits)
    after = await the_user(person.user_id)
    assert (after["email"], after["email_verified_at"] is not None) == (address, True)
    assert [await still_open(services, each) for each in (here, there)] == [True, False]
    assert "another address" in (await inbox.to(person.email))[-1].subject
    assert address not in (await inbox.to(person.email))[-1].text
    # What was sent to the old address opens nothing, and neither does the old address.
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await services.codes.reset_password(stolen.id, at_the_old, "a rather long new password", somewhere())
    with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
        await signed_in(services, person)
    await services.sign_in.with_password(address, PASSWORD, None, somewhere())
    async with as_tenant(tenant) as connection:
        seen = await connection.fetchval("select user_email from iam.memberships where user_id = $1", person.user_id)
    assert seen == address
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await confirmed(services, person, here.session_id, given.id, digits)


async def test_a_telephone_comes_beside_an_e_mail_address(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    phone = f"+4479{uuid4().int % 10**8:08}"
    held = await signed_in(services, tenant.owner)
    given = await requested(services, tenant.owner, phone)
    await confirmed(services, tenant.owner, held.session_id, given.id, await inbox.code_to(phone))
    after = await the_user(tenant.owner_id)
    assert (after["email"], after["phone"], after["phone_verified_at"] is not None) == (tenant.owner_email, phone, True)
    assert await inbox.to(tenant.owner_email)


async def test_an_address_that_is_taken_is_answered_alike_and_its_owner_is_told(
    services: Services, inbox: Inbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    held = await signed_in(services, tenant.owner)
    given = await requested(services, tenant.owner, other_tenant.owner_email)
    [message] = await inbox.to(other_tenant.owner_email)
    assert "has a Countinghouse account" in message.subject
    assert not any(word.isdigit() and len(word) == 6 for word in message.text.split())
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await confirmed(services, tenant.owner, held.session_id, given.id, "123456")
    assert (await the_user(tenant.owner_id))["email"] == tenant.owner_email


async def test_of_two_who_want_one_address_the_faster_gets_it_and_the_other_hears_of_a_wrong_code(
    services: Services, inbox: Inbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    address = new_address()
    first = await requested(services, tenant.owner, address)
    digits = await inbox.code_to(address)
    async with as_superuser() as connection:
        await connection.execute("update iam.users set email = $2 where id = $1", other_tenant.owner_id, address)
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await confirmed(services, tenant.owner, uuid4(), first.id, digits)
    assert (await the_user(tenant.owner_id))["email"] == tenant.owner_email


async def test_a_code_is_its_persons_and_wrong_ones_count(
    services: Services, inbox: Inbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    address = new_address()
    given = await requested(services, tenant.owner, address)
    digits = await inbox.code_to(address)
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await confirmed(services, other_tenant.owner, uuid4(), given.id, digits)
    for _ in range(5):
        with refused("UNAUTHENTICATED", "CODE_INVALID"):
            await confirmed(services, tenant.owner, uuid4(), given.id, another(digits))
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await confirmed(services, tenant.owner, uuid4(), given.id, digits)
    assert (await the_user(tenant.owner_id))["email"] == tenant.owner_email


@pytest.mark.parametrize("address", ["no address", "07911 123456", "a@b@c", "a@example.org, b@example.org"])
async def test_what_is_no_address_is_refused(address: str, services: Services, inbox: Inbox, tenant: Tenant) -> None:
    with refused("BAD_USER_INPUT", "ADDRESS_INVALID"):
        await requested(services, tenant.owner, address)
    assert inbox.messages == []


# Showing again who one is


async def test_without_a_password_or_a_code_nothing_is_done(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    code = await services.proofs.send(tenant.owner_id, somewhere())
    digits = await inbox.code_to(tenant.owner_email)
    for proof, code_and_reason in (
        (Proof(), ("BAD_USER_INPUT", "PROOF_REQUIRED")),
        (Proof(request=code.id), ("BAD_USER_INPUT", "PROOF_REQUIRED")),
        (WRONG, ("UNAUTHENTICATED", "CREDENTIALS_INVALID")),
        (Proof(request=code.id, code=another(digits)), ("UNAUTHENTICATED", "CODE_INVALID")),
        (Proof(request=uuid4(), code=digits), ("UNAUTHENTICATED", "CODE_INVALID")),
    ):
        with refused(*code_and_reason):
            await requested(services, tenant.owner, new_address(), proof)
        with refused(*code_and_reason):
            await services.proofs.demand(tenant.owner_id, proof, somewhere())
    assert len(inbox.messages) == 1


async def test_a_code_proves_once_and_for_its_person_and_purpose_alone(
    services: Services, inbox: Inbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    code = await services.proofs.send(tenant.owner_id, somewhere())
    proof = Proof(request=code.id, code=await inbox.code_to(tenant.owner_email))
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await services.proofs.demand(other_tenant.owner_id, proof, somewhere())
    assert proof.code is not None
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await services.codes.sign_in(code.id, proof.code, None, somewhere())
    await services.proofs.demand(tenant.owner_id, proof, somewhere())
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        await services.proofs.demand(tenant.owner_id, proof, somewhere())
    sign_in = await services.codes.request("SIGN_IN", tenant.owner_email, somewhere())
    with refused("UNAUTHENTICATED", "CODE_INVALID"):
        proof = Proof(request=sign_in.id, code=await inbox.code_to(tenant.owner_email))
        await services.proofs.demand(tenant.owner_id, proof, somewhere())


async def test_whoever_has_a_second_factor_shows_it_too_and_the_code_stays_good_until_then(
    services: Services, inbox: Inbox, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(services.second_factors, "clock", clock)
    seed, _ = await enrolled(services.second_factors, clock, tenant.owner_id)
    code = await services.proofs.send(tenant.owner_id, somewhere())
    proof = Proof(request=code.id, code=await inbox.code_to(tenant.owner_email))
    for without in (proof, PROOF):
        with refused("UNAUTHENTICATED", "SECOND_FACTOR_REQUIRED"):
            await requested(services, tenant.owner, new_address(), without)
    with refused("UNAUTHENTICATED", "SECOND_FACTOR_INVALID"):
        await requested(services, tenant.owner, new_address(), PROOF._replace(second_factor="000000"))
    clock.now += STEP_SECONDS
    await requested(services, tenant.owner, new_address(), proof._replace(second_factor=clock.shown(seed)))


async def test_failures_make_the_next_try_wait(services: Services, tenant: Tenant) -> None:
    here = somewhere()
    for _ in range(5):
        with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
            await services.proofs.demand(tenant.owner_id, WRONG, here)
    with refused("RATE_LIMITED", "TOO_MANY_FAILURES"):
        await services.proofs.demand(tenant.owner_id, PROOF, here)


# The end


async def test_a_closed_account_is_gone_everywhere(
    services: Services, inbox: Inbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await make_comer(tenant, role="owner")
    await services.invitations.accept(person.user_id, await invite(other_tenant, person.email, "admin"), somewhere())
    held = await signed_in(services, person)
    third = await make_tenant("Third")
    request, open_invite = await ask(person, third.slug), await invite(third, person.email)
    async with as_tenant(tenant, user_id=person.user_id) as connection:
        theirs = await call(connection, "iam.invite_create", address=new_address(), role="owner")
    await services.own_account.close(person.user_id, PROOF, somewhere())
    after = await the_user(person.user_id)
    assert after["deleted_at"] is not None
    assert (after["email"], after["phone"], after["password_hash"], after["name"]) == (None, None, None, person.name)
    for each in (tenant, other_tenant):
        membership = await membership_of(each, person.user_id)
        assert membership is not None
        assert membership["is_active"] is False
        async with as_superuser() as connection:
            [said] = await connection.fetch(
                "select user_id from core.audit_log where tenant_id = $1 and entity_type = 'MEMBERSHIP'"
                " and new_values ->> 'is_active' = 'false'",
                each.tenant_id,
            )
        assert said["user_id"] == person.user_id
    assert not await still_open(services, held)
    with refused("UNAUTHENTICATED", "MEMBERSHIP_GONE"):
        await Principals(services.database).context(services.tokens.verify(held.access.text))
    with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
        await signed_in(services, person)
    assert held.refresh is not None
    with refused("UNAUTHENTICATED", "SESSION_ENDED"):
        await services.sessions.refresh(held.refresh, somewhere())
    assert "closed" in (await inbox.to(person.email))[-1].subject
    assert (await the_request(request))["outcome"] == "WITHDRAWN"
    with refused("NOT_FOUND", "INVITE_NOT_FOUND"):
        await services.invitations.accept(person.user_id, open_invite, somewhere())
    async with as_superuser() as connection:
        outcome = await connection.fetchval("select outcome from iam.invites where id = $1", theirs)
    assert outcome == "REVOKED"
    async with as_tenant(third) as connection:
        with verbs.refused("CONFLICT", "JOIN_REQUEST_OVER"):
            await call(connection, "iam.join_request_approve", id=request, role="viewer")


async def test_its_address_is_free_and_whoever_signs_up_with_it_is_somebody_else(
    services: Services, inbox: Inbox, tenant: Tenant
) -> None:
    person = await make_comer(tenant)
    await services.own_account.close(person.user_id, PROOF, somewhere())
    sign_up = await sign_up_begun(services, email=person.email)
    fresh = await services.sign_up.complete(sign_up.id, await inbox.code_to(person.email), somewhere())
    identity = services.tokens.verify(fresh.access.text)
    assert identity.user_id != person.user_id
    async with as_superuser() as connection:
        theirs = await connection.fetch("select tenant_id from iam.memberships where user_id = $1", identity.user_id)
    assert [row["tenant_id"] for row in theirs] == [identity.tenant_id]
    made = await invite(tenant, person.email)
    await services.invitations.accept(identity.user_id, made, somewhere())


async def test_the_last_owner_finds_another_first_and_hears_where(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    proof = PROOF
    with refused("CONFLICT", "LAST_OWNER") as problem:
        await services.own_account.close(tenant.owner_id, proof, somewhere())
    assert tenant.name in problem.value.message
    assert other_tenant.name not in problem.value.message
    assert (await the_user(tenant.owner_id))["deleted_at"] is None
    await make_person(tenant, "owner")
    await services.own_account.close(tenant.owner_id, proof, somewhere())
    async with as_nobody() as connection:
        assert await connection.fetchval("select iam.account_close($1, null, null, '')", tenant.owner_id) is None
        assert await connection.fetchval("select iam.account_closing($1)", tenant.owner_id) is None


async def test_nobody_closes_an_account_that_still_belongs_somewhere(tenant: Tenant) -> None:
    async with as_nobody() as connection:
        assert await connection.fetchval("select iam.account_close($1, null, null, '')", tenant.owner_id) is None
    assert (await the_user(tenant.owner_id))["deleted_at"] is None


async def test_of_two_owners_who_close_their_accounts_at_once_one_stays(services: Services) -> None:
    for _ in range(4):
        tenant = await make_tenant("Two Owners")
        other = await make_person(tenant, "owner")
        ended = await asyncio.gather(
            *(services.own_account.close(each, PROOF, somewhere()) for each in (tenant.owner_id, other.user_id)),
            return_exceptions=True,
        )
        assert [getattr(each, "reason", None) for each in ended].count("LAST_OWNER") == 1
        async with as_superuser() as connection:
            left = await connection.fetch(
                "select m.user_id, u.deleted_at from iam.memberships m join iam.users u on u.id = m.user_id"
                " where tenant_id = $1 and m.is_active",
                tenant.tenant_id,
            )
        assert [row["deleted_at"] for row in left] == [None]


async def test_whoever_closes_an_account_while_it_joins_leaves_nobody_behind(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    for _ in range(6):
        person = await make_comer(other_tenant)
        made = await invite(tenant, person.email, "owner")
        await asyncio.gather(
            services.invitations.accept(person.user_id, made, somewhere()),
            services.own_account.close(person.user_id, PROOF, somewhere()),
            return_exceptions=True,
        )
        assert (await the_user(person.user_id))["deleted_at"] is not None
        membership = await membership_of(tenant, person.user_id)
        assert membership is None or membership["is_active"] is False


async def test_a_name_is_forgotten_after_a_month(services: Services, tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(tenant)
    request = await ask(person, other_tenant.slug)
    await services.own_account.close(person.user_id, PROOF, somewhere())

    async def names(days: int) -> set[str]:
        async with as_superuser() as connection:
            await connection.execute(
                "update iam.users set deleted_at = now() - make_interval(days => $2) where id = $1",
                person.user_id,
                days,
            )
        async with as_worker() as connection:
            assert await connection.fetchval("select iam.forgettable()") or days < 31
            await connection.execute("select iam.forget()")
        async with as_tenant(tenant) as connection:
            copy = await connection.fetchrow("select * from iam.memberships where user_id = $1", person.user_id)
        assert copy is not None
        assert (copy["user_email"], copy["user_phone"]) == (None, None)
        return {(await the_user(person.user_id))["name"], copy["user_name"]}

    assert await names(29) == {person.name}
    assert (await the_request(request))["user_name"] == person.name
    assert await names(32) == {"Closed account"}
    async with as_superuser() as connection:
        assert await connection.fetchval("select count(*) from iam.join_requests where id = $1", request) == 0


async def test_the_house_s_own_functions_are_nobodys_of_an_organisation(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for statement in (
            "select iam.account_close(core.user_id(), null, null, '')",
            "select iam.account_closing(core.user_id())",
            "select * from iam.address_begin(core.user_id(), 'x@example.org', sha256('x'))",
            "select iam.has_address(core.user_id(), 'x@example.org')",
            "select iam.person_address(core.user_id())",
            "select * from iam.invite_found(core.user_id(), null, null)",
            "select iam.notify(core.tenant_id(), 'x@example.org', 'x', 'x')",
            "select iam.only_owner_of(core.user_id())",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_no_code_stands_in_the_log(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    address = new_address()
    held = await signed_in(services, tenant.owner)
    code = await services.proofs.send(tenant.owner_id, somewhere())
    proof = Proof(request=code.id, code=await inbox.code_to(tenant.owner_email))
    given = await requested(services, tenant.owner, address, proof)
    await confirmed(services, tenant.owner, held.session_id, given.id, await inbox.code_to(address))
    async with as_superuser() as connection:
        said = await connection.fetch(
            "select old_values::text || new_values::text from core.audit_log where tenant_id = $1", tenant.tenant_id
        )
    text = " ".join(row[0] or "" for row in said)
    assert address in text
    for digits in (proof.code, await inbox.code_to(address)):
        assert f'"{digits}"' not in text
    assert "hash" not in text
    assert await mine(tenant, tenant.owner_id, "my_invites") == []
