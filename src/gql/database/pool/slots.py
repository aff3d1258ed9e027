"""Who may hold a connection next: a fixed number of slots, a cap for each tenant, and a fair queue.

Knows nothing of PostgreSQL. A slot is a place for one connection; what stands in it is its holder's affair.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Generic, TypeVar

from gql.errors import ApiError, Code

T = TypeVar("T")

# Whoever shares one cap. Strangers (sign-in) do as if they were one tenant, so that a flood of them leaves room for
# the others.
Tenant = Hashable

RETRY_AFTER_SECONDS: Final = 1


@dataclass(slots=True, eq=False)
class Slot(Generic[T]):
    """A place for one connection, empty or not. `tenant` is whoever holds it."""

    connection: T | None = None
    tenant: Tenant = None


Rank = Callable[[Slot[T]], int]


@dataclass(slots=True, eq=False)
class Waiter(Generic[T]):
    tenant: Tenant
    rank: Rank[T]
    ticket: int
    granted: "asyncio.Future[Slot[T]]" = field(repr=False)
    is_queued: bool = True


class Slots(Generic[T]):
    """Lends slots, first come first served among the tenants that are under their cap.

    Invariant: while a slot is idle, everyone in the queue belongs to a tenant at its cap. So whoever finds an idle
    slot and is under the cap overtakes nobody.
    """

    def __init__(self, size: int, per_tenant: int, timeout: float) -> None:
        self.idle: list[Slot[T]] = [Slot() for _ in range(size)]
        self.slots: tuple[Slot[T], ...] = tuple(self.idle)
        self.waiting = 0
        self._per_tenant = per_tenant
        self._timeout = timeout
        self._held: Counter[Tenant] = Counter()
        self._queues: dict[Tenant, deque[Waiter[T]]] = {}
        self._tickets = count()
        self._all_idle = asyncio.Event()
        self._all_idle.set()

    @property
    def held(self) -> int:
        return len(self.slots) - len(self.idle)

    async def take(self, tenant: Tenant, rank: Rank[T]) -> Slot[T]:
        """An idle slot: the one with the lowest rank, among equals the one idle longest.

        Raises ApiError UNAVAILABLE, reason POOL_EXHAUSTED, when none came free in time.
        """
        if self.idle and self._held[tenant] < self._per_tenant:
            return self._lend(tenant, rank)
        waiter = Waiter(tenant, rank, next(self._tickets), asyncio.get_running_loop().create_future())
        self._queues.setdefault(tenant, deque()).append(waiter)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._timeout):
                return await waiter.granted
        except BaseException as reason:
            if waiter.granted.done() and not waiter.granted.cancelled():
                # The grant and the end of our patience crossed; somebody else shall have it.
                self.give_back(waiter.granted.result())
            else:
                self._leave(waiter)
            if isinstance(reason, TimeoutError):
                raise exhausted() from None
            raise

    def give_back(self, slot: Slot[T]) -> None:
        """End a loan. Whoever has waited longest and may hold one more gets a slot."""
        self._held[slot.tenant] -= 1
        if not self._held[slot.tenant]:
            del self._held[slot.tenant]
        slot.tenant = None
        self.idle.append(slot)
        while (waiter := self._next_waiter()) is not None:
            self._leave(waiter)
            if not waiter.granted.done():  # else it was cancelled and has not noticed yet
                waiter.granted.set_result(self._lend(waiter.tenant, waiter.rank))
        if not self.held:
            self._all_idle.set()

    async def drained(self) -> None:
        """Wait until nobody holds a slot."""
        await self._all_idle.wait()

    def take_if_idle(self, slot: Slot[T], tenant: Tenant) -> bool:
        """Take this very slot, for upkeep, unless somebody holds it."""
        if slot not in self.idle:
            return False
        self._hold(slot, tenant)
        return True

    def _lend(self, tenant: Tenant, rank: Rank[T]) -> Slot[T]:
        slot = min(self.idle, key=rank)
        self._hold(slot, tenant)
        return slot

    def _hold(self, slot: Slot[T], tenant: Tenant) -> None:
        self._all_idle.clear()
        self.idle.remove(slot)
        slot.tenant = tenant
        self._held[tenant] += 1

    def _next_waiter(self) -> Waiter[T] | None:
        if not self.idle:
            return None
        heads = [queue[0] for tenant, queue in self._queues.items() if self._held[tenant] < self._per_tenant]
        return min(heads, key=lambda waiter: waiter.ticket, default=None)

    def _leave(self, waiter: Waiter[T]) -> None:
        if not waiter.is_queued:
            return
        waiter.is_queued = False
        queue = self._queues[waiter.tenant]
        queue.remove(waiter)
        if not queue:
            del self._queues[waiter.tenant]
        self.waiting -= 1


def exhausted() -> ApiError:
    return ApiError(
        Code.UNAVAILABLE,
        "Too many requests are running just now. Try again in a moment.",
        reason="POOL_EXHAUSTED",
        retry_after=RETRY_AFTER_SECONDS,
    )
