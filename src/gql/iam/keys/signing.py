"""The keys of access tokens: one that signs, and those whose signatures are believed.

They stand in one file in PEM, the newest first. `countinghouse key rotate signing` writes a new one above the others,
and running servers follow the file. A key that another has taken the place of is believed for as long as the last token
that it signed lives, and then never again, whether it still stands there or not.
"""

import base64
import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gql.iam.keys.files import ALWAYS, Followed, in_use_from, make_once
from gql.settings import Settings, SettingsError

log = logging.getLogger(__name__)

DIRECTORY: Final = "keys"
SIGNING_KEY: Final = "signing.pem"
OVERLAP_SECONDS: Final = 660.0
"""As long as the last token of a key is believed: its life, and by how much the clocks of two servers may differ."""
BLOCK: Final = re.compile(r"-----BEGIN (?P<what>[A-Z ]+)-----.*?-----END (?P=what)-----\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Key:
    """A key by its id. Without its private half it is only believed."""

    id: str
    public: Ed25519PublicKey
    private: Ed25519PrivateKey | None
    in_use_from: float = ALWAYS

    @classmethod
    def of(cls, key: Ed25519PrivateKey | Ed25519PublicKey, since: float = ALWAYS) -> "Key":
        """The key with its id."""
        if isinstance(key, Ed25519PublicKey):
            return cls(key_id(key), key, None, since)
        public = key.public_key()
        return cls(key_id(public), public, key, since)


class Keys:
    """The key that signs at present, and every key that is believed. `clock` tells seconds since 1970."""

    def __init__(
        self,
        ring: Sequence[Key],
        *,
        followed: Followed[list[Key]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ring = tuple(ring)
        self._followed = followed
        self._clock = clock
        self.changes = 0
        """How often the file has changed: what was believed before has to be looked at again."""

    @classmethod
    def of(cls, signing: Ed25519PrivateKey, *older: Ed25519PublicKey) -> "Keys":
        """The set of these keys."""
        return cls([Key.of(signing), *map(Key.of, older)])

    @classmethod
    def from_settings(cls, settings: Settings, *, clock: Callable[[], float] = time.time) -> "Keys":
        """The keys of the settings: the file that they name, or one made at its first use in the data directory.

        Raises SettingsError where a file holds no Ed25519 key, or the directory cannot be written.
        """
        directory, path = settings.data_dir / DIRECTORY, signing_key_file(settings)

        def older() -> list[Path]:
            return [each for each in sorted(directory.glob("*.pem")) if each.name != SIGNING_KEY]

        try:
            if settings.signing_key_file is None:
                make_signing_key(directory)
            followed = Followed(
                lambda: [path, *older()], lambda: [*keys_in(path), *(Key.of(_public_key(each)) for each in older())]
            )
        except OSError as error:
            raise SettingsError([f"The signing key cannot be read or made: {error}."]) from error
        return cls(followed.content, followed=followed, clock=clock)

    @property
    def signing(self) -> Ed25519PrivateKey:
        """The private key that signs."""
        private = self._signer().private
        assert private is not None
        return private

    @property
    def signing_id(self) -> str:
        """Its id."""
        return self._signer().id

    @property
    def believed(self) -> Mapping[str, Ed25519PublicKey]:
        """Every key that is believed, by its id."""
        now = self._clock()
        return {key.id: key.public for key, until in with_ends(self.ring) if now < until}

    def find(self, key_id: str) -> Ed25519PublicKey | None:
        """The key of this id, if it is believed. The file is looked at where it is not known."""
        return self.believed.get(key_id) or (self.believed.get(key_id) if self.reread() else None)

    def public_set(self) -> dict[str, list[dict[str, str]]]:
        """The public halves of all keys that are believed, as others look them up (RFC 7517)."""
        return {
            "keys": [
                {**_members(key), "kid": name, "alg": "EdDSA", "use": "sig"} for name, key in self.believed.items()
            ]
        }

    def reread(self) -> bool:
        """Whether the file has changed, and its keys are ours now. Keys that cannot be read change nothing."""
        if self._followed is None:
            return False
        try:
            if not self._followed.has_changed():
                return False
        except (OSError, SettingsError) as problem:
            log.error("the signing keys cannot be read, and stay as they were: %s", problem)
            return False
        self.ring = tuple(self._followed.content)
        self.changes += 1
        return True

    def _signer(self) -> Key:
        """The newest that is in use; where none is yet, the last."""
        now = self._clock()
        private = [key for key in self.ring if key.private is not None]
        return next((key for key in private if key.in_use_from <= now), private[-1])


def with_ends(ring: Sequence[Key]) -> list[tuple[Key, float]]:
    """Each key and until when it is believed: a while after one above it came into use, where that says when."""
    found, end = [], float("inf")
    for key in ring:
        found.append((key, end))
        if key.in_use_from > ALWAYS:
            end = min(end, key.in_use_from + OVERLAP_SECONDS)
    return found


def signing_key_file(settings: Settings) -> Path:
    """The file of the signing keys."""
    return settings.signing_key_file or settings.data_dir / DIRECTORY / SIGNING_KEY


def keys_in(path: Path) -> list[Key]:
    """The keys in a file, in its order. Raises SettingsError where it is not of Ed25519 keys, one of them private."""
    text = path.read_bytes().decode("utf-8", "replace")
    found: list[Key] = []
    place = 0
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        for block in BLOCK.finditer(text):
            found.append(Key.of(_key_of(block), in_use_from(text[place : block.start()])))
            place = block.end()
        if any(key.private is not None for key in found):
            if path.stat().st_mode & 0o007:
                log.warning("everybody on this machine can read the signing key %s; its mode should be 0600", path)
            return found
    raise SettingsError(
        [
            f"{path} holds no private Ed25519 key in PEM without a passphrase, or something else beside it;"
            " `openssl genpkey -algorithm ed25519` makes one."
        ]
    )


def _key_of(block: re.Match[str]) -> Ed25519PrivateKey | Ed25519PublicKey:
    pem = block[0].encode()
    key = load_pem_public_key(pem) if block["what"] == "PUBLIC KEY" else load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        raise TypeError
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """The thumbprint of the public key (RFC 7638, with the members of RFC 8037), which is its `kid`."""
    canonical = json.dumps(_members(key), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _members(key: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def make_signing_key(directory: Path) -> None:
    """Make the signing key of this directory unless it has one. Raises OSError."""
    make_once(directory / SIGNING_KEY, new_key)


def new_key() -> bytes:
    """A new private key in PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_key(path: Path) -> Ed25519PublicKey:
    with suppress(ValueError, UnsupportedAlgorithm):
        key = load_pem_public_key(path.read_bytes())
        if isinstance(key, Ed25519PublicKey):
            return key
    raise SettingsError(
        [f"{path} holds no public Ed25519 key in PEM; `openssl pkey -pubout` writes that of a private one."]
    )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
