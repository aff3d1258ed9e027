"""The archive of WAL: a segment is in it whole or not at all, and never another one over it."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.drill import SCRIPTS

NAME: Final = "000000010000000000000007"
SEGMENT: Final = bytes(range(256)) * 4096


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    return tmp_path / "archive"


def command(segment: Path, archive: Path) -> list[str | Path]:
    """As archive_command has PostgreSQL call it."""
    return [SCRIPTS / "archive_wal.sh", segment, NAME, archive]


def archived(archive: Path, contents: bytes) -> subprocess.CompletedProcess[str]:
    segment = archive.parent / "segment"
    segment.write_bytes(contents)
    return subprocess.run(command(segment, archive), capture_output=True, text=True, check=False)


def test_a_segment_is_there_with_all_its_bytes_and_nothing_beside_it(archive: Path) -> None:
    assert archived(archive, SEGMENT).returncode == 0
    assert (archive / NAME).read_bytes() == SEGMENT
    assert os.listdir(archive) == [NAME]


def test_the_same_segment_again_is_archived_already(archive: Path) -> None:
    """PostgreSQL sends it again where it crashed before it had noted that it was."""
    archived(archive, SEGMENT)
    again = archived(archive, SEGMENT)
    assert (again.returncode, again.stderr) == (0, "")


def test_another_one_of_the_same_name_is_refused_and_changes_nothing(archive: Path) -> None:
    archived(archive, SEGMENT)
    another = archived(archive, SEGMENT[::-1])
    assert another.returncode == 1
    assert "is there already and is another one" in another.stderr
    assert (archive / NAME).read_bytes() == SEGMENT


def test_an_archive_that_is_away_is_a_failure(archive: Path) -> None:
    """So that PostgreSQL keeps the segment and tries again."""
    archive.rmdir()
    assert archived(archive, SEGMENT).returncode != 0


def test_whoever_is_killed_in_the_middle_has_archived_nothing(archive: Path) -> None:
    pipe = archive.parent / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(command(pipe, archive), start_new_session=True)
    with pipe.open("wb", buffering=0) as half:
        half.write(SEGMENT[:10_000])
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size for path in archive.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (archive / NAME).exists()
    assert archived(archive, SEGMENT).returncode == 0
    assert (archive / NAME).read_bytes() == SEGMENT
