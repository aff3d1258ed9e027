"""The application, and the process that serves it: uvicorn with uvloop and httptools, one worker.

Its settings come as JSON in STOCK_SETTINGS: databaseUrl, publicKey. It says "port N" once it listens.
"""

import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from bench.peers.stock.schema import Context, schema
from bench.peers.stock.session import Session
from bench.peers.stock.tokens import Verifier


class Endpoint(GraphQL[Context, None]):
    """GraphQL for whoever has a valid bearer token."""

    def __init__(self, verifier: Verifier, database_url: str) -> None:
        super().__init__(schema, graphql_ide=None)
        self._verifier = verifier
        self._database_url = database_url
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    @asynccontextmanager
    async def connected(self, app: Starlette) -> AsyncIterator[None]:
        """The application's life, with its connections."""
        async with asyncpg.create_pool(
            self._database_url,
            server_settings={"jit": "off"},
            # Whatever a request sets ends with its transaction: no round trip is needed to take it back.
            reset=_nothing,
        ) as self._pool:
            yield

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise jwt.InvalidTokenError
            claims = self._verifier.verify(token)
        except jwt.InvalidTokenError:
            raise HTTPException(401, "This needs a valid bearer token.") from None
        assert self._pool is not None
        return Context(Session(self._pool, claims))


async def _nothing(connection: object) -> None:
    """Leaves a connection as it is."""


def main() -> None:
    """Serve until a signal says otherwise."""
    settings = json.loads(os.environ["STOCK_SETTINGS"])
    endpoint = Endpoint(Verifier(settings["publicKey"]), settings["databaseUrl"])
    app = Starlette(lifespan=endpoint.connected)
    app.add_route("/graphql", endpoint)  # type: ignore[arg-type]
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"port {listening.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", log_level="warning", access_log=False, lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
