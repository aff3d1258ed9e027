"""Rows: whether one tenant's answers stay as fast while its invoices grow a thousandfold."""

import shutil
import time
from pathlib import Path
from typing import Final

import asyncpg

from bench.database import load_schema, place, postmaster_id, remove, running
from bench.dataset import settle
from bench.growth.asking import CROWD, Question, Say, in_turns, server
from bench.growth.books import Books
from bench.growth.explain import Explainer
from bench.growth.rows_told import ASKED, INDEXES, NEIGHBOUR, Step, section
from bench.growth.scope import Scope
from bench.growth.section import Section, short
from bench.peers.ours import Ours
from bench.works import Facts
from gql.cli.console import progress_bar
from gql.database.embedded import EmbeddedServer

DAYS_OF_A_STEP: Final = 3 * 365
BYTES_OF_AN_INVOICE: Final = 3_600
"""On disk with its line and all indexes, and some to spare."""
LOG_BYTES: Final = 10_000_000_000
CONFIGURATION: Final = {"max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
_SIZES: Final = """
    select pg_database_size(current_database()) as database, pg_table_size('billing.invoices') as invoices,
           pg_indexes_size('billing.invoices') as indexes
"""
_BLOCKS: Final = "select blks_read, blks_hit from pg_stat_database where datname = current_database()"


async def measure(scope: Scope, say: Say) -> Section:
    """Fill and ask, step by step, in a database that is made for it and taken away after."""
    directory = scope.cache / "bench-growth-rows"
    _clear(directory)
    steps: list[Step] = []
    notes: list[str] = []
    try:
        async with running(directory, CONFIGURATION) as database:
            await load_schema(database)
            connection = await asyncpg.connect(database.admin_url)
            try:
                version = str(await connection.fetchval("show server_version"))
                await connection.execute("create extension if not exists pageinspect")
                books = await Books.open(connection, 1)
                neighbour = await Books.open(connection, 2)
                await neighbour.grow(NEIGHBOUR, (2 * 365, 0))
                beside = await neighbour.facts()
                for number, invoices in enumerate(scope.invoices):
                    if lacking := _lacking_room(directory, invoices - books.invoices):
                        notes.append(f"{short(invoices)} invoices are left out: {lacking}.")
                        break
                    left = len(scope.invoices) - number
                    days = (left * DAYS_OF_A_STEP, (left - 1) * DAYS_OF_A_STEP)
                    seconds = await _fill(books, invoices, days, connection, say)
                    steps.append(await _step(scope, database, connection, books, beside, seconds, directory, say))
            finally:
                await connection.close()
    finally:
        if not scope.keep:
            _clear(directory)
    return section(steps, notes, version)


def _clear(directory: Path) -> None:
    remove(directory)
    shutil.rmtree(directory, ignore_errors=True)


def _lacking_room(directory: Path, invoices: int) -> str:
    wanted = invoices * BYTES_OF_AN_INVOICE + min(LOG_BYTES, invoices * BYTES_OF_AN_INVOICE)
    free = shutil.disk_usage(directory).free
    return "" if wanted <= free else f"they need {wanted / 1e9:.0f} GB of disk and {free / 1e9:.0f} GB are free"


async def _fill(books: Books, invoices: int, days: tuple[int, int], connection: asyncpg.Connection, say: Say) -> float:
    say("")
    begun = time.monotonic()
    with progress_bar(f"Adding invoices up to {short(invoices)}", invoices - books.invoices) as made:
        await books.grow(invoices, days, made)
    seconds = time.monotonic() - begun
    say("vacuum (analyze)")
    await settle(connection)
    return seconds


async def _step(
    scope: Scope,
    database: EmbeddedServer,
    connection: asyncpg.Connection,
    books: Books,
    beside: Facts,
    fill_seconds: float,
    directory: Path,
    say: Say,
) -> Step:
    """Ask a server that has seen no smaller table, then explain."""
    facts = await books.facts()
    before = await connection.fetchrow(_BLOCKS)
    async with server(place(database), [facts, beside], directory) as ours:
        questions = [_question(f"{work} x{crowd}", ours, work, facts, crowd) for crowd in (1, CROWD) for work in ASKED]
        questions += [_question(f"{work} beside", ours, work, beside, 1) for work in ASKED]
        label = f"{short(books.invoices)} invoices"
        samples = await in_turns(ours, questions, scope, postmaster_id(database), lambda text: say(f"{label}, {text}"))
    after = await connection.fetchrow(_BLOCKS)
    assert before is not None
    assert after is not None
    read, hit = after[0] - before[0], after[1] - before[1]
    explainer = Explainer()
    explained = {work: await explainer.explain(place(database), work, facts) for work in ASKED}
    sizes = await connection.fetchrow(_SIZES)
    assert sizes is not None
    levels = [await connection.fetchval("select level + 1 from bt_metap($1)", f"billing.{name}") for name in INDEXES]
    return Step(
        books.invoices,
        books.clients,
        fill_seconds,
        sizes["database"],
        sizes["invoices"],
        sizes["indexes"],
        tuple(levels),
        read / max(1, read + hit),
        samples,
        explained,
    )


def _question(name: str, ours: Ours, work: str, facts: Facts, connections: int) -> Question:
    count = len(facts.invoice_ids) if work == "point" else 1

    async def requests() -> list[list[bytes]]:
        return [[await ours.request(work, facts, number) for number in range(count)]]

    return Question(name, requests, connections)
