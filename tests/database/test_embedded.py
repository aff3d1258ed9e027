"""The embedded PostgreSQL: who can get in, what survives, and who stops it."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from gql.database.embedded import EmbeddedServer
from gql.database.embedded.cluster import EmbeddedServerError
from tests.harness.actors import as_superuser
from tests.harness.postgres import CONFIGURATION, MAJOR_VERSION, bin_directory


def make_server(directory: Path) -> EmbeddedServer:
    return EmbeddedServer(directory, bin_directory=bin_directory(MAJOR_VERSION), configuration=CONFIGURATION)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A data directory with a cluster in it, below a directory that nobody else may enter."""
    above = Path(tempfile.mkdtemp(prefix="embedded-"))
    above.chmod(0o700)
    with make_server(above / "project" / "data"):
        pass
    yield above / "project" / "data"
    make_server(above / "project" / "data").stop_if_abandoned()
    shutil.rmtree(above)


@pytest.fixture
def server(directory: Path) -> Iterator[EmbeddedServer]:
    with make_server(directory) as server:
        yield server


@pytest.fixture
def other_process(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has started the server and uses it until its input ends."""
    code = (
        "import sys; from pathlib import Path; from tests.database.test_embedded import make_server\n"
        "with make_server(Path(sys.argv[1])): print('started', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield process
        process.kill()


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_the_tests_run_on_the_version_they_claim() -> None:
    async with as_superuser() as connection:
        assert connection.get_server_version().major == MAJOR_VERSION
        assert int(await connection.fetchval("show server_version_num")) // 10000 == MAJOR_VERSION


async def test_a_second_start_keeps_the_data_and_is_ready_within_two_seconds(directory: Path) -> None:
    with make_server(directory) as server:
        await ask(server.admin_url, "create table kept as select 42 as answer")
    begun = time.monotonic()
    with make_server(directory) as server:
        assert time.monotonic() - begun < 2
        assert await ask(server.admin_url, "select answer from kept") == 42
        await ask(server.admin_url, "drop table kept")


async def test_everyone_is_asked_for_a_password_and_nobody_comes_in_another_way(server: EmbeddedServer) -> None:
    rules = (
        "select string_agg(concat_ws(' ', type, database, user_name, address, auth_method), ';') from pg_hba_file_rules"
    )
    asked = "host {all} {all} 127.0.0.1 scram-sha-256;host {replication} {all} 127.0.0.1 scram-sha-256"
    assert await ask(server.admin_url, rules) == asked
    assert await ask(server.admin_url, "show listen_addresses") == "127.0.0.1"
    assert await ask(server.admin_url, "show unix_socket_directories") == ""
    stored = "select rolpassword like 'SCRAM-SHA-256$%' from pg_authid where rolname = 'postgres'"
    assert await ask(server.admin_url, stored) is True


async def test_a_wrong_password_is_refused(server: EmbeddedServer) -> None:
    password = server.directory.secret("admin_password")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.admin_url.replace(password, "guess"))


async def test_text_is_ordered_and_folded_the_same_on_every_version(server: EmbeddedServer) -> None:
    assert await ask(server.admin_url, "select lower('ÀÉÎÕÜŠŽ')") == "àéîõüšž"
    ordered = "select string_agg(word, ' ' order by word) from unnest(array['b', 'a', 'B', 'é', 'Z']) as word"
    assert await ask(server.admin_url, ordered) == "B Z a b é"
    assert await ask(server.admin_url, "show data_checksums") == "on"
    assert await ask(server.admin_url, "show timezone") == "UTC"


def test_secrets_are_long_differ_and_are_readable_by_us_alone(server: EmbeddedServer) -> None:
    secrets = server.directory.path / "secrets"
    passwords = {server.directory.secret(name) for name in ("admin_password", "api_password", "worker_password")}
    assert len(passwords) == 3
    assert min(map(len, passwords)) >= 43
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o600}


def test_the_server_does_not_run_as_root_and_cannot_read_the_secrets(server: EmbeddedServer) -> None:
    owner = server.directory.cluster.stat().st_uid
    assert owner != 0
    if os.geteuid() == 0:
        assert (server.directory.path / "secrets").stat().st_uid == 0
        assert (server.directory.path / "postgresql.conf").stat().st_uid == 0


def test_the_last_to_leave_stops_the_server(directory: Path, other_process: "subprocess.Popen[str]") -> None:
    with make_server(directory) as server:
        other_process.communicate()
        assert server.is_running
    assert not server.is_running


def test_whoever_leaves_first_does_not_stop_it_for_the_others(
    directory: Path, other_process: "subprocess.Popen[str]"
) -> None:
    with make_server(directory) as server:
        pass
    assert server.is_running
    other_process.communicate()
    assert not server.is_running


async def test_a_server_that_a_killed_process_left_is_taken_over_and_stopped(
    directory: Path, other_process: "subprocess.Popen[str]"
) -> None:
    other_process.kill()
    other_process.wait()
    with make_server(directory) as server:
        assert await ask(server.admin_url, "select 1") == 1
    assert not server.is_running


async def test_a_killed_server_recovers_at_the_next_start(directory: Path) -> None:
    with make_server(directory) as server:
        await ask(server.admin_url, "create table written as select 7 as number")
        await ask(server.admin_url, "checkpoint")
        postmaster = int((server.directory.cluster / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
    with make_server(directory) as server:
        assert await ask(server.admin_url, "select number from written") == 7
        await ask(server.admin_url, "drop table written")


async def test_the_process_id_of_another_program_in_a_left_over_file_does_not_block(directory: Path) -> None:
    lines = [str(os.getpid()), str(directory / "cluster"), "1700000000", "5432", "", "127.0.0.1", "0 0", "ready"]
    (directory / "cluster" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    with make_server(directory) as server:
        assert await ask(server.admin_url, "select 1") == 1


async def test_the_port_stays_and_another_is_chosen_when_it_is_taken(directory: Path) -> None:
    with make_server(directory) as server:
        port = server.port
    with make_server(directory) as server:
        assert server.port == port
    with socket.create_server(("127.0.0.1", port)), make_server(directory) as server:
        assert server.port != port
        assert await ask(server.admin_url, "select 1") == 1


def test_a_cluster_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedServerError, match="made by PostgreSQL 14, and this is"):
        make_server(tmp_path).start()
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_missing_programs_are_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=f"no PostgreSQL in {tmp_path / 'bin'}"):
        EmbeddedServer(tmp_path, bin_directory=tmp_path / "bin").start()


def test_programs_for_another_machine_are_named(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postgres").write_bytes(b"\x7fELF of another kind")
    with pytest.raises(EmbeddedServerError, match="postgres does not run on this machine"):
        EmbeddedServer(tmp_path / "data", bin_directory=tmp_path / "bin").start()


def test_a_failed_start_shows_the_end_of_the_log(directory: Path) -> None:
    server = EmbeddedServer(
        directory, bin_directory=bin_directory(MAJOR_VERSION), configuration={"shared_buffers": "a lot"}
    )
    with pytest.raises(EmbeddedServerError, match='invalid value for parameter "shared_buffers"'):
        server.start()
