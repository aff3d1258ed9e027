"""Signing up as strangers do: through the public mutations, with a code that comes by mail."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.load import ask
from bench.peers.ours import Ours

ASK: Final = "mutation Ask($input: SignUpInput!) { signUp(input: $input) { signUp } }"
CONFIRM: Final = "mutation Confirm($input: SignUpConfirmInput!) { signUpConfirm(input: $input) { accessToken } }"
PATIENCE_SECONDS: Final = 30


@dataclass
class MailBox:
    """A mail server that keeps the code of each address."""

    port: int = 0

    def __post_init__(self) -> None:
        self._codes: dict[str, asyncio.Future[str]] = {}

    def expect(self, address: str) -> "asyncio.Future[str]":
        """The code that will come to this address."""
        code = self._codes[address] = asyncio.get_running_loop().create_future()
        return code

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content: Any = envelope.content
        found = re.search(rb"\b[0-9]{6}\b", content.partition(b"\r\n\r\n")[2])
        for address in envelope.rcpt_tos:
            if found is not None and address in self._codes:
                self._codes.pop(address).set_result(found[0].decode())
        return "250 OK"


@asynccontextmanager
async def mail_box() -> AsyncIterator[MailBox]:
    """A mail server on any free port of this machine, for the body."""
    box = MailBox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, hostname="localhost"), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@dataclass(frozen=True)
class Newcomer:
    """Who has asked for an organisation and been sent the code."""

    ours: Ours
    sign_up: str
    code: str
    asked_ms: float

    async def confirm(self) -> tuple[str, float]:
        """Give the code back, which makes account, organisation and database role. The access token, and how long it
        took in milliseconds."""
        begun = time.perf_counter()
        data = await _answer(self.ours, CONFIRM, {"signUp": self.sign_up, "code": self.code})
        return data["signUpConfirm"]["accessToken"], (time.perf_counter() - begun) * 1000


async def newcomer(ours: Ours, box: MailBox, admin: asyncpg.Connection, number: int) -> Newcomer:
    """Ask for an account and an organisation. One address of the network may not do that as often as is measured here,
    so that what was counted of it is forgotten each time."""
    await admin.execute("delete from iam.throttles")
    address = f"newcomer{number}@example.org"
    coming = box.expect(address)
    begun = time.perf_counter()
    # A name before those of the other tenants, which are filled with books by their short names.
    organisation = {"name": f"A newcomer {number}", "country": "IE", "currency": "EUR"}
    data = await _answer(ours, ASK, {"name": "A newcomer", "email": address, "organisation": organisation})
    asked_ms = (time.perf_counter() - begun) * 1000
    code = await asyncio.wait_for(coming, PATIENCE_SECONDS)
    return Newcomer(ours, data["signUp"]["signUp"], code, asked_ms)


async def _answer(ours: Ours, document: str, given: dict[str, Any]) -> dict[str, Any]:
    _, body = await ask(ours.port, ours.posted(document, {"input": given}))
    answer: dict[str, Any] = json.loads(body)
    if answer.get("errors"):
        raise RuntimeError(f"This is no answer: {body[:600]!r}")
    data: dict[str, Any] = answer["data"]
    return data
