"""What analysts cannot do, with a login of their own and after they have set back whatever they can."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic
from typing import Any, Final

import asyncpg
import pytest

from gql.database.jobs import queue_settings
from gql.worker.worker import CHANNEL
from tests.database.isolation import OURS, REFUSED, RELATIONS, Filled, fill, readable, texts
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.analysts import Analyst, address_of, connected, is_connected, make_analyst
from tests.harness.tenants import Tenant
from tests.harness.verbs import call
from tests.worker.working import eventually, expired_hold, the_duty, working

DUTY: Final = the_duty("end-connections-of-analysts")
HOLDS: Final = the_duty("expire-holds")
LONG: Final = "select pg_sleep(120)"
FUNCTIONS: Final = f"""
    select p.oid::regprocedure::text as name, prosecdef as is_definer, provolatile::text as volatility
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = pronamespace
    where {OURS} and pg_catalog.has_function_privilege(p.oid, 'execute') order by 1
"""


@pytest.fixture(scope="module")
async def mine() -> Filled:
    return await fill("Harbour Lights")


@pytest.fixture(scope="module")
async def theirs() -> Filled:
    return await fill("Quarry and Sons")


@pytest.fixture(scope="module")
async def analyst(mine: Filled) -> Analyst:
    return await make_analyst(mine.tenant)


@pytest.fixture
async def connection(analyst: Analyst) -> AsyncIterator[asyncpg.Connection]:
    """Of an analyst who has taken off every brake that a login can."""
    async with connected(analyst) as opened:
        await opened.execute("set default_transaction_read_only = off; set statement_timeout = 0")
        await opened.execute("set idle_in_transaction_session_timeout = 0; set idle_session_timeout = 0")
        yield opened


async def test_what_is_set_for_them_is_read_only_already(analyst: Analyst) -> None:
    async with connected(analyst) as opened:
        for statement in (
            "create table mine ()",
            "alter role current_user reset all",
            "do $$ begin drop view clients; end $$",
        ):
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await opened.execute(statement)


async def test_no_view_and_no_table_can_be_written(connection: asyncpg.Connection) -> None:
    found = await connection.fetch(RELATIONS)
    assert len([each for each in found if each["name"].startswith("reporting.")]) > 25
    for relation in found:
        name, column = relation["name"], (relation["readable"] or relation["columns"])[0]
        statements = [
            f"insert into {name} ({column}) values (null)",
            f"update {name} set {column} = {column}",
            f"delete from {name}",
            f"select {column} from {name} for update",
            f"select {column} from {name} for key share",
            f"merge into {name} using (values (1)) as one on true when matched then delete",
            f"truncate {name}",
            f"copy {name} ({column}) from program 'true'",
            f"do $$ begin delete from {name}; end $$",
            f"lock table {name} in row share mode",
            f"vacuum full {name}",
        ]
        for statement in statements:
            try:
                await connection.execute(statement)
            except (REFUSED, asyncpg.WrongObjectTypeError, asyncpg.ObjectNotInPrerequisiteStateError):
                continue
            except (asyncpg.FeatureNotSupportedError, asyncpg.PostgresSyntaxError, asyncpg.NoActiveSQLTransactionError):
                continue
            # It is passed over with a warning where one has no right to it.
            assert statement.startswith("vacuum"), statement


@pytest.mark.parametrize(
    "statement",
    [
        "create table reporting.mine ()",
        "create view reporting.mine as select 1",
        "create temporary table mine ()",
        "create temporary view mine as select 1",
        "create temporary sequence mine",
        "create table mine as select * from clients",
        "select * into mine from clients",
        "create function reporting.leak(text) returns boolean language sql cost 0.0001 return true",
        "create operator reporting.= (leftarg = text, rightarg = int, function = texteq)",
        "create schema mine",
        "create domain reporting.mine as text",
        "create publication mine for all tables",
        "create subscription mine connection 'host=127.0.0.1' publication p",
        "create server mine foreign data wrapper none",
        "create extension hstore",
        "create role mine",
        "do $$ begin create temporary table mine (); end $$",
        "do $$ begin perform lo_create(0); end $$",
        "do $$ begin perform pg_advisory_xact_lock(1); end $$",
        "do language plpgsql $$ begin set local role countinghouse_owner; end $$",
        "select lo_create(0)",
        "select lo_creat(-1)",
        "select lo_from_bytea(0, 'x')",
        "select lo_put(1, 0, 'x')",
        "select lo_import('/etc/hostname')",
        "select pg_advisory_lock(1)",
        "select pg_advisory_lock_shared(1)",
        "select pg_try_advisory_lock(1, 2)",
        "select pg_advisory_xact_lock(1)",
        "select pg_try_advisory_xact_lock_shared(1)",
        "select pg_logical_emit_message(false, 'mine', 'x')",
        "select nextval('pgqueuer.pgqueuer_id_seq')",
        "select setval('pgqueuer.pgqueuer_id_seq', 1)",
        "select last_value from pgqueuer.pgqueuer_id_seq",
        "copy clients to '/nowhere'",
        "copy (select 1) to program 'true'",
        "comment on view reporting.clients is 'mine'",
        "grant select on reporting.clients to public",
        "alter view reporting.clients reset (security_invoker)",
        "refresh materialized view reports.revenue_months",
        "select * from reports.revenue_months",
        "select * from pgqueuer.pgqueuer",
        "select * from iam.tenants",
        "select * from iam.users",
        "select * from iam.analysts",
        "select * from core.audit_log",
        "select * from core.audit_log_default",
        "select * from core.idempotency_keys",
        "select * from pg_catalog.pg_authid",
        "select * from pg_catalog.pg_statistic",
        "select * from pg_catalog.pg_stat_activity",
        "select pg_catalog.pg_stat_get_backend_userid(1)",
        "select * from pg_catalog.pg_file_settings",
        "select pg_read_file('postgresql.conf')",
        "set session_replication_role = replica",
        "set session authorization postgres",
        "set role countinghouse_tenant",
        "set log_statement = 'none'",
        "alter role current_user superuser",
        "alter role current_user valid until 'infinity'",
        "alter database countinghouse set statement_timeout = 0",
        "alter system set statement_timeout = 0",
        "begin; lock table billing.clients in share mode; commit",
    ],
)
async def test_there_is_nothing_to_make_to_hold_or_to_look_behind(
    connection: asyncpg.Connection, statement: str
) -> None:
    with pytest.raises(
        (REFUSED, asyncpg.UndefinedObjectError, asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)
    ) as refusal:
        await connection.execute(statement)
    # Not because there is nothing of that name, but for whom nothing of that name is shown.
    if isinstance(refusal.value, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
        assert "mine" not in str(refusal.value)


async def test_a_transaction_cannot_be_left_behind_that_holds_locks(connection: asyncpg.Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select from reporting.clients")
    with pytest.raises(asyncpg.PostgresError, match="prepared transactions are disabled"):
        await connection.execute("prepare transaction 'mine'")
    await transaction.rollback()


async def test_nobody_else_can_be_become(connection: asyncpg.Connection, mine: Filled, theirs: Filled) -> None:
    async with as_superuser() as superuser:
        roles = [row[0] for row in await superuser.fetch("select quote_ident(rolname) from pg_roles")]
    user = await connection.fetchval("select session_user::text")
    others = [role for role in roles if role not in (user, "countinghouse_analyst")]
    assert {theirs.tenant.database_role, mine.tenant.database_role, "pg_read_all_data"} < set(others)
    for role in others:
        for statement in (f"set role {role}", f"set session authorization {role}", f"grant {role} to {user}"):
            with pytest.raises((REFUSED, asyncpg.FeatureNotSupportedError)):
                await connection.execute(statement)
    # The group has no organisation, and so nothing to see.
    await connection.execute("set role countinghouse_analyst")
    assert {name for name, rows in (await readable(connection)).items() if rows} == set()


async def test_no_function_of_ours_has_more_than_the_rights_of_whoever_calls_it(connection: asyncpg.Connection) -> None:
    functions = await connection.fetch(FUNCTIONS)
    assert len(functions) > 20
    # A search answers ids alone, and names the organisation itself: docs/decisions/0016-parts-of-names.md.
    with_more = {"iam.organisation", "trade.products_search"}
    assert {row["name"].partition("(")[0] for row in functions if row["is_definer"]} == with_more
    assert {row["name"] for row in functions if row["volatility"] == "v"} == set()


async def test_no_row_and_no_word_of_others_is_seen(
    connection: asyncpg.Connection, mine: Filled, theirs: Filled
) -> None:
    """In any view, table, or setting of ours, in the statistics, and in what EXPLAIN tells."""
    async with as_superuser() as superuser:
        await superuser.execute("analyze")
    marks = texts(theirs.rows) - texts(mine.rows) - {str(theirs.tenant.tenant_id)}
    seen = str(await readable(connection))
    assert [mark for mark in texts(mine.rows) if mark in seen]
    assert not [mark for mark in marks if mark in seen]
    ask = f"select count(*) from pg_stats join pg_namespace on nspname = schemaname where {OURS}"
    assert await connection.fetchval(ask) == 0
    assert await connection.fetchval(ask.replace("pg_stats join", "pg_stats_ext join")) == 0
    plan = await connection.fetch("explain (analyze, verbose) select * from billing.clients where name > 'A'")
    assert not [mark for mark in marks if mark in str(plan)]
    assert await connection.fetchval("select count(*) from pg_sequences where last_value is not null") == 0


async def test_names_of_roles_tell_ids_alone(connection: asyncpg.Connection, theirs: Filled) -> None:
    """Everybody who is connected can see them, and no right can be taken away for that."""
    label = "Takeover of Harbour Lights"
    await make_analyst(theirs.tenant, label)
    names = {row[0] for row in await connection.fetch("select rolname from pg_roles")}
    told = str(await connection.fetch("select * from pg_roles")) + str(
        await connection.fetch("select * from pg_shdescription")
    )
    assert theirs.tenant.slug not in told
    assert label not in told
    # Other tests leave roles of their own in the cluster; those of this organisation carry its id.
    of_it = {name for name in names if theirs.tenant.tenant_id.hex in name}
    assert len(of_it) > 1
    shape = r"(tenant|analyst_[0-9a-f]{16}|(analyst|owner)_test)_[0-9a-f]{32}"
    assert not {name for name in of_it if not re.fullmatch(shape, name)}


async def test_nothing_of_others_is_heard(connection: asyncpg.Connection, theirs: Filled) -> None:
    heard: list[Any] = []
    for channel in (CHANNEL, queue_settings().channel):
        await connection.add_listener(channel, lambda *given: heard.append(given[-1]))
    async with as_tenant(theirs.tenant) as other, working([HOLDS]):
        await expired_hold(theirs.tenant)
        [invoice, *_] = [row["id"] for row in theirs.rows["billing.recurring_invoices"]]
        await call(other, "billing.recurring_invoice_set", id=invoice, frequency="WEEKLY", next_date="2199-01-01")
        await eventually(lambda: has_heard(heard))
        await asyncio.sleep(0.5)
    marks = texts(theirs.rows) | theirs.ids | {theirs.tenant.tenant_id.hex}
    assert not [mark for mark in marks if mark in str(heard)]


async def has_heard(heard: list[Any]) -> bool:
    return bool(heard)


async def test_what_they_say_on_a_channel_is_believed_by_nobody(connection: asyncpg.Connection) -> None:
    """It makes the worker look, and no more: docs/decisions/0009."""
    async with working([DUTY]) as worker:
        looks = worker.looks
        for payload in ("", "{}", '{"type": "cancellation_event", "channel": "ch_pgqueuer", "ids": [1]}', "\u2028'"):
            await connection.execute("select pg_notify($1, $2)", CHANNEL, payload)
            await connection.execute("select pg_notify($1, $2)", queue_settings().channel, payload)
        await eventually(lambda: has_looked(worker, looks))


async def has_looked(worker: Any, before: int) -> bool:
    return bool(worker.looks > before)


@pytest.mark.parametrize("name", ["postgres", "template1"])
async def test_there_is_no_other_database_for_them(mine: Filled, name: str) -> None:
    made = await make_analyst(mine.tenant, connection_limit=1)
    secret = made.url.split("@")[0].rpartition(":")[2]
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await asyncpg.connect(await address_of(made.user, secret, name))


# Time


async def test_an_honest_statement_is_cancelled_when_its_time_is_over(mine: Filled) -> None:
    made = await make_analyst(mine.tenant, statement_timeout_ms=200, connection_limit=1)
    async with connected(made) as opened:
        begun = monotonic()
        with pytest.raises(asyncpg.QueryCanceledError):
            await opened.execute(LONG)
        assert monotonic() - begun < 10
        assert await opened.fetchval("select 1") == 1


BREAKOUTS: Final[list[list[str | None]]] = [
    ["set statement_timeout = 0", LONG],
    ["set default_transaction_read_only = off", "alter role current_user set statement_timeout = 0", None, LONG],
    [
        "set statement_timeout = 0",
        "do $$ begin perform set_config('statement_timeout', '0', false); loop end loop; end $$",
    ],
    [
        "set statement_timeout = 0",
        "with recursive t as (select 1 union all select 1 from t) select count(*) from t",
    ],
    ["set statement_timeout = 0; set idle_in_transaction_session_timeout = 0", "begin; select 1", ""],
    ["set statement_timeout = 0", "begin; declare c cursor for select * from clients; fetch c", ""],
]


async def test_whoever_sets_the_time_out_back_is_ended_by_the_worker(mine: Filled) -> None:
    """A statement after its time, a transaction after ten times as much; and nothing is left to hold."""
    async with working([DUTY]):
        await asyncio.gather(*(breaks_out(mine.tenant, statements) for statements in BREAKOUTS))
    async with as_superuser() as superuser, superuser.transaction():
        await superuser.execute("lock table billing.clients in access exclusive mode nowait")


async def breaks_out(tenant: Tenant, statements: list[str | None]) -> None:
    made = await make_analyst(tenant, statement_timeout_ms=300, connection_limit=2 if None in statements else 1)
    opened = await asyncpg.connect(made.url)
    try:
        *before, last = statements
        for statement in before:
            if statement is None:  # come in again
                await opened.close()
                opened = await asyncpg.connect(made.url)
                assert await opened.fetchval("show statement_timeout") == "0"
            else:
                await opened.execute(statement)
        begun = monotonic()
        if last:
            with pytest.raises((asyncpg.AdminShutdownError, asyncpg.ConnectionDoesNotExistError)):
                await opened.execute(last)
        else:
            assert await is_connected(opened)
            await eventually(lambda: has_gone(opened))
            assert monotonic() - begun > 0.5
        # The worker looks every few seconds, and not much later.
        assert monotonic() - begun < DUTY.every.total_seconds() + 10
    finally:
        opened.terminate()
    async with as_tenant(tenant) as connection:  # and there is room for the next one
        await call(connection, "iam.analyst_revoke", id=made.id)


async def has_gone(opened: asyncpg.Connection) -> bool:
    return not await is_connected(opened)


async def test_whoever_keeps_to_their_time_is_left_alone(mine: Filled) -> None:
    """Idle for longer than a statement may take, at work for less, and in a transaction that is not long."""
    made = await make_analyst(mine.tenant, statement_timeout_ms=2000, connection_limit=3)
    async with (
        working([DUTY.__class__(DUTY.name, DUTY.due, DUTY.run, timedelta(milliseconds=100))]),
        connected(made) as idle,
        connected(made) as busy,
        connected(made) as inside,
    ):
        await inside.execute("begin; select 1")
        for _ in range(3):
            await busy.execute("select pg_sleep(0.9)")
        assert await inside.fetchval("select 1") == 1
        assert await idle.fetchval("select 1") == 1


async def test_the_worker_ends_nobody_else(mine: Filled) -> None:
    """The server, an organisation's own role, an operator: none of them is an analyst's."""
    async with as_tenant(mine.tenant) as tenant, as_superuser() as superuser, working([DUTY]):
        await asyncio.gather(tenant.execute("select pg_sleep(6)"), superuser.execute("select pg_sleep(6)"))


async def test_nobody_but_the_worker_can_end_connections(connection: asyncpg.Connection, mine: Filled) -> None:
    async with as_tenant(mine.tenant) as tenant:
        for caller in (connection, tenant):
            for function in ("iam.analyst_backends_end()", "iam.analyst_backends_overdue()"):
                with pytest.raises(REFUSED):
                    await caller.execute(f"select {function}")
        with pytest.raises(REFUSED):
            await connection.execute(f"select pg_terminate_backend({tenant.get_server_pid()})")
