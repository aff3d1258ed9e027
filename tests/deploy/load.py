"""Clients who post transfers, each under a key of its own, and send it again until they have an answer."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from tests.database.pooling import until
from tests.harness.tenants import Tenant

CLIENTS: Final = 6
PATIENCE: Final = 60.0
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
    """What was acknowledged: the transfer of each key, and when the last was."""

    url: str
    token: str
    accounts: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    last_at: float = 0.0
    sent_again: int = 0
    has_ended: bool = False

    @classmethod
    async def of(cls, url: str, settings: Settings, tenant: Tenant) -> "Load":
        load = cls(url, Tokens.from_settings(settings).issue(tenant.owner_id, tenant.tenant_id).text)
        async with load.client() as client:
            made = (await client.post("/graphql", json={"query": OPEN})).json()["data"]
        load.accounts = [made[name]["ledgerAccount"]["id"] for name in ("bank", "fees")]
        return load

    async def run(self) -> None:
        """Until it has ended, and everybody has an answer to what they asked last."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(self._work())

    async def more(self, number: int) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + number

        async def are_there() -> bool:
            await asyncio.sleep(0.001)
            return len(self.acknowledged) >= wanted

        await until(are_there, f"{wanted} transfers are acknowledged", PATIENCE)

    def body(self, reason: str) -> dict[str, Any]:
        """A request that posts a transfer for this reason."""
        legs = zip(self.accounts, ("1.25", "-1.25"), strict=True)
        entries = [{"accountId": account, "amount": amount} for account, amount in legs]
        return {"query": POST, "variables": {"input": {"reason": reason, "entries": entries}}}

    def client(self, url: str | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=url or self.url, headers=headers, timeout=20)

    async def _work(self) -> None:
        async with self.client() as client:
            while not self.has_ended:
                key = str(uuid4())
                self.acknowledged[key] = await self._post(client, key)
                self.last_at = time.monotonic()

    async def _post(self, client: httpx.AsyncClient, key: str) -> str:
        while True:
            answer = await client.post("/graphql", json=self.body(key), headers={"Idempotency-Key": key})
            if "errors" not in answer.json():
                transfer: str = answer.json()["data"]["ledgerTransferPost"]["ledgerTransfer"]["id"]
                return transfer
            [error] = answer.json()["errors"]
            assert error["extensions"].get("reason") in SEND_AGAIN, answer.text
            self.sent_again += 1
            await asyncio.sleep(0.02)
