"""Carrying work out in one transaction, to its end: again where nothing of it was kept, and never where it was."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from itertools import count
from typing import Final, TypeVar

from gql.database.pool.outcomes import Mark, Outcome
from gql.database.pool.transactions import Transaction, Trouble
from gql.database.refusals import unreachable
from gql.errors import ApiError

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]
"""What is done inside the transaction. It may be run several times, each time from the beginning."""

MOST_ATTEMPTS: Final = 8
FIRST_PAUSE_SECONDS: Final = 0.02
LONGEST_PAUSE_SECONDS: Final = 0.16
"""The longest pauses: before the second attempt, doubled for each further one, and before any. How long one really is,
chance decides, so that two who crossed each other do not meet again."""
_chance: Final = random.Random()  # noqa: S311


async def carry_out(
    begin: Callable[[], Transaction],
    work: Work[T],
    outcome_of: Callable[[Mark], Awaitable[Outcome]],
    *,
    recognises_itself: bool,
    in_line: asyncio.Lock,
    count_repetition: Callable[[Trouble], None],
) -> T:
    """The answer of the work. Raises ApiError, as `Database.carry_out` tells.

    Those who were crossed stand in line for their next attempt, so that they do not cross each other again and again.
    """
    has_been_crossed = False
    for attempt in count(1):
        transaction = begin()
        try:
            async with in_line if has_been_crossed else nullcontext(), transaction:
                answer = await work(transaction)
        except ApiError as problem:
            refusal = problem
        else:
            return answer
        trouble = transaction.trouble
        if trouble is Trouble.UNANSWERED:
            outcome = await outcome_of(transaction.mark)
            log.warning("the COMMIT of transaction %s was not answered; it is %s", transaction.mark, outcome.name)
            if outcome is Outcome.COMMITTED:
                return answer
            if outcome is Outcome.ABORTED:
                refusal = unreachable()
            elif outcome is Outcome.UNCONFIRMED or not recognises_itself:
                raise refusal
        if trouble is None or attempt == MOST_ATTEMPTS:
            raise refusal
        has_been_crossed |= trouble is Trouble.CROSSED
        count_repetition(trouble)
        log.info("attempt %s of a transaction failed and is repeated: %s", attempt, trouble.value)
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
        await asyncio.sleep(_chance.uniform(0, pause))
    raise AssertionError("unreachable: the last attempt returns or raises")
