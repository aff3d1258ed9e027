"""The bytes of an answer: the data that was asked for as compact JSON, and not a byte besides."""

import json
import re
from typing import Any

import pytest

from tests.engine.asked import WORKS
from tests.engine.documents import DOCUMENTS, Document
from tests.engine.doors import Doors, Person


def compact(answer: Any) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("person", ["owner", "member", "other"])
@pytest.mark.parametrize("work", WORKS)
async def test_an_answer_is_the_data_as_compact_json(
    doors: Doors, people: dict[str, Person], work: str, person: str
) -> None:
    """What the data is, the naive executor says; how it is written, the json module."""
    data, codes = people[person].naive.execute(*WORKS[work])
    assert not codes
    for way in (doors.direct, doors.read):
        assert (await way(people[person], *WORKS[work])).body == compact({"data": data})


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
async def test_no_document_is_answered_with_a_byte_that_says_nothing(
    doors: Doors, people: dict[str, Person], document: Document
) -> None:
    """But for the values of type JSON, which PostgreSQL writes with a blank after each colon and comma."""
    source = re.sub(r"\b(metadata|branding|billFrom|billTo|oldValues|newValues|roles)\b", "", document.source)
    for given in document.variables:
        answer = await doors.direct(people["owner"], source, given)
        if not answer.codes:
            assert answer.body == compact(json.loads(answer.body))
