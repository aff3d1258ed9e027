"""Countinghouse itself, as it is served in production: with its own settings, the size of its pools among them."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.documents import document, normal, variables
from bench.peers.peer import Peer, Place
from bench.peers.processes import free_port, start_server, stop_server
from bench.works import Facts
from gql.iam.tokens.access import IssuedToken, Tokens
from gql.settings import Settings

PROGRAM: Final = Path(sys.executable).with_name("countinghouse")
RENEWED_BEFORE: Final = timedelta(minutes=5)
"""A token that is left less time than this is not used for another round."""


class Ours(Peer):
    """One process of `countinghouse serve`."""

    name = "countinghouse"

    def __init__(
        self, place: Place, facts: list[Facts], directory: Path, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(place, facts)
        self._directory = directory.absolute()
        self._process: asyncio.subprocess.Process | None = None
        self._issued: dict[tuple[str, str], IssuedToken] = {}
        key_file = self._directory / "signing.pem"
        if not key_file.exists():
            self._directory.mkdir(parents=True, exist_ok=True)
            key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(key)
        self._settings = {
            "COUNTINGHOUSE_ENVIRONMENT": "production",
            "COUNTINGHOUSE_DATABASE_URL": place.api_url,
            "COUNTINGHOUSE_DATA_DIR": str(self._directory / "data"),
            "COUNTINGHOUSE_SIGNING_KEY_FILE": str(key_file),
            **settings,
        }
        self._tokens = Tokens.from_settings(Settings.from_environment(self._settings))

    async def start(self) -> None:
        self.port = free_port()
        settings = {**self._settings, "COUNTINGHOUSE_PORT": str(self.port)}
        self._process = await start_server([PROGRAM, "serve"], self.port, settings, self._directory / "ours.log")

    async def stop(self) -> None:
        if self._process is not None:
            await stop_server(self._process)

    @property
    def process_ids(self) -> list[int]:
        return [self._process.pid] if self._process is not None else []

    async def request(self, work: str, tenant: Facts, number: int) -> bytes:
        return self.posted(document(work), variables(work, tenant, number), self.token(tenant))

    def posted(self, document: str, variables: Any, token: str | None = None) -> bytes:
        """The bytes of a request, as whoever the token is of."""
        body = json.dumps({"query": document, "variables": variables}).encode()
        return b"%sContent-Length: %d\r\n\r\n%s" % (self.head(token), len(body), body)

    def head(self, token: str | None = None) -> bytes:
        """The head of such a request, short of the length."""
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        return (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{bearer}"
            "Content-Type: application/json\r\nAccept: application/json\r\n"
        ).encode()

    def token_of(self, user_id: str, tenant_id: str, session_id: str) -> str:
        """A new token of somebody's session."""
        return self._tokens.issue(UUID(user_id), UUID(tenant_id), UUID(session_id)).text

    def normal(self, work: str, answer: Any) -> Any:
        return normal(work, answer)

    def token(self, tenant: Facts, user_id: str | None = None) -> str:
        """The token of a person in a tenant; of the one whom its facts name unless another is said."""
        who = (tenant.tenant_id, user_id or tenant.user_id)
        issued = self._issued.get(who)
        if issued is None or issued.expires_at - datetime.now(UTC) < RENEWED_BEFORE:
            issued = self._issued[who] = self._tokens.issue(UUID(who[1]), UUID(who[0]))
        return issued.text
