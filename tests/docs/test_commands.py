"""Every command in the README and in docs/ is run by a test: literally, where a shell reads the page, or by name."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.docs.stories import ROOT, blocks_of

PAGES: Final = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not {".venv", "node_modules", ".cache", "tests"} & set(page.relative_to(ROOT).parts)
)
FOLLOWED: Final = (ROOT / "docs" / "operate.md",)
"""Pages of which a test runs every block."""
PROGRAMS: Final = ("countinghouse", "make", "python -m", "curl", "psql")
_COMMAND: Final = re.compile(rf"(?:{'|'.join(PROGRAMS)}) ")
_SPAN: Final = re.compile(r"`([^`\n]+)`")
_FENCED: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
RUN_BY: Final = {
    "countinghouse analyst create": ("tests/test_cli_database.py", '"analyst", "create"'),
    "countinghouse demo": ("tests/test_cli_serve.py", '"--demo"'),
    "countinghouse doctor": ("tests/test_cli_database.py", '"doctor"'),
    "countinghouse errors": ("tests/test_cli.py", '"errors"'),
    "countinghouse import online-retail": ("tests/imports/test_import_command.py", '"import", "online-retail"'),
    "countinghouse key": ("docs/operate.md", "countinghouse key rotate secret"),
    "countinghouse migrate": ("docs/operate.md", "countinghouse migrate"),
    "countinghouse psql": ("docs/operate.md", "countinghouse psql -c"),
    "countinghouse roles": ("tests/test_cli.py", '"roles"'),
    "countinghouse schema": ("tests/test_cli.py", '"schema"'),
    "countinghouse serve": ("docs/operate.md", "countinghouse serve"),
    "countinghouse tenant create": ("docs/operate.md", "countinghouse tenant create"),
    "countinghouse tenant export": ("docs/operate.md", "countinghouse tenant export"),
    "countinghouse tenant list": ("docs/operate.md", "countinghouse tenant list"),
    "countinghouse tenant offboard": ("docs/operate.md", "countinghouse tenant offboard"),
    "countinghouse tenant resume": ("docs/operate.md", "countinghouse tenant resume"),
    "countinghouse tenant suspend": ("docs/operate.md", "countinghouse tenant suspend"),
    "countinghouse work": ("docs/operate.md", "countinghouse work"),
    "curl --user": ("tests/http/test_oauth.py", "grant_type=client"),
    "psql": ("tests/test_cli_database.py", "psql"),
    "python -m bench.crowd": ("tests/bench/test_crowd.py", "bench.crowd"),
    "python -m bench.growth": ("tests/bench/test_growth.py", "bench.growth"),
    "python -m bench.ledger": ("tests/bench/test_ledger.py", "bench.ledger"),
    "python -m bench": ("tests/bench/test_run.py", "bench.run"),
}
"""Where each other command is run, by its beginning, and the words there that run it."""


def commands_of(page: Path) -> set[str]:
    """In blocks, and between backquotes in the text."""
    found = {command for block in blocks_of(page) for command in block.commands}
    found |= set(_SPAN.findall(_FENCED.sub("", page.read_text())))
    return {command for command in found if _COMMAND.match(command)}


NAMED: Final = sorted({command for page in PAGES for command in commands_of(page)})
TARGETS: Final = sorted({command.split()[1] for command in NAMED if command.startswith("make ")})


def test_the_pages_have_commands() -> None:
    assert len(NAMED) > 40
    assert {"run", "test", "bench", "lock"} <= set(TARGETS)


@pytest.mark.parametrize("command", [command for command in NAMED if not command.startswith("make ")])
def test_a_test_runs_it(command: str) -> None:
    if any(command in block.commands for page in FOLLOWED for block in blocks_of(page) if block.language == "sh"):
        return
    beginnings = [beginning for beginning in RUN_BY if command.startswith(beginning)]
    assert beginnings, f"no test runs {command!r}"
    place, words = RUN_BY[max(beginnings, key=len)]
    assert words in (ROOT / place).read_text(), f"{place} does not run {command!r} any more"


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_what_to_do(target: str) -> None:
    """`make test` runs this; what the others would run is what other tests run."""
    outcome = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout


def test_a_command_that_nothing_runs_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Say `countinghouse fly --high`, and\n\n```sh\ncurl --head here\n```\n")
    assert commands_of(page) == {"countinghouse fly --high", "curl --head here"}
    for command in commands_of(page):
        with pytest.raises(AssertionError, match="no test runs"):
            test_a_test_runs_it(command)
