"""Key sets of other houses: the public keys (JWKS, RFC 7517) with which an issuer's tokens are verified.

They are fetched when a token first needs them, and again when they have grown old or a token names a key that they do
not have, so that an issuer may change its keys at any time. How often is bounded, whoever sends what.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import jwt
from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gql.errors import ApiError, Code
from gql.iam.issuers.fetching import Fetcher, FetchError

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 600.0
"""For how long keys are used without asking again: an issuer that takes a key back is heard within this time."""
AGAIN_SECONDS: Final = 30.0
"""How long one issuer is left alone after it was asked, whatever tokens come."""
STALE_SECONDS: Final = 3600.0
"""For how long keys are used while the issuer is away."""
REMEMBERED: Final = 1000
MOST_KEYS: Final = 50
LONGEST_KEY_ID: Final = 255
DISCOVERY: Final = "/.well-known/openid-configuration"

READS: Final[Mapping[str, Callable[[dict[str, Any]], object]]] = {
    "RS256": RSAAlgorithm.from_jwk,
    "ES256": ECAlgorithm.from_jwk,
    "EdDSA": OKPAlgorithm.from_jwk,
}

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
Keys: TypeAlias = Mapping[tuple[str, str], PublicKey]
"""By id and algorithm. A key has the one algorithm of its type, so that no token can choose another for it."""


class Source(NamedTuple):
    """Whose keys: the issuer, and where they are; where that is not said, the issuer's discovery document tells."""

    issuer: str
    jwks_url: str | None = None


@dataclass(slots=True)
class _Kept:
    keys: Keys = field(default_factory=dict)
    fetched_at: float = float("-inf")
    asked_at: float = float("-inf")


class KeySets:
    """The keys of issuers, by source. `clock` tells seconds."""

    def __init__(self, fetcher: Fetcher, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._kept: LRUCache[Source, _Kept] = LRUCache(REMEMBERED)
        self._asking: dict[Source, asyncio.Task[None]] = {}

    def close(self) -> None:
        """Wait for nothing any more."""
        for asking in self._asking.values():
            asking.cancel()
        self._fetcher.close()

    async def key(self, source: Source, key_id: str, algorithm: str) -> PublicKey | None:
        """The key of this id for this algorithm; None where the issuer has none.

        Raises ApiError UNAVAILABLE, reason ISSUER_AWAY, where the issuer cannot be asked and what is known is too old.
        """
        wanted = (key_id, algorithm)
        kept = self._kept.get(source)
        if kept is None:
            kept = self._kept[source] = _Kept()
        now = self._clock()
        if (now - kept.fetched_at > FRESH_SECONDS or wanted not in kept.keys) and (
            now - kept.asked_at > AGAIN_SECONDS or source in self._asking
        ):
            await self._ask(source, kept)
        is_away = kept.asked_at > kept.fetched_at
        if self._clock() - kept.fetched_at > STALE_SECONDS or (is_away and wanted not in kept.keys):
            raise ApiError(
                Code.UNAVAILABLE,
                "The keys of the issuer of this token cannot be had at present. Try again shortly; if it lasts, see "
                "whether its addresses answer.",
                reason="ISSUER_AWAY",
            )
        return kept.keys.get(wanted)

    async def _ask(self, source: Source, kept: _Kept) -> None:
        """Fetch the keys, or wait for whoever is fetching them already. What goes wrong is noted, and no more."""
        asking = self._asking.get(source)
        if asking is None:
            asking = self._asking[source] = asyncio.create_task(self._fetch(source, kept))
            asking.add_done_callback(lambda _: self._asking.pop(source, None))
        await asyncio.shield(asking)

    async def _fetch(self, source: Source, kept: _Kept) -> None:
        asked_at = kept.asked_at = self._clock()
        try:
            address = source.jwks_url or await self._discovered(source.issuer)
            kept.keys = keys_in(await self._fetcher.json(address))
            kept.fetched_at = asked_at
        except FetchError as error:
            log.warning("the keys of %s could not be fetched: its address %s", source.issuer, error)

    async def _discovered(self, issuer: str) -> str:
        """Where the issuer says that its keys are. It must be the issuer that it says it is."""
        found = await self._fetcher.json(issuer.rstrip("/") + DISCOVERY)
        if not isinstance(found, dict) or found.get("issuer") != issuer:
            raise FetchError("is that of another issuer")
        address = found.get("jwks_uri")
        if not isinstance(address, str):
            raise FetchError("says nothing of keys")
        return address


def keys_in(document: Any) -> Keys:
    """The keys of a set that verify signatures and are of a kind that we use; others are passed over.

    Raises FetchError where there is none.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise FetchError(f"is no set of at most {MOST_KEYS} keys")
    found: dict[tuple[str, str], PublicKey] = {}
    for each in listed:
        key_id = each.get("kid") if isinstance(each, dict) else None
        if not isinstance(key_id, str) or not 0 < len(key_id) <= LONGEST_KEY_ID:
            continue
        read = _key(each)
        if read is not None:
            algorithm, key = read
            # The first of an id: one that comes later takes nobody's place.
            found.setdefault((key_id, algorithm), key)
    if not found:
        raise FetchError("has no key with an id that is RSA of 2048 to 4096 bits, P-256 or Ed25519")
    return found


def _key(member: dict[str, Any]) -> tuple[str, PublicKey] | None:
    """A key with the algorithm of its type; None for one that is not for us."""
    match member.get("kty"), member.get("crv"):
        case "RSA", _:
            algorithm = "RS256"
        case "EC", "P-256":
            algorithm = "ES256"
        case "OKP", "Ed25519":
            algorithm = "EdDSA"
        case _:
            return None
    # Its public half, whatever else is there.
    public: dict[str, Any] = {name: member[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in member}
    try:
        is_for_us = (
            member.get("use", "sig") == "sig"
            and member.get("alg", algorithm) in (algorithm, member.get("crv"))
            and "verify" in member.get("key_ops", ["verify"])
        )
        key = READS[algorithm](public) if is_for_us else None
    except (jwt.InvalidKeyError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAPublicKey) and not (
        2048 <= key.key_size <= 4096 and key.public_numbers().e < 2**32  # a larger one only makes us work
    ):
        return None
    return (algorithm, key) if isinstance(key, PublicKey) else None
