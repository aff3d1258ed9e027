"""Who may go on next: a fixed number of slots, a cap for each tenant, and a fair queue.

Knows nothing of PostgreSQL. A slot is a place for one connection, and what stands in it is its holder's affair. The
engine's workbench has slots in which nothing stands: whoever holds one may have a thread.
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import count
from random import uniform
from time import monotonic
from typing import Final, Generic, TypeVar

from gql.errors import ApiError, Code
from gql.fairness.crowd import Tenant
from gql.fairness.shares import Shares
from gql.reminders import Reminders

T = TypeVar("T")

RETRY_AFTER_SECONDS: Final = 1
LOOK_SECONDS: Final = 0.05
LEAST_PATIENCE: Final = 0.5
"""Of the time that somebody may wait at most."""


@dataclass(slots=True, eq=False)
class Slot(Generic[T]):
    """A place for one connection, empty or not. `tenant` has held it `since` then; `suits` is who could use the
    connection as it stands, None where there is no connection or nobody could."""

    connection: T | None = None
    tenant: Tenant = None
    since: float = 0.0
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

    def give_up(self, why: ApiError) -> None:
        if not self.granted.done():
            self.granted.set_exception(why)


class Slots(Generic[T]):
    """Lends slots, first to the tenants that hold the fewest; among those, and within each tenant, first come first
    served. A tenant holds no more than its share, and never more than `per_tenant`.

    Invariant: while a slot is idle, everyone in the queue belongs to a tenant that could have no more at the last look.
    So whoever finds an idle slot and may have it overtakes nobody. There is a look whenever something shared comes
    back, and as long as somebody waits beside an idle slot, every now and then: others may not be about any more, and
    whoever rests has rested.
    """

    def __init__(self, size: int, per_tenant: int, timeout: float, shares: Shares) -> None:
        self.idle: list[Slot[T]] = [Slot() for _ in range(size)]
        """In the order in which they came back."""
        self.slots: tuple[Slot[T], ...] = tuple(self.idle)
        self.waiting = 0
        self._per_tenant = per_tenant
        self._timeout = timeout
        self._shares = shares
        shares.join(self)
        self._held: dict[Tenant, int] = {}
        self._queues: dict[Tenant, deque[Waiter[T]]] = {}
        self._tickets = count()
        self._reminders = Reminders()
        self._will_look = False
        self._all_idle: asyncio.Event | None = None

    @property
    def size(self) -> int:
        return len(self.slots)

    def held_by(self, tenant: Tenant) -> int:
        return self._held.get(tenant, 0)

    @property
    def held(self) -> int:
        return len(self.slots) - len(self.idle)

    def take_now(self, tenant: Tenant, wanted: Hashable) -> Slot[T] | None:
        """An idle slot, best one that suits whoever is `wanted`; None where the tenant has to wait for one."""
        if self.idle and self._may_hold_more(tenant):
            return self._lend(tenant, wanted)
        return None

    async def take(self, tenant: Tenant, wanted: Hashable) -> Slot[T]:
        """As `take_now`, as soon as there is one.

        Raises ApiError UNAVAILABLE when there was none in time: POOL_EXHAUSTED, or SHARE_EXHAUSTED where there was
        one, and not for this tenant.
        """
        slot = self.take_now(tenant, wanted)
        if slot is not None:
            return slot
        waiter = Waiter(tenant, wanted, next(self._tickets), self._reminders.loop.create_future())
        self._queues.setdefault(tenant, deque()).append(waiter)
        self.waiting += 1
        self._look_later()
        # Those who came together do not give up together: they would come back together, too.
        patience = uniform(LEAST_PATIENCE, 1.0) * self._timeout  # noqa: S311 (no secret)
        reminder = self._reminders.set(patience, lambda: waiter.give_up(self._why_not(waiter.tenant)))
        try:
            return await waiter.granted
        except BaseException:
            self._leave(waiter)
            if waiter.has_been_granted:
                # The grant and a cancellation crossed; somebody else shall have it.
                self.give_back(waiter.granted.result())
            raise
        finally:
            self._reminders.take_back(reminder)

    def give_back(self, slot: Slot[T]) -> None:
        """End a loan. Whoever has waited longest and may hold one more gets a slot."""
        tenant, slot.tenant = slot.tenant, None
        now = monotonic()
        self._shares.charge(tenant, now - slot.since, now)
        held = self._held[tenant] - 1
        if held:
            self._held[tenant] = held
        else:
            del self._held[tenant]
        self.idle.append(slot)
        self._shares.hand_out(last=self)
        self._look_later()
        if self._all_idle is not None and not self.held:
            self._all_idle.set()

    def hand_out(self) -> None:
        """Lend what is idle to those who wait and may have it."""
        while self._queues and (waiter := self._next_waiter()) is not None:
            self._leave(waiter)
            if not waiter.granted.done():  # else it has given up and not noticed yet
                waiter.granted.set_result(self._lend(waiter.tenant, waiter.wanted))

    def _why_not(self, tenant: Tenant) -> ApiError:
        """Why somebody waited in vain: while a slot is idle, because they could have no more."""
        return share_exhausted() if self.idle and tenant is not None else pool_exhausted()

    def _look_later(self) -> None:
        if self.idle and self._queues and not self._will_look:
            self._will_look = True
            self._reminders.set(LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._will_look = False
        self.hand_out()
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

    def _may_hold_more(self, tenant: Tenant) -> bool:
        return self.held_by(tenant) < self._per_tenant and self._shares.allow(tenant, self)

    def _lend(self, tenant: Tenant, wanted: Hashable) -> Slot[T]:
        slot = self._choose(wanted)
        self._hold(slot, tenant)
        self._shares.crowd.see(tenant, slot.since)
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
        slot.since = monotonic()
        self._held[tenant] = self._held.get(tenant, 0) + 1

    def _next_waiter(self) -> Waiter[T] | None:
        if not self.idle:
            return None
        heads = [
            (self.held_by(tenant), queue[0].ticket, queue[0])
            for tenant, queue in self._queues.items()
            if self._may_hold_more(tenant)
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


def pool_exhausted() -> ApiError:
    return ApiError(
        Code.UNAVAILABLE,
        "Too many requests are running just now. Try again in a moment.",
        reason="POOL_EXHAUSTED",
        retry_after=RETRY_AFTER_SECONDS,
    )


def share_exhausted() -> ApiError:
    sentence = (
        "Your organisation has as many requests under way as it may have just now. Send fewer at once, and try again in"
        " a moment."
    )
    return ApiError(Code.UNAVAILABLE, sentence, reason="SHARE_EXHAUSTED", retry_after=RETRY_AFTER_SECONDS)
