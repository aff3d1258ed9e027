"""Arrows point one way: http → engine → database, and the engine names no domain."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "gql"
MAY_IMPORT = {
    "errors": set(),
    "places": set(),
    "secret_files": set(),
    "settings": {"places", "secret_files"},
    "reminders": set(),
    "fairness": {"fairness", "errors", "reminders"},
    "database": {"database", "fairness", "errors", "places", "reminders", "settings"},
    "engine": {"engine", "database", "fairness", "errors"},
    "ledger": {"ledger", "engine", "errors"},
    "billing": {"billing", "engine", "errors"},
    "messages": {"messages", "errors", "settings"},
    "iam": {"iam", "messages", "engine", "database", "errors", "places", "settings"},
    "roles": {"engine", "database"},
    "trade": {"trade", "engine", "errors"},
    "schema": {"billing", "ledger", "trade", "iam", "engine", "database", "roles"},
    "imports": {"imports", "engine", "errors"},
    "demo": {"demo", "iam", "imports", "engine", "database", "errors"},
    "http": {"http", "engine", "iam", "database", "errors", "reminders", "settings"},
    # What leaves with an organisation says what trade says of it.
    "tenants": {"tenants", "database", "trade"},
    "tracing": {"tracing", "worker", "http", "engine", "database", "errors"},
    "worker": {"worker", "messages", "database", "fairness", "errors"},
}


def imports_of(module: Path) -> Iterator[str]:
    """The second part of every `gql.…` name that the module imports."""
    for node in ast.walk(ast.parse(module.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names = [node.module or ""]
        yield from (name.split(".")[1] for name in names if name.startswith("gql."))


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_lies_in_the_direction_of_its_arrow(room: str) -> None:
    place = SOURCE / room
    modules = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert modules
    wrong = {
        f"{module.relative_to(SOURCE)} imports gql.{name}"
        for module in modules
        for name in imports_of(module)
        if name not in MAY_IMPORT[room]
    }
    assert not wrong


def test_every_domain_is_gathered_in_the_schema_and_none_imports_another() -> None:
    gathered = set(imports_of(SOURCE / "schema.py"))
    domains = {
        place.name
        for place in SOURCE.iterdir()
        if any("DECLARED =" in module.read_text() for module in place.glob("*.py"))
    }
    assert domains
    assert domains <= gathered
    assert domains <= set(MAY_IMPORT), "a new domain needs its row above"


IAM = ("keys", "tokens", "issuers", "credentials", "entry")


@pytest.mark.parametrize("place", range(len(IAM)), ids=IAM)
def test_a_room_of_iam_imports_nothing_of_the_rooms_after_it(place: int) -> None:
    modules = sorted((SOURCE / "iam" / IAM[place]).glob("*.py"))
    text = "\n".join(module.read_text() for module in modules)
    assert not [later for later in IAM[place + 1 :] if f"gql.iam.{later}" in text]
    # What lies beside the rooms is what the API shows of them, apart from the addresses that all of them read.
    assert set(re.findall(r"from gql\.iam\.(\w+)", text)) <= {*IAM, "addresses"}
