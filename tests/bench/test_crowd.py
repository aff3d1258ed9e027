"""A crowd comes from end to end, and the books are looked at afterwards. How fast anything is, no test judges."""

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bench.crowd.load import Ask, Guest, Load, in_process_of_its_own
from bench.crowd.questions import comparable
from bench.crowd.run import MIXED, QUICK, run
from bench.crowd.told import WHAT, errors_of, rows, seconds_of, verdicts, waits, write_page
from tests.harness.thoroughness import IS_THOROUGH

ANSWER = b"HTTP/1.1 %d OK\r\ncontent-length: %d\r\n\r\n%s"
REFUSAL = b'{"errors":[{"message":"No.","extensions":{"reason":"POOL_EXHAUSTED"}}]}'


@pytest.mark.skipif(not IS_THOROUGH, reason="a crowd takes both cores for a while: `make test-thorough` lets it in")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_a_crowd_looks_and_writes_and_the_books_are_right(tmp_path: Path) -> None:
    scope = replace(QUICK, contestants=(MIXED,), orders=60, think_seconds=0.1, directory=tmp_path / "crowd")
    result = await run(scope)
    [stay] = result.stays[MIXED]
    assert errors_of([stay]).total() == 0, stay.sample.examples
    assert all(seconds_of([stay], names) for names in WHAT.values()), "people look, and people write"
    assert result.people == {"retailer": 20, "operator": 12, "vendor": 8}
    assert result.deeds > 0
    assert 0 < stay.sample.server_mb < stay.sample.postgres_mb
    assert stay.connections > 1
    assert [row[:3] for row in rows(result)] == [(MIXED, rows(result)[0][1], "0")]
    assert tuple(row[1] for row in waits(result)[:2]) == ("all reads", "all writes")
    assert len(verdicts(result, scope)) == 4
    assert not scope.directory.exists()
    write_page(result, scope, "a test", tmp_path)
    assert f"| {MIXED} | all writes |" in (tmp_path / "CROWD.md").read_text()
    assert (tmp_path / "crowd.svg").read_text().rstrip().endswith("</svg>")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_refusals_and_closed_connections_are_errors() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            for status, body in ((200, b'{"data":{}}'), (503, REFUSAL), (200, b'{"data":{"order":null}}')):
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                writer.write(ANSWER % (status, len(body), body))
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    guest = Guest(b"POST / HTTP/1.1\r\n", [Ask("totals", b"{}", 1.0)])
    sample = await in_process_of_its_own(
        Load(
            port=server.sockets[0].getsockname()[1],
            guests=[guest] * 3,
            desks=[],
            think_seconds=0.01,
            warm_seconds=0.1,
            seconds=0.3,
            seed=1,
            server_ids=[os.getpid()],
            postmaster_id=os.getpid(),
        )
    )
    server.close()
    await asyncio.sleep(0.1)  # until the last have hung up
    assert sample.answers > 0
    assert {"POOL_EXHAUSTED", "200", "connection closed while waiting for an answer"} <= sample.errors.keys()
    assert "No." in " ".join(sample.examples)


def test_answers_are_compared_whatever_the_form_of_their_numbers_lists_and_moments() -> None:
    ours = {"orders": {"nodes": [{"total": "12.50", "items": [{"quantity": 2}], "at": "2026-01-01T10:00:00Z"}]}}
    theirs = {"orders": {"nodes": [{"total": "12.5", "items": {"nodes": [{"quantity": "2"}]}}]}}
    theirs["orders"]["nodes"][0]["at"] = "2026-01-01T12:00:00+02:00"
    assert comparable(ours) == comparable(theirs)
    theirs["orders"]["nodes"][0]["total"] = "12.51"
    assert comparable(ours) != comparable(theirs)
