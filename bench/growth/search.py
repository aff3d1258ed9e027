"""Search: parts of names among many products of one tenant, beside a filter with `ilike` under row security."""

import time
from statistics import median, quantiles
from typing import Final

import asyncpg

from bench.database import empty, place, postmaster_id
from bench.growth.asking import Question, Say, in_turns, middle, server
from bench.growth.scope import Scope
from bench.growth.search_told import Found, section
from bench.growth.section import Section
from bench.peers.ours import Ours
from bench.trade.books import Market, Shape
from bench.trade.parties import COMMON, RARE
from bench.works import Facts
from gql.database.embedded import EmbeddedServer

NONE: Final = "none such"
LAST: Final = "zawadi"
"""What an eighth of all names begin with, the last of them by the alphabet."""
TERMS: Final = (NONE, RARE, "rice", COMMON, LAST)
TIMES: Final = 15
"""How often a statement is timed in a round."""
PAGE: Final = "query Found($part: String!) { products(search: $part, first: 20) { nodes { id name productCode } } }"
COUNT: Final = "query Counted($part: String!) { products(search: $part) { totalCount } }"
_ROWS: Final = "from trade.products where tenant_id = core.tenant_id()"
_OURS: Final = f"""
    select id, name {_ROWS} and id = any ((select trade.products_search($1, 21, null, null))::uuid[])
    order by name_key, id limit 20
"""
_NAIVE: Final = f"""
    select id, name {_ROWS} and is_active and name ilike '%' || $1 || '%' order by name_key, id limit 20
"""


async def measure(scope: Scope, say: Say) -> Section:
    """Make two tenants with so many products each, in a database of their own, and look for each text in one."""
    directory = scope.cache / "bench-growth-search"
    async with empty(directory, keep=scope.keep) as (database, connection):
        version = str(await connection.fetchval("show server_version"))
        say(f"making {scope.products} products twice")
        shape = Shape(vendors=4, retailers=4, products=scope.products, offers=10)
        await (await Market.open(connection, 2, shape)).grow(0)
        market = await Market.open(connection, 1, shape)
        await market.grow(0)
        await connection.execute("vacuum (analyze) trade.products")
        await connection.execute("checkpoint")
        # Once more: rows that somebody may still see as new are not marked as seen by all.
        await connection.execute("vacuum trade.products")
        return section(await _looked_for(scope, database, connection, market, say), version, scope)


async def _looked_for(
    scope: Scope, database: EmbeddedServer, connection: asyncpg.Connection, market: Market, say: Say
) -> list[Found]:
    """Each text: by the server, by its statement, and naively."""
    who = Facts(market.tenant_id, market.user_id, "", "", (), "", "")
    async with server(place(database), [who], scope.cache / "bench-growth-search") as ours:
        questions = [
            _question(kind, document, term, ours, who)
            for kind, document in (("page", PAGE), ("count", COUNT))
            for term in TERMS
        ]
        samples = await in_turns(ours, questions, scope, postmaster_id(database), say)
    timed: dict[str, list[list[float]]] = {}
    for _ in range(scope.rounds):
        for term in TERMS:
            for kind, statement in (("statement", _OURS), ("naive", _NAIVE)):
                found = await _timed(connection, market.tenant_id, statement, term)
                timed.setdefault(f"{kind} {term}", []).append(found)
    counted = "select count(*) from trade.products where tenant_id = $1 and name_key like '%' || $2 || '%'"

    def both(name: str) -> tuple[float, float]:
        return middle(samples[name], "p50_ms"), middle(samples[name], "p99_ms")

    def worst(name: str) -> tuple[float, float]:
        rounds = timed[name]
        return median(map(median, rounds)), median(quantiles(each, n=100)[98] for each in rounds)

    return [
        Found(
            term,
            await connection.fetchval(counted, market.tenant_id, term),
            both(f"page {term}"),
            both(f"count {term}"),
            worst(f"statement {term}"),
            worst(f"naive {term}"),
        )
        for term in TERMS
    ]


def _question(kind: str, document: str, term: str, ours: Ours, who: Facts) -> Question:
    async def requests() -> list[list[bytes]]:
        return [[ours.posted(document, {"part": term}, ours.token(who))]]

    return Question(f"{kind} {term}", requests, varies=True)


async def _timed(connection: asyncpg.Connection, tenant_id: str, statement: str, term: str) -> list[float]:
    """Milliseconds of a statement that the tenant's own role has prepared, as the server's connections do."""
    async with connection.transaction():
        await connection.execute(f"set local role tenant_{tenant_id.replace('-', '')}; set local app.role = 'owner'")
        await connection.execute("set local jit = off")
        prepared = await connection.prepare(statement)
        taken = []
        await prepared.fetch(term)
        for _ in range(TIMES):
            begun = time.perf_counter()
            await prepared.fetch(term)
            taken.append((time.perf_counter() - begun) * 1000)
    return taken
