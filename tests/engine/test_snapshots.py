"""The SQL of every document, kept beside it: a change of the compiler is read there before it is believed.

`UPDATE_SNAPSHOTS=1 pytest tests/engine/test_snapshots.py` writes them anew.
"""

import os
from typing import Final

import pytest

from gql.engine.documents import Documents
from gql.engine.plans import Planner
from gql.schema import build_schema, declarations
from tests.engine.documents import DIRECTORY, DOCUMENTS, Document
from tests.engine.pretty import pretty

UPDATE: Final = bool(os.environ.get("UPDATE_SNAPSHOTS"))
CASES: Final = [(each, None) for each in DOCUMENTS] + [(each, role) for each in DOCUMENTS for role in each.scoped_roles]


@pytest.mark.parametrize(("document", "scoped_as"), CASES, ids=str)
def test_the_sql_of_a_document_is_the_one_beside_it(document: Document, scoped_as: str | None) -> None:
    written = sql_of(document, scoped_as=scoped_as)
    path = DIRECTORY / f"{document.name}{f'.{scoped_as}' if scoped_as else ''}.sql"
    if UPDATE:
        path.write_text(written, encoding="utf-8")
    assert written == path.read_text(encoding="utf-8"), "read the difference; UPDATE_SNAPSHOTS=1 accepts it"


def test_no_snapshot_is_left_of_a_document_that_is_gone() -> None:
    expected = {f"{document.name}{f'.{scoped_as}' if scoped_as else ''}.sql" for document, scoped_as in CASES}
    assert {path.name for path in DIRECTORY.glob("*.sql")} == expected


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_no_value_of_the_variables_is_part_of_the_sql(document: Document) -> None:
    texts = [text for given in document.variables for text in texts_of(given) if len(text) > 3]
    written = sql_of(document, scoped_as=None)
    assert not [text for text in texts if text in written and not text.isupper()]


def sql_of(document: Document, *, scoped_as: str | None) -> str:
    """The statement for the document's first variables."""
    schema = build_schema()._schema
    planner = Planner(schema, declarations())
    operation = Documents(schema).operation(document.source, None, introspection=True)
    _, shaped = planner.read(operation, document.variables[0])
    plan = planner.plan(operation, shaped, scoped_as=scoped_as)
    assert plan.statement is not None
    return pretty(plan.statement.sql)


def texts_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_of(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts_of(each)]
    return [value] if isinstance(value, str) else []
