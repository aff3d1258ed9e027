"""The benchmark runs from end to end. How fast anything is, no test judges."""

from pathlib import Path

import pytest

from bench.dataset import Sizes
from bench.report import rows, verdicts, write_page
from bench.run import ONE, Scope, run
from bench.works import WORKS


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_every_work_is_asked_and_told(tmp_path: Path) -> None:
    scope = Scope(
        peers=("ours",),
        crowds=(ONE,),
        rounds=1,
        seconds=0.2,
        warm_seconds=0.05,
        sizes=Sizes(tenants=2, clients=3, invoices=20, lines=2),
        directory=tmp_path,
    )
    result = await run(scope)
    assert result.notes == []
    assert list(result.samples) == [(ONE, work, "countinghouse") for work in WORKS]
    assert all(sample.requests > 0 and sample.answer_bytes > 50 for [sample] in result.samples.values())
    assert len(rows(result)) == len(WORKS)
    assert len(verdicts(result)) == 1, "without the others, only the CPU of a point can be judged"
    write_page(result, scope, "a test", tmp_path / "page.md")
    assert "| one tenant | list | countinghouse |" in (tmp_path / "page.md").read_text()
