"""Where a worker tells how it is: /metrics, /healthz and /readyz, by the worker's own event loop, so that one that
hangs does not answer."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from time import time
from typing import Final

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send

from gql.worker.figures import Figures

LATE_SECONDS: Final = 300.0
"""Longer than any look takes."""
TEXT: Final = "text/plain; charset=utf-8"


class Teller:
    """The application."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, kind, body = self._answer(scope["path"])
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._figures.registry)
        if path == "/healthz":
            return 200, TEXT, b"ok\n"
        if path == "/readyz":
            is_late = time() - self._figures.looked_at > LATE_SECONDS
            return (503, TEXT, b"has not looked for what is due\n") if is_late else (200, TEXT, b"ok\n")
        return 404, TEXT, b"There are /metrics, /healthz and /readyz.\n"


class _Beside(uvicorn.Server):
    """A server that leaves the signals to the worker."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


@asynccontextmanager
async def telling(figures: Figures, listener: socket.socket) -> AsyncIterator[None]:
    """Answer on this socket during the body."""
    config = uvicorn.Config(
        Teller(figures),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Beside(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
