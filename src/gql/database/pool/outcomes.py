"""What became of a transaction whose COMMIT nobody answered.

PostgreSQL remembers of each transaction whether it committed, by its number. A server that crashed may give a number
again that it had not yet written down, and another server has numbers of its own. So beside the number we note since
when the server counts: its statistics begin anew after a crash and nowhere else unasked, and each server has its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, Final, NamedTuple

from gql.errors import ApiError

FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 0.25

_COUNTS_SINCE: Final = "extract(epoch from pg_catalog.pg_stat_get_bgwriter_stat_reset_time())::text"
MARKING: Final = f"pg_catalog.pg_current_xact_id()::text, {_COUNTS_SINCE}"
"""The two columns that mark the transaction they are asked in."""
# Where a standby is to have every commit before it is answered, what was not answered may stand here alone.
_FOR_ITSELF: Final = "case when current_setting('synchronous_standby_names') = '' then '' else ' here' end"
STATUS: Final = f"""
    select case when {_COUNTS_SINCE} = $2::text then
        replace(pg_catalog.pg_xact_status($1::text::xid8), 'committed', 'committed' || {_FOR_ITSELF}) end
"""


class Mark(NamedTuple):
    """A transaction as it can be asked for from another connection: its number, and since when its server counts."""

    transaction_id: str
    counts_since: str


class Outcome(Enum):
    """What is known of a transaction afterwards."""

    COMMITTED = "committed"
    UNCONFIRMED = "committed here"
    """It stands, but perhaps not on the standby that was to have it too, and is lost if that is promoted now."""
    ABORTED = "aborted"
    UNDECIDED = "in progress"
    """It may still end either way, or nobody could be asked."""
    FORGOTTEN = None
    """The server cannot say any more: it crashed since, or is another one."""


Ask = Callable[..., Awaitable[Any]]
"""Asks the database one of the server's own questions, as `Database.ask` does."""


async def outcome_of(mark: Mark, ask: Ask, patience: float) -> Outcome:
    """What became of the transaction, waiting up to `patience` seconds until that is decided."""
    clock = asyncio.get_running_loop().time
    give_up = clock() + patience
    pause = FIRST_PAUSE_SECONDS
    while True:
        outcome = await _asked(mark, ask)
        if outcome is not Outcome.UNDECIDED or clock() + pause > give_up:
            return outcome
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _asked(mark: Mark, ask: Ask) -> Outcome:
    try:
        row = await ask(STATUS, *mark)
    except ApiError:
        return Outcome.UNDECIDED
    return Outcome(row[0])
