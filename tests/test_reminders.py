"""Timers that share a clock ring once, in time, and not when they were taken back."""

import asyncio
import gc
from collections.abc import MutableMapping
from typing import Any

import pytest

from gql.http.running import while_client_stays
from gql.reminders import TICK_SECONDS, Deadline, Reminders

SOON = TICK_SECONDS / 2
LONG = 3 * TICK_SECONDS


def this_task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_a_reminder_rings_once_and_at_most_a_tick_late() -> None:
    loop = asyncio.get_running_loop()
    rung: list[float] = []
    begun = loop.time()
    Reminders().set(SOON, lambda: rung.append(loop.time() - begun))
    await asyncio.sleep(LONG)
    assert len(rung) == 1
    assert rung[0] >= SOON


async def test_a_reminder_that_was_taken_back_does_not_ring() -> None:
    reminders = Reminders()
    rung: list[str] = []
    kept = reminders.set(SOON, lambda: rung.append("kept"))
    reminders.take_back(reminders.set(SOON, lambda: rung.append("taken back")))
    await asyncio.sleep(LONG)
    reminders.take_back(kept)  # too late, and no harm
    assert rung == ["kept"]


async def test_the_clock_stops_when_there_is_nothing_to_ring_and_starts_again() -> None:
    reminders = Reminders()
    rung: list[int] = []
    for number in range(2):
        reminders.set(SOON, lambda number=number: rung.append(number))  # type: ignore[misc]
        await asyncio.sleep(LONG)
        assert not reminders._is_ticking
    assert rung == [0, 1]


async def test_a_ring_may_set_the_next() -> None:
    reminders = Reminders()
    rung = asyncio.Event()
    reminders.set(0, lambda: reminders.set(0, rung.set))
    async with asyncio.timeout(10):
        await rung.wait()


async def test_a_deadline_ends_what_takes_too_long() -> None:
    with pytest.raises(TimeoutError), Deadline(Reminders(), SOON, this_task()):
        await asyncio.sleep(60)
    assert not this_task().cancelling()
    await asyncio.sleep(0)  # the task goes on as if nothing had been


async def test_a_deadline_leaves_alone_what_ends_in_time() -> None:
    reminders = Reminders()
    with Deadline(reminders, SOON, this_task()):
        await asyncio.sleep(0)
    with pytest.raises(ValueError, match="its own"), Deadline(reminders, SOON, this_task()):
        raise ValueError("its own")
    await asyncio.sleep(LONG)


async def test_who_is_cancelled_inside_a_deadline_stays_cancelled() -> None:
    reminders = Reminders()

    async def wait() -> None:
        with Deadline(reminders, 60, this_task()):
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_is_not_swallowed_by_a_deadline_that_ends_with_it() -> None:
    """Both cancel the task before it runs again: it is for the one who came from outside that it ends."""
    reminders = Reminders()

    async def wait() -> None:
        with Deadline(reminders, 60, this_task()):
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    [reminder] = reminders._pending
    reminder.ring()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_has_its_time_limited_leaves_nothing_for_the_garbage_collector() -> None:
    reminders, task = Reminders(), this_task()

    async def silence() -> MutableMapping[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def answer(seconds: float) -> bytes:
        await asyncio.sleep(seconds)
        return b""

    async def limited(seconds: float) -> None:
        with Deadline(reminders, 60, task):
            await while_client_stays(answer(seconds), silence, reminders, task)

    async def several() -> None:
        for _ in range(50):
            await limited(0)
        await limited(LONG)  # which has its client watched
        await asyncio.sleep(0)

    await several()
    gc.collect()
    gc.disable()
    try:
        await several()
        assert gc.collect() < 50
    finally:
        gc.enable()
