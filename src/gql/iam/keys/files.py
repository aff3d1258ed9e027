"""Files of keys, made at their first use, which nobody but the house can read; and how a running server follows them.

A key may say since when it is in use: a line `# In use from 2026-11-21T18:00:00Z` before it. Until then it is believed
and makes nothing, so that every server knows it before the first of them uses it.
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Generic, TypeVar

T = TypeVar("T")

IN_USE_FROM: Final = re.compile(r"^# In use from (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$", re.MULTILINE)
ALWAYS: Final = float("-inf")
LOOKED_AT_SECONDS: Final = 1.0


def make_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write the file unless it is there. Of several processes that begin at once, one makes it and all read that one.
    Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    if path.exists():
        return
    new = _written_beside(path, content())
    try:
        # Unlike a rename, a link never replaces what is there; and what is there is whole.
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()


def replace(path: Path, content: bytes) -> None:
    """Write the file anew, for the same readers. Whoever reads it meanwhile reads the old one or the new one, whole.
    Raises OSError."""
    before = path.stat()
    new = _written_beside(path, content)
    try:
        if os.geteuid() == 0:
            os.chown(new, before.st_uid, before.st_gid)
        new.chmod(before.st_mode & 0o777)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """In the body no other process that asks for this is at work on the file. Raises OSError."""
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def in_use_from(text: str) -> float:
    """Since when the key is in use that this text stands before (seconds since 1970); ALWAYS where it does not say."""
    said = IN_USE_FROM.findall(text)
    return datetime.fromisoformat(said[-1]).timestamp() if said else ALWAYS


def marked(since: float) -> str:
    """The line that says so."""
    return f"# In use from {datetime.fromtimestamp(since, UTC):%Y-%m-%dT%H:%M:%SZ}\n"


class Followed(Generic[T]):
    """What stands in files that may change while we run. `read` reads it, and raises where it makes no sense."""

    def __init__(self, files: Callable[[], list[Path]], read: Callable[[], T]) -> None:
        self._files = files
        self._read = read
        self._seen = self._signature()
        self._looked_at = time.monotonic()
        self.content = read()

    def has_changed(self) -> bool:
        """Whether it changed since it was read last, and was read again. Looks once a second at most, because anybody
        may send a token of a key that does not exist."""
        now = time.monotonic()
        if now < self._looked_at + LOOKED_AT_SECONDS:
            return False
        self._looked_at = now
        seen = self._signature()
        if seen == self._seen:
            return False
        self._seen = seen  # also where it makes no sense, which is told once
        self.content = self._read()
        return True

    def _signature(self) -> list[tuple[Path, int, int, int]]:
        found = [(path, path.stat()) for path in self._files()]
        return [(path, stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in found]


def _written_beside(path: Path, content: bytes) -> Path:
    new = path.with_name(f".{secrets.token_hex(8)}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return new
