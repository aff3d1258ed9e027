"""Documents that no server has ever seen, made while they are sent, in a process of its own.

`python -m bench.growth.flood` reads a `Flood` from its input and writes a `Flooded`, both as MessagePack. One flood has
to be over before the token in it expires, so a long one is sent in parts.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from bench.apart import apart, serve
from bench.growth.requests import with_body

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Flood(msgspec.Struct):
    """Documents number `first` and those after it, `count` of them, asked by whoever asked `request`."""

    port: int
    request: bytes
    invoice_id: str
    first: int
    count: int
    connections: int


class Flooded(msgspec.Struct):
    """How long it took; `wrong` is the first answer that was not one."""

    seconds: float
    wrong: str = ""


def unseen(number: int, invoice_id: str) -> str:
    """A valid and cheap document: no two numbers have the same one. They differ in an alias or in a name, and so in
    the statement that is made of them, or in the text alone."""
    match number % 4:
        case 0:
            return f"{{ root{number}: clients(first: 1) {{ nodes {{ name city }} }} }}"
        case 1:
            return f"{{ clients(first: 2) {{ nodes {{ name{number}: name email }} }} }}"
        case 2:
            return f"query Newest{number} {{ invoices(first: 1) {{ nodes {{ number total }} }} }}"
        case _:
            return f'{{ one{number}: invoice(id: "{invoice_id}") {{ number status }} }}'


async def send(flood: Flood) -> Flooded:
    """Keep the connections busy until every document has been answered."""
    numbers = iter(range(flood.first, flood.first + flood.count))
    begun = time.perf_counter()
    problems = await asyncio.gather(*(_connection(flood, numbers) for _ in range(flood.connections)))
    return Flooded(time.perf_counter() - begun, next((problem for problem in problems if problem), ""))


async def _connection(flood: Flood, numbers: Iterator[int]) -> str:
    """Ask for the next documents until there are none, or until an answer is none: it is what this answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", flood.port)
    try:
        for number in numbers:
            writer.write(with_body(flood.request, unseen(number, flood.invoice_id)))
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            if not head.startswith(b"HTTP/1.1 200") or not body.startswith(b'{"data":') or b'"errors"' in body:
                return (head + body)[:600].decode(errors="replace")
    finally:
        writer.close()
    return ""


async def in_process_of_its_own(flood: Flood) -> Flooded:
    """The flood that another process sends. Raises RuntimeError where an answer was not one."""
    flooded = await apart("bench.growth.flood", flood, Flooded)
    if flooded.wrong:
        raise RuntimeError(f"This is no answer: {flooded.wrong}")
    return flooded


def main() -> None:
    serve(Flood, send)


if __name__ == "__main__":
    main()
