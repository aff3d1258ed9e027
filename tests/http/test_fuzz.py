"""Anything at all, sent to /graphql: the answer is JSON with a coded error or data, and never our fault."""

import json
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from gql.errors import Code
from tests.http.servers import Running
from tests.http.test_bad_input import INSIDE

CODES = {code.value for code in Code} - {Code.INTERNAL_SERVER_ERROR.value}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
WORDS = """
{ } ( ) [ ] : , ! $a $input @skip ... on fragment F query mutation subscription signIn invoices invoice(id: first:
filter: orderBy: nodes id total __typename __schema "x" 1 -1 99999999999 null true SENT #
"""
words = st.sampled_from([*WORDS.split(), "\ufeff", "\x00"])
documents = st.text(max_size=60) | st.lists(words, max_size=25).map(" ".join)
parameters = st.fixed_dictionaries(
    {"query": documents | values},
    optional={"variables": values, "operationName": values, "extensions": values},
)
bodies = st.binary(max_size=200) | values.map(json.dumps).map(str.encode) | parameters.map(json.dumps).map(str.encode)
header_texts = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40).map(
    str.strip
)


def judge(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    body: dict[str, Any] = answer.json()
    assert body.keys() in ({"data"}, {"errors"}, {"data", "errors"})
    for error in body.get("errors", []):
        assert error["extensions"]["code"] in CODES, error
        assert error["message"]
        # graphql-core repeats the names that it was given; everybody else says only sentences of ours.
        assert "GRAPHQL_" in error["extensions"]["code"] or not INSIDE.search(error["message"])


@settings(max_examples=250)
@given(body=bodies, known=st.booleans())
async def test_any_body_gets_a_coded_answer(server: Running, token: str, body: bytes, known: bool) -> None:
    judge(await server.send(body, Authorization=f"Bearer {token}" if known else ""))


@settings(max_examples=100)
@given(accept=header_texts, encoding=header_texts, content_type=header_texts, identity=header_texts)
async def test_any_header_gets_a_coded_answer(
    server: Running, accept: str, encoding: str, content_type: str, identity: str
) -> None:
    headers = [
        (b"accept", accept.encode("latin-1")),
        (b"accept-encoding", encoding.encode("latin-1")),
        (b"content-type", b"application/json" if len(content_type) % 2 else content_type.encode("latin-1")),
        (b"x-request-id", identity.encode("latin-1")),
    ]
    judge(await server.client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers))


@settings(max_examples=100)
@given(query_string=st.binary(max_size=80) | documents.map(str.encode))
async def test_any_query_string_gets_a_coded_answer(server: Running, query_string: bytes) -> None:
    quoted = "".join(chr(byte) if chr(byte).isalnum() or byte in b"=&%" else f"%{byte:02X}" for byte in query_string)
    judge(await server.client.get(f"/graphql?query={quoted}"))
