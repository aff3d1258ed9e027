"""Transfers are measured from end to end, and the books looked at afterwards. How fast anything is, no test judges."""

from pathlib import Path

import asyncpg
import pytest

from bench.database import load_schema, running
from bench.ledger.payments import Payments
from bench.ledger.placing import Placing
from bench.ledger.run import FLOOR, OURS, WORKS, Scope, run
from bench.ledger.told import rows, verdicts, write_page
from bench.trade.check import WrongBooksError
from tests.harness.thoroughness import IS_THOROUGH


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_every_contestant_does_its_work_and_the_books_are_right(tmp_path: Path) -> None:
    # What is measured is the same for both works: a usual run looks at the one that has more to go wrong.
    works = tuple(WORKS) if IS_THOROUGH else ("orders",)
    scope = Scope(works=works, rounds=1, seconds=1.2, warm_seconds=0.3, directory=tmp_path / "ledger")
    results = await run(scope)
    assert [result.work.title for result in results] == ["Payments", "Orders placed"][-len(works) :]
    for result in results:
        work = result.work
        names = (OURS, work.function_name, FLOOR)
        assert list(result.samples) == [(crowd, name) for crowd in work.crowds for name in names]
        assert all(sample.requests > 0 for [sample] in result.samples.values())
        answered = sum(sample.requests for (_, name), [sample] in result.samples.items() if name != FLOOR)
        assert result.done >= answered, "each answer stands in the books"
        assert result.settings["fsync"] == "on"
        assert len(rows(result)) == 6
        assert len(verdicts(result)) == 4
    assert not scope.directory.exists()
    write_page(results, scope, "a test", tmp_path)
    page = (tmp_path / "LEDGER.md").read_text()
    assert f"| one line | {OURS} |" in page
    for drawn in ("ledger-payments.svg", "ledger-orders.svg")[-len(works) :]:
        assert (tmp_path / drawn).read_text().rstrip().endswith("</svg>")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_books_that_do_not_add_up_are_an_error(tmp_path: Path) -> None:
    async with running(tmp_path / "ledger") as embedded:
        await load_schema(embedded)
        connection = await asyncpg.connect(embedded.admin_url)
        try:
            for work, break_it in (
                (await Payments.open(connection, 1), "posted = posted + 1 where code = 'REVENUE'"),
                (await Placing.open(connection, 2), "held_up = 1 where owner_noun = 'CREDIT_LINE'"),
            ):
                await work.ready(9, 3)
                await work.check()
                await connection.execute("set session_replication_role = replica")
                await connection.execute(f"update ledger.accounts set {break_it}")
                await connection.execute("reset session_replication_role")
                with pytest.raises(WrongBooksError, match="trial balance|accounts"):
                    await work.check()
        finally:
            await connection.close()
