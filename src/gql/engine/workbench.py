"""Python's own work on what a caller sent: at once where it is short, else in a thread, while others are answered.

A request may bring a megabyte of variables, and to read them takes up to half a second: on the event loop everybody
would wait for it. There are a few threads, of which a tenant has one at a time, so that whoever sends one such request
after the other takes turns with the others, and in the end is told to wait.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from gql.database.pool.shares import Shares, Tenant
from gql.database.pool.slots import Slot, Slots

T = TypeVar("T")

THREADS: Final = 2
FOR_ONE_TENANT: Final = 1
PATIENCE_SECONDS: Final = 5.0
MOST_VALUES_AT_ONCE: Final = 500
"""About a millisecond of work."""


class Workbench:
    """Does what takes long for the variables of a request."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="variables")
        self._slots: Slots[None] = Slots(THREADS, FOR_ONE_TENANT, patience, Shares())

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread."""
        return self._slots.waiting

    async def do(self, work: Callable[[], T], variables: dict[str, Any] | None, tenant: Tenant) -> T:
        """What the work makes of these variables.

        Raises whatever it raises; ApiError UNAVAILABLE, reason POOL_EXHAUSTED, where too much of it is being done.
        """
        if variables is None or not holds_more_than(MOST_VALUES_AT_ONCE, variables):
            return work()
        slot = await self._slots.take(tenant, None)
        working = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # Whether or not somebody still waits for it then: a thread cannot be called back.
        working.add_done_callback(lambda ended: self._end(slot, ended))
        return await asyncio.shield(working)

    def close(self) -> None:
        """Let go of the threads; what they are at is done in vain."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _end(self, slot: Slot[None], ended: "asyncio.Future[Any]") -> None:
        self._slots.give_back(slot)
        if not ended.cancelled():
            ended.exception()  # has been looked at, then, though its caller may be gone


def holds_more_than(most: int, value: dict[str, Any] | list[Any]) -> bool:
    """Whether there are more values in it than these, at whatever depth. Takes no longer for a large one."""
    inside: list[dict[str, Any] | list[Any]] = [value]
    for container in inside:
        most -= len(container)
        if most < 0:
            return True
        members = container.values() if isinstance(container, dict) else container
        inside += [each for each in members if isinstance(each, (dict, list))]
    return False
