"""The secrets of apps: sql/iam/apps.sql, iam/credentials/app_secrets.py."""

import statistics
import time
from secrets import token_bytes
from uuid import uuid4

import pytest

from gql.database.context import Context
from gql.database.pool import Origin
from gql.errors import ApiError, Code
from gql.iam.credentials.app_secrets import ALLOWANCES, PREFIX, AppSecrets, AppUnknown, Handed, ScopeBeyond
from gql.iam.credentials.throttles import Throttle
from gql.iam.keys.secrets import Secrets
from gql.iam.services import Services
from gql.iam.tokens.principals import Principals
from tests.engine.doors import permitted
from tests.harness.actors import as_owner, as_tenant, context_of
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused
from tests.iam.apps import HASH, SCOPES, here, is_known, let_pass, token

# Coming in


async def test_an_app_gets_a_token_of_its_own_for_its_secret(
    app: Handed, app_secrets: AppSecrets, services: Services, tenant: Tenant
) -> None:
    found = await token(app_secrets, app)
    identity = services.tokens.verify(found.access.text)
    assert (identity.user_id, identity.tenant_id, identity.session_id) == (app.app_id, tenant.tenant_id, None)
    assert identity.scopes == found.scopes == tuple(SCOPES)
    context = await Principals(services.database).context(identity)
    assert context.role == "app:billing:read ledger:read"
    assert context.permissions == set(SCOPES)
    assert (context.user_id, context.is_scoped) == (app.app_id, False)


async def test_a_token_is_of_the_scopes_that_were_asked_for(app: Handed, app_secrets: AppSecrets) -> None:
    assert (await token(app_secrets, app, ["ledger:read", "ledger:read"])).scopes == ("ledger:read",)
    for beyond in (["billing:write"], ["billing:read", "ledger:write"], ["\ud800"], ["iam:members"]):
        with pytest.raises((ScopeBeyond, ApiError)):
            await token(app_secrets, app, beyond)


async def test_who_has_not_the_secret_does_not_come_in(app: Handed, app_secrets: AppSecrets, owner: Context) -> None:
    other = await app_secrets.create(owner, here(), "Another", SCOPES)
    for client_id, secret in (
        (str(app.app_id), app.secret[:-1] + ("A" if app.secret[-1] != "A" else "B")),
        (str(app.app_id), other.secret),
        (str(app.app_id), app.secret + " "),
        (str(app.app_id), app.secret.removeprefix(PREFIX)),
        (str(app.app_id), ""),
        (str(app.app_id), "\ud800"),
        (str(app.app_id), "x" * 100_000),
        (str(uuid4()), app.secret),
        (str(app.app_id).upper(), app.secret),
        ("nobody", app.secret),
        ("\0", app.secret),
    ):
        with pytest.raises(AppUnknown):
            await app_secrets.token(client_id, secret, None, here())


async def test_an_app_is_found_in_its_organisation_alone(
    app: Handed, tenant: Tenant, other_tenant: Tenant, app_secrets: AppSecrets
) -> None:
    """Even if another organisation has one of the same id and of the same secret's hash under another key."""
    stranger = await permitted(context_of(other_tenant))
    for given in (app.app_id, uuid4()):
        with pytest.raises(ApiError) as refusal:
            await app_secrets.rotate(stranger, here(), str(given), 0)
        assert (refusal.value.code, refusal.value.reason) == (Code.NOT_FOUND, "APP_NOT_FOUND")
    async with as_tenant(other_tenant) as connection:
        assert await connection.fetch("select id from iam.apps") == []
        assert await connection.fetch("select id from iam.app_secrets") == []
        for verb in ("update", "revoke"):
            with refused("NOT_FOUND", "APP_NOT_FOUND"):
                await call(connection, f"iam.app_{verb}", id=app.app_id, name="Mine")
    assert await is_known(app_secrets, app)


async def test_an_unknown_app_takes_as_long_as_a_wrong_secret(app: Handed, app_secrets: AppSecrets) -> None:
    """Attack 50."""
    times: dict[str, list[float]] = {"wrong": [], "unknown": []}
    for number in range(100):
        for what, client_id in (("wrong", app.app_id), ("unknown", uuid4())):
            origin = Origin(
                "r", f"2001:db8:{number:x}:{len(what)}::1", None
            )  # each tries from there for the first time
            started = time.perf_counter()
            with pytest.raises(AppUnknown):
                await app_secrets.token(str(client_id), "wrong", None, origin)
            times[what].append(time.perf_counter() - started)
    wrong, unknown = (statistics.median(times[what]) for what in ("wrong", "unknown"))
    assert 0.5 < wrong / unknown < 2


async def test_tries_are_counted_before_anything_is_hashed(
    app: Handed, app_secrets: AppSecrets, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack 50."""
    origin = here()
    for _ in range(ALLOWANCES.from_here):
        with pytest.raises(AppUnknown):
            await app_secrets.token(str(app.app_id), "wrong", None, origin)

    def hashed(self: Secrets, purpose: str, text: str) -> list[bytes]:
        raise AssertionError("it was hashed")

    monkeypatch.setattr(Secrets, "digests", hashed)
    with pytest.raises(ApiError) as refusal:
        for _ in range(2):  # the first may come at the very end of its second
            await app_secrets.token(str(app.app_id), app.secret, None, origin)
    assert (refusal.value.code, refusal.value.reason) == (Code.RATE_LIMITED, "TOO_MANY_FAILURES")
    assert refusal.value.retry_after


async def test_failures_elsewhere_do_not_shut_an_app_out(app: Handed, app_secrets: AppSecrets) -> None:
    """Its id is no secret: whoever knows it could."""
    for number in range(40):
        origin = Origin("r", f"203.0.113.{number}", None)
        with pytest.raises(AppUnknown):
            await app_secrets.token(str(app.app_id), "wrong", None, origin)
    assert await is_known(app_secrets, app)


async def test_an_address_is_shut_for_all_apps_after_many_failures(app_secrets: AppSecrets) -> None:
    origin = Origin("r", "203.0.113.200", None)
    with pytest.raises(ApiError) as refusal:
        for _ in range(ALLOWANCES.of_address + 2):
            with pytest.raises(AppUnknown):
                await app_secrets.token(str(uuid4()), "wrong", None, origin)
    assert refusal.value.reason == "TOO_MANY_FAILURES"


async def test_when_the_houses_key_changes_secrets_go_over_to_the_new_one_as_they_are_used(
    services: Services, owner: Context
) -> None:
    old, new = token_bytes(32), token_bytes(32)

    def under(*keys: bytes) -> AppSecrets:
        return AppSecrets(services.database, Throttle(services.database), Secrets(keys), services.tokens)

    used, unused = [await under(old).create(owner, here(), name, SCOPES) for name in ("used", "unused")]
    assert not await is_known(under(new), used)
    assert await is_known(under(new, old), used)
    assert await is_known(under(new), used)
    assert not await is_known(under(new), unused)
    assert await is_known(under(new, old), unused)


# Secrets that change


async def test_the_old_secret_is_good_for_a_day_beside_the_new_one(
    app: Handed, app_secrets: AppSecrets, owner: Context
) -> None:
    new = await app_secrets.rotate(owner, here(), str(app.app_id), None)
    assert new.app_id == app.app_id
    assert await is_known(app_secrets, app)
    assert await is_known(app_secrets, new)
    await let_pass(app, 23.9)
    assert await is_known(app_secrets, app)
    await let_pass(app, 0.2)
    assert not await is_known(app_secrets, app)
    assert await is_known(app_secrets, new)


@pytest.mark.parametrize("hours", [1, 720])
async def test_how_long_it_is_good_can_be_said(
    app: Handed, app_secrets: AppSecrets, owner: Context, hours: int
) -> None:
    await app_secrets.rotate(owner, here(), str(app.app_id), hours)
    await let_pass(app, hours - 0.1)
    assert await is_known(app_secrets, app)
    await let_pass(app, 0.2)
    assert not await is_known(app_secrets, app)


async def test_without_overlap_the_old_secret_is_good_for_nothing_at_once(
    app: Handed, app_secrets: AppSecrets, owner: Context
) -> None:
    new = await app_secrets.rotate(owner, here(), str(app.app_id), 0)
    assert not await is_known(app_secrets, app)
    assert await is_known(app_secrets, new)


@pytest.mark.parametrize("hours", [-1, 721, 2**31 - 1])
async def test_an_overlap_lasts_for_thirty_days_at_most(
    app: Handed, app_secrets: AppSecrets, owner: Context, hours: int
) -> None:
    with pytest.raises(ApiError) as refusal:
        await app_secrets.rotate(owner, here(), str(app.app_id), hours)
    assert (refusal.value.reason, refusal.value.field) == ("OVERLAP_INVALID", "input.overlapHours")


async def test_no_app_has_more_than_two_secrets(
    app: Handed, app_secrets: AppSecrets, owner: Context, tenant: Tenant
) -> None:
    second = await app_secrets.rotate(owner, here(), str(app.app_id), 720)
    third = await app_secrets.rotate(owner, here(), str(app.app_id), 720)
    assert [await is_known(app_secrets, each) for each in (app, second, third)] == [False, True, True]
    async with as_owner(tenant) as connection:
        for expires_at in ("null", "now() + interval '1 day'"):
            with refused("CONFLICT", "SECRETS_TWO"):
                await connection.execute(
                    "insert into iam.app_secrets (tenant_id, app_id, secret_hash, hint, expires_at)"
                    f" values (core.tenant_id(), $1, decode($2, 'hex'), 'last', {expires_at})",
                    app.app_id,
                    HASH,
                )
