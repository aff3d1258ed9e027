"""Trade: what people ask of orders, lines and messages all day, while one tenant's trade grows."""

import json
import random
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import asyncpg

from bench.database import empty, place, postmaster_id
from bench.dataset import settle
from bench.growth.asking import CROWD, Question, Say, in_turns, server
from bench.growth.scope import Scope
from bench.growth.section import Section, short
from bench.growth.trade_told import ASKED, Step, section
from bench.peers.ours import Ours
from bench.trade.books import Market, MarketFacts, Shape
from bench.trade.check import check
from bench.works import Facts
from gql.cli.console import progress_bar
from gql.database.embedded import EmbeddedServer

DAYS_OF_A_STEP: Final = 365
BYTES_OF_AN_ORDER: Final = 15_000
"""On disk with its items, postings, payments, messages, its entries of the audit log and all indexes."""
ORDERS_OF_A_RETAILER: Final = 200
ORDERS_OF_A_VENDOR: Final = 5_000
RETAILERS_ASKING: Final = 20
NEIGHBOURS_ORDERS: Final = 100
CONFIGURATION: Final = {"max_wal_size": "8GB", "maintenance_work_mem": "512MB", "max_locks_per_transaction": "256"}
_ORDER: Final = "orderNumber status paymentStatus total createdAt"
DOCUMENTS: Final[Mapping[str, str]] = {
    "own orders": f"{{ orders(first: 20) {{ nodes {{ {_ORDER} vendor {{ name }} }} }} }}",
    "orders of a retailer": f"""
        query Last($retailer: ID!) {{ orders(first: 20, filter: {{ retailerId: {{ eq: $retailer }} }}) {{
            nodes {{ {_ORDER} vendor {{ name }} items {{ productName quantity amount }} }} }} }}
    """,
    "balance": """
        query Balance($retailer: ID!, $vendor: ID!) {
            creditLines(filter: { retailerId: { eq: $retailer }, vendorId: { eq: $vendor } }) {
                nodes { debt held available creditLimit } } }
    """,
    "orders of a vendor": f"""
        query Sold($vendor: ID!) {{ orders(first: 20, filter: {{ vendorId: {{ eq: $vendor }} }}) {{
            nodes {{ {_ORDER} retailer {{ name }} }} }} }}
    """,
    "status": f"""
        {{ orders(first: 20, filter: {{ status: {{ eq: PLACED }} }}) {{ nodes {{ {_ORDER} retailer {{ name }} }} }} }}
    """,
    "rare status": f"""
        {{ orders(first: 20, filter: {{ status: {{ eq: RETURNED }} }}) {{ nodes {{ {_ORDER} }} }} }}
    """,
    "overdue": f"""
        query Overdue($today: Date!) {{ orders(
            first: 20, orderBy: [OPEN_AMOUNT_DESC], filter: {{ openAmount: {{ gt: "0" }}, dueDate: {{ lt: $today }} }}
        ) {{ nodes {{ {_ORDER} openAmount dueDate retailer {{ name }} }} }} }}
    """,
    "queue by debt": """
        { retailers(first: 20, orderBy: [OUTSTANDING_DEBT_DESC]) { nodes { name outstandingDebt availableCredit } } }
    """,
    "low stock": """
        { vendorProducts(first: 20, filter: { isLow: { eq: true } }, orderBy: [FREE_STOCK_ASC]) {
            nodes { sku freeStock product { name } vendor { name } } } }
    """,
    "conversation": """
        query Said($conversation: String!) {
            messages(first: 20, filter: { conversationId: { eq: $conversation } }) {
                nodes { direction body createdAt isProcessed } } }
    """,
    "unread": """
        { messages(first: 20, filter: { isProcessed: { eq: false }, direction: { eq: INBOUND } },
                   orderBy: [CREATED_AT_ASC]) { nodes { fromNumber body createdAt } } }
    """,
    "history of an order": """
        query History($order: ID!) {
            auditLog(first: 20, filter: { entityType: { eq: "ORDER" }, entityId: { eq: $order } }) {
                nodes { action oldValues newValues createdAt } } }
    """,
    "statistics of a retailer": """
        query Bought($retailer: ID!) {
            retailer(id: $retailer) { stats { currency totalOrders totalSpent avgOrderValue } } }
    """,
    "own totals": "{ tradeTotals { placedOrders shippedOrders deliveredOrders debt held overdue } }",
    "totals": """
        { tradeTotals { currency draftOrders placedOrders confirmedOrders shippedOrders deliveredOrders cancelledOrders
                        returnedOrders expiredOrders debt held overdue lowProducts unreadMessages } }
    """,
    "ageing": """
        { tradeAgeing { currency notDue days1To30 days31To60 days61To90 over90 total overdue debt retailerId } }
    """,
}
OF_A_RETAILER: Final = frozenset({"own orders", "own totals"})
"""Asked by retailers themselves."""


async def measure(scope: Scope, say: Say) -> Section:
    """Fill and ask, step by step, in a database that is made for it and taken away after."""
    directory = scope.cache / "bench-growth-trade"
    steps: list[Step] = []
    notes: list[str] = []
    async with empty(directory, CONFIGURATION, keep=scope.keep) as (database, connection):
        version = str(await connection.fetchval("show server_version"))
        market = await _open(connection, scope, say)
        for number, orders in enumerate(scope.orders):
            wanted, free = (orders - market.orders) * BYTES_OF_AN_ORDER, shutil.disk_usage(directory).free
            if wanted > free:
                notes.append(f"{short(orders)} orders are left out: there is no room for them.")
                break
            years = [len(scope.orders) - number - past for past in (0, 1)]
            days = (years[0] * DAYS_OF_A_STEP, years[1] * DAYS_OF_A_STEP)
            seconds = await _fill(market, orders, days, connection, say)
            steps.append(await _step(scope, database, connection, market, seconds, say))
    return section(steps, notes, version, scope)


async def _open(connection: asyncpg.Connection, scope: Scope, say: Say) -> Market:
    """A market among neighbours, with partitions of the audit log for the past that it is to have."""
    say(f"making {scope.neighbours} neighbours")
    shape = Shape(vendors=4, retailers=4, products=20, offers=10)
    for number in range(1, scope.neighbours + 1):
        await (await Market.open(connection, number, shape)).grow(NEIGHBOURS_ORDERS)
    past = len(scope.orders) * DAYS_OF_A_STEP
    await connection.execute(f"select core.audit_partitions((current_date - {past})::date, {past // 30 + 1})")
    return await Market.open(connection, scope.neighbours + 1, _shape(scope.orders[0]), has_audit=True)


def _shape(orders: int) -> Shape:
    return Shape(
        vendors=max(10, orders // ORDERS_OF_A_VENDOR),
        retailers=max(RETAILERS_ASKING, orders // ORDERS_OF_A_RETAILER),
        products=2_000,
    )


async def _fill(market: Market, orders: int, days: tuple[int, int], connection: asyncpg.Connection, say: Say) -> float:
    """Add orders, and see that everything adds up."""
    say("")
    begun = time.monotonic()
    with progress_bar(f"Adding orders up to {short(orders)}", orders - market.orders) as made:
        await market.grow(orders, days, _shape(orders), made)
    seconds = time.monotonic() - begun
    say("vacuum (analyze)")
    await settle(connection)
    await connection.execute("refresh materialized view reports.retailer_stats")
    say("looking whether everything adds up")
    await check(connection, market.tenant_id)
    return seconds


async def retailers_people(connection: asyncpg.Connection, tenant_id: str, retailers: list[str]) -> list[str]:
    """Somebody for each of these retailers, who sees what is its own; the ids of the users."""
    made = []
    for number, retailer in enumerate(retailers):
        email = f"{retailer}@retailer.example.org"
        known = await connection.fetchval("select id::text from iam.users where email = $1", email)
        if known is None:
            person = {"email": email, "name": f"Person of retailer {number}"}
            known = str(await connection.fetchval("select iam.user_create($1::jsonb)", json.dumps(person)))
            membership = {"tenant_id": tenant_id, "user_id": known, "role": "retailer", "scope_ids": [retailer]}
            await connection.fetchval("select iam.membership_create($1::jsonb)", json.dumps(membership))
        made.append(known)
    return made


async def _step(
    scope: Scope,
    database: EmbeddedServer,
    connection: asyncpg.Connection,
    market: Market,
    seconds: float,
    say: Say,
) -> Step:
    """Ask a server that has seen no smaller table."""
    who = Facts(market.tenant_id, market.user_id, "", "", (), "", "")
    facts = await market.facts()
    people = await retailers_people(connection, market.tenant_id, facts.retailers[:RETAILERS_ASKING])
    size = await connection.fetchval("select pg_database_size(current_database())")
    async with server(place(database), [who], scope.cache / "bench-growth-trade") as ours:
        questions = [_question(work, crowd, ours, who, facts, people) for crowd in (1, CROWD) for work in ASKED]
        label = f"{short(market.orders)} orders"
        samples = await in_turns(ours, questions, scope, postmaster_id(database), lambda text: say(f"{label}, {text}"))
    return Step(market.orders, len(facts.retailers), len(facts.vendors), seconds, size, samples)


def _question(work: str, connections: int, ours: Ours, who: Facts, facts: MarketFacts, people: list[str]) -> Question:
    document = " ".join(DOCUMENTS[work].split())
    choice = random.Random(1)
    lines = choice.sample(facts.lines, min(len(facts.lines), 1_000))
    today = datetime.now(UTC).date().isoformat()
    every: list[dict[str, str]] = [{}]
    if "$order" in document:
        every = [{"order": each} for each in facts.orders]
    elif "$conversation" in document:
        every = [{"conversation": each} for each in facts.conversations]
    elif "$today" in document:
        every = [{"today": today}]
    elif "$" in document:
        known = [{"retailer": each.retailer_id, "vendor": each.vendor_id} for each in lines]
        every = [{name: value for name, value in each.items() if f"${name}" in document} for each in known]

    async def requests() -> list[list[bytes]]:
        askers = people if work in OF_A_RETAILER else [who.user_id]
        return [[ours.posted(document, given, ours.token(who, asker)) for asker in askers for given in every]]

    return Question(f"{work} x{connections}", requests, connections, varies=True)
