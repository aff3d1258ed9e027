"""Answers that somebody else gives: asked once at a time, and remembered for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Remembered(Generic[Key, Answer]):
    """The answers by what was asked about, `most` of them. `seconds` says for how long one is good; one that is good
    for none takes nobody's place."""

    def __init__(
        self, most: int, seconds: Callable[[Answer], float], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: LRUCache[Key, tuple[Answer, float]] = LRUCache(most)
        self._asking: dict[Key, asyncio.Task[Answer]] = {}

    def knows(self, key: Key) -> bool:
        """Whether there was an answer to keep when this was last asked, however long ago."""
        return key in self._kept

    @property
    def waiting(self) -> int:
        """How many questions are on their way."""
        return len(self._asking)

    async def answer(self, key: Key, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """What is remembered, or what asking gives now. An exception is remembered by nobody."""
        kept = self._kept.get(key)
        if kept is not None and kept[1] > self._clock():
            return kept[0]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, ask))
            asking.add_done_callback(lambda task: self._asked(key, task))
        # Nobody who goes away takes the answer from the others.
        return await asyncio.shield(asking)

    async def _ask(self, key: Key, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        # From before the question: what changes while it is answered counts from then.
        asked_at = self._clock()
        answer = await ask()
        seconds = self._seconds(answer)
        if seconds > 0:
            self._kept[key] = (answer, asked_at + seconds)
        else:
            self._kept.pop(key, None)
        return answer

    def _asked(self, key: Key, task: "asyncio.Task[Answer]") -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # seen: whoever still waited has it
