"""Whoever is not who they say, or not any more, is told so in one way and learns nothing else."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest

from gql.iam.keys.signing import Keys
from gql.iam.tokens.access import Tokens
from tests.harness.actors import as_superuser
from tests.harness.tenants import PASSWORD, Tenant, make_person
from tests.http.servers import Running, refusal

QUERY = b'{"query": "{ __typename }"}'
SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }"


def altered(token: str) -> list[str]:
    """The token with something else in it, each time another thing."""
    header, claims, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))

    def encoded(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    unsigned = encoded({"alg": "none", "typ": "at+jwt"})
    return [
        f"{header}.{encoded(said | {'sub': str(uuid4())})}.{signature}",
        f"{header}.{encoded(said | {'tenant': str(uuid4())})}.{signature}",
        f"{header}.{claims}.{signature[:-6]}AAAAAA",
        f"{header}.{claims}.",
        f"{unsigned}.{claims}.",
        f"{header}.{claims}",
        "nonsense",
        "a" * 10_000,
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
    ]


async def test_an_altered_token_is_refused_in_one_and_the_same_way(server: Running, token: str) -> None:
    for text in altered(token):
        answer = await server.client.post(
            "/graphql", content=QUERY, headers=[(b"authorization", b"Bearer " + text.encode("latin-1"))]
        )
        assert refusal(answer) == (401, "UNAUTHENTICATED", "TOKEN_INVALID")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("header", ["", "Bearer", "Basic dXNlcjpwYXNz", "Bearer a b", "bearer"])
async def test_another_scheme_or_no_token_is_refused(server: Running, header: str) -> None:
    answer = await server.client.post("/graphql", content=QUERY, headers={"Authorization": header})
    assert refusal(answer) == (401, "UNAUTHENTICATED", "TOKEN_INVALID")


async def test_an_expired_token_says_so(server: Running, house: Tenant) -> None:
    settings = server.settings
    past = Tokens(
        Keys.from_settings(settings), issuer=settings.issuer, audience=settings.audience, clock=lambda: 1_700_000_000
    )
    answer = await server.ask("{ __typename }", token=past.issue(house.owner_id, house.tenant_id).text)
    assert refusal(answer) == (401, "UNAUTHENTICATED", "TOKEN_EXPIRED")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_person_of_an_unknown_organisation_is_not_known(server: Running, house: Tenant) -> None:
    text = Tokens.from_settings(server.settings).issue(house.owner_id, uuid4()).text
    assert refusal(await server.ask("{ __typename }", token=text)) == (401, "UNAUTHENTICATED", "MEMBERSHIP_GONE")


async def test_a_person_who_was_shut_out_is_not_known_any_more(server: Running, house: Tenant) -> None:
    person = await make_person(house, "viewer")
    async with as_superuser() as connection:
        await connection.execute("update iam.memberships set is_active = false where user_id = $1", person.user_id)
    answer = await server.ask("{ __typename }", token=server.token(person, house))
    assert refusal(answer) == (401, "UNAUTHENTICATED", "MEMBERSHIP_GONE")


@pytest.mark.parametrize("email", ["owner", "nobody@example.org"])
async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    server: Running, house: Tenant, email: str
) -> None:
    given = {"email": house.owner_email if email == "owner" else email, "password": "not my password at all"}
    answer = await server.ask(SIGN_IN, variables={"input": given})
    [error] = answer.json()["errors"]
    assert answer.json()["data"] is None
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("UNAUTHENTICATED", "CREDENTIALS_INVALID")


async def test_signing_in_to_an_unknown_organisation_is_refused(server: Running, house: Tenant) -> None:
    given = {"email": house.owner_email, "password": PASSWORD, "organisation": "no-such-house"}
    answer = await server.ask(SIGN_IN, variables={"input": given})
    assert answer.json()["errors"][0]["extensions"]["reason"] == "ORGANISATION_UNKNOWN"
