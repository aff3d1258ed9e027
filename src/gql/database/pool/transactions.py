"""One transaction of one tenant on a connection of the pool."""

import logging
from collections.abc import Callable, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, Self

from gql.database.context import Context
from gql.database.pool.connections import CommitLost, RolledBack
from gql.database.pool.doors import Door
from gql.database.pool.lending import Pool
from gql.database.pool.loans import Loan
from gql.database.pool.outcomes import Mark
from gql.database.pool.renewal import with_renewal, wrong_context
from gql.database.pool.servers import FAILURES
from gql.database.pool.standing import Origin
from gql.database.refusals import commit_unknown, has_crossed_others, is_lost, is_read_only
from gql.errors import INTERNAL_MESSAGE, ApiError, Code

log = logging.getLogger(__name__)


class Trouble(Enum):
    """What can end a transaction through no fault of the caller's."""

    CROSSED = "others changed the same things at the same moment; nothing was kept"
    CUT = "the connection was lost before COMMIT was sent; nothing was kept"
    UNANSWERED = "the connection was lost after COMMIT was sent; nobody has said what became of it"


class Transaction:
    """A connection inside one transaction. Everything on it is SET LOCAL, so that nothing is left when it ends.

    It is committed on a clean exit, unless `keeps` is false: then it is rolled back all the same, as on an exception.
    Afterwards `trouble` says whether it may be worth running again, and `mark` which transaction it was.
    """

    def __init__(
        self,
        pool: Pool,
        context: Context,
        origin: Origin,
        door: Door,
        translate: Callable[[BaseException], ApiError],
        *,
        keeps: bool = True,
    ) -> None:
        self._pool = pool
        self._context = context
        self._origin = origin
        self._door = door
        self._translate = translate
        self._keeps = keeps
        self._loan: Loan
        self.mark: Mark
        self.trouble: Trouble | None = None

    async def __aenter__(self) -> Self:
        self._loan = await self._pool.take(self._context.database_role, None)
        try:
            # Nothing was sent but the beginning, so it may safely be sent to another connection.
            self.mark = await with_renewal(self._loan, lambda connection: connection.begin(self._context, self._origin))
        except BaseException as error:
            try:
                if isinstance(error, FAILURES):
                    raise self._refusal(error) from error
                raise
            finally:
                self._loan.end()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None and self._keeps:
                await self._commit()
            elif error is None:
                await self._loan.connection.undo()
            elif isinstance(error, Exception) and not self._loan.connection.is_closed:
                await self._loan.connection.rollback()
            # A cancelled task does not wait: the connection is rolled back when it is mended.
        except FAILURES as failure:
            if error is None and self._keeps:
                raise self._refusal(failure) from failure
            log.warning("could not roll back, so the connection was closed: %s", failure)
            self._loan.discard()
        finally:
            self._loan.end()

    async def fetch(self, statement: str, arguments: Sequence[str | None]) -> Any:
        """The first value of the statement's one row, run as the tenant: for the functions that write.

        A statement without a row is one that does not stand in the caller's context, as with `Reader.fetch`.
        """
        return await self._call(statement, arguments, Door.DIRECT)

    async def read(self, statement: str, arguments: Sequence[str | None]) -> bytes:
        """The one value of a reading statement, which sees what the transaction did so far: for payloads."""
        answer: bytes | None = await self._call(statement, arguments, self._door)
        if answer is None:
            raise wrong_context(self._loan)
        return answer

    async def settle(self) -> None:
        """Check every deferred constraint now, so that a violation shows at its verb (and in a rehearsal), and defer
        them again for the verb that follows."""
        await self.execute("set constraints all immediate; set constraints all deferred")

    async def execute(self, statement: str) -> None:
        """Run statements without arguments or answer."""
        try:
            await self._loan.connection.execute(statement)
        except FAILURES as error:
            raise self._refusal(error) from error

    async def _call(self, statement: str, arguments: Sequence[str | None], door: Door) -> Any:
        try:
            row = await self._loan.connection.call(self._context, statement, arguments, door)
        except FAILURES as error:
            raise self._refusal(error) from error
        if row is None:
            raise wrong_context(self._loan)
        return row[0]

    async def _commit(self) -> None:
        try:
            await self._loan.connection.commit()
        except RolledBack as problem:
            log.exception("a failed statement was swallowed, so the transaction could not commit")
            raise ApiError(Code.INTERNAL_SERVER_ERROR, INTERNAL_MESSAGE) from problem
        except CommitLost as problem:
            self.trouble = Trouble.UNANSWERED
            self._loan.note(problem.__cause__)
            raise commit_unknown() from problem

    def _refusal(self, error: BaseException) -> ApiError:
        """What the failure is to the caller; what it means for the transaction and its connection is noted."""
        self._loan.note(error)
        if has_crossed_others(error):
            self.trouble = Trouble.CROSSED
        elif is_lost(error) or is_read_only(error):
            self.trouble = Trouble.CUT
        return self._translate(error)
