"""Mutations on their caller's terms: what a key keeps waiting, and what it settles where nobody knows what was kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import pytest

from gql.database.pool import Database, DatabaseOptions
from gql.engine.engine import Caller, Changed, Engine, Operation, Terms
from gql.engine.idempotency import KeyedRequest, Turns, request_hash
from gql.errors import ApiError, Code, RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.database.pooling import a_database, until
from tests.engine.doors import ORIGIN, permitted
from tests.harness.actors import as_superuser, as_tenant, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.proxy import COMMIT, Fate, proxy_before
from tests.harness.tenants import Tenant
from tests.harness.verbs import begin_key

CREATE: Final = "mutation ($input: ClientCreateInput!) { clientCreate(input: $input) { client { name } } }"
WHO: Final = (UUID(int=1), UUID(int=2))


@pytest.fixture
async def caller(tenant: Tenant) -> Caller:
    return Caller(await permitted(context_of(tenant)), ORIGIN)


@asynccontextmanager
async def an_engine(**options: Any) -> AsyncIterator[Engine]:
    async with a_database(**options) as database:
        yield engine_on(database)


def engine_on(database: Database) -> Engine:
    return Engine(build_schema(), declarations(), database, OPEN_FIELDS)


async def create(engine: Engine, caller: Caller, key: str | None, name: str = "Fen Orchards") -> Changed:
    operation = await engine.prepare(CREATE, None, {"input": {"name": name}}, introspection=True)
    return await engine.change(operation, caller, Terms(key))


async def clients(tenant: Tenant) -> int:
    async with as_superuser() as connection:
        found: int = await connection.fetchval(
            "select count(*) from billing.clients where tenant_id = $1", tenant.tenant_id
        )
    return found


def reason_of(refused: RequestRefused) -> str | None:
    [error] = refused.errors
    return error.reason


async def test_whoever_waits_too_long_for_another_process_is_told_to_send_it_again(
    tenant: Tenant, caller: Caller
) -> None:
    async with as_tenant(tenant) as first, an_engine(lock_timeout_ms=50) as engine:
        async with first.transaction():
            await begin_key(first, "key-1")
            with pytest.raises(RequestRefused) as refused:
                await create(engine, caller, "key-1")
        assert reason_of(refused.value) == "IDEMPOTENCY_KEY_IN_USE"
        assert refused.value.errors[0].retry_after
        assert await clients(tenant) == 0


async def test_a_lock_on_anything_else_is_told_as_before(tenant: Tenant, caller: Caller) -> None:
    async with as_superuser() as holder, an_engine(lock_timeout_ms=50) as engine:
        async with holder.transaction():
            await holder.execute("lock table billing.clients in share mode")
            found = json.loads((await create(engine, caller, "key-1")).body)
        assert found["errors"][0]["extensions"]["reason"] == "LOCKED"
        assert not (await create(engine, caller, "key-1")).is_replay


@pytest.fixture(scope="module")
def reader() -> Engine:
    """An engine that reads documents, on no database."""
    return engine_on(Database(DatabaseOptions(url="postgresql://nobody@127.0.0.1:1/nowhere")))


async def asked(
    engine: Engine, source: str, name: str | None = None, variables: dict[str, Any] | None = None
) -> Operation:
    return await engine.prepare(source, name, variables, introspection=True)


async def test_a_request_is_its_query_its_operation_and_its_variables(reader: Engine) -> None:
    both = "mutation A { __typename } mutation B { __typename }"
    update = "mutation ($input: ClientUpdateInput!) { clientUpdate(input: $input) { client { id } } }"
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"city": None},
        {"city": ""},
        {"city": "é"},
        {"metadata": {"a": 1}},
        {"metadata": {"a": "1"}},
    )
    given = [
        await asked(reader, "mutation A { __typename }"),
        await asked(reader, "mutation A { __typename }", "A"),
        await asked(reader, both, "A"),
        await asked(reader, both, "B"),
        *[await asked(reader, update, None, {"input": {"id": str(WHO[0]), **more}}) for more in changes],
    ]
    hashes = [request_hash(operation) for operation in given]
    assert len(set(hashes)) == len(hashes)
    assert {len(found) for found in hashes} == {64}


async def test_the_order_of_variables_and_whether_none_is_said_make_no_other_request(reader: Engine) -> None:
    update = "mutation ($input: ClientUpdateInput!) { clientUpdate(input: $input) { client { id } } }"
    one = await asked(reader, update, None, {"input": {"id": str(WHO[0]), "metadata": {"a": 1, "b": 2}}})
    two = await asked(reader, update, None, {"input": {"metadata": {"b": 2, "a": 1}, "id": str(WHO[0])}})
    assert request_hash(one) == request_hash(two)
    plain = "mutation { __typename }"
    assert request_hash(await asked(reader, plain, None, {})) == request_hash(await asked(reader, plain))


async def test_half_a_character_can_be_hashed_though_nothing_else_can_be_done_with_it(reader: Engine) -> None:
    assert request_hash(await asked(reader, CREATE, None, {"input": {"name": "\ud800"}}))


# Waiting in this process


def request(key: str = "key-1", asked_for: str = "one") -> KeyedRequest:
    return KeyedRequest(*WHO, key, asked_for)


class Work:
    """Is at work until it is let go, or fails; counts how often it began."""

    def __init__(self, expected: int = 1) -> None:
        self.begun = 0
        self._expected = expected
        self.all_begun = asyncio.Event()
        self.go = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self) -> Changed:
        self.begun += 1
        if self.begun == self._expected:
            self.all_begun.set()
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return Changed(f"answer {self.begun}".encode())


async def in_line(turns: Turns, number: int) -> None:
    async def all_wait() -> bool:
        await asyncio.sleep(0)
        return turns.waiting == number

    await until(all_wait, "all wait")


async def test_those_who_wait_get_the_first_one_s_answer() -> None:
    turns, work = Turns(), Work()
    tasks = [asyncio.create_task(turns.take(request(), work)) for _ in range(5)]
    await in_line(turns, 4)
    work.go.set()
    found = await asyncio.gather(*tasks)
    assert [changed.is_replay for changed in found] == [False] + [True] * 4
    assert {changed.body for changed in found} == {b"answer 1"}
    assert (work.begun, turns.waiting) == (1, 0)


async def test_nothing_is_remembered_when_nobody_waits_any_more() -> None:
    turns, work = Turns(), Work()
    work.go.set()
    for number in (1, 2):
        assert (await turns.take(request(), work)).body == f"answer {number}".encode()


async def test_where_the_first_fails_each_of_the_others_tries_itself() -> None:
    turns, work = Turns(), Work()
    work.failure = ApiError(Code.CONFLICT, "No.")
    tasks = [asyncio.create_task(turns.take(request(), work)) for _ in range(5)]
    await in_line(turns, 4)
    work.go.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found == [work.failure] * 5
    assert work.begun == 5


async def test_where_the_first_is_cancelled_the_next_one_works() -> None:
    turns, work = Turns(), Work()
    first, second = (asyncio.create_task(turns.take(request(), work)) for _ in range(2))
    await in_line(turns, 1)
    first.cancel()
    work.go.set()
    assert await second == Changed(b"answer 2")


async def test_whoever_asks_for_something_else_is_not_given_the_answer() -> None:
    turns, work = Turns(), Work()
    tasks = [asyncio.create_task(turns.take(request(asked_for=each), work)) for each in ("one", "two")]
    await in_line(turns, 1)
    work.go.set()
    assert [changed.body for changed in await asyncio.gather(*tasks)] == [b"answer 1", b"answer 2"]


async def test_other_keys_and_other_people_do_not_wait() -> None:
    turns, work = Turns(), Work(expected=4)
    strangers = [request()._replace(tenant_id=UUID(int=9)), request()._replace(user_id=UUID(int=9)), request("key-2")]
    tasks = [asyncio.create_task(turns.take(each, work)) for each in (request(), *strangers)]
    async with asyncio.timeout(10):
        await work.all_begun.wait()
    assert turns.waiting == 0
    work.go.set()
    await asyncio.gather(*tasks)


async def test_whoever_waits_too_long_is_told_to_send_it_again() -> None:
    turns, work = Turns(patience=0.01), Work()
    first = asyncio.create_task(turns.take(request(), work))
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as refusal:
        await turns.take(request(), work)
    assert (refusal.value.reason, turns.waiting) == ("IDEMPOTENCY_KEY_IN_USE", 0)
    work.go.set()
    assert await first == Changed(b"answer 1")


# A commit that nobody can tell about


async def test_without_a_key_nobody_claims_success_or_failure_of_an_undecided_commit(
    database: TestDatabase, caller: Caller
) -> None:
    async with (
        proxy_before(database.api_url) as proxy,
        an_engine(url=proxy.address(database.api_url), outcome_patience=0.05) as engine,
    ):
        proxy.at(COMMIT, Fate.STRANDED)
        with pytest.raises(RequestRefused) as refused:
            await create(engine, caller, None)
    assert reason_of(refused.value) == "COMMIT_UNKNOWN"
    assert refused.value.errors[0].code.value == "UNAVAILABLE"


async def test_a_key_waits_for_an_undecided_commit_and_does_it_again_where_it_failed(
    database: TestDatabase, tenant: Tenant, caller: Caller
) -> None:
    """The database still holds the first transaction, and its key, when it is sent again."""
    options = {"outcome_patience": 0.05, "idle_in_transaction_timeout_ms": 500}
    async with (
        proxy_before(database.api_url) as proxy,
        an_engine(url=proxy.address(database.api_url), **options) as engine,
    ):
        proxy.at(COMMIT, Fate.STRANDED)
        assert json.loads((await create(engine, caller, "key-1")).body).keys() == {"data"}
        assert (await create(engine, caller, "key-1")).is_replay
    assert await clients(tenant) == 1


async def test_a_key_that_an_undecided_commit_holds_too_long_can_be_sent_again(
    database: TestDatabase, tenant: Tenant, caller: Caller
) -> None:
    options = {"outcome_patience": 0.05, "lock_timeout_ms": 50}
    async with an_engine(lock_timeout_ms=50) as another:
        async with (
            proxy_before(database.api_url) as proxy,
            an_engine(url=proxy.address(database.api_url), **options) as engine,
        ):
            proxy.at(COMMIT, Fate.STRANDED)
            for each in (engine, another):
                with pytest.raises(RequestRefused) as refused:
                    await create(each, caller, "key-1")
                assert reason_of(refused.value) == "IDEMPOTENCY_KEY_IN_USE"

        async def is_free() -> bool:
            try:
                return not (await create(another, caller, "key-1")).is_replay
            except RequestRefused:
                return False

        await until(is_free, "the database has noticed that the first is gone")
    assert await clients(tenant) == 1
