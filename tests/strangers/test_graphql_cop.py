"""What graphql-cop looks for and graphql-armor guards against, from outside and on a server in production: one test for
each of their checks, under the name that the trade has for it.

A read by GET is the one thing that graphql-cop reports of us, and it is meant: it changes nothing, and another site's
page cannot read its answer. Whoever is signed in is told the schema, and what they may have meant. What counts for a
limit, through fragments and to the digit, stands in tests/engine/test_limits.py.
"""

from typing import Any, Final

import httpx
import pytest

from tests.http.servers import GRAPHQL_RESPONSE, Running, refusal

TYPENAME: Final = "{ __typename }"


async def asked(server: Running, document: str, token: str | None) -> dict[str, Any]:
    return dict((await server.ask(document, token=token)).json())


@pytest.fixture(params=["a stranger", "an owner"])
def who(request: pytest.FixtureRequest, token: str) -> str | None:
    """The token of whoever asks."""
    return token if request.param == "an owner" else None


async def limited(server: Running, document: str, token: str | None) -> str | None:
    """The limit that refuses the document, in one error and without any of its answer."""
    status, code, reason = refusal(await server.ask(document, token=token))
    assert (status, code) == (400, "LIMIT_EXCEEDED")
    return reason


async def test_alias_overloading(production: Running, who: str | None) -> None:
    """Attack 31. graphql-cop sends 101 aliases; armor allows 15."""
    flood = " ".join(f"alias{number}: __typename" for number in range(101))
    assert await limited(production, f"{{ {flood} }}", who) in ("ALIAS_LIMIT", "TOKEN_LIMIT")
    fifteen = " ".join(f"alias{number}: __typename" for number in range(15))
    assert len((await asked(production, f"{{ {fifteen} }}", who))["data"]) == 15


async def test_array_batching(production: Running, who: str | None) -> None:
    """Attack 36: ten requests in one body are no request, and so is one."""
    for many in (10, 1, 0):
        answer = await production.client.post(
            "/graphql",
            json=[{"query": TYPENAME}] * many,
            headers={"Authorization": f"Bearer {who}"} if who else {},
        )
        assert answer.status_code == 400
        assert refusal(answer)[1] == "BAD_REQUEST"


async def test_directive_overloading(production: Running, who: str | None) -> None:
    """Attack 33: what is unknown ten times is said to be unknown once; armor allows 50 that are known."""
    body = await asked(production, f"{{ __typename {'@aa' * 10} }}", who)
    [error] = body["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert [place["column"] for place in error["locations"]] == [14 + 3 * number for number in range(10)]
    assert await limited(production, f"{{ __typename {'@aa' * 51} }}", who) == "DIRECTIVE_LIMIT"


async def test_field_duplication(production: Running, who: str | None) -> None:
    """Attack 32: five hundred times the same field is one field for whoever is known, and too much for others."""
    document = f"{{ {'__typename ' * 500} }}"
    if who is None:
        assert await limited(production, document, who) == "TOKEN_LIMIT"
    else:
        answer = await production.ask(document, token=who)
        assert answer.json() == {"data": {"__typename": "Query"}}
        assert len(answer.content) < 100
    assert await limited(production, f"{{ {'__typename ' * 999} }}", who) == "TOKEN_LIMIT"


async def test_circular_introspection(production: Running, who: str | None) -> None:
    """Attack 34: types of fields of types, as deep as graphql-cop goes, are answered to nobody."""
    inner = "name"
    for _ in range(4):
        inner = f"fields {{ type {{ {inner} }} }}"
    answer = await production.ask(f"{{ __schema {{ types {{ {inner} }} }} }}", token=who)
    assert answer.status_code == 400
    assert "data" not in answer.json()


async def test_circular_fragments(production: Running, who: str | None) -> None:
    """Attack 34."""
    cycle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A __typename }"
    assert await limited(production, cycle, who) == "DEPTH_LIMIT"


async def test_get_based_queries(production: Running) -> None:
    """Attack 39: a question may come by GET. No cookie of ours says who asks, so another site asks as a stranger."""
    answer = await production.client.get("/graphql", params={"query": TYPENAME}, headers={"Cookie": "session=x"})
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert "access-control-allow-origin" not in answer.headers
    me = await production.client.get("/graphql", params={"query": "{ me { id } }"}, headers={"Cookie": "session=x"})
    assert refusal(me)[1] == "UNAUTHENTICATED"


async def test_get_based_mutations(production: Running, who: str | None) -> None:
    """Attack 39."""
    headers = {"Accept": GRAPHQL_RESPONSE, **({"Authorization": f"Bearer {who}"} if who else {})}
    for mutation in ("mutation { __typename }", 'mutation cop { clientArchive(input: {id: "x"}) { client { id } } }'):
        answer = await production.client.get("/graphql", params={"query": mutation}, headers=headers)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
        assert "data" not in answer.json()


async def test_post_based_csrf(production: Running, who: str | None) -> None:
    """Attack 39: what a form can send is not read."""
    headers = {"Authorization": f"Bearer {who}"} if who else {}
    forms: list[dict[str, Any]] = [
        {"data": {"query": TYPENAME}},
        {"files": {"query": (None, TYPENAME)}},
        {"content": f'{{"query": "{TYPENAME}"}}', "headers": {"Content-Type": "text/plain"}},
    ]
    for form in forms:
        form["headers"] = {**headers, **form.get("headers", {})}
        assert (await production.client.post("/graphql", **form)).status_code == 415


@pytest.mark.parametrize(
    "path", ["/graphql", "/", "/playground", "/console", "/altair", "/graphql/console", "/voyager"]
)
async def test_an_ide_does_not_stand_where_others_have_one(production: Running, path: str) -> None:
    """Attack 38. Ours stands at /graphiql and asks for a sign-in first (tests/http/test_disclosure.py)."""
    answer = await production.client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
    assert answer.status_code in (307, 404, 406)
    assert not [word for word in ("graphiql.min", "GraphiQL", "Playground", "Voyager", "Altair") if word in answer.text]


@pytest.mark.parametrize(
    "document", ["{ __schema { directive } }", "{ invoicez { id } }", "{ clients { nodes { nam } } }"]
)
async def test_field_suggestions(production: Running, document: str) -> None:
    """Attack 38."""
    answer = await production.ask(document)
    assert answer.status_code == 400
    assert "Did you mean" not in answer.text


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { types { name fields { name } } } }",
        '{ __type(name: "Query") { fields { name } } }',
        "{ ...S } fragment S on Query { hidden: __schema { queryType { name } } }",
        "query { ... @include(if: true) { __schema { queryType { name } } } }",
    ],
)
async def test_introspection(production: Running, document: str) -> None:
    """Attack 38."""
    answer = await production.ask(document)
    assert answer.status_code == 400
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "header", ["X-Apollo-Tracing", "apollo-federation-include-trace", "X-Debug", "X-GraphQL-Event-Stream"]
)
async def test_trace_mode(production: Running, who: str | None, header: str) -> None:
    """Attack 28: nobody switches on what tells how an answer came about."""
    answer = await production.ask(TYPENAME, token=who, headers={header: "1", "Cookie": "XDEBUG_SESSION=1"})
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert "ftv1" not in answer.text
    wrong = await production.ask("{ abc }", token=who, headers={header: "1"})
    assert [error["extensions"].keys() for error in wrong.json()["errors"]] == [{"code", "requestId"}]


@pytest.mark.parametrize(
    "document", ["qwerty cop { abc }", "", "{", "query ($a: Nothing) { __typename }", "\x00", "{ a(b: ) }"]
)
async def test_unhandled_errors(production: Running, who: str | None, document: str) -> None:
    """Attack 28."""
    answer = await production.ask(document, token=who)
    assert answer.status_code == 400
    for error in answer.json()["errors"]:
        assert error["extensions"].keys() <= {"code", "requestId", "reason"}
        assert not [word for word in ("exception", "stacktrace", "Traceback", ".py") if word in str(error)]


def deep(levels: int) -> str:
    """So many levels of clients of invoices of clients."""
    document = "id"
    for level in range(levels - 2, 0, -1):
        document = f"client {{ {document} }}" if level % 2 else f"invoices(first: 1) {{ nodes {{ {document} }} }}"
    return f"{{ invoices(first: 1) {{ nodes {{ {document} }} }} }}"


@pytest.mark.parametrize(
    ("limit", "document"),
    [
        ("CHARACTER_LIMIT", f"# {'x' * 15_000}\n{TYPENAME}"),
        ("TOKEN_LIMIT", f"{{ {'__typename ' * 999} }}"),
        ("DEPTH_LIMIT", deep(11)),
        ("ALIAS_LIMIT", f"{{ {' '.join(f'a{number}: __typename' for number in range(16))} }}"),
        ("DIRECTIVE_LIMIT", f"{{ {'__typename @skip(if: false) ' * 51} }}"),
        (
            "COST_BUDGET",
            "{ clients(first: 100) { nodes { invoices(first: 100) { nodes { lines { id description } } } } } }",
        ),
    ],
)
async def test_what_armor_limits(production: Running, token: str, limit: str, document: str) -> None:
    """Attacks 31 to 35. 15,000 characters, 1,000 tokens, 15 aliases and 50 directives are armor's own figures. Ten
    levels are four more than its six, because a connection takes two; and its cost counts no rows, as ours does."""
    assert await limited(production, document, token) == limit


async def test_a_request_that_is_too_long_is_not_read_to_its_end(production: Running) -> None:
    """Attack 37: characters are limited in the body as well."""
    answer: httpx.Response = await production.send(b'{"query": "' + b" " * 1_000_001 + b'"}')
    assert refusal(answer)[:2] == (413, "PAYLOAD_TOO_LARGE")
