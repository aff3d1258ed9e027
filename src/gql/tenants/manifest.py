"""The manifest of an export: what there is, how much of it, and by which checksums it is recognised.

It is written last. A directory without one is no export.
"""

from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

NAME: Final = "manifest.json"
VERSION: Final = 1


class ExportedFile(msgspec.Struct, frozen=True):
    """One file of an export; its size is in bytes."""

    name: str
    size: int
    sha256: str


class ExportedTable(msgspec.Struct, frozen=True, rename="camel"):
    """One table: how many rows, in which columns. `left_out` are secrets and hashes, which nobody gets."""

    table: str
    rows: int
    columns: list[str]
    left_out: list[str]
    files: list[ExportedFile]


class ExportedTenant(msgspec.Struct, frozen=True):
    """Whose export it is."""

    id: UUID
    slug: str
    name: str


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """What an export says of itself. `taken_at` is when the one snapshot was taken that all tables were read in."""

    tenant: ExportedTenant
    taken_at: datetime
    schema_version: str
    tables: list[ExportedTable]
    version: int = VERSION

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(table.rows for table in self.tables)

    @property
    def size(self) -> int:
        """Of all files together, in bytes."""
        return sum(file.size for table in self.tables for file in table.files)

    def encoded(self) -> bytes:
        """As it stands in its file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


class NoExport(Exception):
    """There is no whole export here; the text says why."""


def read_manifest(directory: Path) -> tuple[Manifest, bytes]:
    """The manifest of the export in this directory, and the SHA-256 of its file. Raises NoExport."""
    try:
        content = (directory / NAME).read_bytes()
        manifest = msgspec.json.decode(content, type=Manifest)
    except FileNotFoundError:
        raise NoExport(f"{directory} holds no {NAME}, so it is no whole export.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NoExport(f"{directory / NAME} cannot be read: {error}.") from None
    if manifest.version != VERSION:
        raise NoExport(f"{directory / NAME} is of version {manifest.version}; this reads version {VERSION}.")
    return manifest, sha256(content).digest()


def verify(directory: Path) -> tuple[Manifest, bytes]:
    """As `read_manifest`, having read every file again. Raises NoExport for the first that is not what it was."""
    manifest, digest = read_manifest(directory)
    for table in manifest.tables:
        for file in table.files:
            path = directory / file.name
            if path.parent != directory:
                raise NoExport(f"{directory / NAME} names a file elsewhere: {file.name}.")
            try:
                with path.open("rb") as stream:
                    found = file_digest(stream, "sha256").hexdigest()
                    size = stream.tell()
            except FileNotFoundError:
                raise NoExport(f"{path} is missing.") from None
            if (size, found) != (file.size, file.sha256):
                raise NoExport(f"{path} is not what was exported: its checksum is another.")
    return manifest, digest
