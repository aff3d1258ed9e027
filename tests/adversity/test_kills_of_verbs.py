"""Every verb of the schema is under way when a backend of PostgreSQL is killed, or the server: it is done once, or not
at all, and whoever sends it again under its key is told which."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import Final

import asyncpg
import httpx
import pytest

from gql.engine.verbs import Report
from gql.iam.tokens.access import Tokens
from tests.adversity.examples import LEFT_OUT, VERBS, Example, a_scene, examples
from tests.adversity.sending import Insistent
from tests.adversity.victims import HELD, Cluster, Serving
from tests.database.pooling import until
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.postgres import stands_in
from tests.harness.tenants import Tenant
from tests.harness.thoroughness import IS_THOROUGH
from tests.ledger.books import wrong as wrong_books
from tests.trade.placing import wrong as wrong_trade

PATIENCE: Final = 60.0
AT_ONCE: Final = 15 if IS_THOROUGH else 45
"""So many verbs are sent before each kill."""
STAND: Final = 15
"""So many of them at least are under way then, or half of what was sent."""
# A row of the log stands there by the transaction that did what it tells; so does a key, and what is kept under it. A
# verb is one statement. (Of those that take many rows each row is a subtransaction, with a number of its own.)
DONE: Final = """
    select request_id, count(distinct created_at), array_agg(distinct xmin::text) from core.audit_log
    where tenant_id = $1 and request_id = any ($2) group by 1
"""
KEPT: Final = "select key, xmin::text from core.idempotency_keys where tenant_id = $1 and key = any ($2)"
STANDING: Final = f"""
    select count(*) from pg_stat_activity where usename = 'countinghouse_api' and xact_start is not null
        and (wait_event_type = 'Lock' or {HELD})
"""
SEVERAL: Final = """mutation ($a: String!, $b: String!) {
    a: clientCreate(input: {name: $a}) { client { id } }
    b: clientCreate(input: {name: $b}) { client { id } }
    c: organisationUpdate(input: {name: $a}) { organisation { name } }
}"""
MADE: Final = """
    select name, xmin::text as transaction from billing.clients where tenant_id = $1 and name = any ($2)
"""
WHO: Final = ["a backend", "the server"] if IS_THOROUGH else ["a backend"]
"""Starting a server anew takes its time."""
Kill = Callable[[], Awaitable[None]]


@dataclass
class House:
    """An organisation, an example of each verb in it, and who sends them."""

    tenant: Tenant
    examples: Sequence[Example]
    sender: Insistent

    def key(self, example: Example) -> str:
        return f"{example.name}-{self.tenant.slug}"

    async def send(self, example: Example) -> httpx.Response:
        return await self.sender.send(example.document, self.key(example), **example.variables)


@pytest.fixture(scope="module")
async def houses(cluster: Cluster, victim: Serving) -> AsyncIterator[list[House]]:
    """Two alike: of one the backends are killed, of the other the server."""
    tokens = Tokens.from_settings(victim.settings)
    with stands_in(cluster.database):
        made = []
        for _ in range(2):
            tenant = await a_scene()
            token = tokens.issue(tenant.owner_id, tenant.tenant_id).text
            found = await examples(tenant)
            random.shuffle(found)
            made.append(House(tenant, found, Insistent(victim.url, token)))
        yield made


async def all_stand(number: int) -> bool:
    """Whether so many are under way and can do nothing more: they have committed and may not say so, or wait for one
    that has."""
    await asyncio.sleep(0.02)
    async with as_superuser() as connection:
        return bool(await connection.fetchval(STANDING) >= number)


async def carried_out(cluster: Cluster, house: House, kill: Kill) -> dict[str, httpx.Response]:
    """The answer to each verb, of which so many at a time were under way when somebody was killed."""
    answers: dict[str, httpx.Response] = {}
    for start in range(0, len(house.examples), AT_ONCE):
        together = house.examples[start : start + AT_ONCE]
        async with asyncio.TaskGroup() as tasks, cluster.answers_held():
            sent = [tasks.create_task(house.send(each)) for each in together]
            # Of those that were refused already there is nothing to see.
            await until(partial(all_stand, min(STAND, len(together) // 2)), "they are under way", PATIENCE)
            await until(cluster.holds_an_answer, "one of them has committed and is not answered", PATIENCE)
            await kill()
        answers |= {each.name: task.result() for each, task in zip(together, sent, strict=True)}
    return answers


async def assert_once(house: House, answers: dict[str, httpx.Response]) -> None:
    keys = {house.key(each): each for each in house.examples}
    async with as_superuser() as superuser:
        rows = await superuser.fetch(DONE, house.tenant.tenant_id, list(keys))
        kept = dict(map(tuple, await superuser.fetch(KEPT, house.tenant.tenant_id, list(keys))))
    done = {key: (statements, transactions) for key, statements, transactions in rows}
    for key, example in keys.items():
        name = example.name
        if "errors" in answers[name].json():
            # Another verb of the same rows came first. Then it did nothing, and nothing is kept under its key.
            assert key not in done, name
            assert key not in kept, name
        else:
            statements, transactions = done.get(key, (1, [kept[key]]))
            assert statements == 1, f"{name} was done {statements} times"
            if not isinstance(example.verb.returns, Report):
                assert transactions == [kept[key]], f"{name} was done by another transaction than it was kept"
            again = await house.send(example)
            assert again.content == answers[name].content, name
            assert again.headers["idempotent-replayed"] == "true"
    async with as_tenant(house.tenant) as connection:
        assert await wrong_books(connection) == []
        assert await wrong_trade(connection) == []
    refused = {name for name, answer in answers.items() if "errors" in answer.json()}
    assert len(refused) < len(answers) / 4, {name: answers[name].text for name in refused}


def test_every_verb_that_there_is_has_an_example(houses: list[House]) -> None:
    for house in houses:
        assert {verb.graphql_name for verb in VERBS} - {each.name for each in house.examples} <= LEFT_OUT


async def test_every_verb_is_done_once_though_backends_are_killed(
    on_it: None, cluster: Cluster, houses: list[House]
) -> None:
    async def kill() -> None:
        assert await cluster.kill_one(HELD)

    answers = await carried_out(cluster, houses[0], kill)
    await assert_once(houses[0], answers)


async def test_every_verb_is_done_once_though_the_server_is_killed(
    on_it: None, cluster: Cluster, victim: Serving, houses: list[House]
) -> None:
    starting: list[asyncio.Task[None]] = []

    async def kill() -> None:
        await victim.kill()
        starting.append(asyncio.create_task(victim.start()))

    answers = await carried_out(cluster, houses[1], kill)
    await asyncio.gather(*starting)
    await assert_once(houses[1], answers)
    assert "GONE" in houses[1].sender.told


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("keyed", [True, False], ids=["under a key", "without one"])
async def test_several_verbs_of_one_operation_are_all_done_or_none(
    on_it: None, cluster: Cluster, victim: Serving, houses: list[House], keyed: bool, who: str
) -> None:
    """Without a key it is sent once, and nobody says that it was done where it was not."""
    house, mark = houses[1], token_hex(6)
    names = {"a": f"First {mark}", "b": f"Second {mark}"}
    async with cluster.answers_held():
        sending = house.sender.send(SEVERAL, mark, **names) if keyed else house.sender.without_key(SEVERAL, **names)
        sent = asyncio.ensure_future(sending)
        await until(cluster.holds_an_answer, "all of it is committed", PATIENCE)
        if who == "a backend":
            assert await cluster.kill_one(HELD)
        else:
            await victim.kill()
    if who == "the server":
        await victim.start()
    answer = await sent
    async with as_superuser() as superuser:
        found = await superuser.fetch(MADE, house.tenant.tenant_id, list(names.values()))
    assert len({row["transaction"] for row in found}) == 1, "both stand there by one transaction"
    assert sorted(row["name"] for row in found) == sorted(names.values())
    if keyed:
        assert answer is not None
        assert set(answer.json()["data"]) == {"a", "b", "c"}
    elif answer is not None:
        assert answer.json()["errors"][0]["extensions"]["reason"] == "COMMIT_UNKNOWN"


async def test_nothing_of_the_dead_is_left_and_the_pools_are_filled_again(
    on_it: None, cluster: Cluster, victim: Serving, houses: list[House]
) -> None:
    """Connections of a server that was killed end by themselves, also where a statement waits for a lock."""
    house = houses[0]
    locked = next(each for each in house.examples if each.name == "clientCreate")
    async with as_superuser() as in_the_way, as_superuser() as looking:
        async with in_the_way.transaction():
            await in_the_way.execute("lock table billing.clients in access exclusive mode")
            sending = asyncio.create_task(house.sender.send(locked.document, "in-the-way", **locked.variables))
            await until(lambda: all_stand(1), "it waits", PATIENCE)
            dead = await _backends(looking)
            await victim.kill()

            async def are_gone() -> bool:
                return not dead & await _backends(looking)

            await until(are_gone, "its connections are gone while the lock is still there", PATIENCE)
            await victim.start()
        assert "errors" not in (await sending).json()


async def _backends(connection: asyncpg.Connection) -> set[int]:
    rows = await connection.fetch("select pid from pg_stat_activity where usename = 'countinghouse_api'")
    return {row[0] for row in rows}
