"""What a request costs PostgreSQL beyond its operation: nothing, but to know who asks.

The operations themselves are counted in tests/engine/test_round_trips.py.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import pytest

from gql.database.pool.session import CORE_READ
from gql.database.pool.standing import READ_AFTER_SWITCH
from gql.iam.keys.watch import NOTE
from gql.iam.tokens.principals import CONTEXTS
from gql.settings import Settings
from tests.database.pooling import until, until_mended
from tests.harness.pooler import OF_SESSIONS
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import PASSWORD, Tenant, make_person
from tests.harness.wire import PREPARE, RUN, SIMPLE, Trip, Wire, wire_to
from tests.http.servers import Running, running

pytestmark = OF_SESSIONS

CREATE: Final = 'mutation { clientCreate(input: {name: "Fen Orchards"}) { client { id name } } }'
QUERY: Final = "{ organisation { name } }"
SIGN_IN: Final = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }"
PREPARE_AND_RUN: Final = "Parse Bind Execute Sync"


@pytest.fixture(scope="module")
async def wire(database: TestDatabase) -> AsyncIterator[Wire]:
    async with wire_to(database.api_url) as wire:
        yield wire


@asynccontextmanager
async def settled(settings: Settings, wire: Wire) -> AsyncIterator[Running]:
    """A server that has noted which keys are in use, of either kind, as it does once it has begun."""

    async def has_noted() -> bool:
        await asyncio.sleep(0.01)
        return wire.times_run(NOTE) == 2

    with wire.listening():
        async with running(settings, wire.url) as server:
            await until(has_noted, "both kinds of keys are noted")
            await until_mended(server.app.database)
            yield server


@pytest.fixture
async def overheard(settings: Settings, wire: Wire, house: Tenant) -> AsyncIterator[Running]:
    """A server whose connections are open and who has answered before."""
    async with settled(settings, wire) as server:
        for _ in range(2):
            assert (await server.ask(QUERY, token=server.token(house.owner, house))).status_code == 200
        yield server


async def heard_of(server: Running, wire: Wire, query: str, **more: Any) -> list[Trip]:
    """The trips of one request, and of what is put in order after it."""
    with wire.listening() as heard:
        answer = await server.ask(query, **more)
        assert answer.json().keys() == {"data"}
        await until_mended(server.app.database)
    return heard


async def test_a_request_of_somebody_known_is_one_trip(overheard: Running, wire: Wire, house: Tenant) -> None:
    token = overheard.token(house.owner, house)
    for _ in range(2):  # with what was asked before, and once more if need be, too few runs for the direct door
        assert await heard_of(overheard, wire, QUERY, token=token) == [Trip(RUN, CORE_READ)]


async def test_somebody_new_is_looked_up_in_one_trip(overheard: Running, wire: Wire, house: Tenant) -> None:
    """And again every ten seconds."""
    for _ in range(2):  # the first change from one person to another prepares the statement for it
        token = overheard.token(await make_person(house, "viewer"), house)
        heard = await heard_of(overheard, wire, QUERY, token=token)
    assert heard == [Trip(RUN, CONTEXTS), Trip(RUN, READ_AFTER_SWITCH)]


@pytest.mark.parametrize(
    ("headers", "trips"),
    [
        ({}, [SIMPLE, RUN, RUN, SIMPLE, RUN, SIMPLE]),
        ({"Prefer": "tx=rollback"}, [SIMPLE, RUN, RUN, SIMPLE, RUN, SIMPLE]),
        ({"Idempotency-Key": "new"}, [SIMPLE, RUN, RUN, RUN, SIMPLE, RUN, RUN, SIMPLE]),
        ({"Idempotency-Key": "known"}, [SIMPLE, RUN, RUN, SIMPLE]),
    ],
    ids=["as-usual", "rehearsed", "under-a-new-key", "under-a-known-key"],
)
async def test_a_mutation_is_six_trips_and_a_key_two_more(
    settings: Settings, wire: Wire, tenant: Tenant, headers: dict[str, str], trips: list[str]
) -> None:
    """Whoever sends it is known; it has been sent before under other keys."""
    async with settled(replace(settings, write_connections=1), wire) as server:
        token = server.token(tenant.owner, tenant)
        for key in ("other", "known"):
            await server.ask(CREATE, token=token, headers={"Idempotency-Key": key})
        heard = await heard_of(server, wire, CREATE, token=token, headers=headers)
    assert [trip.messages for trip in heard] == trips


async def test_signing_in_is_eight_trips(overheard: Running, wire: Wire, house: Tenant) -> None:
    """Four questions (may they try, who is it, it went well, is there a second factor), and the session that begins,
    with the connection put in order before and after."""
    given = {"input": {"email": house.owner_email, "password": PASSWORD}}
    for _ in range(2):  # the first of all prepares what puts the connection in order
        heard = await heard_of(overheard, wire, SIGN_IN, variables=given)
    assert [trip.messages for trip in heard] == [RUN] * 4 + [RUN, PREPARE, PREPARE_AND_RUN, SIMPLE]
