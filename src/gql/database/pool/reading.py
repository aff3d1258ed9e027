"""Reads of one tenant: on the replica where it has all that they must find, else on the primary."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Self

from gql.database.context import Context
from gql.database.pool.doors import Door
from gql.database.pool.lending import Pool
from gql.database.pool.loans import Loan
from gql.database.pool.renewal import died_idle, wrong_context
from gql.database.pool.replica import Replica
from gql.database.pool.servers import FAILURES
from gql.database.refusals import CROWDED, UNREACHABLE, is_lost
from gql.errors import ApiError

log = logging.getLogger(__name__)

_CANCELLED: Final = "57014"


class Reader:
    """A connection for reads in one context. Statements take text arguments and answer with bytes."""

    def __init__(
        self,
        context: Context,
        primary: Pool,
        replica: Replica | None,
        door: Door,
        translate: Callable[[BaseException], ApiError],
    ) -> None:
        self._context = context
        self._primary = primary
        self._replica = replica
        self._door = door
        self._translate = translate
        self._loan: Loan

    async def __aenter__(self) -> Self:
        if self._replica is not None:
            try:
                self._loan = await self._take(self._replica.pool)
                return self
            except ApiError as problem:
                if problem.reason not in (UNREACHABLE, CROWDED):
                    raise
                self._replica.is_lost(problem)
                self._replica = None
        self._loan = await self._take(self._primary)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loan.end()

    async def fetch(self, statement: str, arguments: Sequence[str | None]) -> bytes:
        """The one value of the statement's one row.

        Every statement has a row only where the connection stands in the caller's context (lock three). Where it has
        none the connection is not what we took it for: ApiError INTERNAL_SERVER_ERROR, and it is mended before
        anyone uses it again.
        """

        def read() -> Awaitable[bytes | None]:
            return self._loan.connection.read(self._context, statement, arguments, self._door)

        try:
            answer = await read()
        except FAILURES as error:
            # A read may safely be sent twice.
            answer = await (self._of_primary(error, read) if self._replica else self._once_more(error, read))
        if answer is None:
            raise wrong_context(self._loan)
        return answer

    async def _of_primary(self, error: Exception, read: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """What the primary says where the replica could not answer, whatever it was: what it replays came in between,
        it does not know the tenant's role yet, it has gone. But what takes too long there takes too long here."""
        if isinstance(error, TimeoutError) or getattr(error, "sqlstate", None) == _CANCELLED:
            raise self._translate(error) from error
        assert self._replica is not None
        log.info("a read of the replica is done on the primary: %s: %s", type(error).__name__, error)
        self._replica.sent_on += 1
        if is_lost(error):
            self._replica.is_lost(error)
        self._replica = None
        lent, self._loan = self._loan, await self._take(self._primary)
        lent.end()
        try:
            return await read()
        except FAILURES as failure:
            return await self._once_more(failure, read)

    async def _take(self, pool: Pool) -> Loan:
        return await pool.take(self._context.database_role, self._context)

    async def _once_more(self, error: Exception, read: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """The answer of a new connection, if it was the old one that had died. Else raises what the error means."""
        try:
            if not died_idle(self._loan, error):
                raise error
            await self._loan.renew()
            return await read()
        except FAILURES as failure:
            self._loan.note(failure)
            raise self._translate(failure) from failure
