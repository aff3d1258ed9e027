"""Codes and warnings leave in the background: whoever asked is answered at once and in the same time, whether anything
was sent or not. Few wait, in memory alone, and each is tried a few times: who got no code asks for another.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from gql.errors import ApiError, Code
from gql.messages.carriers import Carrier, NotCarried
from gql.messages.message import Message

log = logging.getLogger(__name__)

MOST_WAITING: Final = 1000
CARRIERS_AT_ONCE: Final = 2
PAUSES_SECONDS: Final = (1.0, 5.0, 25.0)
"""Between the tries of one message: together as long as somebody looks at an empty inbox."""


class Post:
    """Takes messages and sees to it that they leave. Use it from one event loop, and close it at the end."""

    def __init__(self, carrier: Carrier | None, *, pauses: Sequence[float] = PAUSES_SECONDS) -> None:
        self._carrier = carrier
        self._pauses = pauses
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(MOST_WAITING)
        self._workers: list[asyncio.Task[None]] = []

    def demand(self) -> None:
        """Raises ApiError UNAVAILABLE, reason MESSAGES_OFF or MESSAGES_BUSY, where nothing could be sent now."""
        if self._carrier is None:
            raise ApiError(
                Code.UNAVAILABLE,
                "This house sends no messages: its operator has named no mail server.",
                reason="MESSAGES_OFF",
            )
        if self._waiting.full():
            raise ApiError(
                Code.UNAVAILABLE,
                "Too many messages wait to be sent just now. Try again in a minute.",
                reason="MESSAGES_BUSY",
                retry_after=60,
            )

    def send(self, message: Message) -> None:
        """Have it carried, soon. Raises ApiError as `demand`."""
        self.demand()
        self._waiting.put_nowait(message)
        if not self._workers:
            self._workers = [asyncio.create_task(self._work()) for _ in range(CARRIERS_AT_ONCE)]

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        await self._waiting.join()

    async def close(self, within: float) -> None:
        """Wait up to so many seconds for what is on its way, and let no more leave."""
        if self._workers:
            try:
                async with asyncio.timeout(within):
                    await self.settled()
            except TimeoutError:
                log.warning("%d messages were not sent", self._waiting.qsize())
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            self._workers = []

    async def _work(self) -> None:
        while True:
            message = await self._waiting.get()
            try:
                await self._carry(message)
            finally:
                self._waiting.task_done()

    async def _carry(self, message: Message) -> None:
        assert self._carrier is not None
        for pause in (*self._pauses, None):
            try:
                await self._carrier.carry(message)
            except NotCarried as problem:
                log.warning("a message could not be sent: %s", problem.reason)
                if pause is None or problem.is_final:
                    return
            else:
                return
            await asyncio.sleep(pause)
