"""Work on large requests: in a thread, in turn with other tenants', and never more than a few at once."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, TypeVar
from uuid import NAMESPACE_OID, uuid5

import pytest

from gql.engine.workbench import MOST_BYTES_AT_ONCE, THREADS, Workbench
from gql.errors import ApiError
from tests.database.pooling import until

T = TypeVar("T")

SHORT: Final = MOST_BYTES_AT_ONCE
LONG: Final = MOST_BYTES_AT_ONCE + 1


class Held:
    """Work that lasts until it is let go, and notes who did it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_end = threading.Event()

    def by(self, name: str) -> str:
        self.begun.append(name)
        assert self.may_end.wait(30)
        return name


@pytest.fixture
def bench(patience: float) -> Iterator[Workbench]:
    bench = Workbench(patience=patience)
    yield bench
    bench.close()


@pytest.fixture
def patience() -> float:
    return 30.0


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.may_end.set()


async def done(bench: Workbench, work: Callable[[], T], size: int, tenant: str) -> T:
    """The work, in a turn of its own."""
    async with bench.turn(uuid5(NAMESPACE_OID, tenant)) as turn:
        await turn.weigh(size)
        return await turn.do(work)


async def passes() -> None:
    await asyncio.sleep(0.01)


async def test_what_is_short_is_done_at_once_and_what_is_long_in_a_thread(bench: Workbench) -> None:
    loops = threading.get_ident()
    for size in (0, SHORT):
        assert await done(bench, threading.get_ident, size, "a") == loops
    assert await done(bench, threading.get_ident, LONG, "a") != loops


async def test_what_the_work_raises_is_raised(bench: Workbench) -> None:
    def fail() -> None:
        raise ValueError("no value")

    for size in (SHORT, LONG):
        with pytest.raises(ValueError, match="no value"):
            await done(bench, fail, size, "a")


async def test_a_tenant_has_one_thread_and_another_tenant_the_next(bench: Workbench, held: Held) -> None:
    tasks = [asyncio.create_task(done(bench, lambda: held.by("loud"), LONG, "loud")) for _ in range(5)]

    async def has_begun() -> bool:
        await passes()
        return len(held.begun) == 1 and bench.waiting == 4

    await until(has_begun, "one is being read and four wait", 10)
    tasks.append(asyncio.create_task(done(bench, lambda: held.by("quiet"), LONG, "quiet")))

    async def is_read() -> bool:
        await passes()
        return held.begun == ["loud", "quiet"]

    await until(is_read, "the quiet one has not waited for those four", 10)
    held.may_end.set()
    assert len(await asyncio.gather(*tasks)) == 6


@pytest.mark.parametrize("patience", [0.1])
async def test_whoever_waits_too_long_is_told_so(bench: Workbench, held: Held) -> None:
    working = [
        asyncio.create_task(done(bench, lambda: held.by("busy"), LONG, f"{tenant}")) for tenant in range(THREADS)
    ]

    async def all_have_begun() -> bool:
        await passes()
        return len(held.begun) == THREADS

    await until(all_have_begun, "every thread is at work", 10)
    with pytest.raises(ApiError) as refused:
        await done(bench, lambda: None, LONG, "late")
    assert refused.value.reason == "POOL_EXHAUSTED"
    assert bench.waiting == 0
    assert await done(bench, lambda: "at once", SHORT, "late") == "at once", "what is short does not wait for it"
    held.may_end.set()
    await asyncio.gather(*working)
    assert await done(bench, lambda: "again", LONG, "late") == "again"


@pytest.mark.parametrize("patience", [0.1])
async def test_a_thread_is_free_when_it_has_ended_and_not_when_its_caller_has_gone(
    bench: Workbench, held: Held
) -> None:
    gone = asyncio.create_task(done(bench, lambda: held.by("gone"), LONG, "a"))

    async def has_begun() -> bool:
        await passes()
        return bool(held.begun)

    await until(has_begun, "it is being read", 10)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    with pytest.raises(ApiError):
        await done(bench, lambda: None, LONG, "a")
    held.may_end.set()

    async def is_free() -> bool:
        try:
            return await done(bench, lambda: True, LONG, "a")
        except ApiError:  # not yet
            return False

    await until(is_free, "the thread has ended", 10)


async def test_what_was_refused_is_let_go_of_at_once(bench: Workbench) -> None:
    """And not when the garbage collector comes, during which nobody is answered."""

    class Megabyte:
        pass

    held: list[weakref.ref[Megabyte]] = []

    def refuse() -> None:
        megabyte = Megabyte()
        held.append(weakref.ref(megabyte))
        raise ValueError("no value")

    async def is_gone() -> bool:
        await passes()
        return [each() for each in held] == [None]

    gc.disable()
    try:
        with suppress(ValueError):
            await done(bench, refuse, LONG, "a")
        await until(is_gone, "its thread has let go of it, too", 10)
    finally:
        gc.enable()


@pytest.mark.parametrize("patience", [0.1])
async def test_a_turn_lasts_for_all_that_is_done_in_it(bench: Workbench) -> None:
    async with bench.turn(uuid5(NAMESPACE_OID, "a")) as first:
        await first.weigh(LONG)
        assert await first.do(lambda: "read") == "read"
        with pytest.raises(ApiError):
            await done(bench, lambda: None, LONG, "a")
        assert await first.do(lambda: "and read on") == "and read on"
    assert await done(bench, lambda: "next", LONG, "a") == "next"
