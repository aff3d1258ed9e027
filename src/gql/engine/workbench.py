"""Python's own work on what a caller sent: at once where that is short, else in a thread, while others are answered.

To read a megabyte of variables takes up to three quarters of a second: on the event loop everybody would wait for it.
There are a few threads, of which a tenant has one at a time, so that whoever sends one large request after the other
takes turns with the others, and in the end is told to wait.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from gql.fairness.crowd import Crowd, Tenant
from gql.fairness.shares import Shares
from gql.fairness.slots import Slot, Slots

T = TypeVar("T")

THREADS: Final = 2
FOR_ONE_TENANT: Final = 1
PATIENCE_SECONDS: Final = 5.0
MOST_BYTES_AT_ONCE: Final = 16 * 1024
"""An import of a hundred rows, and some two milliseconds of work; four at most."""


class Turn:
    """One request at the workbench. As long as it lasts, one thread at a time works for it; what is short is done at
    once."""

    __slots__ = ("_bench", "_slot", "_tenant", "_working", "is_long")

    def __init__(self, bench: "Workbench", tenant: Tenant, size: int) -> None:
        self._bench = bench
        self._tenant = tenant
        self.is_long = size > MOST_BYTES_AT_ONCE
        self._slot: Slot[None] | None = None
        self._working: asyncio.Future[Any] | None = None

    async def __aenter__(self) -> Self:
        """Raises ApiError UNAVAILABLE, reason POOL_EXHAUSTED, where no thread came free in time."""
        if self.is_long:
            self._slot = await self._bench.slots.take(self._tenant, None)
        return self

    async def do(self, work: Callable[[], T]) -> T:
        """What the work makes; raises whatever it raises."""
        if self._slot is None:
            return work()
        working = asyncio.get_running_loop().run_in_executor(self._bench.threads, work)
        self._working = working
        try:
            return await asyncio.shield(working)
        finally:
            if working.done():
                self._working = None
            # What it raises holds this frame: a megabyte that was refused would stay until the collector comes.
            del working

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._slot is None:
            return
        if self._working is None:
            self._bench.slots.give_back(self._slot)
        else:  # nobody waits for it any more, but a thread cannot be called back
            self._working.add_done_callback(self._end)

    def _end(self, ended: "asyncio.Future[Any]") -> None:
        assert self._slot is not None
        self._bench.slots.give_back(self._slot)
        if not ended.cancelled():
            ended.exception()  # has been looked at, then


class Workbench:
    """The threads, and whose turn it is."""

    def __init__(self, crowd: Crowd | None = None, patience: float = PATIENCE_SECONDS) -> None:
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="large request")
        self.slots: Slots[None] = Slots(THREADS, FOR_ONE_TENANT, patience, Shares(crowd))

    def turn(self, tenant: Tenant, size: int) -> Turn:
        """A turn for a request of so many bytes, to be entered."""
        return Turn(self, tenant, size)

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread."""
        return self.slots.waiting

    def close(self) -> None:
        """Let go of the threads; what they are at is done in vain."""
        self.threads.shutdown(wait=False, cancel_futures=True)
