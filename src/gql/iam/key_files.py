"""Files of keys, made at their first use, which nobody but the house can read."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def make_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write the file unless it is there. Of several processes that begin at once, one makes it and all read that one.
    Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    if path.exists():
        return
    new = path.with_name(f".{secrets.token_hex(8)}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content())
        file.flush()
        os.fsync(file.fileno())
    try:
        # Unlike a rename, a link never replaces what is there; and what is there is whole.
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()
