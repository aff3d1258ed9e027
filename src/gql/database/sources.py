"""Where the sql files are, in which order they load, and the version they make."""

import hashlib
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

INCLUDE: Final = re.compile(r"^\\ir\s+(\S+)\s*$")


def sql_directory() -> Path:
    """The sql files: inside the package where it was installed from a wheel, beside src/ in a clone."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "sql"
    return shipped if shipped.is_dir() else package.parents[1] / "sql"


@cache
def schema_sources() -> dict[str, str]:
    """The text of each file that load.sql names, by its path below sql/, in the order of loading.

    Raises ValueError for a line of load.sql that is neither blank, a comment nor `\\ir` and an existing file.
    """
    directory = sql_directory()
    sources = {}
    for number, line in enumerate((directory / "load.sql").read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("--"):
            continue
        include = INCLUDE.match(line)
        if include is None or not (directory / include[1]).is_file():
            raise ValueError(f"load.sql, line {number}: expected `\\ir` and the path of a file, and found {line!r}.")
        sources[include[1]] = (directory / include[1]).read_text(encoding="utf-8")
    return sources


@cache
def schema_version() -> str:
    """The release and the hash of all that is loaded: two databases of the same version have the same schema."""
    loaded = "\0".join(f"{name}\n{text}" for name, text in schema_sources().items())
    return f"{version('countinghouse')}+{hashlib.sha256(loaded.encode()).hexdigest()[:16]}"
