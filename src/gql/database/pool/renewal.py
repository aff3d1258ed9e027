"""Connections that turn out not to be what the pool took them for: dead since they were last used, or elsewhere."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gql.database.pool.connections import Connection
from gql.database.pool.loans import Loan
from gql.database.pool.servers import FAILURES
from gql.database.refusals import is_lost, is_read_only
from gql.errors import INTERNAL_MESSAGE, ApiError, Code

log = logging.getLogger(__name__)

T = TypeVar("T")


async def with_renewal(loan: Loan, run: Callable[[Connection], Awaitable[T]]) -> T:
    """Run on the loan's connection. One that turns out to have died while it was idle, or to lead to a server that
    takes no writes (any more), is replaced, once.

    Only for what may safely be sent twice. Raises what `run` raises.
    """
    try:
        return await run(loan.connection)
    except FAILURES as error:
        if not died_idle(loan, error) and (loan.is_fresh or not is_read_only(error)):
            raise
    await loan.renew()
    return await run(loan.connection)


def died_idle(loan: Loan, error: Exception) -> bool:
    """Whether the loan's connection had died before it was lent, so that another one may serve."""
    if loan.is_fresh or not (loan.connection.is_closed or is_lost(error)):
        return False
    log.info("a connection had died while it was idle: %s", error)
    return True


def wrong_context(loan: Loan) -> ApiError:
    """The answer when a statement found no row: its connection does not stand in the context it was made for."""
    connection = loan.connection
    log.critical(
        "lock three: a statement found another context on server process %s than the pool had noted (%s); "
        "nothing was answered and the connection will be mended",
        connection.process_id,
        connection.standing,
    )
    connection.distrust()
    return ApiError(Code.INTERNAL_SERVER_ERROR, INTERNAL_MESSAGE)
