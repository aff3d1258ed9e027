"""`serve` and `work` as programs of their own, on any free port, and where they are."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.harness.command_line import PROGRAM

PATIENCE_SECONDS: Final = 60.0
MOST_SAID: Final = 1 << 26
"""So many bytes of a program are read before anybody asks for them. One whose words nobody reads stands still at 64 kB,
and a worker that carries no messages shows all that it finds."""
PLACE: Final = re.compile(r"http://[^\s;]+?(?=/metrics|;)")


@dataclass
class Program:
    """A program that runs, and where it listens."""

    process: asyncio.subprocess.Process
    place: str

    async def stop(self) -> str:
        """Have it end, which it must do well; what it said on standard error."""
        self.process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(self.process.communicate(), PATIENCE_SECONDS)
        assert self.process.returncode == 0, err.decode()
        return err.decode()


@asynccontextmanager
async def a_program(
    *arguments: str, env: Mapping[str, str], program: Sequence[str | Path] = (PROGRAM,), lines: int = 1
) -> AsyncIterator[Program]:
    """A program that has said so many lines, the first of which names its place. It is killed at the end where it has
    not been stopped."""
    process = await asyncio.create_subprocess_exec(
        *program,
        *arguments,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=MOST_SAID,
    )
    try:
        assert process.stdout is not None
        said = []
        for _ in range(lines):
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS)
            if not line:
                raise AssertionError((await process.communicate())[1].decode())
            said.append(line.decode())
        found = PLACE.search(said[0])
        assert found is not None, said
        yield Program(process, found[0])
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
