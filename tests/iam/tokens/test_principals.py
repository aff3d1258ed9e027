"""What somebody may do is asked of the database, soon enough and not too often."""

import asyncio
import time
from typing import Final
from uuid import UUID, uuid4

import pytest

from gql.database.context import Context
from gql.database.pool import Database, DatabaseOptions
from gql.errors import ApiError, Code
from gql.iam.services import Services
from gql.iam.tokens import principals as rules
from gql.iam.tokens.access import Identity
from gql.iam.tokens.principals import Principals
from gql.settings import Settings
from tests.harness.actors import as_superuser
from tests.harness.tenants import Tenant, make_person, make_tenant
from tests.iam.forging import Clock

SUSPEND: Final = "update iam.tenants set suspended_at = now() where id = $1"
OWNERS: Final = "id = (select id from iam.memberships where tenant_id = $1 order by created_at, id limit 1)"
PEOPLE: Final = "(select user_id from iam.memberships where tenant_id = $1)"
RESUME: Final = "update iam.tenants set suspended_at = null where id = $1"


def identity(tenant: Tenant, user_id: UUID | None = None) -> Identity:
    return Identity(user_id or tenant.owner_id, tenant.tenant_id, time.time())


async def change(statement: str, *arguments: object) -> None:
    async with as_superuser() as connection:
        await connection.execute(statement, *arguments)


async def test_a_context_is_the_membership_and_the_organisations_calendar(services: Services) -> None:
    tenant = await make_tenant(time_zone="Asia/Kolkata", fiscal_year_start=4)
    scope = uuid4()
    member = await make_person(tenant, "member", [scope])
    people = Principals(services.database)
    expected = Context(
        tenant_id=tenant.tenant_id,
        user_id=member.user_id,
        role="member",
        scope_ids=(scope,),
        time_zone="Asia/Kolkata",
        fiscal_year_start=4,
        permissions=frozenset({"billing:read", "iam:read", "iam:self"}),
        is_scoped=True,
    )
    assert await people.context(identity(tenant, member.user_id)) == expected


@pytest.mark.parametrize(
    ("role", "may_write"),
    [("owner", True), ("admin", True), ("accountant", True), ("operator", True), ("viewer", False)],
)
async def test_only_a_member_is_held_to_a_scope(role: str, may_write: bool, services: Services, tenant: Tenant) -> None:
    person = await make_person(tenant, role)
    context = await Principals(services.database).context(identity(tenant, person.user_id))
    assert (context.role, context.is_scoped, context.scope_ids) == (role, False, ())
    assert ("billing:write" in context.permissions) is may_write


async def test_a_context_is_asked_for_once_in_ten_seconds(services: Services, tenant: Tenant) -> None:
    clock = Clock()
    people = Principals(services.database, clock=clock)
    asked = services.database.callers.statistics.acquisitions
    for seconds in (0.0, 5.0, 4.9):
        clock.now += seconds
        await people.context(identity(tenant))
    assert services.database.callers.statistics.acquisitions == asked + 1
    clock.now += 0.2
    await people.context(identity(tenant))
    assert services.database.callers.statistics.acquisitions == asked + 2


async def test_a_hundred_requests_at_once_ask_once(services: Services, tenant: Tenant) -> None:
    people = Principals(services.database)
    asked = services.database.callers.statistics.acquisitions
    found = await asyncio.gather(*(people.context(identity(tenant)) for _ in range(100)))
    assert len(set(found)) == 1
    assert services.database.callers.statistics.acquisitions == asked + 1


async def test_many_people_who_come_at_once_are_looked_up_together(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    people = Principals(services.database)
    asked = services.database.callers.statistics.acquisitions
    known = [identity(tenant), identity(other_tenant)]
    strangers = [identity(tenant, uuid4()) for _ in range(2 * rules.MOST_TOGETHER)]
    found = await asyncio.gather(
        *(people.context(each) for each in (known[0], *strangers, known[1])), return_exceptions=True
    )
    assert [found[0].tenant_id, found[-1].tenant_id] == [each.tenant_id for each in known]  # type: ignore[union-attr]
    assert {type(each) for each in found[1:-1]} == {ApiError}
    assert services.database.callers.statistics.acquisitions == asked + 3


async def test_no_write_stands_before_the_question_who_somebody_is(settings: Settings, tenant: Tenant) -> None:
    assert settings.database_url is not None
    database = await Database.open(DatabaseOptions(url=settings.database_url, write_connections=1, acquire_timeout=2.0))
    try:
        async with database.nobody():
            assert (await Principals(database).context(identity(tenant))).role == "owner"
    finally:
        await database.close()


async def test_people_and_organisations_are_not_taken_for_one_another(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    people = Principals(services.database)
    viewer = await make_person(tenant, "viewer")
    wanted = [identity(tenant), identity(tenant, viewer.user_id), identity(other_tenant)]
    found = await asyncio.gather(*(people.context(each) for each in wanted * 5))
    assert [(each.tenant_id, each.user_id) for each in found] == [(each.tenant_id, each.user_id) for each in wanted * 5]


async def gone(people: Principals, who: Identity, reason: str = "MEMBERSHIP_GONE") -> None:
    with pytest.raises(ApiError) as refusal:
        await people.context(who)
    assert (refusal.value.code, refusal.value.reason) == (Code.UNAUTHENTICATED, reason)


@pytest.mark.parametrize(
    "statement",
    [
        SUSPEND,
        f"update iam.memberships set is_active = false where {OWNERS}",
        "delete from iam.memberships where tenant_id = $1",
        f"update iam.users set is_active = false where id in {PEOPLE}",
        f"update iam.users set deleted_at = now() where id in {PEOPLE}",
    ],
)
async def test_who_may_no_longer_work_there_is_refused_within_ten_seconds(
    statement: str, services: Services, tenant: Tenant
) -> None:
    clock = Clock()
    people = Principals(services.database, clock=clock)
    await people.context(identity(tenant))
    await make_person(tenant, "owner")  # one always stays
    await change(statement, tenant.tenant_id)
    clock.now += rules.REMEMBERED_SECONDS
    await gone(people, identity(tenant), "TENANT_SUSPENDED" if statement == SUSPEND else "MEMBERSHIP_GONE")
    assert rules.REMEMBERED_SECONDS <= 10


async def test_a_role_that_changes_changes_within_ten_seconds(services: Services, tenant: Tenant) -> None:
    clock = Clock()
    people = Principals(services.database, clock=clock)
    before = await people.context(identity(tenant))
    await make_person(tenant, "owner")
    await change(f"update iam.memberships set role = 'viewer' where {OWNERS}", tenant.tenant_id)
    clock.now += rules.REMEMBERED_SECONDS
    after = await people.context(identity(tenant))
    assert (before.role, after.role) == ("owner", "viewer")
    assert before.fingerprint != after.fingerprint


async def test_who_is_let_in_again_waits_a_second_at_most(services: Services, tenant: Tenant) -> None:
    clock = Clock()
    people = Principals(services.database, clock=clock)
    await change(SUSPEND, tenant.tenant_id)
    asked = services.database.callers.statistics.acquisitions
    for _ in range(20):
        await gone(people, identity(tenant), "TENANT_SUSPENDED")
    assert services.database.callers.statistics.acquisitions == asked + 1, "whether they may, and why they may not"
    await change(RESUME, tenant.tenant_id)
    clock.now += rules.REFUSAL_REMEMBERED_SECONDS
    assert (await people.context(identity(tenant))).role == "owner"


async def test_what_is_remembered_is_forgotten_where_the_database_knows_better(
    services: Services, tenant: Tenant
) -> None:
    people = Principals(services.database)
    await people.context(identity(tenant))
    assert (await people.again(identity(tenant))).role == "owner"
    await change(SUSPEND, tenant.tenant_id)
    assert (await people.context(identity(tenant))).role == "owner"
    with pytest.raises(ApiError) as refusal:
        await people.again(identity(tenant))
    assert refusal.value.reason == "TENANT_SUSPENDED"


async def test_a_suspension_is_told_to_those_who_would_be_let_in_otherwise(services: Services, tenant: Tenant) -> None:
    people = Principals(services.database)
    viewer = await make_person(tenant, "viewer")
    await change("update iam.memberships set is_active = false where user_id = $1", viewer.user_id)
    await change(SUSPEND, tenant.tenant_id)
    await gone(people, identity(tenant), "TENANT_SUSPENDED")
    await gone(people, identity(tenant, viewer.user_id))
    await gone(people, identity(tenant, uuid4()))


async def test_a_stranger_and_a_foreign_organisation_are_refused(
    services: Services, tenant: Tenant, other_tenant: Tenant
) -> None:
    people = Principals(services.database)
    await gone(people, identity(tenant, uuid4()))
    await gone(people, identity(tenant, other_tenant.owner_id))
    await gone(people, Identity(tenant.owner_id, uuid4(), time.time()))


async def test_a_caller_who_goes_away_does_not_take_the_answer_from_the_others(
    services: Services, tenant: Tenant
) -> None:
    people = Principals(services.database)
    first, second = (asyncio.ensure_future(people.context(identity(tenant))) for _ in range(2))
    await asyncio.wait([first, second], timeout=0)
    first.cancel()
    assert (await second).role == "owner"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_database_that_is_down_is_no_refusal_and_is_asked_again(services: Services, tenant: Tenant) -> None:
    down = await Database.open(DatabaseOptions(url="postgresql://nobody:x@127.0.0.1:1/none", acquire_timeout=0.5))
    people = Principals(down)
    for _ in range(2):
        with pytest.raises(ApiError) as problem:
            await people.context(identity(tenant))
        assert problem.value.code is Code.UNAVAILABLE
    assert not people._answers
    assert not people._asking
    await down.close()


async def test_only_so_many_people_are_remembered(
    services: Services, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "REMEMBERED", 3)
    people = Principals(services.database)
    for _ in range(5):
        await gone(people, identity(tenant, uuid4()))
    assert len(people._answers) == 3
