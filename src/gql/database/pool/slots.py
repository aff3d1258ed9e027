"""Who may hold a connection next: a fixed number of slots, a cap for each tenant, and a fair queue.

A connection that works is a core that is busy. So the cap is lower while others are about: a tenant who asks for all
that it may leaves them cores too, and not only connections. Alone it may have what the cap allows.

Knows nothing of PostgreSQL. A slot is a place for one connection; what stands in it is its holder's affair.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Final, Generic, TypeVar

from gql.errors import ApiError, Code
from gql.reminders import Reminders

T = TypeVar("T")

# Whoever shares one cap. Strangers (sign-in) do as if they were one tenant, so that a flood of them leaves room for
# the others.
Tenant = Hashable

RETRY_AFTER_SECONDS: Final = 1
ABOUT_SECONDS: Final = 1.0
"""For so long after it was last lent a slot a tenant counts as being about."""


@dataclass(slots=True, eq=False)
class Slot(Generic[T]):
    """A place for one connection, empty or not. `tenant` is whoever holds it; `suits` is who could use the connection
    as it stands, None where there is no connection or nobody could."""

    connection: T | None = None
    tenant: Tenant = None
    suits: Hashable = None


@dataclass(slots=True, eq=False)
class Waiter(Generic[T]):
    tenant: Tenant
    wanted: Hashable
    ticket: int
    granted: "asyncio.Future[Slot[T]]" = field(repr=False)
    is_queued: bool = True

    @property
    def has_been_granted(self) -> bool:
        return self.granted.done() and not self.granted.cancelled() and self.granted.exception() is None

    def give_up(self) -> None:
        if not self.granted.done():
            self.granted.set_exception(exhausted())


class Slots(Generic[T]):
    """Lends slots, first to the tenants that hold the fewest; among those, and within each tenant, first come first
    served. Several tenants share alike, but none is pressed below `least`; one holds no more than `per_tenant`.

    Invariant: while a slot is idle, everyone in the queue belongs to a tenant that was at its cap at the last look. So
    whoever finds an idle slot and is under the cap overtakes nobody. There is a look whenever a slot comes back, and
    as long as somebody waits beside an idle one, every second: others may not be about any more.
    """

    def __init__(self, size: int, per_tenant: int, timeout: float, *, least: int | None = None) -> None:
        self.idle: list[Slot[T]] = [Slot() for _ in range(size)]
        """In the order in which they came back."""
        self.slots: tuple[Slot[T], ...] = tuple(self.idle)
        self.waiting = 0
        self._per_tenant = per_tenant
        self._least = per_tenant if least is None else least
        self._about: OrderedDict[Tenant, float] = OrderedDict()
        """When each tenant was last lent a slot, the latest last."""
        self._timeout = timeout
        self._held: dict[Tenant, int] = {}
        self._queues: dict[Tenant, deque[Waiter[T]]] = {}
        self._tickets = count()
        self._reminders = Reminders()
        self._will_look = False
        self._all_idle: asyncio.Event | None = None

    @property
    def held(self) -> int:
        return len(self.slots) - len(self.idle)

    def take_now(self, tenant: Tenant, wanted: Hashable) -> Slot[T] | None:
        """An idle slot, best one that suits whoever is `wanted`; None where the tenant has to wait for one."""
        if self.idle and (not (held := self._held.get(tenant, 0)) or held < self._cap(tenant)):
            return self._lend(tenant, wanted)
        return None

    async def take(self, tenant: Tenant, wanted: Hashable) -> Slot[T]:
        """As `take_now`, as soon as there is one.

        Raises ApiError UNAVAILABLE, reason POOL_EXHAUSTED, when none came free in time.
        """
        slot = self.take_now(tenant, wanted)
        if slot is not None:
            return slot
        waiter = Waiter(tenant, wanted, next(self._tickets), self._reminders.loop.create_future())
        self._queues.setdefault(tenant, deque()).append(waiter)
        self.waiting += 1
        self._look_later()
        patience = self._reminders.set(self._timeout, waiter.give_up)
        try:
            return await waiter.granted
        except BaseException:
            self._leave(waiter)
            if waiter.has_been_granted:
                # The grant and a cancellation crossed; somebody else shall have it.
                self.give_back(waiter.granted.result())
            raise
        finally:
            self._reminders.take_back(patience)

    def give_back(self, slot: Slot[T]) -> None:
        """End a loan. Whoever has waited longest and may hold one more gets a slot."""
        held = self._held[slot.tenant] - 1
        if held:
            self._held[slot.tenant] = held
        else:
            del self._held[slot.tenant]
        slot.tenant = None
        self.idle.append(slot)
        if self._queues:
            self._hand_out()
            self._look_later()
        if self._all_idle is not None and not self.held:
            self._all_idle.set()

    def _hand_out(self) -> None:
        while self._queues and (waiter := self._next_waiter()) is not None:
            self._leave(waiter)
            if not waiter.granted.done():  # else it has given up and not noticed yet
                waiter.granted.set_result(self._lend(waiter.tenant, waiter.wanted))

    def _look_later(self) -> None:
        if self.idle and self._queues and not self._will_look:
            self._will_look = True
            self._reminders.set(ABOUT_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._will_look = False
        self._hand_out()
        self._look_later()

    async def drained(self) -> None:
        """Wait until nobody holds a slot."""
        if self.held:
            self._all_idle = asyncio.Event()
            await self._all_idle.wait()

    def take_if_idle(self, slot: Slot[T], tenant: Tenant) -> bool:
        """Take this very slot, for upkeep, unless somebody holds it."""
        if slot not in self.idle:
            return False
        self._hold(slot, tenant)
        return True

    def _cap(self, tenant: Tenant) -> int:
        """How many the tenant may hold just now; whoever holds none may have one in any case."""
        self._forget(monotonic())
        others = len(self._about) - (tenant in self._about)
        share = -(-len(self.slots) // (1 + others))  # rounded up, so that all of them are used
        return min(self._per_tenant, max(share, self._least))

    def _forget(self, now: float) -> None:
        """Whoever was last lent a slot too long ago is not about any more."""
        while self._about and next(iter(self._about.values())) < now - ABOUT_SECONDS:
            self._about.popitem(last=False)

    def _lend(self, tenant: Tenant, wanted: Hashable) -> Slot[T]:
        now = self._about[tenant] = monotonic()
        self._about.move_to_end(tenant)
        self._forget(now)
        slot = self._choose(wanted)
        self._hold(slot, tenant)
        return slot

    def _choose(self, wanted: Hashable) -> Slot[T]:
        """Of those that suit, the one used last, whose server process is warm; else the one idle longest, so that a
        connection stays with whoever is likely to come back; an empty one last."""
        for slot in reversed(self.idle):
            if slot.suits == wanted:
                return slot
        return next((slot for slot in self.idle if slot.suits is not None), self.idle[0])

    def _hold(self, slot: Slot[T], tenant: Tenant) -> None:
        self.idle.remove(slot)
        slot.tenant = tenant
        self._held[tenant] = self._held.get(tenant, 0) + 1

    def _next_waiter(self) -> Waiter[T] | None:
        if not self.idle:
            return None
        heads = [
            (held, queue[0].ticket, queue[0])
            for tenant, queue in self._queues.items()
            if not (held := self._held.get(tenant, 0)) or held < self._cap(tenant)
        ]
        return min(heads)[2] if heads else None

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
