"""Python's own work on what a caller sent: at once where that is short, else in a thread, while others are answered.

To read a megabyte of variables takes up to three quarters of a second: on the event loop everybody would wait for it.
There are a few threads, of which a tenant has one at a time, so that whoever sends one large request after the other
takes turns with the others, and in the end is told to wait. Nor is what they send taken in before its time: 64 of
them at once would be so many megabytes, and a while in which nobody else is heard.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from uuid import UUID

from gql.database.context import role_of
from gql.fairness.accounts import Pace
from gql.fairness.crowd import Crowd, Tenant
from gql.fairness.shares import Shares
from gql.fairness.slots import Slot, Slots

T = TypeVar("T")

THREADS: Final = 2
FOR_ONE_TENANT: Final = 1
PLACES: Final = 32
"""For large requests that are on their way, or wait for a thread. Slow networks are no reason to keep a thread."""
PLACES_FOR_ONE_TENANT: Final = 2
PATIENCE_SECONDS: Final = 5.0
PACE: Final = Pace(least=0.01, ahead=60.0, most_rest=10.0)
"""Of a thread, with which everybody's requests share one lock of Python's. Whoever imports so many rows waits for
PostgreSQL for longer than this."""
THREAD_PATIENCE_FACTOR: Final = 4.0
"""So many times as long as for a place one waits for a thread: at least as long as anybody rests."""
MOST_BYTES_AT_ONCE: Final = 16 * 1024
"""An import of a hundred rows, and some two milliseconds of work; four at most."""


class Turn:
    """One request at the workbench. What turns out to be long is given a place, before all of it is taken in, and then
    one thread at a time works for it; what is short is done at once."""

    __slots__ = ("_bench", "_place", "_slot", "_tenant_id", "_working")

    def __init__(self, bench: "Workbench", tenant_id: UUID | None) -> None:
        self._bench = bench
        self._tenant_id = tenant_id
        self._place: Slot[None] | None = None
        self._slot: Slot[None] | None = None
        self._working: asyncio.Future[Any] | None = None

    @property
    def is_long(self) -> bool:
        return self._place is not None

    async def __aenter__(self) -> Self:
        return self

    @property
    def _tenant(self) -> Tenant:
        """As the pools call it: in the crowd it counts once."""
        return None if self._tenant_id is None else role_of(self._tenant_id)

    async def weigh(self, size: int) -> None:
        """The request has so many bytes, or will have. Raises ApiError UNAVAILABLE, as `Slots.take`, where it is
        long and no place came free in time."""
        if size > MOST_BYTES_AT_ONCE and self._place is None:
            self._place = await self._bench.places.take(self._tenant, None)

    async def do(self, work: Callable[[], T]) -> T:
        """What the work makes. Raises whatever it raises, and ApiError UNAVAILABLE, as `Slots.take`, where no
        thread came free in time."""
        if self._place is None:
            return work()
        if self._slot is None:
            self._slot = await self._bench.thread_slots.take(self._tenant, None)
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
        if self._working is None:
            self._leave()
        else:  # nobody waits for it any more, but a thread cannot be called back
            self._working.add_done_callback(self._end)

    def _end(self, ended: "asyncio.Future[Any]") -> None:
        self._leave()
        if not ended.cancelled():
            ended.exception()  # has been looked at, then

    def _leave(self) -> None:
        for slots, slot in ((self._bench.thread_slots, self._slot), (self._bench.places, self._place)):
            if slot is not None:
                slots.give_back(slot)


class Workbench:
    """The places, the threads, and whose turn it is."""

    def __init__(self, crowd: Crowd | None = None, patience: float = PATIENCE_SECONDS) -> None:
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="large request")
        longer = THREAD_PATIENCE_FACTOR * patience
        self.thread_slots: Slots[None] = Slots(THREADS, FOR_ONE_TENANT, longer, Shares(crowd, PACE))
        self.places: Slots[None] = Slots(PLACES, PLACES_FOR_ONE_TENANT, patience, Shares(crowd))

    def turn(self, tenant_id: UUID | None) -> Turn:
        """A turn for a request, to be entered."""
        return Turn(self, tenant_id)

    @property
    def waiting(self) -> int:
        """How many requests wait for a place or a thread."""
        return self.places.waiting + self.thread_slots.waiting

    def close(self) -> None:
        """Let go of the threads; what they are at is done in vain."""
        self.threads.shutdown(wait=False, cancel_futures=True)
