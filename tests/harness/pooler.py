"""A real PgBouncer in front of the PostgreSQL of this run, with the configuration that an operator is given.

It is the installed one, or the one that `make pooler` has fetched.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from gql.database.embedded.unprivileged import choose_server_user, open_programs, open_the_way

IS_ASKED_FOR: Final = bool(os.environ.get("COUNTINGHOUSE_TEST_POOLER"))
"""Whether the servers of this run reach their database through PgBouncer."""
MODES: Final = ("transaction",) if IS_ASKED_FOR else ("session", "transaction")
"""The modes that a server may be in: a pooler lets in none that takes its connections for sessions."""
OF_SESSIONS: Final = pytest.mark.skipif(
    IS_ASKED_FOR, reason="It counts what goes over the wire in session mode, which there is none of behind a pooler."
)
HOUSE: Final = Path(__file__).parents[2]
CONFIGURATION: Final = HOUSE / "deploy" / "pgbouncer" / "pgbouncer.ini"
FETCHED: Final = HOUSE / ".cache" / "pgbouncer"
PATIENCE_SECONDS: Final = 60

# What `deploy/pgbouncer/README.md` has the operator write into userlist.txt.
USERS: Final = """select format('"%s" "%s"', rolname, rolpassword) from pg_authid where rolname = 'countinghouse_api'"""


def pgbouncer() -> Path | None:
    """The program; None where there is none."""
    for place in (shutil.which("pgbouncer"), Path("/usr/sbin/pgbouncer"), FETCHED / "usr" / "sbin" / "pgbouncer"):
        if place is not None and Path(place).is_file():
            return Path(place)
    return None


def with_settings(configuration: str, settings: Mapping[str, str]) -> str:
    """The configuration with other values of settings that it has. A second section of the same name would not do: it
    puts all that the first has said back to the defaults, and with them the mode."""
    for name, value in settings.items():
        before, _, after = re.split(rf"(?m)^({name} =.*)$", configuration)
        configuration = f"{before}{name} = {value}{after}"
    return configuration


class Pooler:
    """PgBouncer between `url`, which is PostgreSQL's, and `address(url)`."""

    def __init__(self, directory: Path, url: str) -> None:
        self._directory = directory
        self._behind = urlsplit(url)
        self._process: subprocess.Popen[bytes] | None = None
        self._user = choose_server_user(directory / "cluster")
        self.port = 0

    @property
    def process_ids(self) -> list[int]:
        return [self._process.pid] if self._process is not None else []

    def address(self, url: str) -> str:
        """The same database and login, through the pooler."""
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self.port}"))

    async def start(self, admin_url: str, **more: str) -> None:
        """Start it, with the configuration of the house and `more` of it, and wait until it listens."""
        self._directory.mkdir(mode=0o711, parents=True)
        (self._directory / "userlist.txt").write_text(await _asked(admin_url, USERS) + "\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        addresses = {
            "countinghouse": f"host={self._behind.hostname} port={self._behind.port} dbname=countinghouse",
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "auth_file": str(self._directory / "userlist.txt"),
        }
        configuration = with_settings(CONFIGURATION.read_text(), addresses | more)
        (self._directory / "pgbouncer.ini").write_text(configuration)
        for path in self._directory.iterdir():
            if self._user.switch:
                os.chown(path, self._user.uid, self._user.gid)
            path.chmod(0o400)
        self.start_again()

    def start_again(self) -> None:
        """Start it as it was."""
        program = pgbouncer()
        if program is None:
            raise LookupError("There is no PgBouncer on this machine; `make pooler` fetches one where there is apt.")
        environment: dict[str, str] = {}
        if program.is_relative_to(FETCHED):
            open_programs(self._user, FETCHED / "usr")
            open_the_way(self._user, (program,))
            libraries = sorted({str(found.parent) for found in FETCHED.glob("usr/lib/**/*.so*")})
            environment["LD_LIBRARY_PATH"] = ":".join(libraries)
        log = (self._directory / "pgbouncer.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [program, "--quiet", self._directory / "pgbouncer.ini"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
                start_new_session=True,
                **self._user.popen_arguments,
            )
        (self._directory / "pgbouncer.pid").write_text(str(self._process.pid))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PgBouncer did not start:\n{self.log[-1500:]}")
            time.sleep(0.02)

    @property
    def log(self) -> str:
        return (self._directory / "pgbouncer.log").read_text(errors="replace")

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        """End it at once; who is connected is cut off."""
        if self._process is not None:
            self._process.kill()  # newer versions wait at SIGTERM until the last client has gone
            self._process.wait(PATIENCE_SECONDS)
            self._process = None


def stop_abandoned(directory: Path) -> None:
    """End the pooler of a run that was killed. Its number may be another program's by now, which is left alone."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        number = int((directory / "pgbouncer.pid").read_text())
        if str(directory).encode() in Path(f"/proc/{number}/cmdline").read_bytes():
            os.kill(number, signal.SIGKILL)


async def _asked(url: str, question: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        answer: str = await connection.fetchval(question)
    finally:
        await connection.close()
    return answer
