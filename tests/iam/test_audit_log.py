"""Everything that happens to who may come in is in the log, and nothing of it that is secret: sql/core/audit.sql,
sql/iam/house_log.sql, iam/credentials/noting.py, iam/audit_log.py."""

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from gql.database.pool import Origin
from gql.engine.engine import Caller, Engine
from gql.errors import ApiError
from gql.iam.credentials.second_factors import STEP_SECONDS
from gql.iam.services import Services
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.doors import permitted
from tests.harness.actors import as_superuser, as_tenant, context_of
from tests.harness.inbox import Inbox
from tests.harness.tenants import PASSWORD, Person, Tenant, make_person, make_tenant
from tests.harness.verbs import call
from tests.iam.entry.test_codes import NEW, another, somewhere
from tests.iam.entry.test_sign_in import join
from tests.iam.entry.test_sign_up import begun as sign_up_begun
from tests.iam.entry.test_sign_up import new_address
from tests.iam.test_totp_devices import Clock

LOG: Final = """
query ($filter: AuditEntryFilter, $after: String) {
  auditLog(filter: $filter, first: 7, after: $after, orderBy: [CREATED_AT_ASC]) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { id action entityType entityId oldValues newValues userId userName ipAddress userAgent requestId createdAt
      isSealed }
  }
}
"""
# Whatever is kept of a secret, in every form that a log could have it in.
KEPT: Final = """
    select password_hash as kept from iam.users where password_hash is not null
    union all select encode(code_hash, 'hex') from iam.codes union all select encode(code_hash, 'base64') from iam.codes
    union all select encode(code_hash, 'hex') from iam.recovery_codes
    union all select encode(token_hash, 'hex') from iam.refresh_tokens
    union all select encode(token_hash, 'base64') from iam.refresh_tokens
    union all select encrypted_seed from iam.totp_devices
"""


@pytest.fixture
async def engine(services: Services) -> Engine:
    return Engine(build_schema(), declarations(), services.database, OPEN_FIELDS, services)


async def ask(engine: Engine, tenant: Tenant, document: str, variables: Any = None, role: str = "admin") -> Any:
    context = await permitted(context_of(tenant, role))
    operation = await engine.prepare(document, None, variables, introspection=False)
    answer = json.loads(await engine.run(operation, Caller(context, Origin("asking", None, None))))
    assert "errors" not in answer, answer
    return answer["data"]


async def log_of(engine: Engine, tenant: Tenant, **filters: Any) -> list[dict[str, Any]]:
    """The whole log as an admin reads it, page by page, the oldest entry first."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await ask(engine, tenant, LOG, {"filter": filters, "after": after}))["auditLog"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(found) == page["totalCount"]
            return found


async def house_log(since: Any) -> list[dict[str, Any]]:
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select * from iam.house_log where created_at >= $1 order by created_at, id", since
        )
    return [dict(row) | {"facts": json.loads(row["facts"])} for row in rows]


async def now() -> Any:
    async with as_superuser() as connection:
        return await connection.fetchval("select clock_timestamp()")


@dataclass
class Life:
    """A person who does everything that a person can do, right and wrong, and what of it was secret."""

    services: Services
    inbox: Inbox
    tenant: Tenant
    elsewhere: Tenant
    person: Person
    clock: Clock = field(default_factory=Clock)
    secrets: set[str] = field(default_factory=lambda: {PASSWORD, NEW, "not the password at all"})

    async def refused(self, doing: Any, reason: str) -> None:
        with pytest.raises(ApiError) as problem:
            await doing
        assert problem.value.reason == reason

    async def signs_in(self, password: str = PASSWORD, slug: str | None = None, factor: str | None = None) -> Any:
        held = await self.services.sign_in.with_password(self.person.email, password, slug, somewhere(), factor)
        self.secrets |= {held.access.text, held.refresh or ""}
        return held

    async def code(self, purpose: str) -> tuple[UUID, str]:
        given = await self.services.codes.request(purpose, self.person.email, somewhere())
        digits = await self.inbox.code_to(self.person.email)
        self.secrets |= {digits, another(digits)}
        return given.id, digits

    async def comes_in(self) -> None:
        services, slug = self.services, self.elsewhere.slug
        await self.refused(self.signs_in("not the password at all"), "CREDENTIALS_INVALID")
        await self.refused(self.signs_in(slug="no-such-organisation"), "ORGANISATION_UNKNOWN")
        held = await self.signs_in(slug=self.tenant.slug)
        await services.sessions.switch(self.person.user_id, held.session_id, slug, somewhere())
        following = await services.sessions.refresh(held.refresh, somewhere())
        last = await services.sessions.refresh(following.refresh or "", somewhere())
        self.secrets |= {each for one in (following, last) for each in (one.access.text, one.refresh or "")}
        await self.refused(services.sessions.refresh(held.refresh, somewhere()), "TOKEN_REUSED")
        held = await self.signs_in(slug=self.tenant.slug)
        await services.sessions.end(self.person.user_id, held.session_id, "SIGNED_OUT", somewhere())

    async def comes_in_with_a_code(self) -> None:
        codes = self.services.codes
        given, digits = await self.code("SIGN_IN")
        await self.refused(codes.sign_in(given, another(digits), None, somewhere()), "CODE_INVALID")
        held = await codes.sign_in(given, digits, self.tenant.slug, somewhere())
        self.secrets |= {held.access.text, held.refresh or ""}

    async def has_a_second_factor(self) -> None:
        factors, person, clock = self.services.second_factors, self.person.user_id, self.clock
        factors.clock = clock
        device = await factors.enrol(person, "telephone")
        await self.refused(factors.confirm(person, device.id, "000000", somewhere()), "SECOND_FACTOR_INVALID")
        recovery = await factors.confirm(person, device.id, clock.shown(device.seed), somewhere())
        self.secrets |= {device.seed, device.uri, clock.shown(device.seed), *recovery}
        await self.refused(self.signs_in(), "SECOND_FACTOR_REQUIRED")
        await self.refused(self.signs_in(factor="000000"), "SECOND_FACTOR_INVALID")
        await self.signs_in(factor=recovery[0], slug=self.tenant.slug)
        clock.now += STEP_SECONDS
        self.secrets |= {clock.shown(device.seed), *await factors.renew(person, clock.shown(device.seed), somewhere())}
        clock.now += STEP_SECONDS
        self.secrets.add(clock.shown(device.seed))
        assert await factors.remove(person, device.id, clock.shown(device.seed), somewhere())

    async def changes_the_password(self) -> None:
        codes, person = self.services.codes, self.person.user_id
        changing = codes.change_password(person, "not the password at all", NEW, somewhere())
        await self.refused(changing, "CREDENTIALS_INVALID")
        await codes.change_password(person, PASSWORD, NEW, somewhere())
        given, digits = await self.code("PASSWORD_RESET")
        await self.refused(codes.reset_password(given, another(digits), NEW, somewhere()), "CODE_INVALID")
        await codes.reset_password(given, digits, NEW, somewhere())

    async def gets_another_role(self) -> None:
        async with as_tenant(self.tenant) as owner:
            wanted = await owner.fetchval("select id from iam.memberships where user_id = $1", self.person.user_id)
            await call(owner, "iam.membership_update", id=wanted, role="accountant")
            await call(owner, "iam.membership_update", id=wanted, role="vendor", scope_ids=[str(uuid4())])
            await call(owner, "iam.membership_update", id=wanted, is_active=False)
            await call(owner, "iam.membership_update", id=wanted, is_active=True)


EVERYWHERE: Final = [
    ("SIGN_IN", {"refused": "CREDENTIALS_INVALID"}),
    ("SIGN_IN", {"refused": "ORGANISATION_UNKNOWN"}),
    ("SIGN_IN", {"refused": "CODE_INVALID"}),
    ("SIGN_IN", {"refused": "SECOND_FACTOR_INVALID"}),
    ("UPDATE", {"second_factor": "ADDED"}),
    ("UPDATE", {"recovery_codes": "RENEWED"}),
    ("SIGN_IN", {"refused": "SECOND_FACTOR_REQUIRED"}),
    ("SIGN_IN", {"refused": "SECOND_FACTOR_INVALID"}),
    ("UPDATE", {"recovery_code": "USED"}),
    ("UPDATE", {"recovery_codes": "RENEWED"}),
    ("UPDATE", {"second_factor": "REMOVED"}),
    ("SIGN_IN", {"refused": "CREDENTIALS_INVALID"}),
    ("UPDATE", {"password": "CHANGED"}),
    ("SIGN_IN", {"refused": "CODE_INVALID"}),
    ("UPDATE", {"password": "RESET"}),
]
"""What is in the log of every organisation of the person: it is about their account."""


async def test_every_event_is_in_the_log_and_no_secret_is(services: Services, inbox: Inbox, engine: Engine) -> None:
    tenant, elsewhere = await make_tenant("Fen Orchards"), await make_tenant("Bellwether Yarns")
    person = await make_person(tenant, "viewer", name="Kim Reed")
    await join(elsewhere, person)
    life = Life(services, inbox, tenant, elsewhere, person)
    started = await now()
    await life.comes_in()
    await life.comes_in_with_a_code()
    await life.has_a_second_factor()
    await life.changes_the_password()
    await life.gets_another_role()
    services.second_factors.clock = time.time

    of_account = {}
    for each in (tenant, elsewhere):
        entries = await log_of(engine, each, entityType={"eq": "USER"}, entityId={"eq": str(person.user_id)})
        assert {(entry["userId"], entry["userName"], entry["userAgent"]) for entry in entries} == {
            (str(person.user_id), "Kim Reed", "a browser")
        }
        assert all(entry["ipAddress"].startswith("198.19.") for entry in entries)
        of_account[each.slug] = [(entry["action"], entry["newValues"]) for entry in entries]
        assert [entry for entry in of_account[each.slug] if entry in EVERYWHERE] == EVERYWHERE
    here = [entry for entry in of_account[tenant.slug] if entry not in EVERYWHERE]
    there = [entry for entry in of_account[elsewhere.slug] if entry not in EVERYWHERE]
    signed_out = ("SIGN_IN", {"ended": "SIGNED_OUT"})
    by_password = ("SIGN_IN", {"ended": "PASSWORD_CHANGED"})
    assert here == [("SIGN_IN", None)] * 2 + [signed_out] + [("SIGN_IN", None)] * 2 + [by_password] * 2
    assert there == [("SIGN_IN", {"switched": True}), ("SIGN_IN", {"refused": "TOKEN_REUSED"})]

    roles = await log_of(engine, tenant, entityType={"eq": "MEMBERSHIP"}, action={"eq": "UPDATE"})
    said = [(entry["oldValues"], entry["newValues"]) for entry in roles]
    assert [(old.get("role"), new.get("role")) for old, new in said] == [
        ("viewer", "accountant"), ("accountant", "vendor"), (None, None), (None, None),
    ]  # fmt: skip
    assert [new.get("is_active") for _, new in said] == [None, None, False, True]
    assert {entry["userId"] for entry in roles} == {str(tenant.owner_id)}

    async with as_superuser() as connection:
        life.secrets |= {row["kept"] for row in await connection.fetch(KEPT)}
        logs = await connection.fetch(
            "select l::text from core.audit_log l union all select h::text from iam.house_log h"
        )
    assert len(life.secrets) > 40
    written = "\n".join(row[0] for row in logs)
    digits = {secret for secret in life.secrets if secret.isdigit()}
    assert not [secret for secret in life.secrets - digits if secret and secret in written]
    # Six digits stand in many an id and moment; alone between quotation marks they would be a value.
    assert not [code for code in digits if f'"{code}"' in written or f'\\"{code}' in written or f",{code}," in written]
    assert await house_log(started) == []


async def test_who_is_nobodys_is_noted_in_the_log_of_the_house(services: Services, inbox: Inbox) -> None:
    started = await now()
    typed = "a password typed into the wrong field"
    with pytest.raises(ApiError):
        await services.sign_in.with_password(
            typed, "not the password at all", None, Origin("r1", "192.0.2.9", "a client")
        )
    sign_up = await sign_up_begun(services, email=new_address())
    for given in (uuid4(), sign_up.id):
        with pytest.raises(ApiError, match="no longer good"):
            await services.codes.sign_in(given, "123456", None, somewhere())
    with pytest.raises(ApiError, match="no longer good"):
        await services.sign_up.complete(sign_up.id, "12345", somewhere())
    alone = await make_person(await make_tenant(), "viewer")
    async with as_superuser() as connection:
        await connection.execute("update iam.memberships set is_active = false where user_id = $1", alone.user_id)
    with pytest.raises(ApiError):
        await services.sign_in.with_password(alone.email, PASSWORD, None, somewhere())
    noted = await house_log(started)
    assert [(each["event"], each["facts"], each["user_id"]) for each in noted] == [
        ("SIGN_IN", {"refused": "CREDENTIALS_INVALID"}, None),
        ("SIGN_IN", {"refused": "CODE_INVALID"}, None),
        ("SIGN_IN", {"refused": "CODE_INVALID"}, None),
        ("SIGN_IN", {"refused": "CODE_INVALID"}, None),
        ("SIGN_IN", {"refused": "NO_ORGANISATION"}, alone.user_id),
    ]
    assert (noted[0]["request_id"], noted[0]["ip_address"], noted[0]["user_agent"]) == ("r1", "192.0.2.9", "a client")
    assert not any(typed in str(each) or "123456" in str(each["facts"]) for each in noted)


async def test_who_has_to_wait_fills_no_log(services: Services, engine: Engine, tenant: Tenant) -> None:
    here = somewhere()
    for _ in range(20):
        with pytest.raises(ApiError):
            await services.sign_in.with_password(tenant.owner_email, "not the password at all", None, here)
    assert len(await log_of(engine, tenant, action={"eq": "SIGN_IN"})) == 5


async def test_the_log_is_asked_by_time_thing_person_and_action(engine: Engine, tenant: Tenant) -> None:
    person = await make_person(tenant, "operator", name="Ann Fen")
    async with as_tenant(tenant, "operator", user_id=person.user_id) as connection:
        made = await call(connection, "billing.client_create", name="Fen Orchards")
        between = await now()
        await call(connection, "billing.client_update", id=made, city="Ely")
    thing = {"entityType": {"eq": "CLIENT"}, "entityId": {"eq": str(made)}}
    created, updated = await log_of(engine, tenant, **thing)
    assert (created["action"], updated["action"]) == ("CREATE", "UPDATE")
    assert (updated["oldValues"], updated["newValues"]) == ({"city": None}, {"city": "Ely"})
    assert await log_of(engine, tenant, userId={"eq": str(person.user_id)}, entityType={"eq": "CLIENT"}) == [
        created,
        updated,
    ]
    assert await log_of(engine, tenant, **thing, createdAt={"gt": between.isoformat()}) == [updated]
    assert await log_of(engine, tenant, **thing, action={"in": ["CREATE", "DELETE"]}) == [created]
    one = await ask(engine, tenant, "query ($id: ID!) { auditEntry(id: $id) { userName } }", {"id": created["id"]})
    assert one == {"auditEntry": {"userName": "Ann Fen"}}
    assert not created["isSealed"]
    async with as_tenant(tenant, "worker") as connection:
        await connection.execute("select core.audit_seal()")
    assert {entry["isSealed"] for entry in await log_of(engine, tenant)} == {True}


async def test_another_organisations_log_is_not_there(engine: Engine, tenant: Tenant, other_tenant: Tenant) -> None:
    theirs = {entry["id"] for entry in await log_of(engine, other_tenant)}
    assert theirs
    assert not theirs & {entry["id"] for entry in await log_of(engine, tenant)}
    for wanted in (*theirs, str(uuid4())):
        document = "query ($id: ID!) { auditEntry(id: $id) { id } }"
        assert await ask(engine, tenant, document, {"id": wanted}) == {"auditEntry": None}
