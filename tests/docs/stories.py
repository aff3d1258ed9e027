"""The commands of a page, run one after the other by a shell, as whoever reads the page would."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_FENCE: Final = re.compile(r"^```(\S*)[ ]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL: Final = ("bash", "-euo", "pipefail", "-c")
READY: Final = re.compile(r"http://\S+|works on what is due")
PATIENCE: Final = 60.0


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what else stands there, and its text."""

    language: str
    word: str
    text: str

    @property
    def commands(self) -> list[str]:
        """One a line; comments at the end of a line and lines that go on belong to no command of their own."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.split("  #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def blocks_of(page: Path) -> list[Block]:
    return [Block(*found) for found in _FENCE.findall(page.read_text())]


async def run(command: str, env: Mapping[str, str], directory: Path) -> str:
    """What it printed. It must succeed."""
    process = await asyncio.create_subprocess_exec(
        *_SHELL,
        command,
        env=env,
        cwd=directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0, f"{command}\n{out.decode()}"
    return out.decode()


@asynccontextmanager
async def going_on(command: str, env: Mapping[str, str], directory: Path) -> AsyncIterator[str]:
    """A program that does not end, from when it says that it is ready until the body has; what it said then. It must
    end well when it is asked to."""
    process = await asyncio.create_subprocess_exec(
        *_SHELL,
        f"exec {command}",
        env=env,
        cwd=directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        async with asyncio.timeout(PATIENCE):
            while not READY.search(said):
                line = await process.stdout.readline()
                assert line, f"{command} ended: {said}"
                said += line.decode()
        yield said
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
        assert process.returncode == 0, command
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
