"""The directory that holds what an installation without an operator needs: the database, its secrets, its log."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class DataDirectory:
    """Files in it are written whole or not at all, and belong to whom the directory belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.cluster = self.path / "cluster"
        self.log = self.path / "postgres.log"

    def make(self, *, private: bool) -> None:
        """Make the directory. Private means that no other user may pass through it; secrets are private always."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700 if private else 0o711)
        secret_files = self.path / "secrets"
        secret_files.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            owner = self.path.stat()
            os.chown(secret_files, owner.st_uid, owner.st_gid)
        self.write(".gitignore", "*\n")

    def secret(self, name: str) -> str:
        """A password of this name, made at its first use from 256 random bits and kept with mode 0600."""
        with suppress(FileNotFoundError):
            return (self.path / "secrets" / name).read_text().strip()
        secret = secrets.token_urlsafe(32)
        self.write(f"secrets/{name}", secret + "\n", mode=0o600)
        return secret

    def read(self, name: str) -> str | None:
        """What a file says, or None where there is no such file."""
        with suppress(FileNotFoundError):
            return (self.path / name).read_text().strip()
        return None

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        """Write a file. A reader sees the old text or the new one, never a part."""
        new = self.path / f"{name}.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            os.fchmod(file.fileno(), mode)
            self._give_to_owner(file.fileno())
            file.write(text)
        new.replace(self.path / name)

    def append(self, path: Path) -> int:
        """A descriptor that adds to the end of a file; the caller closes it."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._give_to_owner(descriptor)
        return descriptor

    @contextmanager
    def lock(self, name: str, how: int = fcntl.LOCK_EX) -> Iterator[None]:
        """Hold a file lock; the system lets go of it when this process ends, however it ends.

        Raises BlockingIOError where `how` has LOCK_NB and somebody else holds it.
        """
        descriptor = os.open(self.path / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._give_to_owner(descriptor)
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def _give_to_owner(self, descriptor: int) -> None:
        if os.geteuid() == 0:
            owner = self.path.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
