"""What a client says to PostgreSQL, trip by trip, heard on the wire.

A driver's log tells what it was asked for. Only the wire tells what that took: a statement prepared again, a
transaction or a setting around it, a look at the catalog are each a trip more, and each waits for the server.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.harness.proxy import proxy_before

RUN: Final = "Bind Execute Sync"
"""A statement that the server knows already."""
PREPARE: Final = "Parse Describe Flush"
SIMPLE: Final = "Query"
"""Statements as text, without arguments."""

_NAMES: Final = {
    b"B": "Bind",
    b"C": "Close",
    b"D": "Describe",
    b"E": "Execute",
    b"H": "Flush",
    b"P": "Parse",
    b"Q": "Query",
    b"S": "Sync",
    b"X": "Terminate",
    b"p": "Password",
}
_STARTUP: Final = "Startup"
_ENDS: Final = frozenset({"Sync", "Flush", "Query", "Password", "Terminate", _STARTUP})
"""After each of these the client waits for the server, or has nothing more to say."""


@dataclass(frozen=True, slots=True)
class Trip:
    """The names of the messages that went together, and the SQL that they were about."""

    messages: str
    sql: str = ""


class Wire:
    """All that is said over one address, on whichever connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._heard: list[Trip] = []

    @contextmanager
    def listening(self) -> Iterator[list[Trip]]:
        """The trips that are made while the body runs. What a client waits for has been heard when it has it."""
        self._heard.clear()
        heard: list[Trip] = []
        yield heard
        heard.extend(self._heard)

    def times_run(self, sql: str) -> int:
        """How often this was run since somebody began to listen last."""
        return sum(trip.sql == sql and "Execute" in trip.messages for trip in self._heard)


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """A wire to the database at this address."""
    async with proxy_before(url) as proxy:
        wire = Wire(proxy.address(url))
        proxy.ear = lambda: Ear(wire._heard).hear
        yield wire


@dataclass(slots=True)
class Ear:
    """Makes trips of the bytes of one connection, in whatever pieces they come."""

    heard: list[Trip]
    _unread: bytes = b""
    _has_started: bool = False
    _messages: list[str] = field(default_factory=list)
    _sql: str = ""
    _prepared: dict[bytes, str] = field(default_factory=dict)

    def hear(self, data: bytes) -> None:
        self._unread += data
        while (message := self._next()) is not None:
            self._understand(*message)

    def _next(self) -> tuple[str, bytes] | None:
        """The name and the body of the next message, if it is here as a whole. The first of a connection has no name,
        only its length."""
        named = int(self._has_started)
        end = named + int.from_bytes(self._unread[named : named + 4])
        if len(self._unread) < named + 4 or len(self._unread) < end:
            return None
        name = _NAMES[self._unread[:1]] if named else _STARTUP
        body, self._unread = self._unread[named + 4 : end], self._unread[end:]
        return name, body

    def _understand(self, name: str, body: bytes) -> None:
        if name == _STARTUP:
            # A question for encryption comes before, and is answered with no here.
            self._has_started = body[:2] == b"\x00\x03"
        elif name == "Parse":
            statement, sql = body.split(b"\0", 2)[:2]
            self._sql = self._prepared[statement] = sql.decode()
        elif name == "Bind":
            self._sql = self._prepared[body.split(b"\0", 2)[1]]
        elif name == "Query":
            self._sql = body.rstrip(b"\0").decode()
        self._messages.append(name)
        if name in _ENDS:
            self.heard.append(Trip(" ".join(self._messages), self._sql))
            self._messages, self._sql = [], ""
