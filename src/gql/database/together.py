"""Questions that are asked together: whoever comes while some are under way is asked about with the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Together(Generic[Key, Answer]):
    """Answers one key each, and asks about all that wait at once: about `most` in one question, with `at_once`
    questions under way.

    A single key waits for nothing but the answer. Many cost one trip together, so that a crowd that comes all at once
    does not wait in line for as many trips as it has people.
    """

    def __init__(self, ask: Callable[[Sequence[Key]], Awaitable[Sequence[Answer]]], *, most: int, at_once: int) -> None:
        self._ask = ask
        self._most = most
        self._at_once = at_once
        self._waiting: list[tuple[Key, asyncio.Future[Answer]]] = []
        self._asking: set[asyncio.Task[None]] = set()

    async def answer(self, key: Key) -> Answer:
        """What the question says of this key. Raises what the question raises."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answered))
        if len(self._asking) < self._at_once:
            task = asyncio.create_task(self._ask_about_all())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return await answered

    async def _ask_about_all(self) -> None:
        while self._waiting:
            batch = self._waiting[: self._most]
            del self._waiting[: self._most]
            try:
                answers = await self._ask([key for key, _ in batch])
            except BaseException as problem:
                for _, answered in batch:
                    if not answered.done():
                        answered.set_exception(problem)
                if not isinstance(problem, Exception):
                    raise
            else:
                for (_, answered), answer in zip(batch, answers, strict=True):
                    if not answered.done():
                        answered.set_result(answer)
