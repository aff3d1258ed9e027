"""The head and the body of an answer leave together. src/gql/http/joining.py."""

import asyncio
from collections.abc import Iterable
from typing import Any

from gql.http.joining import JoiningTransport


class Wire(asyncio.Transport):
    """What was sent, call by call."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.sent.append(b"".join(list_of_data))

    def close(self) -> None:
        self.is_closed = True


async def test_what_is_written_in_one_turn_is_sent_once_and_in_order() -> None:
    wire = Wire()
    transport = JoiningTransport(wire, asyncio.get_running_loop())
    transport.write(b"head, ")
    transport.write(b"body")
    assert wire.sent == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert wire.sent == [b"head, body", b"next"]


async def test_closing_sends_what_is_left_and_nothing_twice() -> None:
    wire = Wire()
    transport = JoiningTransport(wire, asyncio.get_running_loop())
    transport.write(b"last words")
    transport.close()
    assert wire.is_closed
    await asyncio.sleep(0)
    assert wire.sent == [b"last words"]
