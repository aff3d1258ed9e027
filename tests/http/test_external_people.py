"""Whoever comes with a token of an issuer that the organisation trusts works like everybody else; and Google, as a
client speaks of it."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from secrets import token_hex
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import pytest

from gql.http.authentication import Authentication
from gql.iam.issuers.external_tokens import ExternalTokens
from gql.iam.issuers.fetching import Fetcher
from gql.iam.issuers.key_sets import KeySets
from gql.iam.tokens.access import Tokens
from gql.iam.tokens.principals import Principals
from gql.settings import Settings
from tests.harness.actors import as_tenant
from tests.harness.issuer import Issuer, an_issuer
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import new_client
from tests.http.servers import Running, refusal, running

CLIENT: Final = "1234.apps.googleusercontent.com"
CREATE: Final = """
mutation ($input: TrustedIssuerCreateInput!) {
  trustedIssuerCreate(input: $input) { trustedIssuer { id issuer roles isActive people { totalCount } } }
}
"""
CLIENTS: Final = "{ clients { nodes { name } } organisation { name } me { role } }"


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    async with an_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
async def open_server(settings: Settings, database: TestDatabase, issuer: Issuer) -> AsyncIterator[Running]:
    """A server of a developer's, who has an identity provider on the same machine; it stands for Google as well."""
    own = replace(
        settings,
        private_issuers=True,
        google_client_ids=(CLIENT,),
        google_issuer=issuer.url,
        google_jwks_url=issuer.jwks_url,
    )
    async with running(own, database.api_url) as server:
        yield server


@pytest.fixture
async def trusting(open_server: Running, issuer: Issuer) -> tuple[Tenant, UUID]:
    """An organisation that trusts the issuer, and the issuer's id there."""
    tenant = await make_tenant("Harbour Ropes")
    given = {
        "name": "Our login",
        "issuer": issuer.url,
        "roles": {"staff": "operator", "auditor": "viewer", "customer": "member"},
        "scopeClaim": "clients",
    }
    answer = await open_server.ask(CREATE, token=open_server.token(tenant.owner, tenant), variables={"input": given})
    made = answer.json()["data"]["trustedIssuerCreate"]["trustedIssuer"]
    assert (made["isActive"], made["people"]) == (True, {"totalCount": 0})
    return tenant, UUID(made["id"])


def token(issuer: Issuer, tenant: Tenant, role: str, **claims: Any) -> str:
    return issuer.token(**{"aud": f"countinghouse/{tenant.tenant_id}", "role": role, **claims})


async def test_a_person_from_outside_works_here_and_the_log_says_who_they_were(
    open_server: Running, issuer: Issuer, trusting: tuple[Tenant, UUID]
) -> None:
    tenant, issuer_id = trusting
    text = token(issuer, tenant, "staff", sub="ada", name="Ada Byron", email="ada@harbour.example")
    create = 'mutation { clientCreate(input: {name: "Fen Orchards"}) { client { id name } } }'
    made = (await open_server.ask(create, token=text)).json()["data"]["clientCreate"]["client"]
    answer = (await open_server.ask(CLIENTS, token=text)).json()
    assert answer == {
        "data": {
            "clients": {"nodes": [{"name": "Fen Orchards"}]},
            "organisation": {"name": "Harbour Ropes"},
            "me": None,
        }
    }
    person = uuid5(issuer_id, "ada")
    owner = open_server.token(tenant.owner, tenant)
    logged = "query ($id: ID!) { auditLog(filter: {entityId: {eq: $id}}) { nodes { action userId userName } } }"
    answer = (await open_server.ask(logged, token=owner, variables={"id": made["id"]})).json()["data"]
    assert answer["auditLog"]["nodes"] == [{"action": "CREATE", "userId": str(person), "userName": "Ada Byron"}]
    query = """
      query ($id: ID!) { externalPerson(id: $id) { subject name email role issuerId } externalPeople { totalCount } }
    """
    answer = (await open_server.ask(query, token=owner, variables={"id": str(person)})).json()["data"]
    assert answer == {
        "externalPerson": {
            "subject": "ada",
            "name": "Ada Byron",
            "email": "ada@harbour.example",
            "role": "OPERATOR",
            "issuerId": str(issuer_id),
        },
        "externalPeople": {"totalCount": 1},
    }


async def test_their_role_and_scope_bind_them_like_everybody(
    open_server: Running, issuer: Issuer, trusting: tuple[Tenant, UUID]
) -> None:
    tenant, _ = trusting
    async with as_tenant(tenant) as connection:
        mine, _ = await new_client(connection, "Mine"), await new_client(connection, "Not mine")
    create = 'mutation { clientCreate(input: {name: "x"}) { client { id } } }'
    viewer = token(issuer, tenant, "auditor", sub="v")
    assert (await open_server.ask(create, token=viewer)).json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    issuers = await open_server.ask("{ trustedIssuers { totalCount } }", token=viewer)
    assert refusal(issuers)[1] == "FORBIDDEN"
    customer = token(issuer, tenant, "customer", sub="c", clients=[str(mine)])
    answer = await open_server.ask("{ clients { nodes { name } } }", token=customer)
    assert answer.json()["data"]["clients"]["nodes"] == [{"name": "Mine"}]
    for role in ("owner", "boss", "admin"):
        answer = await open_server.ask("{ __typename }", token=token(issuer, tenant, role))
        assert refusal(answer) == (401, "UNAUTHENTICATED", "ROLE_NOT_MAPPED")


async def test_what_is_about_an_account_of_this_house_is_not_for_them(
    open_server: Running, issuer: Issuer, trusting: tuple[Tenant, UUID]
) -> None:
    tenant, _ = trusting
    text = token(issuer, tenant, "staff")
    for verb in (
        "signOut(input: {}) { ended }",
        f'organisationSwitch(input: {{organisation: "{tenant.slug}"}}) {{ accessToken }}',
        'totpEnrol(input: {name: "x"}) { device }',
        'passwordChange(input: {currentPassword: "x", password: "a long and wooden fridge"}) { done }',
        'accountUpdate(input: {name: "Eve"}) { account { id } }',
    ):
        error = (await open_server.ask(f"mutation {{ {verb} }}", token=text)).json()["errors"][0]
        assert error["extensions"]["code"] in ("UNAUTHENTICATED", "FORBIDDEN"), verb
    assert refusal(await open_server.ask("{ mySessions { id } }", token=text))[1] == "FORBIDDEN"


async def test_a_repeated_change_of_theirs_is_done_once(
    open_server: Running, issuer: Issuer, trusting: tuple[Tenant, UUID]
) -> None:
    tenant, _ = trusting
    create = 'mutation { clientCreate(input: {name: "Once"}) { client { id } } }'
    bodies = {
        (
            await open_server.ask(
                create, token=token(issuer, tenant, "staff", jti=str(each)), headers={"Idempotency-Key": "a-key"}
            )
        ).text
        for each in range(3)
    }
    assert len(bodies) == 1


async def test_a_token_for_another_organisation_and_one_of_nobody_s_are_told_the_same(
    open_server: Running, issuer: Issuer, trusting: tuple[Tenant, UUID], other_tenant: Tenant
) -> None:
    tenant, _ = trusting
    right = token(issuer, tenant, "staff")
    header, _, signature = right.split(".")
    other = json.dumps({"aud": f"countinghouse/{tenant.tenant_id}", "iss": issuer.url, "role": "staff"}).encode()
    for text in (
        token(issuer, other_tenant, "staff"),
        issuer.token(aud=f"countinghouse/{uuid4()}"),
        issuer.token(aud="countinghouse", role="owner", tenant_id=str(tenant.tenant_id)),
        token(issuer, tenant, "staff", iss="https://nobody.example"),
        f"{header}.{base64.urlsafe_b64encode(other).rstrip(b'=').decode()}.{signature}",
    ):
        answer = await open_server.ask("{ __typename }", token=text)
        assert refusal(answer) == (401, "UNAUTHENTICATED", "TOKEN_INVALID")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_server_in_earnest_follows_no_address_of_its_own_machine(
    production: Running, issuer: Issuer, trusting: tuple[Tenant, UUID]
) -> None:
    tenant, _ = trusting
    asked = len(issuer.asked)
    answer = await production.ask("{ __typename }", token=token(issuer, tenant, "staff"))
    assert refusal(answer) == (503, "UNAVAILABLE", "ISSUER_AWAY")
    assert len(issuer.asked) == asked


async def test_a_client_signs_up_and_in_with_google(open_server: Running, issuer: Issuer) -> None:
    subject = token_hex(8)
    said: dict[str, Any] = {
        "aud": CLIENT,
        "sub": subject,
        "email": f"{subject}@gmail.com",
        "email_verified": True,
        "name": "Ada",
    }
    given = {"idToken": issuer.token(**said), "organisation": {"name": "Byron Ltd", "currency": "GBP"}}
    sign_up = "mutation ($input: SignUpWithGoogleInput!) { signUpWithGoogle(input: $input) { accessToken } }"
    made = (await open_server.ask(sign_up, variables={"input": given})).json()["data"]["signUpWithGoogle"]
    answer = await open_server.ask("{ me { role userName } organisation { currency } }", token=made["accessToken"])
    assert answer.json()["data"] == {
        "me": {"role": "OWNER", "userName": "Ada"},
        "organisation": {"currency": "GBP"},
    }
    sign_in = """
      mutation ($input: SignInWithGoogleInput!) {
        signInWithGoogle(input: $input) { accessToken refreshToken organisation { name } }
      }
    """
    given = {"idToken": issuer.token(**said), "refreshToken": "COOKIE"}
    answer = await open_server.ask(sign_in, variables={"input": given})
    assert answer.json()["data"]["signInWithGoogle"]["refreshToken"] is None
    assert answer.json()["data"]["signInWithGoogle"]["organisation"] == {"name": "Byron Ltd"}
    assert "HttpOnly" in answer.headers["set-cookie"]


async def test_without_client_ids_google_is_off(server: Running, issuer: Issuer) -> None:
    sign_in = "mutation ($input: SignInWithGoogleInput!) { signInWithGoogle(input: $input) { accessToken } }"
    answer = await server.ask(sign_in, variables={"input": {"idToken": issuer.token(aud=CLIENT)}})
    [error] = answer.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("UNAVAILABLE", "GOOGLE_OFF")


async def test_a_token_of_ours_is_known_without_looking_for_an_issuer(
    server: Running, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tokens of other houses cost, they cost those who bring them."""

    def looked(*_: Any) -> None:
        raise AssertionError

    database = server.app.database
    key_sets = KeySets(Fetcher())
    external = ExternalTokens(database, key_sets, "countinghouse")
    for name in ("visitor", "verify", "context"):
        monkeypatch.setattr(external, name, looked)
    authentication = Authentication(Tokens.from_settings(server.settings), Principals(database), external)
    for _ in range(3):
        identity = authentication.identity(b"Bearer " + token.encode())
        assert identity is not None
        await authentication.context(identity)  # type: ignore[arg-type]
    key_sets.close()
