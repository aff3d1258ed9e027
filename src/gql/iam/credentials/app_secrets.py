"""The secrets of apps: made here, shown once, kept as keyed hashes; and what an app gets for one."""

import re
import secrets
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from gql.database.context import Context
from gql.database.pool import Database, Origin
from gql.engine.calls import call, calling
from gql.engine.statement import Statement, as_text, as_uuid, read_at
from gql.iam.credentials.throttles import Allowances, Throttle
from gql.iam.keys.secrets import Secrets
from gql.iam.tokens.access import IssuedToken, Tokens
from gql.iam.tokens.sessions import told_of

PREFIX: Final = "chs_"
"""By which people, and programs that look for secrets in what is published, know one of ours."""
BYTES: Final = 32
LONGEST: Final = 200
HINT: Final = 4
PURPOSE: Final = "app secret"
WAY: Final = "app"
SIGN_IN: Final = "select * from iam.app_sign_in($1, $2, $3, $4, $5, $6)"
NOTE_REFUSAL: Final = "select iam.app_refused($1, $2, $3, $4)"
NO_APP: Final = UUID(int=0)
ALLOWANCES: Final = Allowances(from_here=30, of_account=None, of_address=120)
"""Many of an app's processes come in at once, and each try counts until it has gone well. Nobody guesses 256 bits: what
is limited is the work that tries make. An app's id is no secret, so that failures elsewhere do not shut the app out."""
_CLIENT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


_CREATE: Final = calling("iam.app_create")
_ROTATE: Final = calling("iam.app_secret_rotate")


class Handed(NamedTuple):
    """An app's new secret, on its way to whoever has asked for it."""

    app_id: UUID
    secret: str


class AppToken(NamedTuple):
    """What an app gets for its secret."""

    access: IssuedToken
    scopes: tuple[str, ...]


class AppUnknown(Exception):
    """There is no such app, or it has no such secret, or may not come in any more. Which of it nobody is told."""


class ScopeBeyond(Exception):
    """The app is known, and has not all of the scopes that it asks for."""


class AppSecrets:
    """Makes secrets and knows them again."""

    def __init__(self, database: Database, throttle: Throttle, keys: Secrets, tokens: Tokens) -> None:
        self._database = database
        self._throttle = throttle
        self._keys = keys
        self._tokens = tokens

    async def create(self, context: Context, origin: Origin, name: str, scopes: Sequence[str]) -> Handed:
        """A new app with its first secret. Raises ApiError as iam.app_create() refuses."""
        read = [read_at(f"input.scopes.{place}", as_text, scope) for place, scope in enumerate(scopes)]
        facts = {"name": read_at("input.name", as_text, name), "scopes": read}
        return await self._hand(_CREATE, context, origin, facts)

    async def rotate(self, context: Context, origin: Origin, app: str, overlap_hours: int | None) -> Handed:
        """A new secret for an app. Raises ApiError as iam.app_secret_rotate() refuses."""
        facts = {"id": read_at("input.id", as_uuid, app), "overlap_hours": overlap_hours}
        return await self._hand(_ROTATE, context, origin, facts)

    async def _hand(self, verb: Statement, context: Context, origin: Origin, facts: dict[str, Any]) -> Handed:
        secret = PREFIX + secrets.token_urlsafe(BYTES)
        given = facts | {"secret_hash": self._hashes(secret)[0].hex(), "hint": secret[-HINT:]}
        return Handed(UUID(await call(self._database, verb, context, origin, given)), secret)

    async def token(self, client_id: str, secret: str, scopes: Sequence[str] | None, origin: Origin) -> AppToken:
        """An access token for the app, to do what these scopes let it, or all that it may.

        Raises AppUnknown, ScopeBeyond; ApiError RATE_LIMITED TOO_MANY_FAILURES before anything is hashed, UNAVAILABLE.
        """
        app_id = UUID(client_id) if _CLIENT_ID.fullmatch(client_id) else NO_APP
        async with self._throttle.trying(WAY, str(app_id), origin, ALLOWANCES):
            hashes = self._hashes(secret[:LONGEST])
            wanted = None if scopes is None else sorted(set(scopes))
            async with self._database.nobody() as connection:
                row = await connection.fetchrow(SIGN_IN, app_id, hashes, wanted, *told_of(origin))
            assert row is not None
            if row["outcome"] == "REFUSED":
                raise AppUnknown
        if row["outcome"] == "BEYOND":
            raise ScopeBeyond
        granted = tuple(row["scopes"])
        return AppToken(self._tokens.issue_to_app(app_id, row["organisation_id"], granted), granted)

    async def note_refusal(self, client_id: str, origin: Origin) -> None:
        """In the log of the app's organisation, or where there is no such app in that of the house. To be done when the
        answer has gone: how long it takes would tell."""
        app_id = UUID(client_id) if _CLIENT_ID.fullmatch(client_id) else NO_APP
        async with self._database.nobody() as connection:
            await connection.execute(NOTE_REFUSAL, app_id, *told_of(origin))

    def _hashes(self, secret: str) -> list[bytes]:
        return self._keys.digests(PURPOSE, secret)
