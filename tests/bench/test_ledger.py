"""Transfers are measured from end to end, and the books looked at afterwards. How fast anything is, no test judges."""

from pathlib import Path

import asyncpg
import pytest

from bench.database import load_schema, running
from bench.ledger.books import Books, WrongBooksError
from bench.ledger.run import CLIENTS, FLOOR, FUNCTION, OURS, Scope, run
from bench.ledger.told import rows, verdicts, write_page


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_every_contestant_moves_money_and_the_books_are_right(tmp_path: Path) -> None:
    scope = Scope(rounds=1, seconds=1.5, warm_seconds=0.5, directory=tmp_path / "ledger")
    result = await run(scope)
    assert list(result.samples) == [(crowd, name) for crowd in CLIENTS for name in (OURS, FUNCTION, FLOOR)]
    assert all(sample.requests > 0 for [sample] in result.samples.values())
    assert result.payments >= sum(sample.requests for (_, name), [sample] in result.samples.items() if name != FLOOR), (
        "each answer is a payment in the books"
    )
    assert result.settings["fsync"] == "on"
    assert len(rows(result)) == 6
    assert len(verdicts(result)) == 4
    assert not scope.directory.exists()
    write_page(result, scope, "a test", tmp_path)
    assert f"| 50 clients | {OURS} |" in (tmp_path / "LEDGER.md").read_text()
    assert (tmp_path / "ledger.svg").read_text().rstrip().endswith("</svg>")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_books_that_do_not_add_up_are_an_error(tmp_path: Path) -> None:
    async with running(tmp_path / "ledger") as embedded:
        await load_schema(embedded)
        connection = await asyncpg.connect(embedded.admin_url)
        try:
            books = await Books.open(connection, 1, 3)
            await books.issue(9, 3)
            await books.check()
            await connection.execute("set session_replication_role = replica")
            await connection.execute("update ledger.accounts set posted = posted + 1 where code = 'REVENUE'")
            with pytest.raises(WrongBooksError, match="trial balance"):
                await books.check()
        finally:
            await connection.close()
