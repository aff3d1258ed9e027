"""Many who change the same things at the same moment, each in an order of their own: nobody notices anything but time.

(What two notice of each other, and what is told whoever is crossed each time, is in tests/http/test_lost_changes.py.)
"""

import asyncio
from typing import Final

import pytest

from gql.settings import Settings
from tests.adversity.soundness import assert_no_connection_leaks
from tests.adversity.work import counted
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant
from tests.http.changes import Desk
from tests.http.servers import running

PEOPLE: Final = 4
ROUNDS: Final = 3
UPDATE_BOTH: Final = """mutation ($first: ID!, $second: ID!, $city: String!) {
    a: clientUpdate(input: {id: $first, city: $city}) { client { city } }
    b: clientUpdate(input: {id: $second, city: $city}) { client { city } } }"""
DEADLOCKS: Final = "select deadlocks from pg_stat_database where datname = current_database()"
CROSSED: Final = 'countinghouse_transactions_repeated_total{why="CROSSED"}'


async def deadlocks() -> int:
    """How many PostgreSQL has ended so far, as far as it has told."""
    await asyncio.sleep(0.05)
    async with as_superuser() as connection:
        found: int = await connection.fetchval(DEADLOCKS)
    return found


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
async def test_those_who_cross_each_other_all_have_their_way(
    settings: Settings, database: TestDatabase, tenant: Tenant, isolation: str
) -> None:
    before = await deadlocks()
    url = f"{database.api_url}&default_transaction_isolation={isolation.replace(' ', '%20')}"
    async with running(settings, url) as server:
        desk = Desk(server, tenant, tenant.owner)
        clients = [await desk.client(f"Client {number}") for number in range(2)]

        async def work(person: int) -> None:
            first, second = clients if person % 2 else reversed(clients)
            for number in range(ROUNDS):
                city = f"City {person}.{number}"
                answer = await desk.send(UPDATE_BOTH, first=first, second=second, city=city)
                assert answer.json() == {"data": {"a": {"client": {"city": city}}, "b": {"client": {"city": city}}}}

        await asyncio.gather(*(work(person) for person in range(PEOPLE)))
        assert len(await desk.cities()) == 1, "both or neither"
        assert counted((await server.client.get("/metrics")).text, CROSSED) > 0
        await assert_no_connection_leaks(server)
    if isolation == "read committed":

        async def there_were_some() -> bool:
            return await deadlocks() > before

        await until(there_were_some, "PostgreSQL tells of its deadlocks")
