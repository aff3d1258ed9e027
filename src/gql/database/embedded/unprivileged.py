"""The operating system user that the embedded PostgreSQL runs as.

PostgreSQL refuses to run as root. Started by root (in a container, on a builder) the server runs as an ordinary user
instead, and that user must be able to reach the programs and the data, wherever they lie.
"""

import logging
import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Whom the server runs as. `switch` says whether that is somebody other than this process."""

    uid: int
    gid: int
    name: str
    switch: bool

    @property
    def popen_arguments(self) -> dict[str, Any]:
        """What to hand subprocess so that a program runs as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def may_search(self, directory: Path) -> bool:
        """Whether the user may pass through a directory."""
        status = directory.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def choose_server_user(cluster: Path) -> ServerUser:
    """The owner of an existing cluster; for a new one `postgres` or `nobody` if we are root, else ourselves.

    Raises LookupError where root finds neither of them.
    """
    uid = os.geteuid()
    if uid != 0:
        return ServerUser(uid, os.getegid(), str(uid), switch=False)
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return ServerUser(owner.st_uid, owner.st_gid, _name(owner.st_uid), switch=True)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(entry.pw_uid, entry.pw_gid, name, switch=True)
    raise LookupError("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody.")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def open_the_way(user: ServerUser, places: Iterable[Path]) -> None:
    """Let the user pass through (not list) every directory above the places, and say so in the log."""
    if not user.switch:
        return
    opened: list[Path] = []
    for place in places:
        for directory in reversed(place.resolve().parents):
            if not user.may_search(directory):
                directory.chmod(stat.S_IMODE(directory.stat().st_mode) | stat.S_IXOTH)
                opened.append(directory)
    if opened:
        logger.warning(
            "PostgreSQL does not run as root, so it runs as %s; for it to reach its files, other users may now pass"
            " through (not list) %s.",
            user.name,
            ", ".join(map(str, opened)),
        )


def open_programs(user: ServerUser, *trees: Path) -> None:
    """Make installed programs readable for the user, where a strict umask kept them from everyone else."""
    if not user.switch:
        return
    for tree in trees:
        if not tree.is_dir() or _is_open(tree):
            continue
        for directory, _, files in os.walk(tree):
            for path in (Path(directory), *(Path(directory, file) for file in files)):
                if not path.is_symlink():
                    _open(path)


def _is_open(tree: Path) -> bool:
    """Judged by the directory and one program or library in it: an installation has one umask."""
    sample = next((path for path in sorted(tree.rglob("*")) if path.is_file()), tree)
    return all(path.stat().st_mode & stat.S_IROTH for path in (tree, sample))


def _open(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    search = stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0
    path.chmod(mode | stat.S_IROTH | search)
