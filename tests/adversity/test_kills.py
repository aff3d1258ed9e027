"""Under load, backends of PostgreSQL and the server itself are killed by SIGKILL, again and again. Whoever sends their
request again under its key loses nothing and doubles nothing."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from gql.iam.tokens.access import Tokens
from tests.adversity.victims import AT_WORK, HELD, Cluster, Serving
from tests.database.pooling import until
from tests.harness.actors import context_of, put
from tests.harness.tenants import Tenant, make_tenant
from tests.ledger.books import wrong

KILLS_AT_WORK: Final = 12
KILLS_BEFORE_THE_ANSWER: Final = 8
KILLS_OF_THE_SERVER: Final = 3
CLIENTS: Final = 10
PACE: Final = 15
"""So many transfers are acknowledged between one kill and the next: it is a load that is killed."""
PATIENCE: Final = 30.0

OPEN: Final = """mutation {
    bank: ledgerAccountCreate(input: {code: "BANK", name: "Bank", kind: ASSET}) { ledgerAccount { id } }
    fees: ledgerAccountCreate(input: {code: "FEES", name: "Fees", kind: EXPENSE}) { ledgerAccount { id } } }"""
POST: Final = """mutation ($input: LedgerTransferPostInput!) {
    ledgerTransferPost(input: $input) { ledgerTransfer { id } } }"""
SEND_AGAIN: Final = frozenset(
    {"COMMIT_UNKNOWN", "DATABASE_UNREACHABLE", "POOL_EXHAUSTED", "IDEMPOTENCY_KEY_IN_USE", "RETRY", "LOCKED"}
)
"""What a client may be told on such a day. Every other refusal is a failure."""


@dataclass
class Load:
    """Many clients who post transfers, each under a key of its own, and send it again until they have an answer."""

    url: str
    token: str
    accounts: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The transfer of each key."""
    replayed: int = 0
    sent_again: int = 0
    has_ended: bool = False

    async def open_accounts(self) -> None:
        async with self._client() as client:
            made = (await client.post("/graphql", json={"query": OPEN})).json()["data"]
        self.accounts = [made[name]["ledgerAccount"]["id"] for name in ("bank", "fees")]

    async def run(self) -> None:
        """Until it has ended, and everybody has an answer to what they asked last."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(self._work())

    async def more(self, number: int = PACE) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + number

        async def are_there() -> bool:
            await asyncio.sleep(0.001)
            return len(self.acknowledged) >= wanted

        await until(are_there, f"{wanted} transfers are acknowledged", PATIENCE)

    async def _work(self) -> None:
        async with self._client() as client:
            while not self.has_ended:
                key = str(uuid4())
                self.acknowledged[key] = await self._post(client, key)

    async def _post(self, client: httpx.AsyncClient, key: str) -> str:
        amount = f"{random.randint(1, 99_999) / 100:.2f}"
        legs = zip(random.sample(self.accounts, 2), (amount, f"-{amount}"), strict=True)
        entries = [{"accountId": account, "amount": each} for account, each in legs]
        body = {"query": POST, "variables": {"input": {"reason": key, "entries": entries}}}
        while True:
            answer = await self._sent(client, body, key)
            if answer is not None and "errors" not in answer.json():
                self.replayed += answer.headers.get("idempotent-replayed") == "true"
                transfer: str = answer.json()["data"]["ledgerTransferPost"]["ledgerTransfer"]["id"]
                return transfer
            if answer is not None:
                [error] = answer.json()["errors"]
                assert error["extensions"].get("reason") in SEND_AGAIN, answer.text
            self.sent_again += 1
            await asyncio.sleep(random.uniform(0, 0.05))

    async def _sent(self, client: httpx.AsyncClient, body: Any, key: str) -> httpx.Response | None:
        """The answer; None where the connection was lost before it."""
        try:
            return await client.post("/graphql", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return None

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=15)


@pytest.fixture
async def ours(cluster: Cluster) -> Tenant:
    return await make_tenant(admin_url=cluster.server.admin_url)


@pytest.fixture
async def load(victim: Serving, ours: Tenant) -> Load:
    token = Tokens.from_settings(victim.settings).issue(ours.owner_id, ours.tenant_id).text
    load = Load(victim.url, token)
    await load.open_accounts()
    return load


async def assert_each_once(cluster: Cluster, tenant: Tenant, load: Load) -> None:
    """What was acknowledged is there once, under its own id; nothing else is there; and the books are right."""
    async with cluster.admin() as connection:
        await put(connection, context_of(tenant))
        await connection.execute(f"set role {tenant.database_role}")
        posted = await connection.fetch("select description, id::text from ledger.transfers")
        assert sorted(map(tuple, posted)) == sorted(load.acknowledged.items())
        assert await wrong(connection) == []
        assert await connection.fetchval("select sum(debit) > 0 from ledger.trial_balance(core.today())")
        await connection.execute("reset role")
        kept = await connection.fetch("select key from core.idempotency_keys where tenant_id = $1", tenant.tenant_id)
        assert sorted(row[0] for row in kept) == sorted(load.acknowledged)


async def test_backends_killed_under_load_neither_lose_nor_double(cluster: Cluster, ours: Tenant, load: Load) -> None:
    before, expected = cluster.kills, 0

    async def kill(which: str) -> None:
        await until(lambda: cluster.kill_one(which), f"there is a backend to kill whose {which}", PATIENCE)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        for number in range(KILLS_AT_WORK + KILLS_BEFORE_THE_ANSWER):
            await load.more()
            if number * KILLS_BEFORE_THE_ANSWER // 20 != (number + 1) * KILLS_BEFORE_THE_ANSWER // 20:
                # At least this one has committed, and its client will have the answer by sending it again.
                expected += 1
                async with cluster.answers_held():
                    await kill(HELD)
            else:
                await kill(AT_WORK)
        await load.more()
        load.has_ended = True
    assert cluster.kills - before == KILLS_AT_WORK + KILLS_BEFORE_THE_ANSWER >= 20
    log = cluster.server.directory.log.read_text()
    assert log.count("was terminated by signal 9") == cluster.kills
    assert load.replayed >= expected == KILLS_BEFORE_THE_ANSWER
    await assert_each_once(cluster, ours, load)


async def test_the_server_killed_under_load_neither_loses_nor_doubles(
    cluster: Cluster, victim: Serving, ours: Tenant, load: Load
) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        for _ in range(KILLS_OF_THE_SERVER):
            await load.more()
            # Nobody is answered for a moment, so that the server goes while it has answers to give.
            async with cluster.answers_held():
                await until(cluster.holds_an_answer, "somebody has committed", PATIENCE)
                await victim.kill()
            await victim.start()
        await load.more()
        load.has_ended = True
    assert load.sent_again >= KILLS_OF_THE_SERVER
    assert load.replayed >= KILLS_OF_THE_SERVER
    await assert_each_once(cluster, ours, load)
