"""Everyday: what people ask of invoices and payments all day, while one tenant's books grow among those of others."""

import random
import shutil
import time
from collections.abc import Mapping
from typing import Final

import asyncpg

from bench.database import empty, place, postmaster_id
from bench.dataset import Sizes, fill, settle
from bench.growth import paying
from bench.growth.asking import CROWD, Question, Say, in_turns, server
from bench.growth.books import Books
from bench.growth.everyday_told import ASKED, Step, section
from bench.growth.requests import with_body
from bench.growth.scope import Scope
from bench.growth.section import Section, short
from bench.peers.ours import Ours
from bench.works import Facts
from gql.cli.console import progress_bar
from gql.database.embedded import EmbeddedServer

YEARS_OF_A_STEP: Final = 3
BYTES_OF_AN_INVOICE: Final = 11_000
"""On disk with its line, its payments, its allocations and all indexes, and some to spare."""
CLIENTS_ASKED: Final = 1_000
CONFIGURATION: Final = {"max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
DOCUMENTS: Final[Mapping[str, str]] = {
    "status": """
        { invoices(first: 20, filter: { status: { eq: PARTIALLY_PAID } }, orderBy: [ISSUE_DATE_DESC]) {
            nodes { number issueDate total balance status client { name } }
        } }
    """,
    "payments of an invoice": """
        query Settled($id: ID!) { invoice(id: $id) { number total paidAmount balance status
            allocations(first: 20) { nodes { net effectiveDate payment { amount receivedAt reference status } } }
        } }
    """,
    "payments of a client": """
        query Paid($client: ID!) { payments(
            first: 20, filter: { clientId: { eq: $client } }, orderBy: [RECEIVED_AT_DESC]
        ) { nodes { amount receivedAt reference status method { displayName } } } }
    """,
    "ageing of a client": """
        query Ageing($client: ID!) { invoices(
            first: 20, filter: { clientId: { eq: $client }, isOverdue: { eq: true } }, orderBy: [DUE_DATE_ASC]
        ) { nodes { number dueDate balance } } }
    """,
    "ageing": """
        { ageingTotals { currency clientCount notDue days1To30 days31To60 days61To90 over90 total } }
    """,
    "overdue": """
        { invoices(first: 20, filter: { isOverdue: { eq: true } }, orderBy: [DUE_DATE_ASC]) {
            nodes { number dueDate balance client { name } }
        } }
    """,
    "revenue": """
        query Revenue($since: Date!) {
            invoiceGroups(by: [ISSUE_DATE_MONTH], filter: { issueDate: { gte: $since } }) {
                key { issueDateMonth } count total { sum }
            }
            paymentGroups(by: [RECEIVED_ON_MONTH], filter: { receivedOn: { gte: $since } }) {
                key { receivedOnMonth } count amount { sum }
            }
        }
    """,
    "revenue ahead": """
        query Reckoned($since: Date!) {
            revenueMonths(from: $since, to: "9999-12-31") { month currency billed paid cash refunded credited asOf }
        }
    """,
}
_COUNTED: Final = """
    select (select count(*) from billing.payments where tenant_id = $1) as payments,
           pg_database_size(current_database()) as database,
           (
               select (date_trunc('month', max(issue_date)) - interval '11 months')::date::text
               from billing.invoices where tenant_id = $1
           ) as since,
           array(select id::text from billing.clients where tenant_id = $1 order by md5(id::text) limit $2) as clients
"""


async def measure(scope: Scope, say: Say) -> Section:
    """Fill and ask, step by step, in a database that is made for it and taken away after."""
    directory = scope.cache / "bench-growth-everyday"
    steps: list[Step] = []
    notes: list[str] = []
    async with empty(directory, CONFIGURATION, keep=scope.keep) as (database, connection):
        version = str(await connection.fetchval("show server_version"))
        say(f"making {scope.neighbours} neighbours")
        await fill(connection, Sizes(tenants=scope.neighbours, clients=5, invoices=20, lines=1))
        books = await Books.open(connection, scope.neighbours + 1, has_payments=True)
        for number, invoices in enumerate(scope.paid_invoices):
            wanted, free = (invoices - books.invoices) * BYTES_OF_AN_INVOICE, shutil.disk_usage(directory).free
            if wanted > free:
                notes.append(f"{short(invoices)} invoices are left out: there is no room for them.")
                break
            years = [(len(scope.paid_invoices) - number - past) * YEARS_OF_A_STEP for past in (0, 1)]
            seconds = await _fill(books, invoices, (years[0] * 365, years[1] * 365), connection, say)
            steps.append(await _step(scope, database, connection, books, seconds, say))
    return section(steps, notes, version, scope)


async def _fill(books: Books, invoices: int, days: tuple[int, int], connection: asyncpg.Connection, say: Say) -> float:
    """Add invoices with their payments, and see that they are as the triggers would have made them."""
    say("")
    begun = time.monotonic()
    with progress_bar(f"Adding invoices and payments up to {short(invoices)}", invoices - books.invoices) as made:
        await books.grow(invoices, days, made)
    seconds = time.monotonic() - begun
    say("vacuum (analyze)")
    await settle(connection)
    await connection.execute("refresh materialized view reports.revenue_months")
    await paying.check(connection, (await books.facts()).tenant_id)
    return seconds


async def _step(
    scope: Scope, database: EmbeddedServer, connection: asyncpg.Connection, books: Books, seconds: float, say: Say
) -> Step:
    """Ask a server that has seen no smaller table."""
    facts = await books.facts()
    counted = await connection.fetchrow(_COUNTED, facts.tenant_id, CLIENTS_ASKED)
    assert counted is not None
    async with server(place(database), [facts], scope.cache / "bench-growth-everyday") as ours:
        questions = [
            _question(work, crowd, ours, facts, counted["clients"], counted["since"])
            for crowd in (1, CROWD)
            for work in ASKED
        ]
        label = f"{short(books.invoices)} invoices"
        samples = await in_turns(ours, questions, scope, postmaster_id(database), lambda text: say(f"{label}, {text}"))
    return Step(books.invoices, counted["payments"], books.clients, seconds, counted["database"], samples)


def _question(work: str, connections: int, ours: Ours, facts: Facts, clients: list[str], since: str) -> Question:
    document = " ".join(DOCUMENTS[work].split())

    async def requests() -> list[list[bytes]]:
        like = await ours.request("list", facts, 0)
        if "$id" in document:
            return [[with_body(like, document, id=each) for each in facts.invoice_ids]]
        if "$client" in document:
            return [[with_body(like, document, client=each) for each in random.Random(1).sample(clients, len(clients))]]
        return [[with_body(like, document, since=since) if "$since" in document else with_body(like, document)]]

    return Question(f"{work} x{connections}", requests, connections, varies=True)
