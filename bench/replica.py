"""What a replica costs a server: one without COUNTINGHOUSE_DATABASE_READ_URL and one with it are asked the same in
turns, by `python -m bench.replica URL URL --token TOKEN`. The organisation of the token needs an invoice."""

import argparse
import asyncio
import json
import statistics
import time
from typing import Any, Final
from urllib.parse import urlsplit

from bench.measure import cpu_seconds

CONNECTIONS: Final = 8
SECONDS: Final = 0.5
ROUNDS: Final = 24
LIST: Final = """{ invoices(first: 20, orderBy: [ISSUE_DATE_DESC]) {
    nodes { number issueDate total status client { name } lines { description quantity unitPrice amount } } } }"""
POINT: Final = """query ($id: ID!) { invoice(id: $id) {
    number issueDate total status client { name } lines { description quantity unitPrice amount } } }"""
WRITE: Final = 'mutation { clientCreate(input: {name: "Fen Orchards"}) { client { id } } }'


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return await reader.readexactly(length)


def request_of(place: str, token: str, query: str, variables: dict[str, Any] | None = None) -> bytes:
    body = json.dumps({"query": query, "variables": variables}).encode()
    head = f"POST /graphql HTTP/1.1\r\nHost: {place}\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def rate(url: str, request: bytes, connections: int, seconds: float) -> float:
    """Requests a second, each connection sending the next when it has the answer."""
    place = urlsplit(url)
    until = time.perf_counter() + seconds

    async def client() -> int:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        count = 0
        while time.perf_counter() < until:
            answer = await ask(reader, writer, request)
            assert b'"errors"' not in answer, answer
            count += 1
        writer.close()
        return count

    return sum(await asyncio.gather(*(client() for _ in range(connections)))) / seconds


async def measure(urls: list[str], token: str, processes: list[int]) -> None:
    """Print what each server does of each work. Rounds are short and in turns, so that whatever else the machine does
    is the same for both."""
    place = urlsplit(urls[0])
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    asked = request_of(place.netloc, token, "{ invoices(first: 1) { nodes { id } } }")
    [one] = json.loads(await ask(reader, writer, asked))["data"]["invoices"]["nodes"]
    writer.close()
    for name, query, variables, connections in (
        ("list", LIST, None, CONNECTIONS),
        ("point", POINT, one, CONNECTIONS),
        ("write", WRITE, None, 1),
        ("write", WRITE, None, CONNECTIONS),
    ):
        rates: list[list[float]] = [[] for _ in urls]
        cpu = [0.0] * len(urls)
        for _ in range(ROUNDS):
            for number, url in enumerate(urls):
                before = cpu_seconds(processes[number : number + 1])
                request = request_of(urlsplit(url).netloc, token, query, variables)
                rates[number].append(await rate(url, request, connections, SECONDS))
                cpu[number] += cpu_seconds(processes[number : number + 1]) - before
        told = [
            f"{statistics.median(each):6.0f}/s, {1000 * spent / sum(each) / SECONDS:.3f} ms CPU"
            for each, spent in zip(rates, cpu, strict=True)
        ]
        print(f"{name:6} {connections} at once: {'; '.join(told)}")  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.replica", description=__doc__)
    parser.add_argument("urls", nargs="+", help="servers on the same database")
    parser.add_argument("--token", required=True, help="an access token of somebody who may create clients")
    parser.add_argument("--processes", nargs="*", type=int, default=[], help="the servers' ids, for their CPU")
    given = parser.parse_args()
    asyncio.run(measure(given.urls, given.token, given.processes))


if __name__ == "__main__":
    main()
