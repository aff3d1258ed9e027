"""Bearer tokens: who asks, as a signed JSON Web Token says it."""

import time
from typing import Any, Final, NamedTuple

import jwt
from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

REMEMBERED: Final = 4096
"""Verified tokens that are known again: verifying takes 0.1 ms, and a client sends the same one with every request."""


class Claims(NamedTuple):
    """What a token says: the settings of a transaction, in the order of their statement, and until when."""

    settings: tuple[str, ...]
    expires_at: int


SETTINGS: Final = ("role", "sub", "app_role", "scope_ids", "time_zone", "fiscal_year_start", "context")
"""The claims that are told to PostgreSQL."""


class Verifier:
    """Believes the tokens that one key has signed."""

    def __init__(self, public_key: str) -> None:
        key = load_pem_public_key(public_key.encode())
        assert isinstance(key, Ed25519PublicKey)
        self._key = key
        self._verified: LRUCache[str, Claims] = LRUCache(REMEMBERED)

    def verify(self, token: str) -> Claims:
        """What the token says. Raises jwt.InvalidTokenError where it is not valid, or not any more."""
        claims = self._verified.get(token)
        if claims is None:
            found: dict[str, Any] = jwt.decode(token, self._key, ["EdDSA"], options={"require": ["exp", *SETTINGS]})
            claims = Claims(tuple(str(found[name]) for name in SETTINGS), int(found["exp"]))
            self._verified[token] = claims
        if time.time() >= claims.expires_at:
            raise jwt.ExpiredSignatureError
        return claims
