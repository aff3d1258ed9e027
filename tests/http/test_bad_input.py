"""Whatever is sent, the answer is a clear coded error, nothing of the inside shows, and the server lives on."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gql.engine.workbench import MOST_BYTES_AT_ONCE
from gql.http import requests
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import GRAPHQL_RESPONSE, Running, refusal

QUERY = b'{"query": "{ __typename }"}'
INSIDE = re.compile(
    r"Traceback|File \"|asyncpg|postgres|psycopg|\.py|select |_check|_unique|SQLSTATE|pg_", re.IGNORECASE
)

CLIENT_CREATE = "mutation ($input: ClientCreateInput!) { clientCreate(input: $input) { client { id } } }"
INVOICE_CREATE = "mutation ($input: InvoiceCreateInput!) { invoiceCreate(input: $input) { invoice { id } } }"


@pytest.fixture(autouse=True)
async def _lives_on(server: Running) -> AsyncIterator[None]:
    """After every test of this module the server answers as if nothing had been."""
    yield
    assert (await server.send(QUERY)).json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "BODY_MISSING"),
        (b" \n\t", "BODY_MISSING"),
        (b"{", "JSON_MALFORMED"),
        (b'{"query": "{ __typename }"', "JSON_MALFORMED"),
        (b'{"query": "{ __typename }"} {}', "JSON_MALFORMED"),
        (b"query=%7B__typename%7D", "JSON_MALFORMED"),
        (b"\xff\xfe{}", "JSON_MALFORMED"),
        (b'{"query": "\xff"}', "JSON_MALFORMED"),
        (b'{"query": "{ __typename }", "variables": {"a": NaN}}', "JSON_MALFORMED"),
        (b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 100_000, "JSON_TOO_DEEP"),
        (b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "JSON_TOO_DEEP"),
        (b"[" * 100_000, "BATCH_REFUSED"),
        (b'[{"query": "{ __typename }"}, {"query": "{ __typename }"}]', "BATCH_REFUSED"),
        (b"null", "PARAMETER_TYPE"),
        (b'"{ __typename }"', "PARAMETER_TYPE"),
        (b"{}", "PARAMETER_TYPE"),
        (b'{"query": null}', "PARAMETER_TYPE"),
        (b'{"query": 1}', "PARAMETER_TYPE"),
        (b'{"query": ["{ __typename }"]}', "PARAMETER_TYPE"),
        (b'{"query": "{ __typename }", "variables": []}', "PARAMETER_TYPE"),
        (b'{"query": "{ __typename }", "variables": "{}"}', "PARAMETER_TYPE"),
        (b'{"query": "{ __typename }", "operationName": {}}', "PARAMETER_TYPE"),
        (b'{"query": "{ __typename }", "extensions": 1}', "PARAMETER_TYPE"),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else value,
)
async def test_a_body_that_is_no_request_is_refused_and_says_what_is_wrong(
    server: Running, body: bytes, reason: str
) -> None:
    answer = await server.send(body)
    assert refusal(answer) == (400, "BAD_REQUEST", reason)
    older = await server.send(body, Accept="application/json")
    assert older.status_code == 400
    assert not INSIDE.search(answer.text)


@pytest.mark.parametrize(
    ("query_string", "reason"),
    [
        ("", "QUERY_MISSING"),
        ("variables={}", "QUERY_MISSING"),
        ("query=%7B__typename%7D&query=%7B__typename%7D", "PARAMETER_TWICE"),
        ("query=%FF%FE", "URL_MALFORMED"),
        ("&".join(f"a{number}=1" for number in range(30)), "URL_MALFORMED"),
        ("query=%7B__typename%7D&variables=nonsense", "JSON_MALFORMED"),
        ("query=%7B__typename%7D&variables=[]", "PARAMETER_TYPE"),
        ("query=%7B__typename%7D&extensions=1", "PARAMETER_TYPE"),
        ('query=%7B__typename%7D&variables={"a":' + "[" * 10_000, "JSON_TOO_DEEP"),
    ],
)
async def test_a_query_string_that_is_no_request_is_refused(server: Running, query_string: str, reason: str) -> None:
    assert refusal(await server.client.get(f"/graphql?{query_string}")) == (400, "BAD_REQUEST", reason)


@pytest.mark.parametrize(
    ("content_type", "reason"),
    [
        ("", "CONTENT_TYPE_MISSING"),
        ("text/plain", "CONTENT_TYPE"),
        ("application/x-www-form-urlencoded", "CONTENT_TYPE"),
        ("multipart/form-data; boundary=x", "CONTENT_TYPE"),
        ("text/plain; application/json", "CONTENT_TYPE"),
        ("application/graphql", "CONTENT_TYPE"),
        ("application/json; charset=utf-16", "CHARSET"),
        ("application/json; charset=latin1", "CHARSET"),
    ],
)
async def test_what_a_form_of_another_site_can_send_is_refused(server: Running, content_type: str, reason: str) -> None:
    answer = await server.send(QUERY, Content_Type=content_type)
    assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE", reason)
    assert (await server.send(QUERY, Content_Type=content_type, Accept="application/json")).status_code == 415


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "br", "deflate, gzip"])
async def test_compressed_bodies_are_refused_unread(server: Running, encoding: str) -> None:
    answer = await server.send(QUERY, Content_Encoding=encoding)
    assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE", "CONTENT_ENCODING")


async def test_a_body_may_have_a_million_bytes_and_not_one_more(server: Running) -> None:
    body = QUERY + b" " * (requests.MOST_BYTES - len(QUERY))
    assert (await server.send(body)).status_code == 200
    assert refusal(await server.send(body + b" ")) == (413, "PAYLOAD_TOO_LARGE", "BODY_LIMIT")


@pytest.mark.parametrize("megabytes", [10, 30])
async def test_a_large_body_is_refused_whether_it_says_its_length_or_not(server: Running, megabytes: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(megabytes):
            yield b"x" * 1_000_000

    headers = {"Content-Type": "application/json"}
    if megabytes * 1_000_000 < requests.MOST_BYTES_DISCARDED:
        answer = await server.client.post("/graphql", content=b"x" * megabytes * 1_000_000, headers=headers)
        assert refusal(answer) == (413, "PAYLOAD_TOO_LARGE", "BODY_LIMIT")
        answer = await server.client.post("/graphql", content=pieces(), headers=headers)
        assert refusal(answer) == (413, "PAYLOAD_TOO_LARGE", "BODY_LIMIT")
    else:
        # Nobody reads so much only to throw it away: the line is cut.
        assert await said_to(server, f"Content-Length: {megabytes}000000", b"x" * 1000) == b"HTTP/1.1 413 "


async def test_who_signs_in_sends_no_large_request(server: Running) -> None:
    """Strawberry's executor reads the variables on the event loop, for which nobody should have to wait."""
    document = 'mutation ($email: String!) { signIn(input: {email: $email, password: "x"}) { accessToken } }'
    answer = await server.ask(document, variables={"email": "a@example.com", "more": "x" * MOST_BYTES_AT_ONCE})
    assert refusal(answer) == (413, "PAYLOAD_TOO_LARGE", "BODY_LIMIT")
    answer = await server.ask(document, variables={"email": "a@example.com", "more": "x" * (MOST_BYTES_AT_ONCE - 1000)})
    assert answer.json()["errors"][0]["extensions"]["reason"] == "CREDENTIALS_INVALID"


async def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(server: Running) -> None:
    assert await said_to(server, "Content-Length: 99999999\r\nExpect: 100-continue", b"") == b"HTTP/1.1 413 "


async def test_a_body_that_never_ends_is_given_up(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST_SECONDS", 0.2)
    assert await said_to(server, "Content-Length: 100", b'{"query"') == b"HTTP/1.1 408 "
    assert await said_to(server, "Transfer-Encoding: chunked", b'8\r\n{"query"\r\n') == b"HTTP/1.1 408 "


async def said_to(server: Running, headers: str, body: bytes) -> bytes:
    """The first bytes of the answer to a request that is sent so far and no further."""
    place = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = f"POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n{headers}\r\n\r\n"
    writer.write(head.encode() + body)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert b"connection: close" in answer
    return answer[:13]


@pytest.mark.parametrize(
    ("query", "variables", "code", "reason"),
    [
        ("{ invoices { nonsense } }", {}, "GRAPHQL_VALIDATION_FAILED", None),
        ("{ invoices(first: 99999999) { totalCount } }", {}, "BAD_USER_INPUT", "PAGE_SIZE"),
        ("query ($n: Int) { invoices(first: $n) { totalCount } }", {"n": 99_999_999}, "BAD_USER_INPUT", "PAGE_SIZE"),
        ("query ($n: Int) { invoices(first: $n) { totalCount } }", {"n": -1}, "BAD_USER_INPUT", "PAGE_SIZE"),
        ("query ($n: Int) { invoices(first: $n) { totalCount } }", {"n": "ten"}, "BAD_USER_INPUT", "INVALID_VARIABLE"),
        (
            "query ($n: Int) { invoices(first: $n) { totalCount } }",
            {"n": 10**400},
            "BAD_USER_INPUT",
            "INVALID_VARIABLE",
        ),
        ("query ($id: ID!) { invoice(id: $id) { id } }", {"id": "1"}, "BAD_USER_INPUT", "INVALID_VALUE"),
        ("query ($id: ID!) { invoice(id: $id) { id } }", {"id": "\x00"}, "BAD_USER_INPUT", "INVALID_VALUE"),
        ("query ($id: ID!) { invoice(id: $id) { id } }", {"id": {"a": 1}}, "BAD_USER_INPUT", "INVALID_VARIABLE"),
        ('{ invoices(after: "nonsense") { nodes { id } } }', {}, "BAD_USER_INPUT", "INVALID_VALUE"),
        (CLIENT_CREATE, {"input": {}}, "BAD_USER_INPUT", "INVALID_VARIABLE"),
        (CLIENT_CREATE, {"input": {"name": "A", "colour": "blue"}}, "BAD_USER_INPUT", "INVALID_VARIABLE"),
    ],
)
async def test_a_document_or_a_variable_that_does_not_fit_is_refused(
    server: Running, token: str, query: str, variables: dict[str, Any], code: str, reason: str | None
) -> None:
    body = json.dumps({"query": query, "variables": variables}).encode()
    answer = await server.send(body, Authorization=f"Bearer {token}")
    assert refusal(answer) == (400, code, reason)
    assert not INSIDE.search(answer.text)


async def test_a_negative_amount_is_refused_and_nothing_is_half_written(server: Running) -> None:
    tenant = await make_tenant()
    token = server.token(tenant.owner, tenant)
    made = await server.ask(CLIENT_CREATE, token=token, variables={"input": {"name": "Quay & Sons"}})
    client = made.json()["data"]["clientCreate"]["client"]["id"]
    good = {"description": "Rope", "quantity": "1", "unitPrice": "10.00"}
    given = {"clientId": client, "lines": [good, good | {"unitPrice": "-1.00"}]}
    answer = await server.ask(INVOICE_CREATE, token=token, variables={"input": given})
    body = answer.json()
    assert body["data"] is None
    assert body["errors"][0]["path"] == ["invoiceCreate"]
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert body["errors"][0]["extensions"]["field"].startswith("input.lines")
    assert not INSIDE.search(answer.text)
    answer = await server.ask("{ invoices { totalCount } }", token=token)
    assert answer.json()["data"]["invoices"]["totalCount"] == 0


async def test_a_foreign_id_is_as_unknown_as_one_that_never_was(server: Running, house: Tenant, token: str) -> None:
    other = await make_tenant("Bellwether Yarns")
    theirs = await server.ask(
        CLIENT_CREATE, token=server.token(other.owner, other), variables={"input": {"name": "Secret Mills"}}
    )
    foreign = theirs.json()["data"]["clientCreate"]["client"]["id"]
    seen = []
    for client in (foreign, str(uuid4())):
        read = await server.ask("query ($id: ID!) { client(id: $id) { name } }", token=token, variables={"id": client})
        given = {"clientId": client, "lines": [{"description": "Rope", "quantity": "1", "unitPrice": "1.00"}]}
        written = await server.ask(INVOICE_CREATE, token=token, variables={"input": given})
        [error] = written.json()["errors"]
        del error["extensions"]["requestId"]
        seen.append((read.status_code, read.json(), written.status_code, error))
    assert seen[0] == seen[1]
    assert seen[0][1] == {"data": {"client": None}}
    assert seen[0][3]["extensions"] == {"code": "NOT_FOUND", "reason": "CLIENT_NOT_FOUND", "field": "input.clientId"}


async def test_a_failure_that_nobody_foresaw_is_masked(
    server: Running, token: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Attack 28."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("postgres://secret@inside")

    monkeypatch.setattr(server.app.graphql._engine, "prepare", fail)
    for accept in ("application/json", GRAPHQL_RESPONSE):
        answer = await server.ask("{ __typename }", token=token, accept=accept)
        assert refusal(answer) == (500, "INTERNAL_SERVER_ERROR", None)
        assert "secret" not in answer.text
        assert answer.headers["x-request-id"] in caplog.text
    assert "postgres://secret@inside" in caplog.text
    monkeypatch.undo()


async def test_pages_within_pages_are_refused_before_a_connection_is_taken(server: Running, token: str) -> None:
    nest = "invoices(first: 100) { nodes { client { invoices(first: 100) { nodes { client { %s } } } } } }"
    query = "{ " + nest % "invoices(first: 100) { nodes { id } }" + " }"
    taken = server.app.database.reads.statistics.acquisitions
    answer = await server.ask(query, token=token)
    assert refusal(answer) == (400, "LIMIT_EXCEEDED", "COST_BUDGET")
    assert server.app.database.reads.statistics.acquisitions == taken
