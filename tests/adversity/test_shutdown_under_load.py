"""A server that is asked to stop while dozens of clients read and write: what was acknowledged is there, once."""

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import httpx
import pytest

from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from tests.adversity.served import served
from tests.adversity.work import COUNT
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant
from tests.http.changes import CREATE
from tests.http.servers import Running

CLIENTS: Final = 32
PACE: Final = 60
"""So many writes are acknowledged before anything happens, and between one thing and the next."""


@dataclass
class Load:
    """Clients who read, and make clients, each under a key that is its name as well. Each goes on over one connection,
    until the server is gone."""

    url: str
    token: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The id of what was made, by key."""
    unanswered: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    """What ended the work of each."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(self._work())

    async def _work(self) -> None:
        async with self.client(self.url) as client:
            while True:
                key = str(uuid4())
                try:
                    counted = await client.post("/graphql", json={"query": COUNT})
                    assert counted.json().keys() == {"data"}, counted.text
                    # From here on it may have arrived.
                    self.unanswered.append(key)
                    self.acknowledged[key] = await self.made(client, key)
                    self.unanswered.remove(key)
                except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as end:
                    self.ends[str(end)] += 1
                    return

    async def made(self, client: httpx.AsyncClient, key: str) -> str:
        """The client of this name, made now or before under the same key."""
        variables = {"input": {"name": key}}
        headers = {"Idempotency-Key": key}
        answer = await client.post("/graphql", json={"query": CREATE, "variables": variables}, headers=headers)
        assert answer.json().keys() == {"data"}, answer.text
        found: str = answer.json()["data"]["clientCreate"]["client"]["id"]
        return found

    def client(self, url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)

    async def more(self) -> None:
        """Wait until more is acknowledged."""
        wanted = len(self.acknowledged) + PACE

        async def are_there() -> bool:
            await asyncio.sleep(0.005)
            return len(self.acknowledged) >= wanted

        await until(are_there, f"{wanted} writes are acknowledged", 60)


@pytest.mark.parametrize("environment", ["development", "production"])
async def test_under_load_a_server_stops_in_order_and_what_it_acknowledged_is_there_once(
    settings: Settings, database: TestDatabase, server: Running, tenant: Tenant, environment: str
) -> None:
    token = Tokens.from_settings(settings).issue(tenant.owner_id, tenant.tenant_id).text
    async with served(settings, database, environment=environment) as (process, url):
        load = Load(url, token)
        running = asyncio.create_task(load.run())
        await load.more()
        process.send_signal(signal.SIGTERM)
        if environment == "production":
            # First it is not ready any more, and serves all the same; a second signal ends that time.
            async with httpx.AsyncClient(base_url=url) as balancer:

                async def is_draining() -> bool:
                    answer = await balancer.get("/readyz")
                    return answer.status_code == 503 and answer.json()["reason"] == "DRAINING"

                await until(is_draining, "readiness fails")
            await load.more()
            assert process.returncode is None
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
        await running
        assert process.stderr is not None
        assert (await process.stderr.read()).decode() == ""
    assert load.ends.total() == CLIENTS
    assert not any("incomplete" in end for end in load.ends), "nobody was cut off in the middle of an answer"
    acknowledged = dict(load.acknowledged)
    # Whoever had no answer asks another server, under the same key.
    async with load.client(server.url) as client:
        for key in load.unanswered:
            acknowledged[key] = await load.made(client, key)
    async with as_superuser() as connection:
        made = await connection.fetch(
            "select name, id::text from billing.clients where tenant_id = $1", tenant.tenant_id
        )
    assert sorted(map(tuple, made)) == sorted(acknowledged.items())
