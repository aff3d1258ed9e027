"""Documents that a tool has made from the schema alone, brought closer to what somebody would ask.

A tool does not know that a page has a hundred rows at most, what a currency is called, nor which ids there are; nearly
all that it writes would be refused for one of them. One value in seven is left as it came.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zlib import crc32

from graphql import (
    REMOVE,
    ArgumentNode,
    DocumentNode,
    IntValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    Visitor,
    visit,
)
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from gql.schema import declarations
from tests.database.isolation import Filled

ONE_IN: Final = 7
REAL: Final = "real-"
"""What stands for an id of the place's own noun."""
PLAUSIBLE: Final = {
    "currency": "EUR",
    "country": "IE",
    "email": "somebody@example.org",
    "address": "somebody@example.org",
    "recipient": "somebody@example.org",
    "phone": "+254700000003",
    "fromNumber": "+254700000003",
    "toNumber": "+254700000002",
    "issuer": "https://login.example.org",
    "timeZone": "Europe/Dublin",
    "method": "BANK_TRANSFER",
}
"""What a text in such a place may be. Anywhere else it may be any word."""
VERBS: Final = {verb.graphql_name: verb.returns for verb in declarations().verbs.values()}
SINGULARS: Final = {noun.singular: noun for noun in declarations().nouns.values() if noun.singular}


def _member(name: str, text: str) -> ObjectFieldNode:
    return ObjectFieldNode(name=NameNode(value=name), value=nodes.String(text))


SCALARS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "ID": (st.integers(0, 9).map(lambda number: f"{REAL}{number}") | st.uuids().map(str) | st.text(max_size=5)).map(
        nodes.String
    ),
    "Money": st.decimals("-10", "1e6", places=2, allow_nan=False).map(lambda amount: nodes.String(f"{amount:f}")),
    "Decimal": st.decimals("-10", "1e6", places=3, allow_nan=False).map(lambda each: nodes.String(f"{each:f}")),
    "Date": st.dates().map(lambda day: nodes.String(day.isoformat())),
    "DateTime": st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z")),
    "JSON": st.dictionaries(st.sampled_from(["note", "colour"]), st.text(max_size=5)).map(
        lambda given: ObjectValueNode(fields=tuple(_member(name, text) for name, text in given.items()))
    ),
}
"""What schemathesis has to be told of scalars that are no standard ones, and of ids."""


class _Fit(Visitor):
    """Makes it so, in a document about this root field."""

    def __init__(self, filled: Filled, field: str) -> None:
        super().__init__()
        self.filled = filled
        self.nulls = len(field)
        self.is_question = field not in VERBS
        self.noun = SINGULARS.get(field) or declarations().nouns.get(str(VERBS.get(field)))

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        name, value = node.name.value, node.value
        if name in ("after", "before", "last"):  # nobody guesses a cursor, and a page has one end
            return REMOVE
        if name == "first" and isinstance(value, IntValueNode):
            size = abs(int(value.value))
            fits = size % ONE_IN != ONE_IN - 1
            return ArgumentNode(name=node.name, value=nodes.Int(size % 100 + 1)) if fits else None
        return self._with_a_value_that_fits(node)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Any:
        return self._with_a_value_that_fits(node)

    def _with_a_value_that_fits(self, node: ArgumentNode | ObjectFieldNode) -> Any:
        if isinstance(node.value, NullValueNode) and self.is_question:  # no filter compares with null
            self.nulls += 1
            return REMOVE if self.nulls % ONE_IN else None
        if isinstance(node.value, StringValueNode) and (text := self._text(node.name.value, node.value.value)):
            return type(node)(name=node.name, value=nodes.String(text))
        return None

    def _text(self, name: str, text: str) -> str | None:
        """What is to stand there instead; None to leave it."""
        if text.startswith(REAL):
            return self._id(name, int(text.removeprefix(REAL)))
        number = crc32(text.encode(errors="replace"))
        # A question may be about any text, and the ids that are none are meant.
        if self.is_question or name == "id" or name.endswith("Id") or number % ONE_IN == 0:
            return None
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return (datetime.now(UTC).date() + timedelta(number % 60 - 30)).isoformat()
        if re.fullmatch(r"-?\d+\.\d+|\d{4}-.*Z", text):
            return None
        return PLAUSIBLE.get(name, f"W{number:x}")

    def _id(self, name: str, number: int) -> str:
        noun = self.noun if name == "id" else SINGULARS.get(name.removesuffix("Id"))
        rows = self.filled.rows.get(noun.table, []) if noun else []
        ids: list[str] = [row["id"] for row in rows if "id" in row] or sorted(self.filled.ids)
        return ids[number % len(ids)]


def fitted(document: DocumentNode, filled: Filled, field: str) -> DocumentNode:
    """The document about this root field, asking for pages that there are, and mostly of things that there are."""
    made: DocumentNode = visit(document, _Fit(filled, field))
    return made
