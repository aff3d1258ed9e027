"""Work in progress: reads that stop when the client goes away, and writes that run to their end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from starlette.types import Receive

from gql.http.requests import ClientGone
from gql.reminders import Reminders

T = TypeVar("T")

PATIENCE_SECONDS: Final = 0.05
"""Only a read that takes longer than this has its client watched: the many short ones pay nothing."""


async def while_client_stays(
    work: Coroutine[Any, Any, bytes], receive: Receive, reminders: Reminders, task: "asyncio.Task[Any]"
) -> bytes:
    """The result of the work, done in this task. It is cancelled, and ClientGone raised, when the client hangs up."""
    watch = _Watch(receive, reminders, task)
    try:
        return await work
    except asyncio.CancelledError:
        if not watch.has_gone:
            raise
        watch.forgive()
        raise ClientGone from None
    finally:
        watch.end()


class _Watch:
    """Listens for the client hanging up, and then cancels the task."""

    def __init__(self, receive: Receive, reminders: Reminders, task: "asyncio.Task[Any]") -> None:
        self.has_gone = False
        self._task = task
        self._receive = receive
        self._listening: asyncio.Task[None] | None = None
        self._reminders = reminders
        self._reminder = reminders.set(PATIENCE_SECONDS, self._begin)

    def _begin(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_gone = True
        self._task.cancel()

    def forgive(self) -> None:
        """The cancellation was ours, and has done its work."""
        self._task.uncancel()

    def end(self) -> None:
        self._reminders.take_back(self._reminder)
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None  # which holds this watch in turn


class Writes:
    """The writes that are running. One that has begun ends, whoever stops waiting for it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work, which is not cancelled with whoever awaits it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever still waited has it, and nobody else can be told

    async def finish(self, within: float) -> None:
        """Wait for all of them, for up to so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
