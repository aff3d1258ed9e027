"""Tenants: whether answers stay as fast with many of them, and what a sign-up costs everyone else.

Each tenant is a role of PostgreSQL. A role that is granted makes every backend look up anew who may become whom, at its
next SET ROLE; how long that takes grows with the roles.
"""

import asyncio
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg

from bench.database import load_schema, place, postmaster_id, remove, running
from bench.dataset import Sizes, fill, read_facts
from bench.documents import document
from bench.growth.asking import CROWD, Question, Say, answer, in_turns, server
from bench.growth.newcomers import MailBox, Newcomer, mail_box, newcomer
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
"""Tenants at the end of a step, the median of whose making is told."""


@dataclass
class Crowd:
    """Who is there so far: tenants with books, and newcomers without."""

    with_books: int = 0
    newcomers: int = 0


async def measure(scope: Scope, say: Say) -> Section:
    """Make tenants and ask for them, step by step, in a database that is made for it and taken away after."""
    directory = scope.cache / "bench-growth-tenants"
    _clear(directory)
    steps: list[Step] = []
    try:
        async with running(directory) as database, mail_box() as box:
            await load_schema(database)
            connection = await asyncpg.connect(database.admin_url)
            try:
                version = str(await connection.fetchval("show server_version"))
                crowd = Crowd()
                for tenants in scope.tenants:
                    step = await _step(scope, database, connection, box, crowd, tenants, directory, say)
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
    box: MailBox,
    crowd: Crowd,
    tenants: int,
    directory: Path,
    say: Say,
) -> Step:
    say("")
    there, wanted = crowd.with_books, max(tenants - crowd.newcomers, crowd.with_books)
    begun = time.monotonic()
    times = [begun]
    with progress_bar(f"Making tenants, up to {short(tenants)}", wanted - there) as advance:

        def made(count: int) -> None:
            times.append(time.monotonic())
            advance(count)

        sizes = Sizes(tenants=wanted, clients=CLIENTS, invoices=INVOICES, lines=LINES)
        await fill(connection, sizes, there=there, made=made)
    crowd.with_books = wanted
    late = [(later - earlier) * 1000 for earlier, later in pairwise(times[-LATE - 1 :])] or [0.0]
    facts = await read_facts(connection)
    label, postmaster = f"{short(tenants)} tenants", postmaster_id(database)
    mail = {"COUNTINGHOUSE_SMTP_URL": f"smtp://127.0.0.1:{box.port}"}
    async with server(place(database), facts, directory, mail) as ours:
        questions = [_question(ours, work, whom, facts) for work in ASKED for whom in (ALL, ALONE)]
        samples = await in_turns(ours, questions, scope, postmaster, lambda text: say(f"{label}, {text}"))
        resident = resident_megabytes(ours.process_ids), resident_megabytes([postmaster], "RssAnon")
        sign_ups = []
        for number in range(1, scope.sign_ups + 1):
            say(f"{label}, sign-up {number} of {scope.sign_ups}")
            who = await newcomer(ours, box, connection, crowd.newcomers)
            sign_ups.append(await _sign_up(ours, facts, who, number))
            crowd.newcomers += 1
    return Step(tenants, wanted - there, times[-1] - begun, median(late), samples, *resident, sign_ups)


def _question(ours: Ours, work: str, whom: str, facts: list[Facts]) -> Question:
    asked = facts if whom == ALL else facts[:1]
    count = POINTS if work == "point" else 1

    async def requests() -> list[list[bytes]]:
        return [[await ours.request(work, tenant, number) for number in range(count)] for tenant in asked]

    return Question(f"{work}, {whom}", requests, CROWD)


async def _sign_up(ours: Ours, facts: Sequence[Facts], who: Newcomer, seed: int) -> SignUp:
    """A sign-up between two short bursts of other tenants' requests, and while a third one runs."""
    before = await _burst(ours, facts, 3 * seed)
    (token, confirmed), during = await asyncio.gather(who.confirm(), _burst(ours, facts, 3 * seed + 1))
    after = await _burst(ours, facts, 3 * seed + 2)
    first = await _timed(ours, ours.posted(document("list"), {}, token))
    return SignUp(who.asked_ms, confirmed, first, before, during, after)


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
