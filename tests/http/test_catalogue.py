"""docs/errors.md is the catalogue of the code, and complete."""

import re
from pathlib import Path

import pytest

from gql.errors import Code
from gql.http.catalogue import render_catalogue

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "errors.md"


def test_the_page_in_the_repository_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8").rstrip("\n") == render_catalogue().rstrip("\n"), "`make docs` writes it"


def test_every_code_has_a_section_with_its_status() -> None:
    page = render_catalogue()
    for code in Code:
        assert f"\n## {code.value}\n\nHTTP {code.status}. {code.remedy}\n" in page


@pytest.mark.parametrize(
    ("section", "row"),
    [
        ("CONFLICT", r"\| `SLUG_TAKEN` \| `input.slug` \| This short name is taken\."),
        ("BAD_USER_INPUT", r"\| `MONEY_DECIMALS` \|  \| An amount of money has at most two decimals\."),
        ("NOT_FOUND", r"\| `INVOICE_NOT_FOUND` \| `input.id` \| There is no invoice with this id\."),
        ("CONFLICT", r"\| `CLIENT_ARCHIVED` \| `input.id` \| … is archived already\."),
        ("LIMIT_EXCEEDED", r"\| `DEPTH_LIMIT` \|  \| The operation is …; the limit is …\."),
        ("UNAVAILABLE", r"\| `DATABASE_UNREACHABLE` \|  \| The database cannot be reached just now\."),
        ("BAD_REQUEST", r"\| `BATCH_REFUSED` \|"),
        ("UNAUTHENTICATED", r"\| `TOKEN_EXPIRED` \|"),
        ("FORBIDDEN", r"\| `PERMISSION_MISSING` \|"),
        ("TIMEOUT", r"\| `BODY_TIMEOUT` \|"),
    ],
)
def test_a_refusal_is_found_where_it_is_raised(section: str, row: str) -> None:
    found = re.search(rf"^## {section}\n(.*?)(^## |\Z)", render_catalogue(), re.MULTILINE | re.DOTALL)
    assert found is not None
    assert re.search(row, found[1])


def test_every_reason_in_the_sources_is_in_the_catalogue() -> None:
    page = render_catalogue()
    written = set()
    for path in (ROOT / "src" / "gql").rglob("*.py"):
        written |= set(re.findall(r'reason="([A-Z][A-Z_]+)"', path.read_text(encoding="utf-8")))
    for path in (ROOT / "sql").rglob("*.sql"):
        written |= set(re.findall(r"core\.refuse\(\s*'[A-Z_]+',\s*'([A-Z_]+)'", path.read_text(encoding="utf-8")))
    assert len(written) > 30
    assert {reason for reason in written if f"| `{reason}` |" not in page} == set()


def test_every_row_has_a_sentence() -> None:
    rows = [line for line in render_catalogue().splitlines() if line.startswith("| `")]
    assert [row for row in rows if len(row.split(" | ")[2].strip(" |…")) < 5] == []
