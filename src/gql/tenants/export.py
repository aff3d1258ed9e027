"""Taking out everything of one organisation: a file for each table and form, all of one moment.

Rows go from PostgreSQL to the files as they come, so that a large organisation needs no more memory than a small one.
The files are written into a directory beside the one that was asked for, which takes its name when all is there.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

import asyncpg

from gql.tenants.formats import FORMATS, Format
from gql.tenants.manifest import NAME, ExportedFile, ExportedTable, ExportedTenant, Manifest
from gql.tenants.parts import Part, parts_of_tenants

# A login that policies bind would otherwise see nothing and be told nothing: so it is an error.
SETTINGS: Final = """
    set local row_security = off;
    set local statement_timeout = 0;
    set local timezone = 'UTC';
    set local datestyle = 'ISO, YMD';
    set local intervalstyle = 'iso_8601'
"""
UNFINISHED: Final = ".unfinished"
Advance = Callable[[int], None]


class OutputInTheWay(Exception):
    """Something lies where the export is to go; the text says what."""


async def export_tenant(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    directory: Path,
    form: str = "both",
    begin: Callable[[int], Advance] = lambda rows: lambda written: None,
) -> Manifest:
    """Write everything of this organisation into the directory, which must be empty or not there yet. `form` is one of
    FORMATS; `begin` is told how many rows there will be, and gives what is told of those written.

    Needs a superuser's connection. Raises OutputInTheWay, and OSError where files cannot be written. Whatever happens,
    the directory is complete or not there.
    """
    with _becoming(directory) as unfinished:
        async with snapshot(connection):
            return await _write(connection, tenant_id, unfinished, FORMATS[form], begin)


@asynccontextmanager
async def snapshot(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """One moment of the whole database, for the body."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(SETTINGS)
        yield


async def _write(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    directory: Path,
    formats: Sequence[Format],
    begin: Callable[[int], Advance],
) -> Manifest:
    parts = await parts_of_tenants(connection)
    row = await connection.fetchrow(
        "select slug, name, statement_timestamp() as now, (select version from core.schema_version) as version"
        " from iam.tenants where id = $1",
        tenant_id,
    )
    assert row is not None
    counts = [await connection.fetchval(part.counting, tenant_id) for part in parts]
    advance = begin(sum(counts) * len(formats))
    tables = []
    for part, count in zip(parts, counts, strict=True):
        files = [await _write_file(connection, tenant_id, part, count, each, directory, advance) for each in formats]
        tables.append(
            ExportedTable(part.table, count, [each.name for each in part.columns], list(part.left_out), files)
        )
    manifest = Manifest(ExportedTenant(tenant_id, row["slug"], row["name"]), row["now"], row["version"], tables)
    _write_whole(directory / NAME, manifest.encoded())
    return manifest


async def _write_file(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    part: Part,
    count: int,
    form: Format,
    directory: Path,
    advance: Advance,
) -> ExportedFile:
    passing, digest, size = form(), sha256(), 0
    path = directory / f"{part.table}.{form.suffix}"
    with path.open("xb") as file:

        async def write(data: bytes) -> None:
            nonlocal size
            before = passing.rows
            passed = passing.pass_on(data)
            digest.update(passed)
            size += len(passed)
            file.write(passed)
            advance(passing.rows - before)

        await connection.copy_from_query(form.query(part), tenant_id, output=write, **form.options)
        _settle(file)
    if passing.rows != count:
        raise RuntimeError(f"{part.table} has {count} rows, of which {passing.rows} were written.")
    return ExportedFile(path.name, size, digest.hexdigest())


@contextmanager
def _becoming(directory: Path) -> Iterator[Path]:
    """A new directory beside this one, for nobody else's eyes. It takes this one's name after the body, and is removed
    where that fails."""
    directory = directory.absolute()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise OutputInTheWay(f"{directory} is there already and not empty. Name another directory.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", suffix=UNFINISHED, dir=directory.parent))
    try:
        yield unfinished
        _settle_directory(unfinished)
        unfinished.rename(directory)
        _settle_directory(directory.parent)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _write_whole(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        _settle(file)


def _settle(file: BinaryIO) -> None:
    """On the disk, so that a power cut leaves no manifest of files that are not there."""
    file.flush()
    os.fsync(file.fileno())


def _settle_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
