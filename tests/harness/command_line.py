"""Running `countinghouse` as a person does: as a program of its own, with an environment and two streams."""

import asyncio
import os
import pty
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gql.settings import PREFIX, Settings

ORDERS: Final = 40
"""So many orders the demo has in tests: the fewest, which show everything and take seconds."""
PROGRAM: Final = Path(sys.executable).with_name("countinghouse")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command said and how it ended."""

    status: int
    out: str
    err: str


def environment(settings: Settings | None = None, **more: str) -> dict[str, str]:
    """The environment of a command: ours without our settings, and those of the test's database."""
    made = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    made[f"{PREFIX}DEMO_ORDERS"] = str(ORDERS)
    if settings is not None:
        assert settings.database_url is not None
        assert settings.admin_url is not None
        assert settings.worker_url is not None
        made |= {
            f"{PREFIX}DATABASE_URL": settings.database_url,
            f"{PREFIX}ADMIN_URL": settings.admin_url,
            f"{PREFIX}WORKER_URL": settings.worker_url,
            f"{PREFIX}DATA_DIR": str(settings.data_dir),
            f"{PREFIX}ENVIRONMENT": "development",
            f"{PREFIX}POOL_MODE": settings.pool_mode,
            f"{PREFIX}ANALYST_URL": settings.analyst_url or "",
        }
    return made | {f"{PREFIX}{name}": value for name, value in more.items()}


async def countinghouse(*arguments: str | Path, env: Mapping[str, str]) -> Outcome:
    """Run the command to its end."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *arguments,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Outcome(process.returncode, out.decode(), err.decode())


async def on_a_terminal(*arguments: str | Path, env: Mapping[str, str]) -> str:
    """Run the command on a terminal of its own; what stands there in the end, with every control sequence."""
    ours, theirs = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *arguments, env=env, stdin=theirs, stdout=theirs, stderr=theirs
        )
    finally:
        os.close(theirs)
    shown = await asyncio.to_thread(_read_all, ours)
    assert await process.wait() == 0, shown
    return shown


def _read_all(descriptor: int) -> str:
    """Until nobody holds the other end any more, which Linux tells by an error."""
    read = b""
    try:
        while part := os.read(descriptor, 65536):
            read += part
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return read.decode()
