"""Who comes while a question is under way is asked about with the next."""

import asyncio
from collections.abc import Sequence

import pytest

from gql.database.together import Together


class Oracle:
    """Answers with ten times the number, when it is let."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        await self.may_answer.wait()
        if 13 in numbers:
            raise ValueError("unlucky")
        return [number * 10 for number in numbers]


async def begun(together: Together[int, int], numbers: Sequence[int]) -> list[asyncio.Task[int]]:
    """Tasks that wait for their answers."""
    tasks = [asyncio.create_task(together.answer(number)) for number in numbers]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_those_who_wait_are_asked_about_together() -> None:
    oracle = Oracle()
    together = Together(oracle, most=4, at_once=1)
    tasks = await begun(together, [1]) + await begun(together, [2, 3, 4, 5, 6])
    assert oracle.asked == [[1]]
    oracle.may_answer.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40, 50, 60]
    assert oracle.asked == [[1], [2, 3, 4, 5], [6]]
    assert await together.answer(7) == 70
    assert oracle.asked[-1] == [7]


async def test_so_many_questions_are_under_way_and_no_more() -> None:
    oracle = Oracle()
    together = Together(oracle, most=1, at_once=2)
    tasks = await begun(together, [1, 2, 3])
    assert oracle.asked == [[1], [2]]
    oracle.may_answer.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30]


async def test_a_question_that_fails_fails_for_those_who_were_asked_about() -> None:
    oracle = Oracle()
    oracle.may_answer.set()
    together = Together(oracle, most=2, at_once=1)
    tasks = await begun(together, [1, 13, 2])
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in found] == [ValueError, ValueError, int]


async def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    oracle = Oracle()
    together = Together(oracle, most=3, at_once=1)
    gone, *others = await begun(together, [1, 2, 3])
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    oracle.may_answer.set()
    assert await asyncio.gather(*others) == [20, 30]
