"""Many people come at once: they are let in, and nobody hangs up on them while they think."""

import asyncio
import resource
import socket
from collections.abc import Sequence

import uvloop

from gql.http.serving import ACCEPTED_AT_ONCE, KEPT_SECONDS, many_times, open_many_files

PEOPLE = 64


class _Counting(asyncio.Protocol):
    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        _Counting.taken += 1
        transport.close()


async def _turns(listeners: Sequence[socket.socket]) -> int:
    """How many turns of the event loop it takes until all who wait at the door are in."""
    loop = asyncio.get_running_loop()
    _Counting.taken = 0
    servers = [await loop.create_server(_Counting, sock=listener) for listener in listeners]
    turns = 0
    while _Counting.taken < PEOPLE and turns < 10 * PEOPLE:
        turns += 1
        await asyncio.sleep(0)
    for server in servers:
        server.close()
    for server in servers:
        await server.wait_closed()
    return turns


def test_a_crowd_is_taken_in_within_a_few_turns_of_the_event_loop() -> None:
    found = []
    for times in (lambda listener: [listener], many_times):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(PEOPLE)
            people = [socket.create_connection(listener.getsockname()) for _ in range(PEOPLE)]
            found.append(uvloop.run(_turns(times(listener))))
            for person in people:
                person.close()
    one_by_one, together = found
    assert together <= PEOPLE / ACCEPTED_AT_ONCE + 5 < PEOPLE <= one_by_one


def test_as_many_files_may_be_open_as_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        open_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_connection_is_kept_longer_than_load_balancers_keep_theirs() -> None:
    assert KEPT_SECONDS > 60
