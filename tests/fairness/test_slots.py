"""Whatever is taken, given back, cancelled and waited for in whatever order, the queue is fair and nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql.errors import ApiError, Code
from gql.fairness.crowd import Crowd
from gql.fairness.shares import USUAL_PACE, Shares
from gql.fairness.slots import Slot, Slots
from gql.reminders import TICK_SECONDS

TENANTS = "abc"


def unshared() -> Shares:
    """Nobody is about for long enough to count."""
    return Shares(Crowd(about_seconds=-1.0))


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
class Visitors:
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
        visitors = Visitors(Slots(size, cap, 60, unshared()), cap)
        for step, detail in steps:
            match step, detail:
                case "ask", str():
                    await visitors.ask(detail)
                case _, int():
                    for part in step.split(" and "):
                        visitors.cancel(detail) if part == "cancel" else visitors.give_back(detail)
            # Once for a cancellation to arrive, and once more for what it sets free.
            for _ in range(6):
                await asyncio.sleep(0)
            visitors.look()
        for request in visitors.waiting:
            request.task.cancel()
        await asyncio.gather(*(request.task for request in visitors.waiting), return_exceptions=True)
        visitors.look()
        while visitors.holding:
            visitors.give_back(0)
        assert len(visitors.slots.idle) == size
        await visitors.slots.drained()

    run(play())


@given(st.lists(st.sampled_from(TENANTS), max_size=30), st.integers(1, 4))
def test_a_tenant_is_served_in_the_order_of_asking(tenants: list[str], size: int) -> None:
    async def play() -> None:
        visitors = Visitors(Slots(size, 2, 60, unshared()), 2)
        for tenant in tenants:
            await visitors.ask(tenant)
        asked = list(visitors.waiting)
        served: list[Request] = []
        while len(served) < len(asked):
            for _ in range(6):
                await asyncio.sleep(0)
            visitors.look()
            served += [request for request in asked if request in visitors.holding and request not in served]
            visitors.give_back(0)
        for tenant in TENANTS:
            mine = [request for request in served if request.tenant == tenant]
            assert mine == [request for request in asked if request.tenant == tenant]

    run(play())


def cross(slots: Slots[str], *tenants: str) -> None:
    """Each of them comes and goes, and is about."""
    for tenant in tenants:
        slot = slots.take_now(tenant, tenant)
        assert slot is not None
        slots.give_back(slot)


async def test_while_others_are_about_a_tenant_holds_its_share() -> None:
    shares = Shares(Crowd(about_seconds=60))
    slots: Slots[str] = Slots(10, 8, 60, shares)
    mine = [slots.take_now("a", "a") for _ in range(9)]
    assert mine.count(None) == 1, "alone it may hold as many as its cap says"
    cross(slots, "b")
    waiting = asyncio.create_task(slots.take("a", "a"))
    for number, slot in enumerate(filter(None, mine[:3]), 1):
        await asyncio.sleep(0)
        assert not waiting.done(), f"it holds {9 - number}, and half of ten is five"
        slots.give_back(slot)
    for slot in filter(None, mine[3:4]):
        slots.give_back(slot)
    assert (await waiting).tenant == "a"
    cross(slots, *"cdefgh")
    for slot in filter(None, mine[4:7]):
        slots.give_back(slot)
    assert slots.take_now("a", "a") is None, "with eight about its share is two, which it holds"
    shares.crowd.about_seconds = -1.0
    assert slots.take_now("a", "a") is not None, "nobody else has been about for a while"


async def test_a_share_is_of_all_that_is_shared_and_what_comes_back_here_is_handed_out_there() -> None:
    shares = Shares(Crowd(about_seconds=60))
    reads: Slots[str] = Slots(4, 3, 60, shares)
    writes: Slots[str] = Slots(2, 2, 60, shares)
    cross(reads, *"bcdef")
    slot = reads.take_now("a", "a")
    assert slot is not None, "whoever holds nothing may have one, however many are about"
    assert writes.take_now("a", "a") is None, "a sixth of six is one, wherever it is"
    cross(writes, "b")
    first, again = (asyncio.create_task(each.take("a", "a")) for each in (writes, reads))
    await asyncio.sleep(0)
    reads.give_back(slot)
    slot = await first
    assert not again.done(), "those who wait elsewhere come first, or one kind would keep the other out"
    writes.give_back(slot)
    reads.give_back(await again)
    assert [(each.held, each.waiting) for each in (reads, writes)] == [(0, 0), (0, 0)]


async def test_who_waits_for_others_that_have_gone_does_not_wait_for_long() -> None:
    slots: Slots[str] = Slots(4, 3, 60, Shares(Crowd(about_seconds=0.05)))
    crossing = slots.take_now("b", "b")
    assert crossing is not None
    mine = [slots.take_now("a", "a") for _ in range(2)]
    assert all(mine), "half of them each"
    waiting = asyncio.create_task(slots.take("a", "a"))
    await asyncio.sleep(0)
    slots.give_back(crossing)
    assert not waiting.done()
    assert (await asyncio.wait_for(waiting, 30)).tenant == "a"


async def test_where_more_are_about_than_there_are_slots_a_share_is_a_part_of_the_time() -> None:
    shares = Shares(Crowd(about_seconds=60))
    slots: Slots[str] = Slots(2, 2, 60, shares)
    cross(slots, "b", "c")
    shares.charge("a", 1.0, monotonic())
    cross(slots, "a")
    shares.charge("a", 100.0, monotonic())
    assert slots.take_now("a", "a") is None, "it has had more than two thirds of ten seconds"
    cross(slots, "b", "c")
    begun = monotonic()
    resting = asyncio.create_task(slots.take("a", "a"))
    slot = await asyncio.wait_for(resting, 30)
    assert monotonic() - begun > USUAL_PACE.most_rest / 2, "though two slots were idle"
    slots.give_back(slot)
    shares.charge("a", 100.0, monotonic())
    assert slots.take_now("a", "a") is None
    shares.crowd.about_seconds = -1.0
    assert slots.take_now("a", "a") is not None, "nobody is about for whom it should rest"


async def test_where_there_are_slots_for_all_nobody_rests() -> None:
    shares = Shares(Crowd(about_seconds=60))
    slots: Slots[str] = Slots(3, 3, 60, shares)
    cross(slots, "b", "c")
    shares.charge("a", 1_000.0, monotonic())
    cross(slots, "a", "a", "a")


async def test_time_counts_from_when_a_slot_is_lent_until_it_comes_back() -> None:
    """The share is a hundredth, which of ten seconds is a tenth of one."""
    shares = Shares(Crowd(about_seconds=60), replace(USUAL_PACE, least=0.001))
    slots: Slots[str] = Slots(1, 1, 60, shares)
    for number in range(100):
        shares.crowd.see(number, monotonic())
    cross(slots, "a")
    cross(slots, "a")
    slot = slots.take_now("a", "a")
    assert slot is not None
    await asyncio.sleep(0.15)
    slots.give_back(slot)
    assert slots.take_now("a", "a") is None, "it has had all there is for more than a tenth of a second"
    for _ in range(3):
        slot = slots.take_now(None, None)
        assert slot is not None, "strangers are many people"
        await asyncio.sleep(0.15)
        slots.give_back(slot)


async def refused(slots: Slots[str], tenant: str | None) -> tuple[str | None, float]:
    """Why somebody waited in vain, and for how long."""
    begun = monotonic()
    with pytest.raises(ApiError) as refusal:
        await slots.take(tenant, tenant)
    assert refusal.value.code is Code.UNAVAILABLE
    return refusal.value.reason, monotonic() - begun


async def test_whoever_waits_in_vain_is_told_whether_it_is_for_their_own_sake() -> None:
    slots: Slots[str] = Slots(2, 1, 0.1, unshared())
    assert slots.take_now("a", "a")
    assert slots.take_now(None, None)
    assert (await refused(slots, "a"))[0] == "POOL_EXHAUSTED", "nobody could have any"
    slots = Slots(2, 1, 0.1, unshared())
    assert slots.take_now("a", "a")
    assert (await refused(slots, "a"))[0] == "SHARE_EXHAUSTED", "others could have one"
    slots = Slots(2, 1, 0.1, unshared())
    assert slots.take_now(None, None)
    assert (await refused(slots, None))[0] == "POOL_EXHAUSTED", "strangers are of no organisation"


async def test_those_who_came_together_do_not_give_up_together() -> None:
    slots: Slots[str] = Slots(1, 1, 3.0, unshared())
    assert slots.take_now("a", "a")
    waited = sorted([each for _, each in await asyncio.gather(*(refused(slots, "a") for _ in range(40)))])
    assert waited[0] >= 1.5 - TICK_SECONDS
    assert waited[-1] - waited[0] > 0.3
    assert slots.waiting == 0


async def test_upkeep_takes_nobody_s_share() -> None:
    slots: Slots[str] = Slots(4, 3, 60, Shares(Crowd(about_seconds=60)))
    assert slots.take_if_idle(slots.idle[0], "upkeep")
    assert all(slots.take_now("a", "a") for _ in range(3))


async def test_whoever_holds_fewer_is_served_before_whoever_came_earlier() -> None:
    slots: Slots[str] = Slots(2, 2, 60, Shares())
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
