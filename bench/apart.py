"""Work in a process of its own, so that whoever measures shares no event loop with who asks.

A module of it has a `main` that calls `serve`, and is run by `apart`; both speak MessagePack.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import uvloop

Wanted = TypeVar("Wanted", bound=msgspec.Struct)
Found = TypeVar("Found", bound=msgspec.Struct)


async def apart(module: str, wanted: msgspec.Struct, kind: type[Found]) -> Found:
    """What `python -m module` makes of what is wanted. Raises RuntimeError where it failed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(msgspec.msgpack.encode(wanted))
    if process.returncode:
        raise RuntimeError(f"{module} ended with status {process.returncode}.")
    return msgspec.msgpack.decode(out, type=kind)


def serve(kind: type[Wanted], work: Callable[[Wanted], Awaitable[msgspec.Struct]]) -> None:
    """Read what is wanted, do it and write what came of it."""

    async def done() -> msgspec.Struct:
        return await work(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=kind))

    sys.stdout.buffer.write(msgspec.msgpack.encode(uvloop.run(done())))
