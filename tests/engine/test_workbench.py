"""Work on many variables: in a thread, in turn with other tenants', and never more than a few at once."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql.engine.workbench import MOST_VALUES_AT_ONCE, THREADS, Workbench, holds_more_than
from gql.errors import ApiError
from tests.database.pooling import until

FEW: dict[str, Any] = {"name": "Fen Orchards"}
MANY: dict[str, Any] = {"rows": [0] * MOST_VALUES_AT_ONCE}


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
def bench() -> Iterator[Workbench]:
    bench = Workbench(patience=0.1)
    yield bench
    bench.close()


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.may_end.set()


async def passes() -> None:
    await asyncio.sleep(0.01)


async def test_few_values_are_read_at_once_and_many_in_a_thread(bench: Workbench) -> None:
    loops = threading.get_ident()
    for variables in (None, {}, FEW):
        assert await bench.do(threading.get_ident, variables, "a") == loops
    assert await bench.do(threading.get_ident, MANY, "a") != loops


async def test_what_the_work_raises_is_raised(bench: Workbench) -> None:
    def fail() -> None:
        raise ValueError("no value")

    for variables in (FEW, MANY):
        with pytest.raises(ValueError, match="no value"):
            await bench.do(fail, variables, "a")


async def test_a_tenant_has_one_thread_and_another_tenant_the_next(bench: Workbench, held: Held) -> None:
    tasks = [asyncio.create_task(bench.do(lambda: held.by("loud"), MANY, "loud")) for _ in range(5)]

    async def has_begun() -> bool:
        await passes()
        return len(held.begun) == 1 and bench.waiting == 4

    await until(has_begun, "one is being read and four wait", 10)
    tasks.append(asyncio.create_task(bench.do(lambda: held.by("quiet"), MANY, "quiet")))

    async def is_read() -> bool:
        await passes()
        return held.begun == ["loud", "quiet"]

    await until(is_read, "the quiet one has not waited for those four", 10)
    held.may_end.set()
    assert len(await asyncio.gather(*tasks)) == 6


async def test_whoever_waits_too_long_is_told_so(bench: Workbench, held: Held) -> None:
    working = [asyncio.create_task(bench.do(lambda: held.by("busy"), MANY, tenant)) for tenant in range(THREADS)]

    async def all_have_begun() -> bool:
        await passes()
        return len(held.begun) == THREADS

    await until(all_have_begun, "every thread is at work", 10)
    with pytest.raises(ApiError) as refused:
        await bench.do(lambda: None, MANY, "late")
    assert refused.value.reason == "POOL_EXHAUSTED"
    assert bench.waiting == 0
    assert await bench.do(lambda: "at once", FEW, "late") == "at once", "what is short does not wait for it"
    held.may_end.set()
    await asyncio.gather(*working)
    assert await bench.do(lambda: "again", MANY, "late") == "again"


async def test_a_thread_is_free_when_it_has_ended_and_not_when_its_caller_has_gone(
    bench: Workbench, held: Held
) -> None:
    gone = asyncio.create_task(bench.do(lambda: held.by("gone"), MANY, "a"))

    async def has_begun() -> bool:
        await passes()
        return bool(held.begun)

    await until(has_begun, "it is being read", 10)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    with pytest.raises(ApiError):
        await bench.do(lambda: None, MANY, "a")
    held.may_end.set()
    while True:
        try:
            assert await bench.do(lambda: "free", MANY, "a") == "free"
            break
        except ApiError:  # not yet
            await passes()


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=5), st.integers(0, 60))
def test_values_are_counted_at_whatever_depth(variables: dict[str, Any], most: int) -> None:
    assert holds_more_than(most, variables) == (number_of(variables) > most)


def number_of(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(number_of, value.values()))
    return len(value) + sum(map(number_of, value)) if isinstance(value, list) else 0
