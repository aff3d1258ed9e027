"""Doing what was found to be due: in the database, or with a message that leaves the house."""

import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from gql.database.context import Context
from gql.database.pool import Database, Origin, Transaction
from gql.errors import ApiError
from gql.messages.carriers import Carrier, NotCarried
from gql.messages.message import Message
from gql.worker.duties import Delivery, Duty
from gql.worker.figures import DONE, FAILED, NOT_SENT, Figures
from gql.worker.queue import Due, JobFailed, pause_after

log = logging.getLogger(__name__)

ROLE: Final = "worker"
MOST_ROUNDS: Final = 1_000
"""How often one job goes on while there is more, before others have their turn."""

PLACE: Final = "select time_zone, fiscal_year_start from iam.tenants where id = $1 and suspended_at is null"


class Organisation:
    """One organisation as the worker stands in it."""

    def __init__(self, database: Database, context: Context, duty: str) -> None:
        self._database = database
        self._context = context
        self._origin = Origin(request_id=str(uuid4()), user_agent=f"countinghouse worker: {duty}")

    @classmethod
    async def find(cls, database: Database, tenant_id: UUID, duty: str) -> "Organisation | None":
        """None where it is no organisation any more, or suspended."""
        place = await database.ask(PLACE, tenant_id)
        if place is None:
            return None
        context = Context(tenant_id, None, ROLE, time_zone=place[0], fiscal_year_start=place[1], is_scoped=False)
        return cls(database, context, duty)

    async def call(self, expression: str, **arguments: str | None) -> Any:
        """The value of an expression, in a transaction of its own. It names its arguments, all text, as {name}."""
        places = {name: f"${number}::text" for number, name in enumerate(arguments, 3)}
        # As the engine writes it: the tenant and the fingerprint are compared with what the connection stands in. And
        # each argument is answered, so that one has a type that the expression does not name.
        statement = (
            f"select {', '.join((expression.format(**places), *places.values()))}"
            " where core.tenant_id() = $1::text::uuid and core.context() = $2::text"
        )
        values = (self._context.tenant_text, self._context.fingerprint, *arguments.values())

        async def once(transaction: Transaction) -> Any:
            return await transaction.fetch(statement, values)

        return await self._database.carry_out(self._context, self._origin, once)


Do = Callable[[Due, int], Awaitable[None]]
"""Does a job, of which there were so many attempts before. Raises JobFailed."""


def doing(duty: Duty | Delivery, database: Database, carrier: Carrier | None, figures: Figures) -> Do:
    """What does the jobs of a duty."""

    async def do(due: Due, attempts: int) -> None:
        begun, outcome = perf_counter(), FAILED
        try:
            if isinstance(duty, Duty):
                await _run(duty, due, database)
                outcome = DONE
            elif carrier is not None:
                outcome = DONE if await _deliver(duty, due, database, carrier) else NOT_SENT
        except ApiError as error:
            pause = pause_after(attempts)
            log.warning("%s failed, attempt %d (%s); again in %s", _named(due), attempts + 1, said_of(error), pause)
            raise JobFailed(said_of(error)) from None
        finally:
            figures.ended(duty.name, outcome, perf_counter() - begun)

    return do


async def _run(duty: Duty, due: Due, database: Database) -> None:
    """Run the duty, for an organisation a transaction at a time while there is more."""
    if due.tenant_id is None:
        await database.ask(f"select {duty.run.format(what='$1::text')}, $1::text", due.what)
    elif organisation := await Organisation.find(database, due.tenant_id, duty.name):
        for _ in range(MOST_ROUNDS):
            if await organisation.call(duty.run, what=due.what) is not True:
                return


async def _deliver(delivery: Delivery, due: Due, database: Database, carrier: Carrier) -> bool:
    """Take a message, carry it, and say how that ended: false where it was not sent. While it is carried no transaction
    is open.

    One that is not carried is no job that failed: its table says when it is due again.
    """
    if due.tenant_id is None:
        return True
    organisation = await Organisation.find(database, due.tenant_id, delivery.name)
    if organisation is None:
        return True
    taken = await organisation.call(delivery.take, what=due.what)
    if taken is None:
        return True
    try:
        await carrier.carry(msgspec.json.decode(taken, type=Message))
    except NotCarried as problem:
        # What was given up, its sender reads in the table. That nothing can be sent now, the operator should see.
        log.log(logging.INFO if problem.is_final else logging.WARNING, "%s: not sent. %s", _named(due), problem.reason)
        is_final = "true" if problem.is_final else "false"
        await organisation.call(delivery.failed, what=due.what, reason=problem.reason, is_final=is_final)
        return False
    await organisation.call(delivery.sent, what=due.what)
    return True


def said_of(error: BaseException) -> str:
    """What went wrong, in words that hold nothing of anybody's data."""
    if isinstance(error, ApiError):
        return f"{error.code.value}, {error.reason}" if error.reason else error.code.value
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__}, {state}" if state else type(error).__name__


def _named(due: Due) -> str:
    return f"{due.duty} for {due.tenant_id}" if due.tenant_id else due.duty
