"""As root the server runs as an ordinary user, who must be able to reach its files and no more."""

import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gql.database.embedded.unprivileged import ServerUser, open_programs, open_the_way

STRANGER = ServerUser(uid=os.geteuid() + 40_000, gid=os.getegid() + 40_000, name="stranger", switch=True)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory that only we may enter, with another such directory in it."""
    with tempfile.TemporaryDirectory() as name:
        inner = Path(name, "inner")
        inner.mkdir(mode=0o700)
        yield inner


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_stranger_gets_through_without_seeing_what_lies_there(closed: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        open_the_way(STRANGER, [closed / "cluster"])
    assert mode(closed) == mode(closed.parent) == 0o701
    assert len(caplog.records) == 1
    assert f"not list) {closed.parent}, {closed}." in caplog.text


def test_a_way_that_is_open_stays_as_it_is_and_nothing_is_said(closed: Path, caplog: pytest.LogCaptureFixture) -> None:
    closed.chmod(0o755)
    closed.parent.chmod(0o755)
    open_the_way(STRANGER, [closed / "cluster"])
    assert mode(closed) == 0o755
    assert not caplog.records


def test_nothing_is_opened_where_the_server_runs_as_ourselves(closed: Path) -> None:
    ourselves = ServerUser(os.geteuid(), os.getegid(), "ourselves", switch=False)
    open_the_way(ourselves, [closed / "cluster"])
    open_programs(ourselves, closed)
    assert mode(closed) == 0o700


def test_programs_installed_under_a_strict_umask_become_readable(closed: Path) -> None:
    program, text = closed / "postgres", closed / "postgres.bki"
    for path, bits in ((program, 0o700), (text, 0o600)):
        path.touch()
        path.chmod(bits)
    open_programs(STRANGER, closed, closed / "missing")
    assert (mode(closed), mode(program), mode(text)) == (0o705, 0o705, 0o604)
