"""A large body is taken in when there is a place for it, and not before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gql.engine.workbench import MOST_BYTES_AT_ONCE, Workbench
from gql.errors import ApiError
from gql.http.requests import Given, read_body
from gql.reminders import Deadline, Reminders

JSON: Given = {b"content-type": b"application/json"}
PART = MOST_BYTES_AT_ONCE // 2 + 1


def in_parts(many: int, taken: list[int]) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        taken.append(PART)
        return {"type": "http.request", "body": b"x" * PART, "more_body": len(taken) < many}

    return receive


async def read(headers: Given, many: int, taken: list[int], bench: Workbench) -> bytes:
    task = asyncio.current_task()
    assert task is not None
    async with bench.turn(None) as turn:
        return await read_body(headers, in_parts(many, taken), Deadline(Reminders(), 60, task), turn.weigh)


@pytest.mark.parametrize("announced", [True, False])
async def test_what_finds_no_place_is_not_taken_in(announced: bool) -> None:
    """Nothing of it where it says how long it is; else what is short."""
    headers = JSON | ({b"content-length": str(4 * PART).encode()} if announced else {})
    bench = Workbench(patience=0.1)
    try:
        taken: list[int] = []
        assert len(await read(headers, 4, taken, bench)) == sum(taken) == 4 * PART
        places = [await bench.places.take(None, None) for _ in range(2)]
        taken.clear()
        with pytest.raises(ApiError) as refused:
            await read(headers, 4, taken, bench)
        assert refused.value.reason == "POOL_EXHAUSTED"
        assert len(taken) == (0 if announced else 2)
        taken.clear()
        assert len(await read(JSON, 1, taken, bench)) == PART, "what is short needs no place"
        for place in places:
            bench.places.give_back(place)
        taken.clear()
        assert len(await read(headers, 4, taken, bench)) == 4 * PART
    finally:
        bench.close()
