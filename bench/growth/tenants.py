"""Tenants: whether answers stay as fast with many of them, and what a sign-up costs everyone else.

Each tenant is a role of PostgreSQL. A role that is granted makes every backend look up anew who may become whom, at its
next SET ROLE; how long that takes grows with the roles.
"""

import asyncio
import shutil
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg

from bench.database import load_schema, place, postmaster_id, remove, running
from bench.dataset import Sizes, fill, make_tenant, read_facts
from bench.growth.asking import CROWD, Question, Say, answer, in_turns, server
from bench.growth.resident import resident_megabytes
from bench.growth.scope import Scope
from bench.growth.section import Section, short
from bench.growth.tenants_told import AFTER, ALL, ALONE, ASKED, CLIENTS, INVOICES, LINES, SignUp, Step, section
from bench.peers.ours import Ours
from bench.works import Facts
from gql.cli.console import progress_bar
from gql.database.embedded import EmbeddedServer

POINTS: Final = 2
"""Invoices of each tenant that are asked for one at a time."""
LATE: Final = 100
"""Sign-ups at the end of a step, whose median is told."""


async def measure(scope: Scope, say: Say) -> Section:
    """Make tenants and ask for them, step by step, in a database that is made for it and taken away after."""
    directory = scope.cache / "bench-growth-tenants"
    _clear(directory)
    steps: list[Step] = []
    try:
        async with running(directory) as database:
            await load_schema(database)
            connection = await asyncpg.connect(database.admin_url)
            try:
                version = str(await connection.fetchval("show server_version"))
                there = 0
                for tenants in scope.tenants:
                    step = await _step(scope, database, connection, there, tenants, directory, say)
                    there = tenants + scope.sign_ups
                    steps.append(step)
            finally:
                await connection.close()
    finally:
        if not scope.keep:
            _clear(directory)
    return section(steps, scope, version)


def _clear(directory: Path) -> None:
    remove(directory)
    shutil.rmtree(directory, ignore_errors=True)


async def _step(
    scope: Scope,
    database: EmbeddedServer,
    connection: asyncpg.Connection,
    there: int,
    tenants: int,
    directory: Path,
    say: Say,
) -> Step:
    say("")
    begun = time.monotonic()
    times = [begun]
    with progress_bar(f"Signing up tenants up to {short(tenants)}", tenants - there) as advance:

        def made(count: int) -> None:
            times.append(time.monotonic())
            advance(count)

        sizes = Sizes(tenants=tenants, clients=CLIENTS, invoices=INVOICES, lines=LINES)
        await fill(connection, sizes, there=there, made=made)
    late = [(later - earlier) * 1000 for earlier, later in pairwise(times[-LATE - 1 :])]
    facts = await read_facts(connection)
    label = f"{short(tenants)} tenants"
    async with server(place(database), facts, directory) as ours:
        questions = [_question(ours, work, whom, facts) for work in ASKED for whom in (ALL, ALONE)]
        samples = await in_turns(ours, questions, scope, postmaster_id(database), lambda text: say(f"{label}, {text}"))
        resident = resident_megabytes(ours.process_ids)
        sign_ups = []
        for number in range(1, scope.sign_ups + 1):
            say(f"{label}, sign-up {number} of {scope.sign_ups}")
            sign_ups.append(await _sign_up(ours, facts, connection, tenants + number))
    return Step(tenants, tenants - there, times[-1] - begun, median(late), samples, resident, sign_ups)


def _question(ours: Ours, work: str, whom: str, facts: list[Facts]) -> Question:
    asked = facts if whom == ALL else facts[:1]
    count = POINTS if work == "point" else 1

    async def requests() -> list[list[bytes]]:
        return [[await ours.request(work, tenant, number) for number in range(count)] for tenant in asked]

    return Question(f"{work}, {whom}", requests, CROWD)


async def _sign_up(ours: Ours, facts: Sequence[Facts], connection: asyncpg.Connection, number: int) -> SignUp:
    """A sign-up between two short bursts of other tenants' requests."""
    before = await _burst(ours, facts, number)
    begun = time.perf_counter()
    tenant_id, user_id = await make_tenant(connection, number)
    itself = time.perf_counter() - begun
    after = await _burst(ours, facts, number + 1)
    newcomer = Facts(tenant_id, user_id, "", "", (), "", "")
    first = await _timed(ours, await ours.request("list", newcomer, 0))
    return SignUp(itself * 1000, first, before, after)


async def _burst(ours: Ours, facts: Sequence[Facts], seed: int) -> tuple[float, ...]:
    """A few requests over each of the connections, each of another tenant than the one before."""

    async def one(connection: int) -> list[float]:
        places = [(seed * 7919 + connection * AFTER + each) % len(facts) for each in range(AFTER)]
        return [await _timed(ours, await ours.request("list", facts[place], 0)) for place in places]

    found = await asyncio.gather(*(one(connection) for connection in range(CROWD)))
    return tuple(sorted(each for some in found for each in some))


async def _timed(ours: Ours, request: bytes) -> float:
    begun = time.perf_counter()
    await answer(ours, request)
    return (time.perf_counter() - begun) * 1000
