"""What a stranger learns of the schema: nothing in production, everything in development."""

import re
from pathlib import Path

import pytest
from graphql import build_client_schema, get_introspection_query

from tests.harness.tenants import Tenant
from tests.http.servers import Running

INTROSPECTION = get_introspection_query(descriptions=True, specified_by_url=True, directive_is_repeatable=True)
CONSOLE = Path(__file__).parents[2] / "src" / "gql" / "http" / "console"
MISSPELT = [
    "{ invoice { id } }",
    "{ invoicez { totalCount } }",
    "{ invoices { totalCout } }",
    "{ invoices(frist: 1) { totalCount } }",
    "{ ...Missing } fragment Other on Invioce { id }",
    "{ invoices(filter: { statsu: { eq: SENT } }) { totalCount } }",
    "{ invoices(orderBy: [DUE_DATE_AS]) { totalCount } }",
    "mutation { signIn(input: { emial: 1 }) { accessToken } }",
]


@pytest.mark.parametrize("query", ["{ __schema { queryType { name } } }", '{ __type(name: "Invoice") { name } }'])
async def test_a_stranger_in_production_is_not_told_the_schema(production: Running, query: str) -> None:
    answer = await production.ask(query)
    assert answer.status_code == 400
    assert answer.json().keys() == {"errors"}


async def test_whoever_is_signed_in_is_told_the_schema_in_production_too(production: Running, house: Tenant) -> None:
    answer = await production.ask(INTROSPECTION, token=production.token(house.owner, house))
    assert "Invoice" in build_client_schema(answer.json()["data"]).type_map


async def test_everybody_is_told_the_schema_in_development(server: Running) -> None:
    assert "Invoice" in build_client_schema((await server.ask(INTROSPECTION)).json()["data"]).type_map


@pytest.mark.parametrize("query", MISSPELT)
async def test_a_stranger_in_production_gets_no_suggestions(production: Running, query: str) -> None:
    answer = await production.ask(query)
    assert answer.status_code == 400
    assert "Did you mean" not in answer.text


async def test_whoever_is_signed_in_gets_suggestions(production: Running, house: Tenant) -> None:
    answer = await production.ask(MISSPELT[2], token=production.token(house.owner, house))
    assert "Did you mean 'totalCount'?" in answer.text


async def test_what_was_validated_for_one_kind_of_caller_is_not_answered_to_the_other(
    production: Running, house: Tenant
) -> None:
    token = production.token(house.owner, house)
    query = "{ __schema { queryType { name } } }"
    statuses = [(await production.ask(query, token=each)).status_code for each in (token, None, token, None)]
    assert statuses == [200, 400, 200, 400]


@pytest.mark.parametrize("place", ["server", "production"])
async def test_the_console_loads_nothing_from_elsewhere(place: str, request: pytest.FixtureRequest) -> None:
    running: Running = request.getfixturevalue(place)
    page = await running.client.get("/graphiql")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"https?://|//cdn|<script>| on\w+=", page.text)
    assert f'data-needs-sign-in="{"yes" if place == "production" else "no"}"' in page.text
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(loaded) == 6
    for path in loaded:
        asset = await running.client.get(path)
        assert asset.status_code == 200
        assert asset.headers["content-type"].split(";")[0] in ("text/javascript", "text/css")
        assert asset.headers["cache-control"].startswith("public")


@pytest.mark.parametrize("name", ["index.html", "../app.py", "..%2fapp.py", "graphiql.py", "console.js/", "%00"])
async def test_the_console_serves_its_own_files_and_no_others(server: Running, name: str) -> None:
    answer = await server.client.get(f"/graphiql/{name}", follow_redirects=False)
    assert answer.status_code in (307, 404)
    assert "import" not in answer.text


def test_the_access_token_of_the_console_is_kept_in_memory_only() -> None:
    script = (CONSOLE / "console.js").read_text(encoding="utf-8")
    assert not re.search(r"localStorage|sessionStorage|document\.cookie|innerHTML", script)
