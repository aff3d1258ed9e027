"""What a mutation's caller notices of crossings, killed server processes and lost connections: nothing but time.

An invoice is neither lost nor issued twice, and its number neither skipped nor given twice.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final
from uuid import UUID

import pytest

from gql.database.pool.repetition import MOST_ATTEMPTS
from gql.settings import Settings
from tests.database.pooling import process_waiting, until
from tests.harness.actors import as_superuser
from tests.harness.pooler import MODES
from tests.harness.postgres import TestDatabase
from tests.harness.proxy import COMMIT, Fate, Proxy
from tests.harness.tenants import Tenant
from tests.http.changes import ISSUE, Desk, behind_proxy
from tests.http.servers import refusal

SETTLE: Final = b"set constraints"
KEYS: Final = (None, "key-1")

UPDATE: Final = """mutation ($id: ID!, $city: String!) {
    clientUpdate(input: {id: $id, city: $city}) { client { city state } } }"""
UPDATE_BOTH: Final = """mutation ($first: ID!, $second: ID!, $city: String!) {
    a: clientUpdate(input: {id: $first, city: $city}) { client { city } }
    b: clientUpdate(input: {id: $second, city: $city}) { client { city } } }"""

Line = tuple[Desk, Proxy]


@pytest.fixture(params=MODES)
async def line(
    request: pytest.FixtureRequest, settings: Settings, database: TestDatabase, tenant: Tenant
) -> AsyncIterator[Line]:
    """A desk behind a proxy, known to its server."""
    mode = replace(settings, pool_mode=request.param)
    async with behind_proxy(mode, database.api_url, tenant) as (desk, proxy):
        assert (await desk.send("{ me { role } }")).status_code == 200
        yield desk, proxy


async def is_issued_once(desk: Desk, key: str | None) -> None:
    """Issue a draft; it must succeed, once, and the next invoice must have the next number."""
    answer = await desk.send(ISSUE, key=key, id=await desk.draft())
    assert answer.json().keys() == {"data"}, answer.text
    assert answer.json()["data"]["invoiceIssue"]["invoice"]["number"] == "INV-000001"
    assert await desk.numbers() == ["INV-000001"]
    assert await desk.keys() == ([key] if key else [])
    following = await desk.send(ISSUE, id=await desk.draft())
    assert following.json()["data"]["invoiceIssue"]["invoice"]["number"] == "INV-000002"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("words", [b"begin\0", SETTLE, COMMIT], ids=["begin", "verb", "commit"])
@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNANSWERED], ids=["before", "after"])
async def test_an_invoice_is_issued_once_wherever_the_connection_is_cut(
    line: Line, key: str | None, words: bytes, fate: Fate
) -> None:
    desk, proxy = line
    proxy.at(words, fate)
    await is_issued_once(desk, key)


@pytest.mark.parametrize("key", KEYS)
async def test_an_invoice_is_issued_once_though_the_connection_is_cut_again_and_again(
    line: Line, key: str | None
) -> None:
    desk, proxy = line
    cuts = [(SETTLE, Fate.LOST), (COMMIT, Fate.LOST), (COMMIT, Fate.UNANSWERED)]

    async def judge(data: bytes) -> Fate:
        return cuts.pop(0)[1] if cuts and cuts[0][0] in data else Fate.PASSES

    proxy.judge = judge
    await is_issued_once(desk, key)
    assert cuts == []


@pytest.mark.parametrize("key", KEYS)
async def test_an_invoice_is_issued_once_though_its_server_process_is_ended(line: Line, key: str | None) -> None:
    desk, _ = line
    draft = await desk.draft()
    async with as_superuser() as holder, holder.transaction():
        await holder.execute("lock table billing.invoices in share mode")
        issued = asyncio.create_task(desk.send(ISSUE, key=key, id=draft))
        await until(lambda: another_waits(0), "the issue waits for the table")
        first = await process_waiting()
        assert first is not None
        await holder.execute("select pg_terminate_backend($1)", first)
        await until(lambda: another_waits(first), "the issue has begun again")
    assert (await issued).json()["data"]["invoiceIssue"]["invoice"]["number"] == "INV-000001"
    assert await desk.numbers() == ["INV-000001"]
    assert await desk.keys() == ([key] if key else [])


async def another_waits(process_id: int) -> bool:
    """Whether a process of the database other than this one waits for a lock."""
    return await process_waiting() not in (None, process_id)


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNANSWERED], ids=["before", "after"])
async def test_fifty_at_once_have_one_effect_though_commits_are_cut(line: Line, fate: Fate) -> None:
    desk, proxy = line
    draft = await desk.draft()
    proxy.at(COMMIT, fate, times=2)
    answers = await asyncio.gather(*(desk.send(ISSUE, key="key-1", id=draft) for _ in range(50)))
    assert {answer.json()["data"]["invoiceIssue"]["invoice"]["number"] for answer in answers} == {"INV-000001"}
    assert len({answer.content for answer in answers}) == 1
    assert await desk.numbers() == ["INV-000001"]


@pytest.mark.parametrize("key", KEYS)
async def test_an_issue_that_cannot_reach_its_commit_is_refused_and_left_undone(line: Line, key: str | None) -> None:
    desk, proxy = line
    draft = await desk.draft()
    proxy.at(COMMIT, Fate.LOST, times=100)
    answer = await desk.send(ISSUE, key=key, id=draft)
    assert refusal(answer) == (503, "UNAVAILABLE", "DATABASE_UNREACHABLE")
    assert int(answer.headers["retry-after"]) > 0
    assert (await desk.numbers(), await desk.keys()) == ([], [])
    proxy.at(COMMIT, Fate.PASSES)
    again = await desk.send(ISSUE, key=key, id=draft)
    assert again.json()["data"]["invoiceIssue"]["invoice"]["number"] == "INV-000001"


async def test_two_who_deadlock_both_succeed(line: Line) -> None:
    """Each has changed what the other wants next. One of them is sent again, as a whole."""
    desk, proxy = line
    clients = [await desk.client("First"), await desk.client("Second")]
    both_have_one = asyncio.Barrier(2)
    verbs = 0

    async def judge(data: bytes) -> Fate:
        nonlocal verbs
        if SETTLE in data:
            verbs += 1
            if verbs <= 2:
                await both_have_one.wait()
        return Fate.PASSES

    proxy.judge = judge
    answers = await asyncio.gather(
        desk.send(UPDATE_BOTH, first=clients[0], second=clients[1], city="Ely"),
        desk.send(UPDATE_BOTH, first=clients[1], second=clients[0], city="Bray"),
    )
    for answer, city in zip(answers, ("Ely", "Bray"), strict=True):
        assert answer.json() == {"data": {"a": {"client": {"city": city}}, "b": {"client": {"city": city}}}}
    assert verbs == 5, "one of them got no further than its first verb, and began again"
    assert len(await desk.cities()) == 1


async def test_whoever_was_overtaken_under_a_stricter_isolation_is_sent_again(
    settings: Settings, database: TestDatabase, tenant: Tenant
) -> None:
    # PgBouncer takes no such setting.
    strict = database.session_url + "&default_transaction_isolation=repeatable%20read"
    begun = 0

    async def judge(data: bytes) -> Fate:
        nonlocal begun
        begun += b"begin\0" in data
        return Fate.PASSES

    async with behind_proxy(settings, strict, tenant) as (desk, proxy), as_superuser() as holder:
        client = await desk.client("Fen Orchards")
        proxy.judge = judge
        async with holder.transaction():
            await holder.execute("update billing.clients set state = 'Cambs' where id = $1", UUID(client))
            updated = asyncio.create_task(desk.send(UPDATE, id=client, city="Ely"))
            await until(lambda: another_waits(0), "the update waits for the row")
        assert (await updated).json() == {"data": {"clientUpdate": {"client": {"city": "Ely", "state": "Cambs"}}}}
    assert begun == 2


@pytest.fixture
async def crossings() -> AsyncIterator[None]:
    """Whoever enters a client called Never is crossed by others. A sequence, which no rollback undoes, counts it."""
    async with as_superuser() as connection:
        await connection.execute(
            """
            create schema crossing
                create sequence counted;
            create function crossing.cross() returns trigger language plpgsql security definer as $$
                begin
                    perform nextval('crossing.counted');
                    raise exception 'crossed' using errcode = '40001';
                end
            $$;
            create trigger crossing before insert on billing.clients
                for each row when (new.name = 'Never') execute function crossing.cross();
            """
        )
        yield
        await connection.execute("drop schema crossing cascade")


@pytest.mark.usefixtures("crossings")
async def test_whoever_is_crossed_each_time_is_told_so_in_the_end(line: Line) -> None:
    desk, _ = line
    for key in KEYS:
        answer = await desk.create("Never", key)
        [error] = answer.json()["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["clientCreate"], "CONFLICT")
        assert error["extensions"]["reason"] == "RETRY"
    async with as_superuser() as connection:
        assert await connection.fetchval("select last_value from crossing.counted") == 2 * MOST_ATTEMPTS
    assert (await desk.clients(), await desk.keys()) == ([], [])
