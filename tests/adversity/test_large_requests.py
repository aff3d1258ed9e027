"""One organisation sends as much as a request may hold: others are answered meanwhile, and it is told to wait."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from gql.engine.workbench import PLACES_FOR_ONE_TENANT
from gql.fairness.accounts import Pace
from gql.settings import Settings
from tests.database.pooling import until
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import GRAPHQL_RESPONSE, Running, refusal, running

PATIENCE: Final = 30.0
SHORT: Final = "{ products { totalCount } }"
IMPORT: Final = "mutation ($rows: [InvoiceImportRow!]!) { invoicesImport(input: {rows: $rows}) { rows { outcome } } }"
ROWS: Final = 29_000
"""In nearly a megabyte."""
LARGE: Final = json.dumps(
    {"query": IMPORT, "variables": {"rows": [*[{"externalRef": "", "lines": []}] * ROWS, {"lines": []}]}}
).encode()
"""Only its last row is wrong, so that all of it is read."""
READ: Final = (400, "BAD_USER_INPUT", "INVALID_VARIABLE")


def send(server: Running, tenant: Tenant) -> asyncio.Task[httpx.Response]:
    authorization = f"Bearer {server.token(tenant.owner, tenant)}"
    return asyncio.create_task(server.send(LARGE, authorization=authorization))


@asynccontextmanager
async def half_sent(
    server: Running, tenant: Tenant
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A large request of which the second half is still to come."""
    place = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nAccept: {GRAPHQL_RESPONSE}\r\n"
        f"Authorization: Bearer {server.token(tenant.owner, tenant)}\r\nContent-Length: {len(LARGE)}\r\n\r\n"
    )
    writer.write(head.encode() + LARGE[: len(LARGE) // 2])
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_what_takes_long_to_read_holds_nobody_up(server: Running, noisy: Tenant, quiet: list[Tenant]) -> None:
    """A megabyte of variables, of which the last row is wrong, takes Python a while and PostgreSQL nothing. Others are
    answered while one of them is read, and a large request of theirs waits for one and not for all."""
    bench = server.app.graphql._engine.workbench
    for each in (noisy, *quiet):
        assert "errors" not in (await server.ask(SHORT, token=server.token(each.owner, each))).json()
    flood = [send(server, noisy) for _ in range(6)]

    async def they_queue() -> bool:
        await asyncio.sleep(0.001)
        return bench.waiting + sum(each.done() for each in flood) == len(flood) - 1

    await until(they_queue, "one is being read, and the others wait", PATIENCE)
    before = sum(each.done() for each in flood)
    short = await server.ask(SHORT, token=server.token(quiet[0].owner, quiet[0]))
    assert "errors" not in short.json()
    assert sum(each.done() for each in flood) <= before + 1, "a short one is answered while a large one is read"
    late = await send(server, quiet[1])
    assert refusal(late)[:2] == (400, "BAD_USER_INPUT")
    assert sum(each.done() for each in flood) < len(flood) - 1, "and a large one does not wait for all before it"
    for answer in await asyncio.gather(*flood):
        assert refusal(answer)[:2] in ((400, "BAD_USER_INPUT"), (503, "UNAVAILABLE"))
    assert bench.waiting == 0


async def test_whoever_sends_slowly_keeps_nobody_else_from_sending(
    server: Running, noisy: Tenant, quiet: list[Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have two places, and a third of theirs has to wait; others have places of their own, and short requests need
    none."""
    bench = server.app.graphql._engine.workbench
    monkeypatch.setattr(bench.places, "_timeout", 2 * PATIENCE)

    async def are_held(places: int, waiting: int) -> bool:
        await asyncio.sleep(0.001)
        return (bench.places.held, bench.places.waiting) == (places, waiting)

    async with half_sent(server, noisy) as (reader, writer), half_sent(server, noisy):
        await until(lambda: are_held(PLACES_FOR_ONE_TENANT, 0), "both have a place and no thread", PATIENCE)
        third = send(server, noisy)
        await until(lambda: are_held(PLACES_FOR_ONE_TENANT, 1), "the third one waits for a place", PATIENCE)
        assert refusal(await send(server, quiet[0])) == READ
        assert "errors" not in (await server.ask(SHORT, token=server.token(noisy.owner, noisy))).json()
        assert not third.done()
        writer.write(LARGE[len(LARGE) // 2 :])
        assert (await reader.readline()).split()[1] == b"400"
        assert refusal(await third) == READ
    await until(lambda: are_held(0, 0), "whoever has gone has no place any more", PATIENCE)


async def test_in_a_crowd_a_thread_stands_idle_while_somebody_rests(
    settings: Settings, database: TestDatabase, noisy: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crowd is everybody who is about, and not only those who send large requests."""
    monkeypatch.setattr("gql.engine.workbench.PACE", Pace(least=0.01, ahead=0.0, most_rest=5.0))
    crowd = [await make_tenant(f"Choir {number}") for number in range(9)]
    async with running(settings, database.api_url) as server:
        bench = server.app.graphql._engine.workbench

        async def all_are_about() -> None:
            for each in crowd:
                answer = await server.ask(SHORT, token=server.token(each.owner, each))
                assert "errors" not in answer.json()

        await all_are_about()
        assert refusal(await send(server, noisy)) == READ
        second, has_rested = send(server, noisy), False
        while not second.done():
            await all_are_about()
            has_rested = has_rested or (bench.thread_slots.held, bench.thread_slots.waiting) == (0, 1)
        assert refusal(await second) == READ
        assert has_rested
