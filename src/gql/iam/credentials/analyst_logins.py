"""Logins of analysts: secrets that are shown once, and what PostgreSQL is told of them."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlunsplit
from uuid import UUID

from gql.database.context import Context
from gql.database.pool import Database, Origin, Transaction
from gql.places import parts_of, places_of

SECRET_BYTES: Final = 32
ITERATIONS: Final = 4096
"""PostgreSQL's own number. More would slow down guessing, which 256 random bits leave no room for."""
SALT_BYTES: Final = 16

CREATE: Final = "iam.analyst_create"
ROTATE: Final = "iam.analyst_secret_rotate"
USER: Final = "select login from iam.analysts where tenant_id = $1::text::uuid and id = $3::text::uuid"
AGREED: Final = "core.tenant_id() = $1::text::uuid and core.context() = $2::text"
"""As the engine writes it: a statement has no row where the connection stands elsewhere."""


class Login(NamedTuple):
    """With what an analyst comes in. The secret is nowhere else, and is not shown again."""

    id: UUID
    user: str
    secret: str
    host: str
    port: int
    database: str
    url: str


class AnalystLogins:
    """Makes logins and gives them secrets. `address` is where analysts connect to: the database's, or a replica's."""

    def __init__(self, database: Database, address: str) -> None:
        self._database = database
        self._address, self._places = parts_of(address), places_of(address)

    async def create(self, context: Context, origin: Origin, facts: Mapping[str, Any]) -> Login:
        """A new login of the caller's organisation: its label, and if wanted its limits.

        Raises ApiError: FORBIDDEN, BAD_USER_INPUT for limits out of range, CONFLICT for a label that is taken or too
        many connections.
        """
        return await self._with_secret(CREATE, context, origin, facts)

    async def rotate(self, context: Context, origin: Origin, facts: Mapping[str, Any]) -> Login:
        """Another secret for the login with this `id`; and, if given, another end.

        Raises ApiError: FORBIDDEN, NOT_FOUND, CONFLICT for one that was revoked.
        """
        return await self._with_secret(ROTATE, context, origin, facts)

    async def _with_secret(self, function: str, context: Context, origin: Origin, facts: Mapping[str, Any]) -> Login:
        secret = secrets.token_urlsafe(SECRET_BYTES)
        known = (context.tenant_text, context.fingerprint)
        given = json.dumps({**facts, "verifier": scram_verifier(secret)})

        async def once(transaction: Transaction) -> tuple[str, str]:
            made = await transaction.fetch(f"select {function}($3::text::jsonb)::text where {AGREED}", (*known, given))
            return made, await transaction.fetch(f"{USER} and {AGREED}", (*known, made))

        made, user = await self._database.carry_out(context, origin, once)
        return self._login(UUID(made), user, secret)

    def _login(self, made: UUID, user: str, secret: str) -> Login:
        address = self._address
        place = address.netloc.rpartition("@")[2]
        return Login(
            made,
            user,
            secret,
            self._places[0].host,
            self._places[0].port,
            address.path.removeprefix("/"),
            urlunsplit(address._replace(scheme="postgresql", netloc=f"{user}:{secret}@{place}")),
        )


def scram_verifier(secret: str, salt: bytes | None = None) -> str:
    """What PostgreSQL keeps of a password in place of it (RFC 5802, RFC 7677): with it one can see that somebody knows
    the password, and not come in. The secret is ASCII, which SASLprep leaves as it is."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode("ascii"), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
