"""An OpenID provider on this machine: it serves its keys over HTTP and signs real tokens."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS: Final = "/keys"


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> RSAPrivateKey:
    """A key, the same for each number."""
    return generate_private_key(65537, bits)


def public_jwk(key_id: str, key: PrivateKey) -> dict[str, Any]:
    """The public half, as a key set has it."""
    writes: Any = {RSAPrivateKey: RSAAlgorithm, EllipticCurvePrivateKey: ECAlgorithm, Ed25519PrivateKey: OKPAlgorithm}
    [algorithm] = [each for kind, each in writes.items() if isinstance(key, kind)]
    jwk: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": key_id, "use": "sig", "key_ops": ["verify"]}


def algorithm_of(key: PrivateKey) -> str:
    return {True: "RS256", False: "ES256" if isinstance(key, EllipticCurvePrivateKey) else "EdDSA"}[
        isinstance(key, RSAPrivateKey)
    ]


@dataclass
class Issuer:
    """A provider that runs. What it answers may be changed at any time."""

    url: str
    keys: dict[str, PrivateKey] = field(default_factory=lambda: {"first": rsa_key()})
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for, in order."""
    hosts: list[str] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    """What stands at a path in place of what is right."""
    status: str = "200 OK"
    headers: str = ""
    delay: float = 0.0
    is_away: bool = False
    waiting: int = 0
    most_waiting: int = 0
    """How many requests were under way at once."""

    @property
    def jwks_url(self) -> str:
        return self.url + KEYS

    def body(self, path: str) -> bytes:
        if path in self.documents:
            return self.documents[path]
        if path == DISCOVERY:
            return json.dumps({"issuer": self.url, "jwks_uri": self.jwks_url}).encode()
        return json.dumps({"keys": [public_jwk(key_id, key) for key_id, key in self.keys.items()]}).encode()

    def token(self, *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A token with these claims that lives for five minutes; a claim that is None is left out."""
        now = int(time.time())
        said = {"iss": self.url, "sub": "ada", "iat": now, "exp": now + 300, **claims}
        key_id = (header or {}).get("kid", next(iter(self.keys)))
        key = key or self.keys.get(key_id) or next(iter(self.keys.values()))
        whole = {"kid": key_id, "alg": algorithm_of(key) if not isinstance(key, str | bytes) else "HS256"} | (
            header or {}
        )
        algorithm = whole.pop("alg")
        said = {name: value for name, value in said.items() if value is not None}
        headers = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(said, key, algorithm, headers=headers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = request.split(" ", 2)[1]
            self.asked.append(path)
            self.hosts += [line[6:] for line in request.split("\r\n") if line.lower().startswith("host: ")]
            self.waiting += 1
            self.most_waiting = max(self.waiting, self.most_waiting)
            await asyncio.sleep(self.delay)
            self.waiting -= 1
            if not self.is_away:
                body = self.body(path)
                head = (
                    f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{self.headers}\r\n"
                )
                writer.write(head.encode() + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def curve_key() -> EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@asynccontextmanager
async def an_issuer(tls: ssl.SSLContext | None = None, path: str = "") -> AsyncIterator[Issuer]:
    """A provider on any free port of this machine, for the body. Its address is the port's and this path."""
    issuer = Issuer("")
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    issuer.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"
    try:
        yield issuer
    finally:
        server.close()
        await server.wait_closed()
