"""Tokens that another house has issued: JSON Web Tokens (RFC 7519) under keys of its own.

What a token says of itself is believed of nothing but which issuer and key to try. The key is one that the issuer's own
key set has, and the algorithm that of the key's type; a header that names an address or brings a key along is refused.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import jwt

from gql.iam.addresses import is_storable
from gql.iam.issuers.key_sets import LONGEST_KEY_ID, KeySets, Source

LONGEST: Final = 8192
LONGEST_SUBJECT: Final = 255
LEEWAY_SECONDS: Final = 60
"""How far the clock of another house may be from ours."""
ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA"})
TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
# They would have us fetch, believe or unpack something that the token brings along.
LEADING: Final = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"})
REQUIRED: Final = ("exp", "iat", "iss", "aud", "sub")

Claims = Mapping[str, Any]


class NotBelieved(Exception):
    """The token proves nothing here."""


class Expired(NotBelieved):
    """It did once, and its time is over."""


class Seen(NamedTuple):
    """What stands in a token. Nothing of it has been verified."""

    text: str
    header: Mapping[str, Any]
    claims: Claims


def look_at(text: str) -> Seen:
    """Read a token without believing it. Raises NotBelieved where it is none."""
    if len(text) > LONGEST:
        raise NotBelieved
    try:
        found = jwt.decode_complete(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise NotBelieved from None
    return Seen(text, found["header"], found["payload"])


class ForeignTokens:
    """Verifies tokens of other houses. `clock` tells seconds since 1970."""

    def __init__(self, key_sets: KeySets, *, clock: Callable[[], float] = time.time) -> None:
        self._key_sets = key_sets
        self._clock = clock

    async def verify(
        self, seen: Seen, source: Source, audience: str, *, issuer: str, longest_life: int, oldest: int | None = None
    ) -> Claims:
        """The claims of a token that this issuer has issued for this audience.

        `longest_life` is how many seconds a token may live at most, `oldest` how long ago it may have been issued.
        Raises NotBelieved, and Expired for one that is right and too old; ApiError UNAVAILABLE, reason ISSUER_AWAY.
        """
        key_id, algorithm = _named_key(seen.header)
        key = await self._key_sets.key(source, key_id, algorithm)
        if key is None:
            raise NotBelieved
        try:
            claims: Claims = jwt.decode(
                seen.text,
                key,
                [algorithm],
                # Times are judged below.
                options={
                    "require": list(REQUIRED),
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
                audience=audience,
                issuer=issuer,
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise NotBelieved from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject or not is_storable(subject, LONGEST_SUBJECT):
            raise NotBelieved
        self._judge_times(claims, longest_life, oldest)
        return claims

    def _judge_times(self, claims: Claims, longest_life: int, oldest: int | None) -> None:
        issued_at, expires_at = _moment(claims["iat"]), _moment(claims["exp"])
        begins_at = _moment(claims["nbf"]) if "nbf" in claims else issued_at
        now = self._clock()
        if max(issued_at, begins_at) > now + LEEWAY_SECONDS or not issued_at < expires_at <= issued_at + longest_life:
            raise NotBelieved
        if now >= expires_at + LEEWAY_SECONDS or (oldest is not None and now >= issued_at + oldest + LEEWAY_SECONDS):
            raise Expired


def _named_key(header: Mapping[str, Any]) -> tuple[str, str]:
    """The id of the key, and the algorithm. Raises NotBelieved for a header that wants anything else of us."""
    key_id, algorithm, kind = header.get("kid"), header.get("alg"), header.get("typ", "JWT")
    if not LEADING.isdisjoint(header) or not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise NotBelieved
    if not isinstance(key_id, str) or not 0 < len(key_id) <= LONGEST_KEY_ID:
        raise NotBelieved
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise NotBelieved
    return key_id, algorithm


def _moment(value: object) -> float:
    """Seconds since 1970. Raises NotBelieved."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40 or math.isnan(value):
        raise NotBelieved
    return float(value)
