"""A network that swallows what it is given, or has forgotten a connection, and tells nobody; and one that is slow."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from time import monotonic
from typing import Final

import pytest

from gql.settings import Settings
from tests.adversity.kinds import DONE, KINDS, NOBODYS_FAULT, NOTHING, effect_of, reason_for_none
from tests.adversity.soundness import assert_no_connection_leaks
from tests.adversity.work import clients_locked, counted
from tests.database.pooling import ORIGIN, process_waiting, until
from tests.harness.actors import context_of
from tests.harness.postgres import TestDatabase
from tests.harness.proxy import COMMIT, Fate, Proxy
from tests.harness.tenants import Tenant
from tests.http.changes import Desk, behind_proxy

STATEMENT_SECONDS: Final = 1.0
MARGIN_SECONDS: Final = 20.0
"""Beyond its statement time-out a request waits for a connection, for its answer and for what became of its COMMIT."""
WELL_AGAIN_SECONDS: Final = 5.0

Line = tuple[Desk, Proxy]


@pytest.fixture
async def line(settings: Settings, database: TestDatabase, tenant: Tenant) -> AsyncIterator[Line]:
    """A desk behind a proxy, whose server is in more of a hurry than usual."""
    hasty = replace(settings, statement_timeout_ms=int(STATEMENT_SECONDS * 1000), acquire_timeout_ms=2000)
    async with behind_proxy(hasty, database.api_url, tenant) as (desk, proxy):
        await asyncio.gather(*(asked(desk, kind, f"warm-{kind}") for kind in KINDS))
        yield desk, proxy


async def asked(desk: Desk, kind: str, mark: str) -> str | None:
    """Why this request has no answer; None where it has one. Either comes in time."""
    begun = monotonic()
    reason = reason_for_none(await KINDS[kind](desk, mark))
    assert monotonic() - begun < STATEMENT_SECONDS + MARGIN_SECONDS
    return reason


async def one_waits() -> bool:
    return await process_waiting() is not None


async def assert_well(desk: Desk, name: str) -> None:
    """Everybody is answered, at once."""
    begun = monotonic()
    found = await asyncio.gather(*(asked(desk, kind, f"{name}-{kind}") for kind in KINDS))
    assert set(found) == {None}
    for kind in KINDS:
        assert await effect_of(desk, f"{name}-{kind}") == DONE[kind]
    assert monotonic() - begun < WELL_AGAIN_SECONDS


async def test_what_a_silent_network_swallows_is_refused_in_time_and_it_is_noticed_when_it_is_well(line: Line) -> None:
    desk, proxy = line
    silent = "countinghouse_write_pool_silent_total"
    assert counted((await desk.server.client.get("/metrics")).text, silent) == 0
    async with clients_locked():
        # All that is about clients is at work in the database when the network goes; the rest comes afterwards.
        at_work = [name for name in KINDS if name not in ("app", "sign_in")]
        asking = {name: asyncio.create_task(asked(desk, name, f"hole-{name}")) for name in at_work}
        await until(one_waits, "the first of them waits in the database, and the others are on their way")
        proxy.swallow()
        for name in ("app", "sign_in"):
            asking[name] = asyncio.create_task(asked(desk, name, f"hole-{name}"))
        assert (await desk.server.client.get("/healthz")).status_code == 200
        assert (await desk.server.client.get("/readyz")).status_code == 503
        for task in asking.values():
            reason = await task
            assert reason in NOBODYS_FAULT
    # Who comes while the network is silent is not kept for long, either.
    assert await asked(desk, "read", "") in NOBODYS_FAULT
    assert counted((await desk.server.client.get("/metrics")).text, silent) > 0
    proxy.recover()
    await assert_well(desk, "after")
    assert (await desk.server.client.get("/readyz")).status_code == 200
    for kind in KINDS:
        assert await effect_of(desk, f"hole-{kind}") == NOTHING
    await assert_no_connection_leaks(desk.server)


async def test_a_commit_that_is_swallowed_claims_neither_success_nor_failure_and_is_done_once_under_its_key(
    line: Line,
) -> None:
    desk, proxy = line
    proxy.at(COMMIT, Fate.SWALLOWED, times=2)
    without, under = await asyncio.gather(desk.create("Without"), desk.create("Under", "key-1"))
    assert reason_for_none(without) == "COMMIT_UNKNOWN"
    assert under.json()["errors"][0]["extensions"]["reason"] in ("COMMIT_UNKNOWN", "IDEMPOTENCY_KEY_IN_USE")
    assert int(under.headers["retry-after"]) > 0
    proxy.recover()
    assert reason_for_none(await desk.create("Under", "key-1")) is None
    assert [name for name in await desk.clients() if not name.startswith("warm")] == ["Under"]
    await assert_no_connection_leaks(desk.server)


async def test_of_connections_that_were_forgotten_one_costs_a_time_out_and_the_others_nothing(line: Line) -> None:
    desk, proxy = line
    pools = (desk.database.reads, desk.database.writes)
    async with AsyncExitStack() as held:
        for _ in range(4):
            await held.enter_async_context(desk.database.read(context_of(desk.tenant)))
            await held.enter_async_context(desk.database.write(context_of(desk.tenant), ORIGIN))
    assert all(pool.statistics.size >= 4 for pool in pools)
    proxy.forget()
    assert await asked(desk, "read", "") == "DATABASE_UNREACHABLE"
    await assert_well(desk, "after")

    async def all_are_found() -> bool:
        await asyncio.sleep(0.01)
        return all(pool.statistics.silent >= 4 for pool in pools)

    await until(all_are_found, "each of them was asked and closed")
    proxy.recover()
    await assert_no_connection_leaks(desk.server)


async def test_a_slow_network_costs_nothing_but_time(line: Line) -> None:
    desk, proxy = line
    proxy.delay, proxy.trickle = 0.01, 2000
    found = await asyncio.gather(*(asked(desk, kind, f"slow-{kind}") for kind in KINDS for _ in range(2)))
    proxy.delay = 0.0
    assert set(found) == {None}
    await assert_no_connection_leaks(desk.server)


async def test_the_kernel_is_to_notice_when_nobody_acknowledges(line: Line) -> None:
    """No packet is lost on the way to a proxy on this machine, so this sees to the settings alone."""
    desk, _ = line
    for connection in desk.database.reads.connections:
        line_to = connection.raw._transport.get_extra_info("socket")  # type: ignore[attr-defined]
        assert line_to.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert 0 < line_to.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 5000
