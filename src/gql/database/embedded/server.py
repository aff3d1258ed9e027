"""The embedded PostgreSQL: made, started and stopped in a data directory of the project.

    with EmbeddedServer(Path(".countinghouse")) as server:
        await migrate(server.admin_url)
        await server.set_passwords()
        ... connect to server.api_url ...

In the data directory lie `cluster/` (PostgreSQL's own), `secrets/` (passwords made here, mode 0600), the
configuration, which is written anew at each start, and the log. The server listens on 127.0.0.1 alone and asks
everyone for a password.

Several processes may use one server: the first to come starts it, the last to go stops it. A process that is killed
leaves the server running, and the next one takes it over. A server that dies is started again by whoever is `guarded`.
"""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import asyncpg

from gql.database.embedded.cluster import (
    ADMIN,
    CONFIGURATION,
    DATABASE,
    EmbeddedServerError,
    create_cluster,
    program_environment,
    wheel_bin_directory,
    write_configuration,
)
from gql.database.embedded.data_directory import DataDirectory
from gql.database.embedded.orphans import end_orphans
from gql.database.embedded.unprivileged import ServerUser, choose_server_user, open_programs, open_the_way

__all__ = ["EmbeddedServer", "EmbeddedServerError"]

API: Final = "countinghouse_api"
WORKER: Final = "countinghouse_worker"
PATIENCE_SECONDS: Final = 120  # for a start that recovers from a crash, and for a stop that writes everything out
LOG_LIMIT_BYTES: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What postmaster.pid says of a running server. `status` is starting, ready or stopping."""

    pid: int
    port: int
    status: str


class EmbeddedServer:
    """One PostgreSQL in one data directory. `bin_directory` names other programs than the wheel's;
    `configuration` adds to the server's settings or overrides them."""

    def __init__(
        self,
        data_dir: Path,
        *,
        bin_directory: Path | None = None,
        configuration: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = DataDirectory(data_dir)
        self.port = 0
        self._bin = bin_directory or wheel_bin_directory()
        self._configuration = {**CONFIGURATION, **(configuration or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._use: ExitStack | None = None

    @property
    def admin_url(self) -> str:
        """The database as its superuser."""
        return self._url(ADMIN, "admin_password")

    @property
    def api_url(self) -> str:
        """The database as countinghouse_api; it opens after `set_passwords`."""
        return self._url(API, "api_password")

    @property
    def worker_url(self) -> str:
        """The database as countinghouse_worker; it opens after `set_passwords`."""
        return self._url(WORKER, "worker_password")

    @property
    def is_running(self) -> bool:
        """Whether a server runs on the cluster, whoever started it."""
        return self._postmaster() is not None

    def program(self, name: str) -> Path:
        """A client program of the same PostgreSQL, such as psql. Run it as a child: a process that replaces itself
        by another program leaves the server without stopping it."""
        return self._bin / name

    def start(self) -> None:
        """Make the cluster if there is none, and start it unless another process has. Raises EmbeddedServerError."""
        if self._use:
            return
        if not self.program("postgres").is_file():
            raise EmbeddedServerError(f"There is no PostgreSQL in {self._bin}.")
        try:
            user = choose_server_user(self.directory.cluster)
            self.directory.make(private=not user.switch)
            open_programs(user, self._bin.parent, self._bin.parent.parent.with_suffix(".libs"))
            open_the_way(user, (self.directory.cluster, self._bin / "postgres"))
            with ExitStack() as use, self.directory.lock("start"):
                use.enter_context(self.directory.lock("users", fcntl.LOCK_SH))
                if not self._attach():
                    create_cluster(self.directory, self._bin, user)
                    self._launch(user)
                self._use = use.pop_all()
        except PermissionError as error:
            raise EmbeddedServerError(
                f"{error.filename or self.directory.path} is closed to this user; run as the user it belongs to, or"
                " name another directory in COUNTINGHOUSE_DATA_DIR."
            ) from error
        except LookupError as error:
            raise EmbeddedServerError(str(error)) from error

    def revive(self) -> bool:
        """Start the server again, at the same address, if it has died since `start`. Whether it had.

        Raises EmbeddedServerError, and OSError where its files cannot be written.
        """
        with self.directory.lock("start"):
            if self._postmaster() is not None:
                return False
            if not _is_free(self.port):
                raise EmbeddedServerError(f"Another program has taken its port, {self.port}.")
            self._launch(choose_server_user(self.directory.cluster))
        return True

    def stop(self) -> None:
        """Leave the server; the last to leave shuts it down, and waits until everything is on disk."""
        if not self._use:
            return
        with self.directory.lock("start"):
            self._use.close()
            self._use = None
            self._shut_down_unless_used()

    def stop_if_abandoned(self) -> None:
        """Stop a server that a killed process left running in this directory, unless another one uses it."""
        with self.directory.lock("start"):
            self._shut_down_unless_used()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def set_passwords(self) -> None:
        """Give the logins, which the schema makes without one, the passwords of `api_url` and `worker_url`."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            for login, secret in ((API, "api_password"), (WORKER, "worker_password")):
                statement = await connection.fetchval(
                    "select format('alter role %I password %L', $1::text, $2::text)",
                    login,
                    self.directory.secret(secret),
                )
                await connection.execute(statement)
        finally:
            await connection.close()

    def _url(self, user: str, secret: str) -> str:
        password = self.directory.secret(secret)
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{DATABASE}?sslmode=disable"

    def _attach(self) -> bool:
        """Take over a server that runs on this cluster; wait for one that is on its way up or down."""
        _wait(lambda: (running := self._postmaster()) is None or running.status == "ready")
        running = self._postmaster()
        if running is None:
            return False
        self.port = running.port
        return True

    def _launch(self, user: ServerUser) -> None:
        """Start the server, on the port it had before if that is free, and wait until it takes connections."""
        end_orphans(self.directory.cluster, self.program("postgres"))
        for _ in range(3):
            self.port = self._choose_port()
            self._start_process(user)
            _wait(lambda: self._has_exited() or ((it := self._postmaster()) is not None and it.status == "ready"))
            if not self._has_exited():
                return
            if _is_free(self.port):
                break  # it was not another program that took the port in between
        log = self.directory.log.read_text(errors="replace")
        raise EmbeddedServerError(f"PostgreSQL did not start. Its log, {self.directory.log}, ends:\n{log[-1500:]}")

    def _start_process(self, user: ServerUser) -> None:
        configuration = write_configuration(self.directory, self.port, self._configuration)
        if self.directory.log.exists() and self.directory.log.stat().st_size > LOG_LIMIT_BYTES:
            self.directory.log.replace(self.directory.log.with_suffix(".log.1"))
        log = self.directory.append(self.directory.log)
        try:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.directory.cluster, "-c", f"config_file={configuration}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=program_environment(),
                start_new_session=True,  # a Ctrl-C is meant for us; the server goes last
                **user.popen_arguments,
            )
        finally:
            os.close(log)

    def _shut_down_unless_used(self) -> None:
        with suppress(BlockingIOError), self.directory.lock("users", fcntl.LOCK_EX | fcntl.LOCK_NB):
            self._shut_down()

    def _shut_down(self) -> None:
        """A fast shutdown: sessions are ended, what is committed is written out."""
        running = self._postmaster()
        if running is not None:
            with suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGINT)
            _wait(lambda: self._postmaster() is None)
        if self._process is not None:
            self._process.wait(PATIENCE_SECONDS)

    def _has_exited(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _postmaster(self) -> Postmaster | None:
        """The server that runs on this cluster, if one does. A file that a crash left behind counts for nothing,
        and is removed where its process id belongs to another program by now."""
        path = self.directory.cluster / "postmaster.pid"
        text = self.directory.read("cluster/postmaster.pid")
        if text is None:
            return None
        lines = text.splitlines()
        if len(lines) < 8:  # just being written
            return Postmaster(int(lines[0]), 0, "starting") if lines else Postmaster(0, 0, "starting")
        pid = int(lines[0])
        if self._runs_here(pid):
            return Postmaster(pid, int(lines[3]), lines[7].strip())
        path.unlink(missing_ok=True)
        return None

    def _runs_here(self, pid: int) -> bool:
        """Whether a process is a server of this cluster, which is then its working directory."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        if not Path("/proc/self/cwd").exists():
            return True
        try:
            return Path(f"/proc/{pid}/cwd").samefile(self.directory.cluster)
        except FileNotFoundError:
            return False

    def _choose_port(self) -> int:
        kept = self.directory.read("port")
        if kept and _is_free(int(kept)):
            return int(kept)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        self.directory.write("port", f"{port}\n")
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until():
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"PostgreSQL took longer than {PATIENCE_SECONDS} seconds; its log says more.")
        time.sleep(0.02)
