"""Carrying work out in one transaction, to its end: again where nothing of it was kept, and never where it was."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
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

MOST_ATTEMPTS: Final = 4
FIRST_PAUSE_SECONDS: Final = 0.02
"""The longest pause before the second attempt; each further one may be twice as long. How long it really is, chance
decides, so that two who crossed each other do not meet again."""
_chance: Final = random.Random()  # noqa: S311


async def carry_out(
    begin: Callable[[], Transaction],
    work: Work[T],
    outcome_of: Callable[[Mark], Awaitable[Outcome]],
    *,
    recognises_itself: bool,
) -> T:
    """The answer of the work. Raises ApiError, as `Database.carry_out` tells."""
    for attempt in count(1):
        transaction = begin()
        try:
            async with transaction:
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
        log.info("attempt %s of a transaction failed and is repeated: %s", attempt, trouble.value)
        await asyncio.sleep(_chance.uniform(0, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)))
    raise AssertionError("unreachable: the last attempt returns or raises")
