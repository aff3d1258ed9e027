"""The database, telling of each statement."""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from gql.database.context import Context
from gql.database.pool import Database, Origin, Reader, Transaction
from gql.database.pool.connections import Row
from gql.database.pool.doors import Door
from gql.tracing.spans import step

T = TypeVar("T")

SYSTEM: Final = {"db.system.name": "postgresql"}
NAMES: Final = re.compile(r"\b(?:billing|core|iam|ledger|reports|trade|countinghouse_search)\.[a-z_]+")
MOST_NAMES: Final = 4
REPEATED: Final = "countinghouse.repeated"


@lru_cache(1024)
def summary(statement: str) -> str:
    """The tables and functions that a statement names, the first of them first; those of core, which nearly all
    statements name, only where there are no others. The engine writes no value into a statement, and yet nothing but
    these names is told of it."""
    named = list(dict.fromkeys(NAMES.findall(statement)))
    names = [name for name in named if not name.startswith("core.")] or named
    return " ".join(["SELECT", *names[:MOST_NAMES], *(["…"] if len(names) > MOST_NAMES else [])])


def _told(words: str) -> AbstractContextManager[Span]:
    return step(words, SpanKind.CLIENT, {**SYSTEM, "db.query.summary": words})


class TracedReader(Reader):
    """A reader around another, telling of it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def __aenter__(self) -> Self:
        with step("wait for a connection"):
            await self._reader.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._reader.__aexit__(kind, error, traceback)

    async def fetch(self, statement: str, arguments: Sequence[str | None]) -> bytes:
        with _told(summary(statement)):
            return await self._reader.fetch(statement, arguments)


class TracedTransaction(Transaction):
    """One transaction, telling of each of its steps."""

    async def __aenter__(self) -> Self:
        with _told("BEGIN"):
            return await super().__aenter__()

    async def settle(self) -> None:
        with _told("SET CONSTRAINTS"):
            await super().settle()

    async def _call(self, statement: str, arguments: Sequence[str | None], door: Door) -> Any:
        with _told(summary(statement)):
            return await super()._call(statement, arguments, door)

    async def _commit(self) -> None:
        with _told("COMMIT"):
            await super()._commit()


class TracedDatabase(Database):
    """The pools, telling of what is asked of them on behalf of somebody."""

    def read(self, context: Context, *where: Any, **more: Any) -> Reader:
        return TracedReader(super().read(context, *where, **more))

    def write(self, context: Context, origin: Origin, *, keeps: bool = True) -> Transaction:
        return TracedTransaction(self.writes, context, origin, self.door, self.translate, keeps=keeps)

    async def carry_out(
        self,
        context: Context,
        origin: Origin,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        keeps: bool = True,
        recognises_itself: bool = False,
    ) -> T:
        attempts = 0

        async def counted(transaction: Transaction) -> T:
            nonlocal attempts
            attempts += 1
            if attempts > 1:
                trace.get_current_span().add_event(REPEATED, {"countinghouse.attempt": attempts})
            return await work(transaction)

        return await super().carry_out(context, origin, counted, keeps=keeps, recognises_itself=recognises_itself)

    async def ask(self, question: str, *values: Any) -> Row | None:
        with _told(summary(question)):
            return await super().ask(question, *values)

    async def recognise(self, question: str, *values: Any) -> Row | None:
        with _told(summary(question)):
            return await super().recognise(question, *values)
