"""Access tokens: JSON Web Tokens that say who somebody is and in which organisation, for ten minutes.

What the person may do there is not in them: it is asked of the database (see `principals`). An app's says what it was
asked for, of which the database still lets the app do what it may at that time.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import jwt
from cachetools import LRUCache

from gql.errors import ApiError, Code
from gql.iam.keys.signing import Keys
from gql.settings import Settings

ALGORITHM: Final = "EdDSA"
TYPE: Final = "at+jwt"
LIFE_SECONDS: Final = 600
LEEWAY_SECONDS: Final = 30
"""How far the clocks of two servers of one house may be apart."""
TENANT: Final = "tenant_id"
SESSION: Final = "sid"
CLIENT: Final = "client_id"
"""The claims of RFC 9068 by which a token is an app's and no person's."""
SCOPE: Final = "scope"
REQUIRED: Final = ("exp", "iat", "iss", "aud", "sub", "jti", TENANT)
REMEMBERED: Final = 4096
LONGEST: Final = 2048

# The last character of 64 bytes in base64 has four bits that mean nothing; they must be zero, and no padding or stray
# character is skipped, so that one token has one text.
_FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]\Z", re.ASCII)
# Everything else that a header may say (jku, x5u, x5c, jwk, crit, b64, zip) would have us fetch or believe something.
_HEADER: Final = frozenset({"alg", "typ", "kid"})


class IssuedToken(NamedTuple):
    """A token, and when it expires (UTC)."""

    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token says: the person, the organisation, until when we believe it (seconds since 1970), and the
    session that it is of, if any. An app stands in the person's place, and has `scopes`."""

    user_id: UUID
    tenant_id: UUID
    good_until: float
    session_id: UUID | None = None
    scopes: tuple[str, ...] | None = None


class Tokens:
    """Issues tokens and verifies them. `clock` tells seconds since 1970."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        # Only what was verified: verifying takes 0.1 ms, and a client sends the same token with every request.
        self._verified: LRUCache[str, Identity] = LRUCache(REMEMBERED)
        self._verified_by = keys.changes

    @classmethod
    def from_settings(cls, settings: Settings) -> "Tokens":
        """Tokens with the keys and names of the settings. Raises SettingsError where there is no usable key."""
        return cls(Keys.from_settings(settings), issuer=settings.issuer, audience=settings.audience)

    def issue(self, user_id: UUID, tenant_id: UUID, session_id: UUID | None = None) -> IssuedToken:
        """A token for this person in this organisation; of a session, with which it ends, or of none."""
        return self._issue(user_id, tenant_id, {SESSION: str(session_id)} if session_id is not None else {})

    def issue_to_app(self, app_id: UUID, tenant_id: UUID, scopes: Sequence[str]) -> IssuedToken:
        """A token for this app in this organisation, to do what these scopes let it."""
        return self._issue(app_id, tenant_id, {CLIENT: str(app_id), SCOPE: " ".join(scopes)})

    def _issue(self, subject: UUID, tenant_id: UUID, more: dict[str, str]) -> IssuedToken:
        issued_at = int(self._clock())
        expires_at = issued_at + LIFE_SECONDS
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(subject),
            TENANT: str(tenant_id),
            "iat": issued_at,
            "exp": expires_at,
            "jti": str(uuid4()),
            **more,
        }
        header = {"typ": TYPE, "kid": self._keys.signing_id}
        text = jwt.encode(claims, self._keys.signing, ALGORITHM, headers=header)
        return IssuedToken(text, datetime.fromtimestamp(expires_at, UTC))

    def verify(self, text: str) -> Identity:
        """Who the token is for.

        Raises ApiError UNAUTHENTICATED: TOKEN_EXPIRED for one of ours whose time is over, TOKEN_INVALID for any other.
        """
        if self._verified_by != self._keys.changes:  # a key may be gone
            self._verified.clear()
            self._verified_by = self._keys.changes
        try:
            identity = self._verified[text]
        except KeyError:
            identity = self._verified[text] = self._identity(self._claims(text))
        if self._clock() >= identity.good_until:
            del self._verified[text]
            raise expired()
        return identity

    def _claims(self, text: str) -> dict[str, Any]:
        """The claims of a token that one of our keys has signed. Of these, issuer and audience are judged."""
        if len(text) > LONGEST or not _FORM.match(text):
            raise invalid()
        try:
            header = jwt.get_unverified_header(text)
            if header.keys() != _HEADER or (header["alg"], header["typ"]) != (ALGORITHM, TYPE):
                raise invalid()
            key = self._keys.find(header["kid"])
            if key is None:
                raise invalid()
            return jwt.decode(
                text,
                key,
                [ALGORITHM],
                # Times are judged below, and again whenever the token is met.
                options={"require": list(REQUIRED), "strict_aud": True, "verify_exp": False, "verify_iat": False},
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
            raise invalid() from None

    def _identity(self, claims: dict[str, Any]) -> Identity:
        issued_at, expires_at = claims["iat"], claims["exp"]
        if not (_is_whole(issued_at) and _is_whole(expires_at)):
            raise invalid()
        # No longer than we give: a slip in what issues them would otherwise last for years.
        if not issued_at < expires_at <= issued_at + LIFE_SECONDS or issued_at > self._clock() + LEEWAY_SECONDS:
            raise invalid()
        if not isinstance(claims["jti"], str) or not claims["jti"]:
            raise invalid()
        session_id = _uuid(claims[SESSION]) if SESSION in claims else None
        scopes = _scopes(claims)
        return Identity(_uuid(claims["sub"]), _uuid(claims[TENANT]), expires_at + LEEWAY_SECONDS, session_id, scopes)


def _scopes(claims: dict[str, Any]) -> tuple[str, ...] | None:
    """An app's scopes; None for a person, who has neither of its claims."""
    if CLIENT not in claims and SCOPE not in claims:
        return None
    scope = claims.get(SCOPE)
    if claims.get(CLIENT) != claims["sub"] or SESSION in claims or not isinstance(scope, str):
        raise invalid()
    return tuple(scope.split())


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


def _uuid(value: object) -> UUID:
    """The id, in the one form that we write."""
    if isinstance(value, str):
        try:
            found = UUID(value)
        except ValueError:
            raise invalid() from None
        if str(found) == value:
            return found
    raise invalid()


def expired() -> ApiError:
    return ApiError(Code.UNAUTHENTICATED, "Your access token has expired. Sign in again.", reason="TOKEN_EXPIRED")


def invalid() -> ApiError:
    """One sentence for all faults: which one it was helps only who forges."""
    return ApiError(
        Code.UNAUTHENTICATED,
        "This access token is not valid here. Sign in, and send the token as it was given to you.",
        reason="TOKEN_INVALID",
    )
