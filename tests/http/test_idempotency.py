"""Idempotency-Key: a mutation that is sent again under the same key is answered as the first time, and done once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from gql.settings import Settings
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.pooler import MODES
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import PASSWORD, Tenant, make_person
from tests.http.changes import CREATE, ISSUE, Desk
from tests.http.servers import Running, refusal, running

REPLAYED = "idempotent-replayed"
WAITING = "select count(*) from pg_stat_activity where usename = 'countinghouse_api' and wait_event_type = 'Lock'"


@pytest.fixture(scope="module", params=MODES)
async def either(request: pytest.FixtureRequest, settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """A server on connections of its own, and one behind a pooler."""
    async with running(replace(settings, pool_mode=request.param), database.api_url) as server:
        yield server


@pytest.fixture(scope="module")
async def another(settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """A second server on the same database: it shares nothing else with the first."""
    async with running(settings, database.api_url) as server:
        yield server


@pytest.fixture
async def desk(either: Running, tenant: Tenant) -> Desk:
    return Desk(either, tenant, tenant.owner)


def is_first(answer: httpx.Response) -> bool:
    """Whether this is the answer of who did it, and no other's again."""
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"data"}, answer.text
    assert answer.headers.get(REPLAYED) in (None, "true")
    return REPLAYED not in answer.headers


async def waiting(number: int) -> bool:
    """Whether so many statements of servers wait for a lock."""
    async with as_superuser() as connection:
        return bool(await connection.fetchval(WAITING) == number)


async def test_the_same_request_is_answered_byte_for_byte_and_done_once(desk: Desk) -> None:
    draft = await desk.draft()
    first = await desk.send(ISSUE, key="issue-1", id=draft)
    assert is_first(first)
    for _ in range(2):
        again = await desk.send(ISSUE, key="issue-1", id=draft)
        assert not is_first(again)
        assert again.content == first.content
        assert again.headers["content-type"] == first.headers["content-type"]
    assert await desk.numbers() == ["INV-000001"]
    assert await desk.keys() == ["issue-1"]


async def test_without_a_key_each_request_is_done(desk: Desk) -> None:
    for _ in range(2):
        assert is_first(await desk.create("Twin"))
    assert await desk.clients() == ["Twin", "Twin"]
    assert await desk.keys() == []


async def test_another_key_is_another_request(desk: Desk) -> None:
    for key in ("k", "K", '"k"'):
        assert is_first(await desk.create("Twin", key))
    assert len(await desk.clients()) == 3


async def test_what_was_answered_stands_whatever_has_happened_since(desk: Desk) -> None:
    first = await desk.create("Before", "key-1")
    client = first.json()["data"]["clientCreate"]["client"]["id"]
    update = 'mutation ($id: ID!) { clientUpdate(input: {id: $id, name: "After"}) { client { name } } }'
    assert is_first(await desk.send(update, id=client))
    assert (await desk.create("Before", "key-1")).content == first.content
    assert await desk.clients() == ["After"]


@pytest.mark.parametrize(
    "body",
    [
        {"query": CREATE, "variables": {"input": {"name": "Another", "city": "Ely"}}},
        {"query": CREATE, "variables": {"input": {"name": "One"}}},
        {"query": CREATE + " ", "variables": {"input": {"name": "One", "city": "Ely"}}},
        {"query": CREATE.replace("mutation", "mutation Named"), "variables": {"input": {"name": "One", "city": "Ely"}}},
    ],
)
async def test_another_request_under_the_same_key_is_refused(desk: Desk, body: dict[str, object]) -> None:
    assert is_first(await desk.send(CREATE, key="key-1", input={"name": "One", "city": "Ely"}))
    token = desk.server.token(desk.person, desk.tenant)
    answer = await desk.server.ask(**body, token=token, headers={"Idempotency-Key": "key-1"})  # type: ignore[arg-type]
    assert refusal(answer) == (409, "CONFLICT", "IDEMPOTENCY_KEY_REUSED")
    assert await desk.clients() == ["One"]


async def test_the_operation_s_name_is_part_of_the_request(desk: Desk) -> None:
    both = 'mutation A { clientCreate(input: {name: "A"}) { client { name } } }' + (
        'mutation B { clientCreate(input: {name: "B"}) { client { name } } }'
    )
    token, headers = desk.server.token(desk.person, desk.tenant), {"Idempotency-Key": "key-1"}
    assert is_first(await desk.server.ask(both, token=token, headers=headers, operationName="A"))
    answer = await desk.server.ask(both, token=token, headers=headers, operationName="B")
    assert refusal(answer) == (409, "CONFLICT", "IDEMPOTENCY_KEY_REUSED")
    assert await desk.clients() == ["A"]


async def test_the_order_and_the_spaces_of_the_body_are_no_part_of_the_request(desk: Desk) -> None:
    token = desk.server.token(desk.person, desk.tenant)
    headers = {"Idempotency_Key": "key-1", "Authorization": f"Bearer {token}"}
    query = "mutation ($input: ClientCreateInput!) { clientCreate(input: $input) { client { name } } }"
    first = await desk.server.send(
        f'{{"query": "{query}", "variables": {{"input": {{"name": "One", "city": "Ely"}}}}}}'.encode(), **headers
    )
    again = await desk.server.send(
        f'{{"operationName":null,"variables":{{"input":{{"city":"Ely","name":"One"}}}},"query":"{query}"}}'.encode(),
        **headers,
    )
    assert is_first(first)
    assert not is_first(again)
    assert again.content == first.content


@pytest.mark.parametrize("key", ["", "a b", "a" * 256, "tab\there"])
async def test_a_key_that_is_none_is_refused_and_nothing_is_done(desk: Desk, key: str) -> None:
    assert refusal(await desk.create("One", key)) == (400, "BAD_USER_INPUT", "IDEMPOTENCY_KEY_INVALID")
    assert await desk.clients() == []


async def test_a_key_of_other_characters_or_sent_twice_is_refused(desk: Desk) -> None:
    token = desk.server.token(desk.person, desk.tenant)
    body = b'{"query": "mutation { clientCreate(input: {name: \\"One\\"}) { client { id } } }"}'
    always = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
    for keys in ([b"\xe9"], [b"one", b"two"], [b"one", b"one"]):
        headers = always + [(b"idempotency-key", key) for key in keys]
        answer = await desk.server.client.post("/graphql", content=body, headers=headers)
        assert answer.json()["errors"][0]["extensions"]["reason"] == "IDEMPOTENCY_KEY_INVALID"
    assert await desk.clients() == []


@pytest.mark.parametrize("key", ["key-1", "not a key", ""])
async def test_a_key_on_a_query_is_passed_over(desk: Desk, key: str) -> None:
    for names in ([], ["One"]):
        answer = await desk.send("{ clients { nodes { name } } }", key=key)
        assert [node["name"] for node in answer.json()["data"]["clients"]["nodes"]] == names
        assert REPLAYED not in answer.headers
        await desk.create("One")
    assert await desk.keys() == []


async def test_a_colleague_and_another_organisation_have_keys_of_their_own(desk: Desk, other_tenant: Tenant) -> None:
    colleague = replace(desk, person=await make_person(desk.tenant, "operator"))
    other = Desk(desk.server, other_tenant, other_tenant.owner)
    assert is_first(await desk.create("Mine", "key-1"))
    assert is_first(await colleague.create("Colleague's", "key-1"))
    assert is_first(await other.create("Other's", "key-1"))
    assert await desk.clients() == ["Colleague's", "Mine"]
    assert await other.clients() == ["Other's"]
    assert "Mine" in (await desk.create("Mine", "key-1")).text


async def test_whoever_may_not_do_it_any_more_is_refused_the_answer(
    desk: Desk, settings: Settings, database: TestDatabase
) -> None:
    person = await make_person(desk.tenant, "operator")
    first = await replace(desk, person=person).create("One", "key-1")
    assert is_first(first)
    for change, told in (
        ("role = 'viewer'", (403, "FORBIDDEN", "PERMISSION_MISSING")),
        ("is_active = false", (401, "UNAUTHENTICATED", "MEMBERSHIP_GONE")),
    ):
        async with as_superuser() as connection:
            await connection.execute(f"update iam.memberships set {change} where user_id = $1", person.user_id)
        # Another server, which does not remember who they were.
        async with running(settings, database.api_url) as server:
            answer = await Desk(server, desk.tenant, person).create("One", "key-1")
        assert refusal(answer) == told
        assert "clientCreate" not in answer.json()
        assert REPLAYED not in answer.headers


async def test_a_refusal_is_not_remembered(desk: Desk) -> None:
    client = await desk.client("Fen Orchards")
    archive = "mutation ($id: ID!) { clientArchive(input: {id: $id}) { client { status } } }"
    restore = archive.replace("clientArchive", "clientRestore")
    refused = await desk.send(restore, key="key-1", id=client)
    assert refused.json()["errors"][0]["extensions"]["reason"] == "CLIENT_NOT_ARCHIVED"
    assert await desk.keys() == []
    assert is_first(await desk.send(archive, id=client))
    assert is_first(await desk.send(restore, key="key-1", id=client))
    assert not is_first(await desk.send(restore, key="key-1", id=client))


async def test_after_a_refusal_the_key_may_be_used_for_what_was_meant(desk: Desk) -> None:
    refused = await desk.create(" badly ", "key-1")
    assert refused.json()["errors"][0]["extensions"]["reason"] == "NAME_INVALID"
    assert is_first(await desk.create("Well", "key-1"))
    assert await desk.clients() == ["Well"]


async def test_signing_in_is_never_remembered(desk: Desk) -> None:
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }"
    given = {"email": desk.tenant.owner_email, "password": PASSWORD}
    tokens = set()
    for person in (None, desk.server.token(desk.person, desk.tenant)):
        for _ in range(2):
            answer = await desk.server.ask(
                sign_in, token=person, headers={"Idempotency-Key": "key-1"}, variables={"input": given}
            )
            assert is_first(answer)
            tokens.add(answer.json()["data"]["signIn"]["accessToken"])
    assert len(tokens) == 4
    assert await desk.keys() == []


async def test_many_verbs_of_one_operation_are_remembered_together(desk: Desk) -> None:
    two = """mutation { a: clientCreate(input: {name: "A"}) { client { id } }
        b: clientCreate(input: {name: "B"}) { client { id } } __typename }"""
    first = await desk.send(two, key="key-1")
    assert is_first(first)
    assert (await desk.send(two, key="key-1")).content == first.content
    assert await desk.clients() == ["A", "B"]


# Many at once


async def test_fifty_at_once_have_one_effect_and_fifty_equal_answers(desk: Desk) -> None:
    """Attack 54."""
    draft = await desk.draft()
    answers = await asyncio.gather(*(desk.send(ISSUE, key="key-1", id=draft) for _ in range(50)))
    assert sorted(map(is_first, answers)) == [False] * 49 + [True]
    assert len({answer.content for answer in answers}) == 1
    assert await desk.numbers() == ["INV-000001"]
    entries = await desk.entries()
    await desk.send(ISSUE, key="key-1", id=draft)
    assert await desk.entries() == entries


async def test_fifty_at_once_on_two_servers_have_one_effect(desk: Desk, another: Running) -> None:
    desks = [desk, replace(desk, server=another)]
    answers = await asyncio.gather(*(desks[number % 2].create("One", "key-1") for number in range(50)))
    assert sorted(map(is_first, answers)) == [False] * 49 + [True]
    assert len({answer.content for answer in answers}) == 1
    assert await desk.clients() == ["One"]


async def test_fifty_that_are_refused_are_each_told_why(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.create(" badly ", "key-1") for _ in range(50)))
    assert {answer.json()["errors"][0]["extensions"]["reason"] for answer in answers} == {"NAME_INVALID"}
    assert await desk.clients() == []


async def test_of_different_requests_at_once_under_one_key_one_is_done(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.create(f"Client {number}", "key-1") for number in range(10)))
    [done] = [answer for answer in answers if answer.status_code == 200]
    assert is_first(done)
    told = {refusal(answer) for answer in answers if answer is not done}
    assert told == {(409, "CONFLICT", "IDEMPOTENCY_KEY_REUSED")}
    assert len(await desk.clients()) == 1


async def test_whoever_waits_for_the_first_holds_no_connection(desk: Desk) -> None:
    await desk.create("Known")  # who they are has been asked
    async with as_superuser() as holder:
        async with holder.transaction():
            await holder.execute("lock table billing.clients in share mode")
            first = asyncio.create_task(desk.create("One", "key-1"))
            await until(lambda: waiting(1), "the first waits in the database")
            taken = desk.database.writes.statistics.acquisitions
            others = [asyncio.create_task(desk.create("One", "key-1")) for _ in range(20)]

            async def all_wait() -> bool:
                await asyncio.sleep(0)
                return desk.server.app.graphql._engine.mutations.turns.waiting == 20

            await until(all_wait, "the others wait for the first")
            assert desk.database.writes.statistics.acquisitions == taken
            assert desk.database.writes.statistics.waiting == 0
        answers = await asyncio.gather(first, *others)
    assert desk.database.writes.statistics.acquisitions == taken
    assert list(map(is_first, answers)) == [True] + [False] * 20
    assert len({answer.content for answer in answers}) == 1


async def test_another_server_waits_in_the_database_for_the_first(desk: Desk, another: Running) -> None:
    async with as_superuser() as holder:
        async with holder.transaction():
            await holder.execute("lock table billing.clients in share mode")
            first = asyncio.create_task(desk.create("One", "key-1"))
            await until(lambda: waiting(1), "the first waits for the table")
            second = asyncio.create_task(replace(desk, server=another).create("One", "key-1"))
            await until(lambda: waiting(2), "the second waits for the first")
        answers = await asyncio.gather(first, second)
    assert list(map(is_first, answers)) == [True, False]
    assert answers[0].content == answers[1].content
    assert await desk.clients() == ["One"]


async def test_where_the_first_is_refused_the_next_in_line_is_done(desk: Desk, another: Running) -> None:
    """The first waits for a table until its time is over; the second waits for the first."""
    client = await desk.client("Fen Orchards")
    archive = "mutation ($id: ID!) { clientArchive(input: {id: $id}) { client { status } } }"
    async with as_superuser() as holder:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("select from billing.clients where id = $1 for update", client)
        first = asyncio.create_task(desk.send(archive, key="key-1", id=client))
        await until(lambda: waiting(1), "the first waits for the row")
        second = asyncio.create_task(replace(desk, server=another).send(archive, key="key-1", id=client))
        await until(lambda: waiting(2), "the second waits for the first")
        refused = await first
        assert refused.json()["errors"][0]["extensions"]["reason"] == "LOCKED"
        await transaction.rollback()
    assert is_first(await second)
