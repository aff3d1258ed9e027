"""Stock Strawberry with DataLoaders, written as its documentation would have it: what a user of Python would pick.

The server itself is in the package `stock`. It logs in as ours does, as countinghouse_api, and becomes the tenant's
role for each request by what a signed token says.
"""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.peers.peer import Peer, Place
from bench.peers.stock import cursors
from bench.works import Facts

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 60
STOP_SECONDS: Final = 10
TOKEN_SECONDS: Final = 86_400
"""Longer than any run: tokens are not renewed while the clock runs."""

_INVOICE: Final = "number issueDate total status client { name } lines { description quantity unitPrice amount }"
QUERIES: Final = {
    "list": f"query List {{ invoices(first: 20) {{ items {{ {_INVOICE} }} }} }}",
    "point": f"query Point($id: ID!) {{ invoice(id: $id) {{ {_INVOICE} }} }}",
    "tree": (
        "query Tree { clients(first: 50) { name invoices(first: 20) { number total lines { description amount } } } }"
    ),
    "report": "query Report { invoiceReport { month status count sum } }",
    "overdue": (
        "query Overdue($clientId: ID!) { overdueInvoices(clientId: $clientId, first: 20) { number dueDate balance } }"
    ),
    "page50": (
        "query Page($after: String!) { invoices(first: 20, after: $after) { items { number issueDate total } } }"
    ),
}


class StockStrawberryError(Exception):
    """The server cannot be started; the text says why."""


class StockStrawberry(Peer):
    """One Python process with the pool that asyncpg opens: 10 connections."""

    name = "strawberry"

    def __init__(self, place: Place, facts: list[Facts]) -> None:
        super().__init__(place, facts)
        self._key = Ed25519PrivateKey.generate()
        self._heads: dict[str, bytes] = {}
        self._process: Process | None = None

    async def start(self) -> None:
        public_key = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        settings = {
            "databaseUrl": self.place.api_url,
            "publicKey": public_key.decode(),
        }
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.peers.stock.app"),
            cwd=ROOT,
            env={**os.environ, "STOCK_SETTINGS": json.dumps(settings)},
            stdout=PIPE,
        )
        self._heads.clear()
        try:
            async with asyncio.timeout(START_SECONDS):
                assert self._process.stdout is not None
                word, _, port = (await self._process.stdout.readline()).decode().strip().partition(" ")
                if word != "port":
                    raise StockStrawberryError("The server did not start; what it wrote stands above.")
                self.port = int(port)
                # The connection waits until the server takes it, or is refused when it goes.
                async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113
                    await client.get(f"http://127.0.0.1:{self.port}/graphql")
        except (TimeoutError, httpx.HTTPError, StockStrawberryError):
            await self.stop()
            raise StockStrawberryError("The server did not start; what it wrote stands above.") from None

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def process_ids(self) -> list[int]:
        return [self._process.pid] if self._process else []

    async def request(self, work: str, tenant: Facts, number: int) -> bytes:
        question = {"query": QUERIES[work], "variables": _variables(work, tenant, number)}
        body = json.dumps(question, separators=(",", ":")).encode()
        return self._head(tenant) + b"content-length: %d\r\n\r\n" % len(body) + body

    def _head(self, tenant: Facts) -> bytes:
        head = self._heads.get(tenant.tenant_id)
        if head is None:
            lines = (
                "POST /graphql HTTP/1.1",
                f"host: 127.0.0.1:{self.port}",
                f"authorization: Bearer {self._token(tenant)}",
                "content-type: application/json",
                "accept: application/json",
                "",
            )
            head = self._heads[tenant.tenant_id] = "\r\n".join(lines).encode()
        return head

    def _token(self, tenant: Facts) -> str:
        """Everything that a request's transaction is told."""
        claims = {
            "sub": tenant.user_id,
            "role": tenant.role,
            "app_role": "owner",
            "scope_ids": "{}",
            "time_zone": "UTC",
            "fiscal_year_start": "1",
            "context": tenant.tenant_id,
            "exp": int(time.time()) + TOKEN_SECONDS,
        }
        return jwt.encode(claims, self._key, "EdDSA")

    def normal(self, work: str, answer: Any) -> Any:
        return NORMAL[work](answer)


def _variables(work: str, tenant: Facts, number: int) -> dict[str, str]:
    match work:
        case "point":
            return {"id": tenant.invoice_ids[number % len(tenant.invoice_ids)]}
        case "overdue":
            return {"clientId": tenant.client_id}
        case "page50":
            place = cursors.Place(date.fromisoformat(tenant.page49_issue_date), UUID(tenant.page49_id))
            return {"after": cursors.encode(place)}
        case _:
            return {}


def _amounts(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its amounts in the form that is compared, and those of its lines."""
    found = dict(row)
    for name in AMOUNTS & row.keys():
        found[name] = f"{Decimal(row[name]):.2f}"
    if "quantity" in row:
        found["quantity"] = f"{Decimal(row['quantity']).normalize():f}"
    for name in ("lines", "invoices"):
        if name in row:
            found[name] = [_amounts(each) for each in row[name]]
    return found


AMOUNTS: Final = frozenset({"total", "balance", "sum", "unitPrice", "amount"})
NORMAL: Final[dict[str, Callable[[Any], Any]]] = {
    "list": lambda data: [_amounts(row) for row in data["invoices"]["items"]],
    "point": lambda data: _amounts(data["invoice"]),
    "tree": lambda data: [_amounts(row) for row in data["clients"]],
    "report": lambda data: [_amounts(row) for row in data["invoiceReport"]],
    "overdue": lambda data: [_amounts(row) for row in data["overdueInvoices"]],
    "page50": lambda data: [_amounts(row) for row in data["invoices"]["items"]],
}
