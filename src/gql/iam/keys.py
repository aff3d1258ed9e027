"""The keys of access tokens: one that signs, and those whose signatures are believed.

To change the signing key without turning anybody away: write the public half of the old one beside it in the data
directory (`keys/old.pem`), give every process the new one, and remove the old half once the tokens it signed have
expired.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Mapping
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

from gql.iam.key_files import make_once
from gql.settings import Settings, SettingsError

log = logging.getLogger(__name__)

DIRECTORY: Final = "keys"
SIGNING_KEY: Final = "signing.pem"


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs, with its id, and every key that is believed by its id: the signing one and older ones."""

    signing: Ed25519PrivateKey
    signing_id: str
    believed: Mapping[str, Ed25519PublicKey]

    @classmethod
    def of(cls, signing: Ed25519PrivateKey, *older: Ed25519PublicKey) -> "Keys":
        """The set of these keys."""
        public = signing.public_key()
        return cls(signing, key_id(public), {key_id(key): key for key in (*older, public)})

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keys":
        """The keys of the settings: the file that they name, or one made at its first use in the data directory.

        Raises SettingsError where a file holds no Ed25519 key, or the directory cannot be written.
        """
        directory = settings.data_dir / DIRECTORY
        try:
            if settings.signing_key_file is None:
                make_signing_key(directory)
            signing = _private_key(settings.signing_key_file or directory / SIGNING_KEY)
            older = [_public_key(path) for path in sorted(directory.glob("*.pem")) if path.name != SIGNING_KEY]
        except OSError as error:
            raise SettingsError([f"The signing key cannot be read or made: {error}."]) from error
        return cls.of(signing, *older)

    def public_set(self) -> dict[str, list[dict[str, str]]]:
        """The public halves of all keys that are believed, as others look them up (RFC 7517)."""
        return {
            "keys": [
                {**_members(key), "kid": name, "alg": "EdDSA", "use": "sig"} for name, key in self.believed.items()
            ]
        }


def key_id(key: Ed25519PublicKey) -> str:
    """The thumbprint of the public key (RFC 7638, with the members of RFC 8037), which is its `kid`."""
    canonical = json.dumps(_members(key), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _members(key: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def make_signing_key(directory: Path) -> None:
    """Make the signing key of this directory unless it has one. Raises OSError."""
    make_once(directory / SIGNING_KEY, _new_key)


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _private_key(path: Path) -> Ed25519PrivateKey:
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        key = load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(key, Ed25519PrivateKey):
            if path.stat().st_mode & 0o007:
                log.warning("everybody on this machine can read the signing key %s; its mode should be 0600", path)
            return key
    raise SettingsError(
        [
            f"{path} holds no private Ed25519 key in PEM without a passphrase;"
            " `openssl genpkey -algorithm ed25519` makes one."
        ]
    )


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
