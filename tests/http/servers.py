"""A real server on a real socket, and the people who ask it."""

import asyncio
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn

from gql.app import Application, create_app
from gql.http.joining import JoiningProtocol
from gql.http.serving import Server
from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from tests.harness.tenants import Person, Tenant

GRAPHQL_RESPONSE = "application/graphql-response+json"


@dataclass
class Running:
    """A server that runs, the name PostgreSQL knows it by, its address, and a client that speaks to it."""

    name: str
    app: Application
    settings: Settings
    url: str
    client: httpx.AsyncClient
    server: Server

    def stop(self) -> None:
        """As a signal does."""
        self.server.handle_exit(signal.SIGTERM, None)
        self.server._captured_signals.clear()

    def token(self, person: Person, tenant: Tenant) -> str:
        """What signing in would give this person."""
        return Tokens.from_settings(self.settings).issue(person.user_id, tenant.tenant_id).text

    async def ask(
        self,
        query: str,
        *,
        token: str | None = None,
        accept: str = GRAPHQL_RESPONSE,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """POST a document, as whoever the token is of."""
        headers = {"Accept": accept, **(headers or {})} | ({"Authorization": f"Bearer {token}"} if token else {})
        return await self.client.post("/graphql", json={"query": query, **more}, headers=headers)

    async def send(self, body: bytes, **headers: str) -> httpx.Response:
        """POST these very bytes."""
        given = {"Content-Type": "application/json", "Accept": GRAPHQL_RESPONSE}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/graphql", content=body, headers={k: v for k, v in given.items() if v})


@asynccontextmanager
async def running(settings: Settings, database_url: str, notice: float = 0.0) -> AsyncIterator[Running]:
    """A server on any free port, in this process, for the body."""
    name = f"countinghouse {secrets.token_hex(4)}"
    named = f"{database_url}&application_name={quote(name)}"
    if settings.database_read_url == database_url:
        settings = replace(settings, database_read_url=named)
    app = create_app(settings, named)
    # The protocol is named, or asyncio would leave Nagle's algorithm on and every answer would take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        app,
        http=JoiningProtocol,
        log_config=None,
        lifespan="on",
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    server = Server(config, app.health, notice)
    # Not serve(): signals belong to the test run.
    task = asyncio.create_task(server._serve([listener]))
    try:
        while not server.started:
            await asyncio.sleep(0)
            assert not task.done(), "the server did not start"
        # A client without a memory: each test says itself which cookies it sends.
        forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        async with httpx.AsyncClient(base_url=url, timeout=20, cookies=forgetful) as client:
            yield Running(name, app, settings, url, client, server)
    finally:
        server.should_exit = True
        await task


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and reason of an answer that consists of one error."""
    body = answer.json()
    assert body.keys() == {"errors"}, body
    assert len(body["errors"]) == 1, body
    extensions = body["errors"][0]["extensions"]
    assert extensions["requestId"] == answer.headers["x-request-id"]
    assert body["errors"][0]["message"]
    return answer.status_code, extensions["code"], extensions.get("reason")
