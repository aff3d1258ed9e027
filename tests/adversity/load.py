"""A load of transfers, each under its own key, sent again until there is an answer; and what must have come of it."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx

from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from tests.adversity.sending import NOT_NOW
from tests.database.pooling import until
from tests.harness.actors import context_of, put
from tests.harness.tenants import Tenant
from tests.ledger.books import wrong

CLIENTS: Final = 10
PACE: Final = 15
"""So many transfers are acknowledged between one kill and the next: it is a load that is killed."""
PATIENCE: Final = 60.0

OPEN: Final = """mutation {
    bank: ledgerAccountCreate(input: {code: "BANK", name: "Bank", kind: ASSET}) { ledgerAccount { id } }
    fees: ledgerAccountCreate(input: {code: "FEES", name: "Fees", kind: EXPENSE}) { ledgerAccount { id } } }"""
POST: Final = """mutation ($input: LedgerTransferPostInput!) {
    ledgerTransferPost(input: $input) { ledgerTransfer { id } } }"""


@dataclass
class Load:
    """Many clients who post transfers, each under a key of its own, and send it again until they have an answer."""

    url: str
    token: str
    accounts: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The transfer of each key."""
    last_at: float = 0.0
    """When the last was."""
    replayed: int = 0
    sent_again: int = 0
    has_ended: bool = False

    server_may_die: bool = True
    """Whether a client may lose the connection, and not only be refused."""
    clients: int = CLIENTS

    @classmethod
    async def of(cls, url: str, settings: Settings, tenant: Tenant, **more: Any) -> "Load":
        load = cls(url, Tokens.from_settings(settings).issue(tenant.owner_id, tenant.tenant_id).text, **more)
        async with load.client() as client:
            made = (await client.post("/graphql", json={"query": OPEN})).json()["data"]
        load.accounts = [made[name]["ledgerAccount"]["id"] for name in ("bank", "fees")]
        return load

    async def run(self) -> None:
        """Until it has ended, and everybody has an answer to what they asked last."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(self.clients):
                clients.create_task(self._work())

    async def more(self, number: int = PACE) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + number

        async def are_there() -> bool:
            await asyncio.sleep(0.001)
            return len(self.acknowledged) >= wanted

        await until(are_there, f"{wanted} transfers are acknowledged", PATIENCE)

    async def _work(self) -> None:
        async with self.client() as client:
            while not self.has_ended:
                key = str(uuid4())
                self.acknowledged[key] = await self._post(client, key)
                self.last_at = time.monotonic()

    def body(self, reason: str, accounts: Sequence[str] = (), amount: str = "1.25") -> dict[str, Any]:
        """A request that posts a transfer for this reason."""
        legs = zip(accounts or self.accounts, (amount, f"-{amount}"), strict=True)
        entries = [{"accountId": account, "amount": each} for account, each in legs]
        return {"query": POST, "variables": {"input": {"reason": reason, "entries": entries}}}

    async def _post(self, client: httpx.AsyncClient, key: str) -> str:
        body = self.body(key, random.sample(self.accounts, 2), f"{random.randint(1, 99_999) / 100:.2f}")
        while True:
            answer = await self._sent(client, body, key)
            if answer is not None and "errors" not in answer.json():
                self.replayed += answer.headers.get("idempotent-replayed") == "true"
                transfer: str = answer.json()["data"]["ledgerTransferPost"]["ledgerTransfer"]["id"]
                return transfer
            if answer is not None:
                [error] = answer.json()["errors"]
                assert error["extensions"].get("reason") in NOT_NOW, answer.text
            self.sent_again += 1
            await asyncio.sleep(random.uniform(0, 0.05))

    async def _sent(self, client: httpx.AsyncClient, body: Any, key: str) -> httpx.Response | None:
        """The answer; None where the connection was lost before it."""
        try:
            return await client.post("/graphql", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            if not self.server_may_die:
                raise
            return None

    def client(self, url: str | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=url or self.url, headers=headers, timeout=20)


async def assert_each_once(connection: asyncpg.Connection, tenant: Tenant, load: Load) -> None:
    """What was acknowledged is there once, under its own id; nothing else is there; and the books are right. The
    connection is a superuser's."""
    await put(connection, context_of(tenant))
    await connection.execute(f"set role {tenant.database_role}")
    posted = await connection.fetch("select description, id::text from ledger.transfers")
    assert sorted(map(tuple, posted)) == sorted(load.acknowledged.items())
    assert await wrong(connection) == []
    assert await connection.fetchval("select sum(debit) > 0 from ledger.trial_balance(core.today())")
    await connection.execute("reset role")
    kept = await connection.fetch("select key from core.idempotency_keys where tenant_id = $1", tenant.tenant_id)
    assert sorted(row[0] for row in kept) == sorted(load.acknowledged)
