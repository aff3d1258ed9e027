"""The house's own secret keys: for keyed hashes of short secrets, for refresh tokens, for what must be read again.

They stand in a file, one on each line, never in the database, so that who has the one has nothing without the other.
The first line is used for what is new, all of them for what is there. `countinghouse key rotate secret` writes a new
one above the others, and running servers follow the file; the old one is taken away by hand, when nothing of it is left
(`Secrets.is_of_the_newest` tells).
"""

import base64
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gql.iam.keys.files import ALWAYS, Followed, in_use_from, make_once
from gql.settings import Settings, SettingsError

log = logging.getLogger(__name__)

DIRECTORY: Final = "keys"
FILE: Final = "secrets.txt"
KEY_BYTES: Final = 32


class SecretKey(NamedTuple):
    """A key, and since when what is new is made with it (seconds since 1970)."""

    key: bytes
    in_use_from: float = ALWAYS

    @property
    def name(self) -> str:
        """What to call it where it must not stand: it tells nothing of the key."""
        return derived(self.key, "name")[:6].hex()


class Secrets:
    """What the keys do. `purpose` keeps one use of a key apart from every other, `clock` tells seconds since 1970."""

    def __init__(
        self,
        keys: Sequence[bytes | SecretKey],
        *,
        followed: Followed[list[SecretKey]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._listed = tuple(key if isinstance(key, SecretKey) else SecretKey(key) for key in keys)
        self._followed = followed
        self._clock = clock

    @classmethod
    def from_settings(cls, settings: Settings, *, clock: Callable[[], float] = time.time) -> "Secrets":
        """The keys of the file that the settings name, or of one made at its first use in the data directory.

        Raises SettingsError where the file has a line that is no key.
        """
        path = secret_keys_file(settings)
        try:
            if settings.secret_keys_file is None:
                make_once(path, lambda: new_line().encode())
            followed = Followed(lambda: [path], lambda: keys_in(path))
        except OSError as error:
            raise SettingsError([f"The secret keys cannot be read or made: {error}."]) from error
        return cls(followed.content, followed=followed, clock=clock)

    @property
    def names(self) -> list[str]:
        """The names of the keys, that of what is new first."""
        return [each.name for each in self._in_order()]

    @property
    def _keys(self) -> list[bytes]:
        return [each.key for each in self._in_order()]

    def _in_order(self) -> list[SecretKey]:
        """The newest that is in use first, then all others."""
        now = self._clock()
        used = next((each for each in self._listed if each.in_use_from <= now), self._listed[-1])
        return [used, *(each for each in self._listed if each is not used)]

    def reread(self) -> bool:
        """Whether the file has changed, and its keys are ours now. Keys that cannot be read change nothing."""
        if self._followed is None:
            return False
        try:
            if not self._followed.has_changed():
                return False
        except (OSError, SettingsError) as problem:
            log.error("the secret keys cannot be read, and stay as they were: %s", problem)
            return False
        self._listed = tuple(self._followed.content)
        return True

    def digests(self, purpose: str, text: str) -> list[bytes]:
        """The keyed hash of a text by each key, the newest first. Keep the first, believe any."""
        return [hmac.digest(derived(key, purpose), as_bytes(text), "sha256") for key in self._keys]

    def encrypt(self, purpose: str, text: str) -> str:
        """The text as only the house can read it."""
        return self._ciphers(purpose).encrypt(text.encode()).decode()

    def decrypt(self, purpose: str, encrypted: str) -> str:
        """The text. Raises ValueError where none of our keys has encrypted it for this purpose."""
        try:
            return self._ciphers(purpose).decrypt(encrypted.encode()).decode()
        except InvalidToken as error:
            if self.reread():
                return self.decrypt(purpose, encrypted)
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
        return Fernet(base64.urlsafe_b64encode(derived(key, purpose)))


def derived(key: bytes, purpose: str) -> bytes:
    """The key of one purpose, which tells nothing of the others."""
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


def secret_keys_file(settings: Settings) -> Path:
    """The file of the secret keys."""
    return settings.secret_keys_file or settings.data_dir / DIRECTORY / FILE


def new_line() -> str:
    """A new key, as it stands in the file."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n"


def keys_in(path: Path) -> list[SecretKey]:
    """The keys in a file, in its order. Raises SettingsError for a line that is none, and where there is no key."""
    keys: list[SecretKey] = []
    since = ALWAYS
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            since = max(since, in_use_from(line))
            continue
        try:
            key = base64.b64decode(line.strip(), validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise SettingsError([f"Line {number} of {path} is no key; `openssl rand -base64 32` makes one."])
        keys.append(SecretKey(key, since))
        since = ALWAYS
    if not keys:
        raise SettingsError([f"{path} has no key; `openssl rand -base64 32` makes one."])
    return keys
