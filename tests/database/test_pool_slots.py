"""Whatever is taken, given back, cancelled and waited for in whatever order, the queue is fair and nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql.database.pool import slots as slots_module
from gql.database.pool.slots import Slot, Slots

TENANTS = "abc"


@dataclass
class Request:
    """Somebody who asked for a slot."""

    tenant: str
    task: "asyncio.Task[Slot[str]]"

    @property
    def slot(self) -> Slot[str] | None:
        """The slot it got, if it got one."""
        if self.task.done() and not self.task.cancelled() and self.task.exception() is None:
            return self.task.result()
        return None


@dataclass
class Crowd:
    """Slots, everyone who waits for one and everyone who holds one."""

    slots: Slots[str]
    cap: int
    waiting: list[Request] = field(default_factory=list)
    holding: list[Request] = field(default_factory=list)

    async def ask(self, tenant: str) -> None:
        self.waiting.append(Request(tenant, asyncio.create_task(self.slots.take(tenant, tenant))))

    def give_back(self, which: int) -> None:
        if self.holding:
            slot = self.holding.pop(which % len(self.holding)).slot
            assert slot is not None
            self.slots.give_back(slot)

    def cancel(self, which: int) -> None:
        if self.waiting:
            self.waiting[which % len(self.waiting)].task.cancel()

    def look(self) -> None:
        """Move on those that were served, and judge."""
        for request in list(self.waiting):
            if request.task.done():
                self.waiting.remove(request)
                if request.slot is not None:
                    self.holding.append(request)
        held = [request.slot for request in self.holding]
        assert len(set(map(id, held))) == len(held), "one slot is held twice"
        assert not any(slot in self.slots.idle for slot in held), "a held slot is idle"
        assert len(held) + len(self.slots.idle) == len(self.slots.slots), "a slot is lost"
        counts = Counter(request.tenant for request in self.holding)
        assert all(count <= self.cap for count in counts.values()), "a tenant is over its cap"
        assert self.slots.waiting == len(self.waiting)
        if self.slots.idle:
            assert all(counts[request.tenant] >= self.cap for request in self.waiting), "somebody waits for nothing"


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(TENANTS)),
    st.tuples(st.just("give back"), st.integers(0, 20)),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("cancel and give back"), st.integers(0, 20)),
    st.tuples(st.just("give back and cancel"), st.integers(0, 20)),
)


@given(st.lists(STEPS, max_size=60), st.integers(1, 4), st.integers(1, 3))
def test_slots_are_lent_once_within_the_cap_and_never_lost(
    steps: list[tuple[str, str | int]], size: int, cap: int
) -> None:
    async def play() -> None:
        crowd = Crowd(Slots(size, cap, timeout=60), cap)
        for step, detail in steps:
            match step, detail:
                case "ask", str():
                    await crowd.ask(detail)
                case _, int():
                    for part in step.split(" and "):
                        crowd.cancel(detail) if part == "cancel" else crowd.give_back(detail)
            # Once for a cancellation to arrive, and once more for what it sets free.
            for _ in range(6):
                await asyncio.sleep(0)
            crowd.look()
        for request in crowd.waiting:
            request.task.cancel()
        await asyncio.gather(*(request.task for request in crowd.waiting), return_exceptions=True)
        crowd.look()
        while crowd.holding:
            crowd.give_back(0)
        assert len(crowd.slots.idle) == size
        await crowd.slots.drained()

    run(play())


@given(st.lists(st.sampled_from(TENANTS), max_size=30), st.integers(1, 4))
def test_a_tenant_is_served_in_the_order_of_asking(tenants: list[str], size: int) -> None:
    async def play() -> None:
        crowd = Crowd(Slots(size, 2, timeout=60), 2)
        for tenant in tenants:
            await crowd.ask(tenant)
        asked = list(crowd.waiting)
        served: list[Request] = []
        while len(served) < len(asked):
            for _ in range(6):
                await asyncio.sleep(0)
            crowd.look()
            served += [request for request in asked if request in crowd.holding and request not in served]
            crowd.give_back(0)
        for tenant in TENANTS:
            mine = [request for request in served if request.tenant == tenant]
            assert mine == [request for request in asked if request.tenant == tenant]

    run(play())


async def test_while_others_are_about_a_tenant_holds_its_share_and_never_less_than_the_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots: Slots[str] = Slots(10, 8, timeout=60, least=2)
    mine = [slots.take_now("a", "a") for _ in range(9)]
    assert mine.count(None) == 1, "alone it may hold as many as its cap says"
    theirs = slots.take_now("b", "b")
    assert theirs is not None
    slots.give_back(theirs)
    waiting = asyncio.create_task(slots.take("a", "a"))
    for number, slot in enumerate(filter(None, mine[:3]), 1):
        await asyncio.sleep(0)
        assert not waiting.done(), f"it holds {9 - number}, and half of ten is five"
        slots.give_back(slot)
    for slot in filter(None, mine[3:4]):
        slots.give_back(slot)
    assert (await waiting).tenant == "a"
    for name in "cdefgh":
        crossing = slots.take_now(name, name)
        assert crossing is not None
        slots.give_back(crossing)
    for slot in filter(None, mine[4:7]):
        slots.give_back(slot)
    assert slots.take_now("a", "a") is None, "with eight about its share is two, which it holds"
    monkeypatch.setattr(slots_module, "ABOUT_SECONDS", -1.0)
    assert slots.take_now("a", "a") is not None, "nobody else has been about for a while"


async def test_who_waits_for_others_that_have_gone_does_not_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots_module, "ABOUT_SECONDS", 0.05)
    slots: Slots[str] = Slots(4, 3, timeout=60, least=1)
    crossing = slots.take_now("b", "b")
    assert crossing is not None
    mine = [slots.take_now("a", "a") for _ in range(2)]
    assert all(mine), "half of them each"
    waiting = asyncio.create_task(slots.take("a", "a"))
    await asyncio.sleep(0)
    slots.give_back(crossing)
    assert not waiting.done()
    assert (await asyncio.wait_for(waiting, 30)).tenant == "a"


async def test_whoever_holds_fewer_is_served_before_whoever_came_earlier() -> None:
    slots: Slots[str] = Slots(2, 2, timeout=60)
    first, second = slots.take_now("a", "a"), slots.take_now("a", "a")
    assert first is not None
    assert second is not None
    again = asyncio.create_task(slots.take("a", "a"))
    await asyncio.sleep(0)
    other = asyncio.create_task(slots.take("b", "b"))
    await asyncio.sleep(0)
    slots.give_back(first)
    assert (await other).tenant == "b"
    assert not again.done()
    slots.give_back(second)
    assert (await again).tenant == "a"


def run(play: Coroutine[None, None, None]) -> None:
    """On a loop of its own, so that one example cannot disturb the next."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(play)
    finally:
        loop.close()
