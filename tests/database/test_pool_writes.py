"""Writes of the tenant pool: one transaction in one context, and nothing left when it ends."""

import pytest

from gql.database.pool import Door, Origin
from gql.errors import ApiError, Code
from tests.database.pooling import (
    FAIL,
    ORIGIN,
    TELL,
    TELL_LOCKED,
    a_database,
    arguments_of,
    tell_in_write,
    told_by,
)
from tests.harness.actors import as_superuser, context_of
from tests.harness.tenants import Tenant

SHOW = "select current_setting('{}')"


async def test_a_write_runs_in_its_context_and_leaves_nothing_behind(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(write_connections=1) as database:
        async with database.write(context, ORIGIN) as transaction:
            assert await transaction.fetch(TELL, arguments_of(context)) == told_by(context)
            origin = "select concat_ws(',', {})".format(
                ", ".join(f"current_setting('app.{name}')" for name in ("request_id", "ip_address", "user_agent"))
            )
            assert await transaction.fetch(origin, []) == "request-1,192.0.2.7,a browser"
        async with database.nobody() as connection:
            assert await connection.fetchval(SHOW.format("role")) == "none"
            for name in ("user_id", "role", "scope_ids", "context", "request_id", "ip_address", "user_agent"):
                assert await connection.fetchval(f"select current_setting('app.{name}', true)") in (None, "", "{}")


async def test_a_write_is_committed_on_a_clean_exit_and_rolled_back_on_an_exception(tenant: Tenant) -> None:
    context = context_of(tenant)
    number, status = "select pg_current_xact_id()::text", "select pg_xact_status($1::text::xid8)"
    async with a_database(write_connections=1) as database:
        async with database.write(context, ORIGIN) as transaction:
            committed = await transaction.fetch(number, [])
        with pytest.raises(ZeroDivisionError):
            async with database.write(context, ORIGIN) as transaction:
                aborted = await transaction.fetch(number, [])
                raise ZeroDivisionError
        async with database.nobody() as connection:
            assert await connection.fetchval(status, committed) == "committed"
            assert await connection.fetchval(status, aborted) == "aborted"


async def test_settling_checks_deferred_constraints_and_defers_them_again(tenant: Tenant) -> None:
    put = "insert into settling.pairs values (($1::text)::int) returning number::text"
    try:
        async with as_superuser() as superuser:
            await superuser.execute(
                "create schema settling; "
                "create table settling.pairs (number int unique deferrable initially deferred); "
                f"grant usage on schema settling to {tenant.database_role}; "
                f"grant select, insert, delete on settling.pairs to {tenant.database_role}"
            )
        async with a_database() as database:
            async with database.write(context_of(tenant), ORIGIN) as transaction:
                await transaction.fetch(put, ["1"])
                await transaction.settle()
                await transaction.fetch(put, ["1"])  # for a moment there are two
                await transaction.execute("delete from settling.pairs")
                await transaction.settle()
            with pytest.raises(ApiError) as refusal:
                async with database.write(context_of(tenant), ORIGIN) as transaction:
                    for _ in range(2):
                        await transaction.fetch(put, ["2"])
                    await transaction.settle()
            assert refusal.value.code is Code.CONFLICT
            with pytest.raises(ApiError) as refusal:
                async with database.write(context_of(tenant), ORIGIN) as transaction:
                    for _ in range(2):
                        await transaction.fetch(put, ["3"])
            assert refusal.value.code is Code.CONFLICT
    finally:
        async with as_superuser() as superuser:
            await superuser.execute("drop schema if exists settling cascade")


async def test_a_read_within_a_write_sees_what_was_written_through_every_door(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database() as database:
        for door in Door:
            database.door = door
            async with database.write(context, ORIGIN) as transaction:
                assert await transaction.read(TELL_LOCKED, arguments_of(context)) == told_by(context)


async def test_a_swallowed_failure_does_not_pass_for_a_commit(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database() as database:
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                with pytest.raises(ApiError):
                    await transaction.fetch(FAIL, arguments_of(context))
        assert refusal.value.code is Code.INTERNAL_SERVER_ERROR
        assert await tell_in_write(database, context) == told_by(context)


async def test_a_write_that_lost_its_context_answers_with_an_error_and_never_a_row(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    context = context_of(tenant)
    async with a_database(write_connections=1) as database:
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                await transaction.execute("select set_config('app.context', 'another', true)")
                await transaction.fetch(TELL_LOCKED, arguments_of(context))
        assert refusal.value.code is Code.INTERNAL_SERVER_ERROR
        assert await tell_in_write(database, context_of(other_tenant)) == told_by(context_of(other_tenant))


async def test_a_header_with_a_nul_does_not_stop_a_write(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database() as database, database.write(context, Origin("r", None, "a\0b")) as transaction:
        assert await transaction.fetch("select current_setting('app.user_agent')", []) == "ab"
