"""docs/security.md names tests that exist, and each says in turn which attack it tries."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED: Final = sorted(set(re.findall(r"`([a-z_/0-9]+\.py)::(test_\w+)`", PAGE)))
ROWS: Final = re.findall(r"^\| (\d+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)


@cache
def found_in(path: str) -> dict[str, str]:
    """The tests of a file, and what each says of itself, or the file of all of them."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    of_all = ast.get_docstring(tree) or ""
    return {
        node.name: f"{of_all} {ast.get_docstring(node) or ''}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert name in found_in(path)


@pytest.mark.parametrize(("number", "tests"), ROWS, ids=[number for number, _ in ROWS])
def test_each_of_them_says_which_attack_it_tries(number: str, tests: str) -> None:
    for path, name in re.findall(r"`([a-z_/0-9]+\.py)::(test_\w+)`", tests):
        assert re.search(rf"[Aa]ttack {number}\b", found_in(path)[name]), f"{path}::{name}"


def test_the_page_has_the_attacks_on_whoever_may_come_in() -> None:
    assert {int(number) for number, _ in ROWS} >= {1, 2, 3, 28, 29, 30, 31, *range(44, 54), 62}
    assert len(NAMED) > 60
