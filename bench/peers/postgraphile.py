"""PostGraphile 5, set up as its guide advises for production: what a user of PostgreSQL and Node would pick.

Its settings stand in postgraphile/graphile.config.mjs, what it is asked in postgraphile/operations. It logs in as our
server does, as countinghouse_api, and becomes the tenant's role for each request by what a signed token says. A second
set-up goes beyond the guide.
"""

import asyncio
import json
import os
import secrets
import shutil
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import jwt

from bench.peers.peer import Peer, Place
from bench.works import Facts

DIRECTORY: Final = Path(__file__).parent / "postgraphile"
NODE: Final = DIRECTORY / "node_modules" / "node" / "bin" / "node"
"""Node comes with the packages: PostGraphile 5 needs 22 or newer."""
START_SECONDS: Final = 60
STOP_SECONDS: Final = 10
TOKEN_SECONDS: Final = 86_400
"""Longer than any run: tokens are not renewed while the clock runs."""
PAGE_49_LAST: Final = 49 * 20 - 1


class PostGraphileError(Exception):
    """PostGraphile cannot be installed, started or asked; the text says why."""


class PostGraphile(Peer):
    """One Node process with the pool that its driver opens: 10 connections at most."""

    name = "postgraphile"
    is_tuned = False

    def __init__(self, place: Place, facts: list[Facts], schema: str = "billing") -> None:
        super().__init__(place, facts)
        self._schema = schema
        self._secret = secrets.token_hex(32)
        self._heads: dict[str, bytes] = {}
        self._cursors: dict[str, str] = {}
        self._process: Process | None = None

    async def start(self) -> None:
        await _install()
        settings = {
            "databaseUrl": self.place.api_url,
            "secret": self._secret,
            "tuned": self.is_tuned,
            "schema": self._schema,
        }
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "NODE_ENV": "production",
            "BENCH_SETTINGS": json.dumps(settings),
        }
        self._process = await asyncio.create_subprocess_exec(
            NODE, "server.mjs", cwd=DIRECTORY, env=environment, stdout=PIPE
        )
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
        except TimeoutError:
            line = b""
        word, _, port = line.decode().strip().partition(" ")
        if word != "port":
            await self.stop()
            raise PostGraphileError("PostGraphile did not start; what it wrote stands above.")
        self.port = int(port)
        self._heads.clear()

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
        body = persisted(work, await self._variables(work, tenant, number))
        return self._head(tenant) + b"content-length: %d\r\n\r\n" % len(body) + body

    async def _variables(self, work: str, tenant: Facts, number: int) -> dict[str, str]:
        match work:
            case "point":
                invoice_id = tenant.invoice_ids[number % len(tenant.invoice_ids)]
                return {"tenantId": tenant.tenant_id, "id": invoice_id}
            case "overdue":
                return {"clientId": tenant.client_id, "today": datetime.now(UTC).date().isoformat()}
            case "page50":
                return {"after": await self._cursor(tenant)}
            case _:
                return {}

    async def _cursor(self, tenant: Facts) -> str:
        """PostGraphile's own cursor of the last row of the 49th page, asked for once."""
        if tenant.tenant_id not in self._cursors:
            async with httpx.AsyncClient() as client:
                answer = await client.post(
                    f"http://127.0.0.1:{self.port}/graphql",
                    content=persisted("page49_end", {"offset": PAGE_49_LAST}),
                    headers={"authorization": f"Bearer {self._token(tenant)}", "content-type": "application/json"},
                )
            cursor = answer.json()["data"]["allInvoices"]["pageInfo"]["endCursor"]
            if cursor is None:
                raise PostGraphileError(f"Tenant {tenant.tenant_id} has fewer than 49 pages.")
            self._cursors[tenant.tenant_id] = cursor
        return self._cursors[tenant.tenant_id]

    def _head(self, tenant: Facts) -> bytes:
        head = self._heads.get(tenant.tenant_id)
        if head is None:
            head = self._heads[tenant.tenant_id] = self.head(self._token(tenant))
        return head

    def head(self, token: str) -> bytes:
        """The head of a request, short of the length, as whoever the token is of."""
        lines = (
            "POST /graphql HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            f"authorization: Bearer {token}",
            "content-type: application/json",
            "accept: application/graphql-response+json",
            "",
        )
        return "\r\n".join(lines).encode()

    def _token(self, tenant: Facts) -> str:
        return self.token_of(tenant.user_id, tenant.tenant_id, tenant.role, "owner", "{}")

    def token_of(self, user_id: str, tenant_id: str, database_role: str, role: str, scope_ids: str) -> str:
        """A token with everything that a request's transaction is told, as a deployment of PostGraphile has it in its
        tokens. `scope_ids` is an array as PostgreSQL writes it."""
        claims = {
            "sub": user_id,
            "role": database_role,
            "app_role": role,
            "scope_ids": scope_ids,
            "time_zone": "UTC",
            "fiscal_year_start": "1",
            "context": tenant_id,
            "exp": int(time.time()) + TOKEN_SECONDS,
        }
        return jwt.encode(claims, self._secret, "HS256")

    def normal(self, work: str, answer: Any) -> Any:
        return NORMAL[work](answer)


class TunedPostGraphile(PostGraphile):
    """The same with what its guide does not advise, and what makes it faster: tokens remembered, answers as strings."""

    name = "postgraphile tuned"
    is_tuned = True


def persisted(operation: str, variables: dict[str, Any]) -> bytes:
    """A persisted operation is named, not sent."""
    return json.dumps({"documentId": operation, "variables": variables}, separators=(",", ":")).encode()


async def _install() -> None:
    """Install the packages of the lock file, unless they are there."""
    if NODE.is_file():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise PostGraphileError("PostGraphile is installed by npm, and there is no npm on this machine.")
    process = await asyncio.create_subprocess_exec(npm, "ci", "--no-audit", "--no-fund", cwd=DIRECTORY)
    if await process.wait() or not NODE.is_file():
        raise PostGraphileError(f"npm ci failed in {DIRECTORY}.")


def _amount(value: str) -> str:
    return f"{Decimal(value):.2f}"


def _quantity(value: str) -> str:
    return f"{Decimal(value).normalize():f}"


def _list(data: Any) -> Any:
    return [_invoice(node) for node in data["allInvoices"]["nodes"]]


def _point(data: Any) -> Any:
    return _invoice(data["invoiceByTenantIdAndRowId"])


def _invoice(node: Any) -> Any:
    lines = [
        {
            "description": line["description"],
            "quantity": _quantity(line["quantity"]),
            "unitPrice": _amount(line["unitPrice"]),
            "amount": _amount(line["amount"]),
        }
        for line in node["lines"]["nodes"]
    ]
    return {**node, "total": _amount(node["total"]), "lines": lines}


def _tree(data: Any) -> Any:
    return [
        {
            "name": client["name"],
            "invoices": [
                {
                    "number": invoice["number"],
                    "total": _amount(invoice["total"]),
                    "lines": [{**line, "amount": _amount(line["amount"])} for line in invoice["lines"]["nodes"]],
                }
                for invoice in client["invoices"]["nodes"]
            ],
        }
        for client in data["allClients"]["nodes"]
    ]


def _report(data: Any) -> Any:
    rows = [
        {
            "month": group["keys"][0],
            "status": group["keys"][1],
            "count": int(group["count"]["rowId"]),
            "sum": _amount(group["sum"]["total"]),
        }
        for group in data["allInvoices"]["groupedAggregates"]
    ]
    return sorted(rows, key=lambda row: (row["month"], row["status"]))


def _overdue(data: Any) -> Any:
    return [{**node, "balance": _amount(node["balance"])} for node in data["allInvoices"]["nodes"]]


def _page(data: Any) -> Any:
    return [{**node, "total": _amount(node["total"])} for node in data["allInvoices"]["nodes"]]


NORMAL: Final[dict[str, Callable[[Any], Any]]] = {
    "list": _list,
    "point": _point,
    "tree": _tree,
    "report": _report,
    "overdue": _overdue,
    "page50": _page,
}
