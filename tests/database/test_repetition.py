"""Work carried out in one transaction whatever happens to it: again where nothing was kept, never where it was."""

import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from gql.database.context import Context
from gql.database.embedded import EmbeddedServer
from gql.database.loader import migrate
from gql.database.pool import Database, PoolMode, Transaction
from gql.database.pool.outcomes import Outcome
from gql.database.pool.repetition import MOST_ATTEMPTS
from gql.errors import ApiError, Code
from tests.database.pooling import (
    ORIGIN,
    TELL,
    a_database,
    arguments_of,
    process_waiting,
    tell_in_write,
    told_by,
    until,
)
from tests.harness.actors import as_superuser, context_of
from tests.harness.postgres import CONFIGURATION, MAJOR_VERSION, bin_directory, the_database
from tests.harness.proxy import COMMIT, Fate, Proxy, proxy_before
from tests.harness.tenants import Tenant

CREATE: Final = "select billing.client_create(jsonb_build_object('name', $1::text))::text"


@dataclass
class Work:
    """Makes a client of this name, and counts how often it was asked to."""

    name: str = "Fen Orchards"
    begun: int = 0

    async def __call__(self, transaction: Transaction) -> str:
        self.begun += 1
        made: str = await transaction.fetch(CREATE, [self.name])
        await transaction.settle()
        return made


@dataclass
class Line:
    """A database behind a proxy, and somebody who works in it."""

    database: Database
    proxy: Proxy
    context: Context

    async def carry_out(self, work: Any, **options: Any) -> str:
        made: str = await self.database.carry_out(self.context, ORIGIN, work, **options)
        return made

    async def made(self) -> list[str]:
        """The ids of the clients that there are."""
        async with as_superuser() as connection:
            rows = await connection.fetch(
                "select id::text from billing.clients where tenant_id = $1", self.context.tenant_id
            )
        return [row["id"] for row in rows]


@asynccontextmanager
async def a_line(tenant: Tenant, **options: Any) -> AsyncIterator[Line]:
    url = (await the_database()).api_url
    async with proxy_before(url) as proxy, a_database(url=proxy.address(url), **options) as database:
        yield Line(database, proxy, context_of(tenant))


@pytest.fixture(params=list(PoolMode), ids=lambda mode: mode.value)
async def line(request: pytest.FixtureRequest, tenant: Tenant) -> AsyncIterator[Line]:
    """One connection, used before, in both modes."""
    async with a_line(tenant, mode=request.param, write_connections=1) as line:
        await tell_in_write(line.database, line.context)
        yield line


def failing(sql_state: str, times: int) -> Any:
    """Work that PostgreSQL refuses with this state the first so many times, and what counts how often it began."""
    work = Work()

    async def fail_at_first(transaction: Transaction) -> str:
        made = await work(transaction)
        if work.begun <= times:
            await transaction.execute(f"do $$ begin raise exception 'no' using errcode = '{sql_state}'; end $$")
        return made

    return work, fail_at_first


@pytest.mark.parametrize("sql_state", ["40001", "40P01"])
async def test_whoever_crossed_others_is_sent_again_as_a_whole(line: Line, sql_state: str) -> None:
    work, failing_work = failing(sql_state, MOST_ATTEMPTS - 1)
    made = await line.carry_out(failing_work)
    assert work.begun == MOST_ATTEMPTS
    assert await line.made() == [made]


@pytest.mark.parametrize("sql_state", ["40001", "40P01"])
async def test_it_is_not_sent_again_for_ever(line: Line, sql_state: str) -> None:
    work, failing_work = failing(sql_state, MOST_ATTEMPTS)
    with pytest.raises(ApiError) as refusal:
        await line.carry_out(failing_work)
    assert (refusal.value.code, refusal.value.reason) == (Code.CONFLICT, "RETRY")
    assert work.begun == MOST_ATTEMPTS
    assert await line.made() == []


async def test_those_who_were_crossed_are_sent_again_one_after_the_other(tenant: Tenant) -> None:
    async with a_line(tenant, write_connections=4) as line:
        at_work = most_at_work = 0

        def crossed_once() -> Any:
            work, cross = failing("40001", 1)

            async def look_around(transaction: Transaction) -> str:
                nonlocal at_work, most_at_work
                at_work += work.begun
                most_at_work = max(at_work, most_at_work)
                try:
                    await asyncio.sleep(0.01)
                    return await cross(transaction)  # type: ignore[no-any-return]
                finally:
                    at_work -= int(work.begun > 1)

            return look_around

        made = await asyncio.gather(*(line.carry_out(crossed_once()) for _ in range(4)))
        assert most_at_work == 1
        assert len(await line.made()) == len(set(made)) == 4


@pytest.mark.parametrize("sql_state", ["55P03", "57014", "CH409", "23505", "XX000"])
async def test_what_would_fail_again_is_not_sent_again(line: Line, sql_state: str) -> None:
    work, failing_work = failing(sql_state, 1)
    with pytest.raises(ApiError):
        await line.carry_out(failing_work)
    assert work.begun == 1
    assert await line.made() == []


async def test_a_failure_at_the_commit_itself_is_sent_again(tenant: Tenant) -> None:
    """Two who each read what the other writes cannot both have been first; the second is told when it commits."""
    url = (await the_database()).api_url + "&default_transaction_isolation=serializable"
    clients = "select count(*)::text from billing.clients"
    async with a_database(url=url, write_connections=3) as database:
        both_read = asyncio.Barrier(2)
        begun = 0

        async def work(transaction: Transaction) -> str:
            nonlocal begun
            begun += 1
            counted: str = await transaction.fetch(clients, [])
            if begun <= 2:
                await both_read.wait()
            await transaction.fetch(CREATE, [f"Client {counted}"])
            if begun <= 2:
                await both_read.wait()  # both have written before either commits
            return counted

        context = context_of(tenant)
        found = await asyncio.gather(*(database.carry_out(context, ORIGIN, work) for _ in range(2)))
        assert sorted(found) == ["0", "1"]
        assert begun == 3


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNANSWERED])
@pytest.mark.parametrize("words", [b"begin\0", b"set constraints"])
async def test_a_connection_lost_before_the_commit_is_replaced_and_the_work_sent_again(
    line: Line, words: bytes, fate: Fate
) -> None:
    work = Work()
    line.proxy.at(words, fate)
    made = await line.carry_out(work)
    assert await line.made() == [made]
    assert work.begun == (2 if words == b"set constraints" else 1)


async def test_a_connection_that_is_lost_again_and_again_is_said_to_be(line: Line) -> None:
    work = Work()
    line.proxy.at(b"set constraints", Fate.LOST, times=MOST_ATTEMPTS)
    with pytest.raises(ApiError) as refusal:
        await line.carry_out(work)
    assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "DATABASE_UNREACHABLE")
    assert work.begun == MOST_ATTEMPTS
    assert await line.made() == []


async def test_a_server_process_that_is_ended_underway_costs_nothing_but_time(line: Line) -> None:
    work = Work()
    async with as_superuser() as holder, holder.transaction():
        await holder.execute("lock table billing.clients in share mode")
        task = asyncio.create_task(line.carry_out(work))
        await until(lambda: another_waits(0), "the work waits for the table")
        first = await process_waiting()
        assert first is not None
        await holder.execute("select pg_terminate_backend($1)", first)
        await until(lambda: another_waits(first), "the work has begun again")
    made = await task
    assert await line.made() == [made]
    assert work.begun == 2


async def another_waits(process_id: int) -> bool:
    """Whether a process other than this one waits for a lock."""
    return await process_waiting() not in (None, process_id)


async def test_a_commit_that_happened_unseen_is_answered_and_not_done_again(line: Line) -> None:
    """Attack 57."""
    work = Work()
    line.proxy.at(COMMIT, Fate.UNANSWERED)
    made = await line.carry_out(work)
    assert work.begun == 1
    assert await line.made() == [made]


async def test_a_commit_that_never_arrived_is_done_again(line: Line) -> None:
    work = Work()
    line.proxy.at(COMMIT, Fate.LOST)
    made = await line.carry_out(work)
    assert work.begun == 2
    assert await line.made() == [made]


async def test_commits_that_never_arrive_are_known_to_have_failed(line: Line) -> None:
    work = Work()
    line.proxy.at(COMMIT, Fate.LOST, times=MOST_ATTEMPTS)
    with pytest.raises(ApiError) as refusal:
        await line.carry_out(work)
    assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "DATABASE_UNREACHABLE")
    assert work.begun == MOST_ATTEMPTS
    assert await line.made() == []


async def test_an_undecided_commit_is_waited_for(tenant: Tenant) -> None:
    """The server does not know that the client is gone, and gives up the transaction only when its time is over."""
    async with a_line(tenant, idle_in_transaction_timeout_ms=300, write_connections=1) as line:
        work = Work()
        line.proxy.at(COMMIT, Fate.STRANDED)
        made = await line.carry_out(work)
        assert work.begun == 2
        assert await line.made() == [made]


async def test_a_commit_that_stays_undecided_claims_neither_success_nor_failure(tenant: Tenant) -> None:
    async with a_line(tenant, outcome_patience=0.05, write_connections=1) as line:
        work = Work()
        line.proxy.at(COMMIT, Fate.STRANDED)
        with pytest.raises(ApiError) as refusal:
            await line.carry_out(work)
        assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "COMMIT_UNKNOWN")
        assert refusal.value.retry_after
        assert "Idempotency-Key" in refusal.value.message
        assert work.begun == 1


async def test_work_that_recognises_itself_is_sent_again_while_it_is_undecided(tenant: Tenant) -> None:
    async with a_line(tenant, outcome_patience=0.05, write_connections=1) as line:
        work = Work()
        line.proxy.at(COMMIT, Fate.STRANDED)
        made = await line.carry_out(work, recognises_itself=True)
        assert work.begun == 2
        assert await line.made() == [made]


async def test_a_database_that_is_down_is_not_asked_again_and_again(line: Line) -> None:
    work = Work()
    line.proxy.shut()
    with pytest.raises(ApiError) as refusal:
        await line.carry_out(work)
    assert refusal.value.reason == "DATABASE_UNREACHABLE"
    assert work.begun == 0


async def test_what_is_not_to_be_kept_is_done_and_leaves_nothing(line: Line) -> None:
    work = Work()
    assert len(await line.carry_out(work, keeps=False)) == 36
    assert await line.made() == []
    assert await tell_in_write(line.database, line.context) == told_by(line.context)
    statistics = line.database.writes.statistics
    assert (statistics.opened, statistics.mended) == (1, 0)


async def test_what_is_not_to_be_kept_is_answered_even_if_the_end_is_lost(line: Line) -> None:
    work = Work()
    line.proxy.at(b"rollback\0", Fate.LOST)
    assert len(await line.carry_out(work, keeps=False)) == 36
    assert await line.made() == []
    assert await tell_in_write(line.database, line.context) == told_by(line.context)


async def test_a_transaction_is_asked_for_by_its_mark(line: Line) -> None:
    async with line.database.write(line.context, ORIGIN) as transaction:
        await transaction.fetch(TELL, arguments_of(line.context))
        assert await transaction.fetch("select pg_current_xact_id()::text", []) == transaction.mark.transaction_id
    assert await line.database.outcome_of(transaction.mark) is Outcome.COMMITTED
    with pytest.raises(ZeroDivisionError):
        async with line.database.write(line.context, ORIGIN) as transaction:
            raise ZeroDivisionError
    assert await line.database.outcome_of(transaction.mark) is Outcome.ABORTED
    of_another_server = transaction.mark._replace(counts_since="0.000000")
    assert await line.database.outcome_of(of_another_server) is Outcome.FORGOTTEN


# A server that crashes


@pytest.fixture
async def crashing() -> AsyncIterator[tuple[EmbeddedServer, Context]]:
    """A server of the test's own, on which a commit is kept when it is answered, and an owner of an organisation."""
    directory = Path(tempfile.mkdtemp(prefix="countinghouse-crash-"))
    configuration = CONFIGURATION | {"synchronous_commit": "on"}
    try:
        with EmbeddedServer(
            directory, bin_directory=bin_directory(MAJOR_VERSION), configuration=configuration
        ) as server:
            await migrate(server.admin_url)
            await server.set_passwords()
            facts = {"slug": "crash", "name": "Crash Barriers", "currency": "EUR", "country": "IE"}
            tenant_id = await on(server, "select iam.tenant_create($1::jsonb)", json.dumps(facts))
            yield server, Context(tenant_id, UUID(int=1), "owner", is_scoped=False)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def on(server: EmbeddedServer, question: str, *values: Any) -> Any:
    connection = await asyncpg.connect(server.admin_url)
    try:
        return await connection.fetchval(question, *values)
    finally:
        await connection.close()


@pytest.mark.parametrize("recognises_itself", [False, True])
async def test_a_server_that_crashed_at_the_commit_is_not_believed(
    crashing: tuple[EmbeddedServer, Context], recognises_itself: bool
) -> None:
    """It may have given the transaction's number to another one since."""
    server, context = crashing
    in_transaction = "select pid from pg_stat_activity where usename = 'countinghouse_api' and state like 'idle in%'"
    crashes = 1

    async def crash_at_the_commit(data: bytes) -> Fate:
        nonlocal crashes
        if not crashes or COMMIT not in data:
            return Fate.PASSES
        crashes -= 1
        os.kill(await on(server, in_transaction), signal.SIGKILL)
        return Fate.LOST

    async with (
        proxy_before(server.api_url) as proxy,
        a_database(url=proxy.address(server.api_url), outcome_patience=30.0) as database,
    ):
        work = Work()
        proxy.judge = crash_at_the_commit
        reason = None
        try:
            await database.carry_out(context, ORIGIN, work, recognises_itself=recognises_itself)
        except ApiError as refusal:
            reason = refusal.reason
        assert crashes == 0
        assert reason == (None if recognises_itself else "COMMIT_UNKNOWN")
        assert work.begun == (2 if recognises_itself else 1)

        async def is_back() -> bool:
            try:
                return bool(await on(server, "select true"))
            except (OSError, asyncpg.PostgresError):
                return False

        await until(is_back, "the server is back")
        assert await on(server, "select count(*) from billing.clients") == int(recognises_itself)
