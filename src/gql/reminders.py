"""Timers of which nearly all are taken back before they ring.

Setting one costs hardly anything: a single clock looks at all of them every now and then, while there are any. The
price is that they ring up to a tick late.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

TICK_SECONDS: Final = 0.05


def _nothing() -> None:
    """What a timer does that was taken back."""


class Reminder:
    """One timer. `ring` is called once, on the loop."""

    __slots__ = ("due", "ring")

    def __init__(self, due: float, ring: Callable[[], object]) -> None:
        self.due = due
        self.ring = ring


class Reminders:
    """The timers of one event loop."""

    def __init__(self) -> None:
        self._pending: set[Reminder] = set()
        self._is_ticking = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, looked up once: up to Python 3.11 asking for it is a system call, which is a seventh of the CPU of
        a short request that asks four times."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def set(self, seconds: float, ring: Callable[[], object]) -> Reminder:
        """A timer that rings after so many seconds, unless it is taken back."""
        loop = self.loop
        reminder = Reminder(loop.time() + seconds, ring)
        self._pending.add(reminder)
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(TICK_SECONDS, self._tick, loop)
        return reminder

    def take_back(self, reminder: Reminder) -> None:
        """The timer never rings. It lets go of whoever set it and holds it in turn: else each request were a circle of
        references, to be found by the garbage collector only."""
        self._pending.discard(reminder)
        reminder.ring = _nothing

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for reminder in [each for each in self._pending if each.due <= now]:
            self._pending.discard(reminder)
            reminder.ring()
        if self._pending:
            loop.call_later(TICK_SECONDS, self._tick, loop)
        else:
            self._is_ticking = False


class Deadline:
    """A time-out as asyncio.timeout() is one: when it is over, the task is cancelled and TimeoutError raised.

    `task` is the one that it is entered in: who sets several has looked it up already."""

    __slots__ = ("_cancelling", "_is_over", "_reminder", "_reminders", "_seconds", "_task")

    def __init__(self, reminders: Reminders, seconds: float, task: "asyncio.Task[Any]") -> None:
        self._reminders = reminders
        self._task = task
        self._seconds = seconds
        self._is_over = False

    def __enter__(self) -> None:
        self._cancelling = self._task.cancelling()
        self._reminder = self._reminders.set(self._seconds, self._ring)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._reminders.take_back(self._reminder)
        # Somebody else may have cancelled the task as well; then it stays cancelled.
        if self._is_over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _ring(self) -> None:
        self._is_over = True
        self._task.cancel()
