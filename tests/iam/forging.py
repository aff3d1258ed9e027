"""Tokens as somebody might forge them."""

import base64
import json
from typing import Any, Final
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gql.errors import ApiError, Code
from gql.iam.keys.signing import Keys
from gql.iam.tokens.access import Tokens

ISSUER: Final = "the-house"
AUDIENCE: Final = "its-api"
NOW: Final = 1_790_000_000
USER: Final = UUID("0199a000-0000-7000-8000-00000000000a")
TENANT: Final = UUID("0199a000-0000-7000-8000-00000000000b")
# The same in every process of a run, because names of tests are made of it.
KEYS: Final = Keys.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
HEADER: Final = {"alg": "EdDSA", "typ": "at+jwt", "kid": KEYS.signing_id}
CLAIMS: Final = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": str(USER),
    "tenant_id": str(TENANT),
    "iat": NOW,
    "exp": NOW + 600,
    "jti": "8a3f",
}


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def tokens_at(clock: Clock, keys: Keys = KEYS) -> Tokens:
    """The house's tokens, at the time that the clock tells."""
    return Tokens(keys, issuer=ISSUER, audience=AUDIENCE, clock=clock)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signing_input(header: Any, claims: Any) -> str:
    """The part of a token that is signed."""
    return ".".join(
        base64url(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (header, claims)
    )


def signed(header: Any = HEADER, claims: Any = CLAIMS, key: Ed25519PrivateKey = KEYS.signing) -> str:
    """A token of any content that is truly signed, by default with the house's own key."""
    text = signing_input(header, claims)
    return f"{text}.{base64url(key.sign(text.encode()))}"


def refusal_of(tokens: Tokens, text: str) -> str | None:
    """The reason for which this token is refused; fails where it is believed."""
    with pytest.raises(ApiError) as refusal:
        tokens.verify(text)
    assert refusal.value.code is Code.UNAUTHENTICATED
    return refusal.value.reason
