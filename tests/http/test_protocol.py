"""GraphQL over HTTP: methods, media types, statuses, headers."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from tests.harness.tenants import PASSWORD, Tenant
from tests.http.servers import GRAPHQL_RESPONSE, Running, refusal

TYPENAME = "{ __typename }"
SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken organisation { slug } } }"
INVOICES = "{ invoices(first: 1) { totalCount } }"


async def test_a_person_signs_in_and_asks_with_the_token_they_got(server: Running, house: Tenant) -> None:
    given = {"input": {"email": house.owner_email, "password": PASSWORD}}
    answer = await server.ask(SIGN_IN, variables=given)
    assert answer.status_code == 200, answer.text
    signed_in = answer.json()["data"]["signIn"]
    assert signed_in["organisation"]["slug"] == house.slug
    answer = await server.ask("{ organisation { slug } }", token=signed_in["accessToken"])
    assert answer.json() == {"data": {"organisation": {"slug": house.slug}}}


async def test_a_stranger_may_ask_for_the_name_of_the_type_and_nothing_else(server: Running) -> None:
    answer = await server.ask(TYPENAME)
    assert answer.json() == {"data": {"__typename": "Query"}}
    for accept in ("application/json", GRAPHQL_RESPONSE):
        answer = await server.ask(INVOICES, accept=accept)
        assert refusal(answer) == (401, "UNAUTHENTICATED", "TOKEN_MISSING")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*;q=0.5", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}; charset=utf-8, application/json; charset=utf-8", GRAPHQL_RESPONSE),
        (f"application/json;q=0.8, {GRAPHQL_RESPONSE};q=0.9", GRAPHQL_RESPONSE),
        (f"*/*, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"text/html, {GRAPHQL_RESPONSE};q=0, */*;q=0.1", "application/json"),
    ],
)
async def test_the_answer_has_the_media_type_that_is_wanted_most(
    server: Running, accept: str | None, expected: str
) -> None:
    request = server.client.build_request("POST", "/graphql", json={"query": TYPENAME})
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    answer = await server.client.send(request)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", "application/xml, image/*", "application/json;q=0", "x;q=nonsense"])
async def test_whoever_accepts_neither_media_type_gets_406(server: Running, accept: str) -> None:
    assert refusal(await server.ask(TYPENAME, accept=accept)) == (406, "NOT_ACCEPTABLE", "MEDIA_TYPE")


async def test_a_query_may_come_by_get(server: Running, token: str) -> None:
    query = urlencode(
        {
            "query": "query One($n: Int) { invoices(first: $n) { nodes { id } } } query Two { __typename }",
            "operationName": "One",
            "variables": json.dumps({"n": 1}),
        }
    )
    answer = await server.client.get(f"/graphql?{query}", headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"data": {"invoices": {"nodes": []}}}


async def test_a_mutation_by_get_is_refused_and_told_the_method(server: Running, token: str) -> None:
    query = urlencode({"query": "mutation { __typename }"})
    for accept in ("application/json", GRAPHQL_RESPONSE):
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        answer = await server.client.get(f"/graphql?{query}", headers=headers)
        assert refusal(answer) == (405, "METHOD_NOT_ALLOWED", "MUTATION_BY_GET")
        assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused(server: Running, method: str) -> None:
    answer = await server.client.request(method, "/graphql")
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED", "METHOD_UNKNOWN")
    assert answer.headers["allow"] == "GET, POST"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("query", "more", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nonsense }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: ID!) { invoice(id: $id) { id } }", {"variables": {"id": None}}, "BAD_USER_INPUT"),
        ("query A { __typename } query B { __typename }", {}, "BAD_USER_INPUT"),
        (TYPENAME, {"operationName": "Missing"}, "BAD_USER_INPUT"),
        ("{" + " __typename" * 1000 + "}", {}, "LIMIT_EXCEEDED"),
    ],
)
async def test_a_request_that_is_refused_has_its_status_in_the_one_media_type_and_200_in_the_other(
    server: Running, token: str, query: str, more: dict[str, Any], code: str
) -> None:
    modern = await server.ask(query, token=token, **more)
    older = await server.ask(query, token=token, accept="application/json", **more)
    assert (modern.status_code, older.status_code) == (400, 200)
    for answer in (modern, older):
        assert answer.json().keys() == {"errors"}
        assert answer.json()["errors"][0]["extensions"]["code"] == code


async def test_the_request_id_is_the_clients_if_it_is_sane_and_a_new_one_otherwise(server: Running) -> None:
    for sane in ("a", "req-0190b6a4:7.1_x", "f" * 64):
        assert (await server.send(b"{}", X_Request_Id=sane)).headers["x-request-id"] == sane
    for strange in ("", "-", "a b", "a" * 65, "<script>", "a;b", "é"):
        answer = await server.client.post("/graphql", headers=[(b"x-request-id", strange.encode())])
        assert UUID(answer.headers["x-request-id"]).version == 4
        assert answer.json()["errors"][0]["extensions"]["requestId"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/graphql", "/graphiql", "/healthz", "/readyz", "/metrics", "/nowhere"])
async def test_every_answer_protects_the_browser_that_meets_it(server: Running, production: Running, path: str) -> None:
    for place in (server, production):
        headers = (await place.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers
        assert ("strict-transport-security" in headers) == (place is production)


async def test_the_console_tells_nobody_where_its_reader_came_from(server: Running) -> None:
    assert (await server.client.get("/graphiql")).headers["referrer-policy"] == "no-referrer"


async def test_the_address_of_the_server_leads_people_to_the_console(server: Running) -> None:
    answer = await server.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/graphiql")
