"""The house's own secret keys: for keyed hashes of short secrets, for refresh tokens, for what must be read again.

They stand in a file, one on each line, never in the database, so that who has the one has nothing without the other.
The first line is used for what is new, all of them for what is there: to change the key, write a new line above the
others, and take the old one away when nothing of it is left (`Secrets.is_of_the_newest` tells).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gql.iam.key_files import make_once
from gql.settings import Settings, SettingsError

DIRECTORY: Final = "keys"
FILE: Final = "secrets.txt"
KEY_BYTES: Final = 32


class Secrets:
    """What the keys do. `purpose` keeps one use of a key apart from every other."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Secrets":
        """The keys of the file that the settings name, or of one made at its first use in the data directory.

        Raises SettingsError where the file has a line that is no key.
        """
        path = settings.secret_keys_file or settings.data_dir / DIRECTORY / FILE
        try:
            if settings.secret_keys_file is None:
                make_once(path, lambda: base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            return cls(_keys_in(path))
        except OSError as error:
            raise SettingsError([f"The secret keys cannot be read or made: {error}."]) from error

    def digests(self, purpose: str, text: str) -> list[bytes]:
        """The keyed hash of a text by each key, the newest first. Keep the first, believe any."""
        return [hmac.digest(self._derived(key, purpose), as_bytes(text), "sha256") for key in self._keys]

    def encrypt(self, purpose: str, text: str) -> str:
        """The text as only the house can read it."""
        return self._ciphers(purpose).encrypt(text.encode()).decode()

    def decrypt(self, purpose: str, encrypted: str) -> str:
        """The text. Raises ValueError where none of our keys has encrypted it for this purpose."""
        try:
            return self._ciphers(purpose).decrypt(encrypted.encode()).decode()
        except InvalidToken as error:
            raise ValueError("None of the secret keys can read this.") from error

    def is_of_the_newest(self, purpose: str, encrypted: str) -> bool:
        """Whether the newest key has encrypted it, so that the others are not needed for it."""
        try:
            self._cipher(self._keys[0], purpose).decrypt(encrypted.encode())
        except InvalidToken:
            return False
        return True

    def _ciphers(self, purpose: str) -> MultiFernet:
        return MultiFernet([self._cipher(key, purpose) for key in self._keys])

    def _cipher(self, key: bytes, purpose: str) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._derived(key, purpose)))

    @staticmethod
    def _derived(key: bytes, purpose: str) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"countinghouse {purpose}".encode()).derive(key)


def as_bytes(text: str) -> bytes:
    """What somebody sends may hold half a character: it is hashed like any other text, and found to be wrong."""
    return text.encode("utf-8", "surrogatepass")


def new_token() -> str:
    """A secret of 256 bits that nobody can guess, so that a plain hash of it is enough."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of such a secret."""
    return hashlib.sha256(as_bytes(token)).digest()


def _keys_in(path: Path) -> list[bytes]:
    keys = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            key = base64.b64decode(line.strip(), validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise SettingsError([f"Line {number} of {path} is no key; `openssl rand -base64 32` makes one."])
        keys.append(key)
    if not keys:
        raise SettingsError([f"{path} has no key; `openssl rand -base64 32` makes one."])
    return keys
