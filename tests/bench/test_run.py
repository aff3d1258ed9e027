"""The benchmark runs from end to end. How fast anything is, no test judges."""

from pathlib import Path

import pytest

from bench.dataset import Sizes
from bench.load import Sample
from bench.report import ratio, rows, verdicts, write_page
from bench.run import ONE, Result, Scope, run
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


def test_a_ratio_is_that_of_the_rounds_whatever_the_machine_does_meanwhile() -> None:
    def sample(per_second: int) -> Sample:
        return Sample(per_second, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 1.0, 100)

    rates = {"countinghouse": (4000, 2000, 6000), "postgraphile": (1000, 500, 3000)}
    samples = {(ONE, "point", name): [sample(each) for each in found] for name, found in rates.items()}
    assert ratio(Result(samples, [], "18"), ONE, "point", "countinghouse", "postgraphile") == 4.0
    assert ratio(Result(samples, [], "18"), ONE, "point", "countinghouse", "pgbench") is None
