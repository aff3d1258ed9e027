"""Prefer: tx=rollback: a mutation is done and answered as ever, and leaves nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import pytest

from gql.http.terms import terms_of
from gql.settings import Settings
from tests.harness.pooler import MODES
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import PASSWORD, Tenant, make_person
from tests.http.changes import ISSUE, Desk
from tests.http.servers import Running, refusal, running

ROLLBACK: Final = "tx=rollback"
APPLIED: Final = "preference-applied"
TWO: Final = """mutation ($draft: ID!, $name: String!) { a: invoiceIssue(input: {id: $draft}) { invoice { number } }
    b: clientCreate(input: {name: $name}) { client { name } } }"""


@pytest.fixture(scope="module", params=MODES)
async def either(request: pytest.FixtureRequest, settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """A server on connections of its own, and one behind a pooler."""
    async with running(replace(settings, pool_mode=request.param), database.api_url) as server:
        yield server


@pytest.fixture
async def desk(either: Running, tenant: Tenant) -> Desk:
    return Desk(either, tenant, tenant.owner)


async def test_a_rehearsal_answers_as_the_mutation_would_and_leaves_nothing(desk: Desk) -> None:
    draft = await desk.draft()
    entries = await desk.entries()
    for _ in range(2):  # no number is taken, so the second rehearsal is given the same
        rehearsed = await desk.send(ISSUE, prefer=ROLLBACK, id=draft)
        assert rehearsed.status_code == 200
        assert rehearsed.headers[APPLIED] == ROLLBACK
        assert rehearsed.json()["data"]["invoiceIssue"]["invoice"]["number"] == "INV-000001"
    assert await desk.numbers() == []
    assert await desk.entries() == entries
    done = await desk.send(ISSUE, id=draft)
    assert done.content == rehearsed.content
    assert APPLIED not in done.headers
    assert await desk.numbers() == ["INV-000001"]


async def test_a_rehearsal_of_several_verbs_leaves_nothing_of_any(desk: Desk) -> None:
    draft = await desk.draft()
    clients = await desk.clients()
    rehearsed = await desk.send(TWO, prefer=ROLLBACK, draft=draft, name="New")
    assert rehearsed.json()["data"] == {
        "a": {"invoice": {"number": "INV-000001"}},
        "b": {"client": {"name": "New"}},
    }
    assert (await desk.clients(), await desk.numbers()) == (clients, [])


async def test_a_rehearsal_refuses_what_the_mutation_would(desk: Desk) -> None:
    rehearsed = await desk.send(TWO, prefer=ROLLBACK, draft=await desk.draft(), name=" badly ")
    assert rehearsed.headers[APPLIED] == ROLLBACK
    [error] = rehearsed.json()["errors"]
    assert (error["path"], error["extensions"]["reason"]) == (["b"], "NAME_INVALID")
    assert rehearsed.json()["data"] is None


async def test_whoever_may_not_do_it_may_not_rehearse_it(desk: Desk) -> None:
    viewer = replace(desk, person=await make_person(desk.tenant, "viewer"))
    rehearsed = await viewer.create("New", prefer=ROLLBACK)
    assert refusal(rehearsed) == (403, "FORBIDDEN", "PERMISSION_MISSING")
    assert APPLIED not in rehearsed.headers


async def test_a_rehearsal_keeps_no_key_and_needs_none(desk: Desk) -> None:
    for _ in range(2):
        rehearsed = await desk.create("New", "key-1", prefer=ROLLBACK)
        assert rehearsed.headers[APPLIED] == ROLLBACK
        assert "idempotent-replayed" not in rehearsed.headers
    assert (await desk.keys(), await desk.clients()) == ([], [])
    done = await desk.create("Another", "key-1")
    assert "idempotent-replayed" not in done.headers
    # Nor does it give an answer that was kept: it is about what would happen now.
    assert "errors" not in (await desk.create("New", "key-1", prefer=ROLLBACK)).json()
    assert (await desk.keys(), await desk.clients()) == (["key-1"], ["Another"])


async def test_a_rehearsal_with_a_key_that_is_none_is_refused(desk: Desk) -> None:
    answer = await desk.create("New", "not a key", prefer=ROLLBACK)
    assert refusal(answer) == (400, "BAD_USER_INPUT", "IDEMPOTENCY_KEY_INVALID")


@pytest.mark.parametrize("prefer", ["tx=commit", "respond-async", "return=minimal, wait=10", "", "tx", "rollback"])
async def test_any_other_preference_is_passed_over(desk: Desk, prefer: str) -> None:
    done = await desk.create("New", prefer=prefer)
    assert done.status_code == 200
    assert APPLIED not in done.headers
    assert await desk.clients() == ["New"]


async def test_a_query_has_nothing_to_roll_back(desk: Desk) -> None:
    answer = await desk.send("{ clients { totalCount } }", prefer=ROLLBACK)
    assert answer.json() == {"data": {"clients": {"totalCount": 0}}}
    assert APPLIED not in answer.headers


async def test_signing_in_cannot_be_rehearsed_and_does_not_say_so(desk: Desk) -> None:
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }"
    given = {"email": desk.tenant.owner_email, "password": PASSWORD}
    answer = await desk.server.ask(sign_in, headers={"Prefer": ROLLBACK}, variables={"input": given})
    assert answer.json()["data"]["signIn"]["accessToken"]
    assert APPLIED not in answer.headers


@pytest.mark.parametrize(
    ("lines", "is_rehearsal"),
    [
        (['tx="rollback"'], True),
        (["TX = rollback; because=careful"], True),
        (["respond-async, wait=10;priority=5, tx=rollback"], True),
        (["respond-async", "tx=rollback"], True),
        ([", ,,tx=rollback,"], True),
        (['note="a, tx=commit", tx=rollback'], True),
        (['note="tx=rollback"'], False),
        (['note="a \\", tx=rollback"'], False),
        (["wait=10; tx=rollback"], False),
        (["tx=commit, tx=rollback"], False),  # the first counts
        (["tx", "tx=rollback"], False),
        (["tx=ROLLBACK"], False),
        (["tx=rollbacks"], False),
        (["xtx=rollback"], False),
        (['"' * 5000], False),
        ([";" * 5000], False),
        ([" ," * 5000], False),
    ],
)
def test_the_header_is_read_as_its_standard_has_it(lines: list[str], is_rehearsal: bool) -> None:
    headers = [(b"accept", b"*/*"), *((b"prefer", line.encode()) for line in lines)]
    assert terms_of(headers).is_rehearsal is is_rehearsal
