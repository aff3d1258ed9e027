"""The secrets of message channels: a messenger signs what it brings with one, and shows by a token that it was told to.

A signature is HMAC-SHA256 of the body, as the WhatsApp Cloud API sends it: `X-Hub-Signature-256: sha256=<hex>`.
"""

import hmac
from typing import Any, Final, NamedTuple
from uuid import UUID

from gql.database.context import Context
from gql.database.pool import Database, Origin
from gql.engine.calls import call, calling
from gql.engine.statement import as_text, as_uuid, read_at
from gql.errors import ApiError, Code
from gql.iam.keys.secrets import Secrets, new_token, token_hash

PURPOSE: Final = "message channel"
SHORTEST, LONGEST = 16, 200
SIGNATURE: Final = "sha256="
CHANNEL: Final = "select tenant_id, phone_number, encrypted_secret, verify_hash from iam.message_channel_of($1)"


_CREATE: Final = calling("iam.message_channel_create")
_UPDATE: Final = calling("iam.message_channel_update")


class Channel(NamedTuple):
    """A channel, and by what is known that something comes from there."""

    tenant_id: UUID
    phone_number: str
    secret: str
    verify_hash: bytes

    def has_signed(self, body: bytes, signature: str) -> bool:
        """Whether the messenger has signed these bytes."""
        expected = SIGNATURE + hmac.new(self.secret.encode(), body, "sha256").hexdigest()
        return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))

    def was_told(self, token: str) -> bool:
        """Whether this is the token that its settings were given."""
        return hmac.compare_digest(self.verify_hash, token_hash(token))


class ChannelSecrets:
    """Keeps secrets so that only the house can read them, and finds them again."""

    def __init__(self, database: Database, secrets: Secrets) -> None:
        self._database = database
        self._secrets = secrets

    async def create(self, context: Context, origin: Origin, phone_number: str, app_secret: str) -> tuple[UUID, str]:
        """A new channel: its id, and the token for the messenger's settings. Raises ApiError as
        iam.message_channel_create() refuses, and BAD_USER_INPUT SECRET_INVALID."""
        token = new_token()
        facts = {
            "phone_number": read_at("input.phoneNumber", as_text, phone_number),
            "encrypted_secret": self._encrypted(app_secret),
            "verify_hash": token_hash(token).hex(),
        }
        return UUID(await call(self._database, _CREATE, context, origin, facts)), token

    async def update(
        self, context: Context, origin: Origin, channel: str, app_secret: str | None, is_active: bool | None
    ) -> UUID:
        """Another secret for a channel, or whether it takes anything. Raises ApiError as
        iam.message_channel_update() refuses, and BAD_USER_INPUT SECRET_INVALID."""
        facts: dict[str, Any] = {"id": read_at("input.id", as_uuid, channel), "is_active": is_active}
        if app_secret is not None:
            facts["encrypted_secret"] = self._encrypted(app_secret)
        return UUID(await call(self._database, _UPDATE, context, origin, facts))

    async def channel(self, channel_id: UUID) -> Channel | None:
        """The channel of that id; None where there is none, or it takes nothing. Raises ApiError UNAVAILABLE."""
        row = await self._database.ask(CHANNEL, channel_id)
        if row is None:
            return None
        tenant_id, phone_number, encrypted, verify_hash = row
        return Channel(tenant_id, phone_number, self._secrets.decrypt(PURPOSE, encrypted), verify_hash)

    def _encrypted(self, app_secret: str) -> str:
        if not (SHORTEST <= len(app_secret) <= LONGEST and app_secret.isascii() and app_secret.isprintable()):
            sentence = f"A secret has {SHORTEST} to {LONGEST} letters and digits, from the messenger's settings."
            raise ApiError(Code.BAD_USER_INPUT, sentence, reason="SECRET_INVALID", field="input.appSecret")
        return self._secrets.encrypt(PURPOSE, app_secret)
