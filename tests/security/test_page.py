"""docs/security.md has every attack and names tests that exist; for each attack one says in turn that it tries it."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from gql.database.catalog import RULES

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED: Final = sorted(set(re.findall(r"`([a-z_/0-9]+\.py)::(test_\w+)`", PAGE)))
ATTACKS: Final = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
HEADINGS: Final = re.findall(r"^\| ([A-Zr][^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
OF_A_ROW: Final = re.compile(r"`([a-z_/0-9]+\.py)::(test_\w+)`")
HOW_MANY: Final = 63
"""Attacks on our list."""


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


def attacks_in(text: str) -> set[int]:
    """The numbers that a text names: "Attack 7", "attacks 3, 5 and 6 to 9"."""
    said = re.findall(r"[Aa]ttacks? ((?:\d+(?:,| and| to)? ?)+)", text)
    spans = [span for each in said for span in re.findall(r"(\d+)(?: to (\d+))?", each)]
    return {number for first, last in spans for number in range(int(first), int(last or first) + 1)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert name in found_in(path)


@pytest.mark.parametrize(("number", "holds", "tests"), ATTACKS, ids=[number for number, _, _ in ATTACKS])
def test_an_attack_is_tried_by_a_test_that_says_so_or_there_is_a_reason(number: str, holds: str, tests: str) -> None:
    named = OF_A_ROW.findall(tests)
    if not named:
        assert re.match(r"none, because \w+ \w+", tests), tests
        return
    assert any(int(number) in attacks_in(found_in(path)[name]) for path, name in named)


def test_every_rule_that_is_named_is_one_of_the_catalog() -> None:
    named = {rule for _, holds, _ in ATTACKS for rule in re.findall(r"`([a-z-]+)`", holds)}
    assert len(named) > 20
    assert named <= {rule.name for rule in RULES}


def test_the_page_has_every_attack_in_the_order_of_the_numbers() -> None:
    assert [int(number) for number, _, _ in ATTACKS] == list(range(1, HOW_MANY + 1))


def test_every_heading_of_the_checklist_has_a_test() -> None:
    assert len(HEADINGS) == 20
    assert all(OF_A_ROW.search(tests) for _, tests in HEADINGS)


def test_numbers_are_understood_as_they_are_written() -> None:
    assert attacks_in("Attack 7.") == {7}
    assert attacks_in("Attacks 3, 5 and 6 to 9: what they do.") == {3, 5, 6, 7, 8, 9}
    assert attacks_in("Ten attack vectors, 12 of them.") == set()
