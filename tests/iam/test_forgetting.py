"""Who tried and who came is not kept for ever: sql/iam/forgetting.sql."""

from typing import Final

import pytest

from gql.errors import ApiError
from gql.iam.credentials.throttles import Attempt, Throttle
from gql.iam.services import Services
from tests.harness.actors import as_superuser, as_worker
from tests.harness.inbox import Inbox
from tests.harness.tenants import PASSWORD, Tenant
from tests.harness.verbs import refused
from tests.iam.entry.test_codes import somewhere
from tests.iam.entry.test_sign_up import begun as sign_up_begun
from tests.iam.entry.test_sign_up import new_address
from tests.iam.tokens.test_sessions import begun

TABLES: Final = ("throttles", "sessions", "refresh_tokens", "codes", "signup_sessions", "house_log")
MOMENTS: Final = {
    "throttles": ("updated_at",),
    "sessions": ("created_at", "expires_at", "ended_at"),
    "refresh_tokens": ("created_at",),
    "codes": ("created_at", "expires_at"),
    "signup_sessions": ("created_at", "expires_at"),
    "house_log": ("created_at",),
}


async def counted() -> dict[str, int]:
    async with as_superuser() as connection:
        return {table: await connection.fetchval(f"select count(*) from iam.{table}") for table in TABLES}


async def let_pass(interval: str) -> None:
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")  # created_at never changes otherwise
        for table, columns in MOMENTS.items():
            earlier = ", ".join(f"{column} = {column} - interval '{interval}'" for column in columns)
            await connection.execute(f"update iam.{table} set {earlier}")


async def is_due() -> bool:
    async with as_worker() as connection:
        return bool(await connection.fetchval("select iam.forgettable()"))


async def forget() -> None:
    async with as_worker() as connection:
        assert await connection.fetchval("select iam.forget()") is False


async def test_what_was_tried_is_kept_for_a_day_and_what_ended_for_a_month(
    services: Services, inbox: Inbox, tenant: Tenant
) -> None:
    await let_pass("400 days")
    await forget()
    await Throttle(services.database).demand(Attempt("password", "a", somewhere()))
    await sign_up_begun(services, email=new_address())
    await services.codes.request("SIGN_IN", tenant.owner_email, somewhere())
    held, ended = await begun(services, tenant), await begun(services, tenant)
    await services.sessions.end(tenant.owner_id, ended.session_id, "SIGNED_OUT", somewhere())
    whole = await counted()
    assert (whole["sessions"], whole["codes"], whole["signup_sessions"]) == (2, 2, 1)

    await let_pass("23 hours")
    assert not await is_due()
    await forget()
    assert await counted() == whole

    await let_pass("3 hours")
    assert await is_due()
    await forget()
    assert await counted() == {
        "throttles": 0,
        "sessions": 2,
        "refresh_tokens": 2,
        "codes": 0,
        "signup_sessions": 0,
        "house_log": 0,
    }
    assert not await is_due()

    await let_pass("31 days")
    assert await is_due()
    await forget()
    async with as_superuser() as connection:
        assert [row[0] for row in await connection.fetch("select id from iam.sessions")] == [held.session_id]
    await let_pass("31 days")
    await forget()
    assert set((await counted()).values()) == {0}


async def test_the_log_of_the_house_is_kept_for_half_a_year_and_not_a_day_less(services: Services) -> None:
    await let_pass("400 days")
    await forget()
    with pytest.raises(ApiError):
        await services.sign_in.with_password("nobody@example.org", PASSWORD, None, somewhere())
    await let_pass("179 days")
    await forget()
    assert (await counted())["house_log"] == 1
    async with as_superuser() as connection:
        for statement in (
            "delete from iam.house_log",
            "update iam.house_log set facts = '{}'",
            "truncate iam.house_log",
        ):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(statement)
    await let_pass("3 days")
    await forget()
    assert (await counted())["house_log"] == 0
