"""docs/operate.md, read by a shell: each command in its order, on a PostgreSQL that was empty before."""

import re
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from gql.database.pool import Database
from gql.database.pool.options import DatabaseOptions
from gql.settings import Settings
from gql.worker.worker import worker_options
from tests.docs.stories import ROOT, blocks_of, going_on, run

PAGE: Final = ROOT / "docs" / "operate.md"
SERVE, WORK = "serve", "work"
SERIES: Final = re.compile(r"`((?:\*_pool|requests|transactions|unavailable|clock)_[a-z_]+)")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page asks by curl, which is not here")
async def test_every_command_of_the_page_does_what_it_should(operator: dict[str, str], tmp_path: Path) -> None:
    told: dict[str, list[str]] = {}
    async with AsyncExitStack() as running:
        for block in blocks_of(PAGE):
            if block.language != "sh":
                continue
            for command in block.commands:
                assert "…" not in command
                if block.word in (SERVE, WORK):
                    said = await running.enter_async_context(going_on(command, operator, tmp_path))
                    if found := re.search(r"http://[\w.:]+", said):
                        operator["PLACE"] = found[0]
                else:
                    told.setdefault(command, []).append(await run(command, operator, tmp_path))
    [again] = told["countinghouse migrate"]
    first, renewed = told["countinghouse migrate --logins"]
    assert "loaded" in first.lower()
    assert "loaded" not in again.lower() + renewed.lower()
    before, after = told["countinghouse tenant list"]
    assert "acme" in before
    assert "acme" not in after
    assert (tmp_path / "acme-2026" / "manifest.json").is_file()
    assert (tmp_path / "acme-at-last" / "manifest.json").is_file()
    keys = told["countinghouse key list"]
    assert len(keys[0].splitlines()) < len(keys[1].splitlines())
    assert any("countinghouse_read_pool_limit 10.0" in said for said in told[_curl("metrics")])
    assert '"ok"' in told[_curl("readyz")][0]
    # What the page says of bad days is said of series that there are; those of a worker, a replica and a backup are
    # looked for in tests/deploy/test_watching.py.
    figures = told[_curl("metrics")][0]
    named = {name.replace("*", "read") for name in SERIES.findall(PAGE.read_text())}
    assert {"unavailable_total", "read_pool_waiting", "clock_ahead_seconds"} <= named
    assert [name for name in sorted(named) if f"countinghouse_{name}" not in figures] == []


def _curl(path: str) -> str:
    return f'curl --fail --silent --show-error "$PLACE/{path}"'


async def test_the_arithmetic_of_pools_is_that_of_the_pools(settings: Settings) -> None:
    """What the page adds up is what a process may open."""
    assert settings.database_url is not None
    page = PAGE.read_text()
    [each] = re.findall(r"^connections, (\d+) unless you change something", page, re.MULTILINE)
    [of_worker] = re.findall(r"^A worker opens up to (\d+)", page, re.MULTILINE)
    plain = Settings(database_url=settings.database_url)
    database = await Database.open(DatabaseOptions.from_settings(plain, settings.database_url))
    try:
        assert sum(pool.statistics.limit for pool in database.pools) == int(each)
    finally:
        await database.close()
    assert worker_options(settings.database_url).write_connections + 1 == int(of_worker)
