"""signIn as a client sends it: through the engine, on the real schema."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from gql.database.pool import Origin
from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.iam.services import Services
from gql.iam.tokens.principals import Principals
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.harness.tenants import PASSWORD, Tenant

SIGN_IN: Final = """
mutation ($input: SignInInput!) {
  signIn(input: $input) { accessToken expiresAt organisation { slug name } }
}
"""
STRANGER: Final = Caller(None, Origin("request-9", "192.0.2.9", "a client"))


@pytest.fixture
async def engine(services: Services) -> Engine:
    return Engine(build_schema(), declarations(), services.database, OPEN_FIELDS, services)


async def ask(
    engine: Engine, document: str, variables: dict[str, Any] | None = None, caller: Caller = STRANGER
) -> dict[str, Any]:
    operation = await engine.prepare(document, None, variables, introspection=False)
    answer: dict[str, Any] = json.loads(await engine.run(operation, caller))
    return answer


async def test_a_stranger_signs_in_and_asks_with_the_token(engine: Engine, services: Services, tenant: Tenant) -> None:
    answer = await ask(engine, SIGN_IN, {"input": {"email": tenant.owner_email, "password": PASSWORD}})
    signed_in = answer["data"]["signIn"]
    assert signed_in["organisation"] == {"slug": tenant.slug, "name": tenant.name}
    expires_at = datetime.fromisoformat(signed_in["expiresAt"])
    assert timedelta(minutes=9) < expires_at - datetime.now(UTC) <= timedelta(minutes=10)

    identity = services.tokens.verify(signed_in["accessToken"])
    context = await Principals(services.database).context(identity)
    found = await ask(engine, "{ me { userEmail role } organisation { slug } }", None, Caller(context, STRANGER.origin))
    assert found == {
        "data": {"me": {"userEmail": tenant.owner_email, "role": "OWNER"}, "organisation": {"slug": tenant.slug}}
    }


async def test_the_organisation_may_be_named_or_null(engine: Engine, tenant: Tenant) -> None:
    for slug in (tenant.slug, None):
        variables = {"input": {"email": tenant.owner_email, "password": PASSWORD, "organisation": slug}}
        assert (await ask(engine, SIGN_IN, variables))["data"]["signIn"]["organisation"]["slug"] == tenant.slug


@pytest.mark.parametrize(
    ("wrong", "code", "reason"),
    [
        ({"password": "a long and wooden fridge"}, "UNAUTHENTICATED", "CREDENTIALS_INVALID"),
        ({"email": "nobody.at.all@example.org"}, "UNAUTHENTICATED", "CREDENTIALS_INVALID"),
        ({"organisation": "no-such-organisation"}, "BAD_USER_INPUT", "ORGANISATION_UNKNOWN"),
    ],
)
async def test_a_refusal_is_coded_and_gives_nothing(
    wrong: dict[str, str], code: str, reason: str, engine: Engine, tenant: Tenant
) -> None:
    answer = await ask(engine, SIGN_IN, {"input": {"email": tenant.owner_email, "password": PASSWORD} | wrong})
    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["path"] == ["signIn"]
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == (code, reason)
    assert error["extensions"]["requestId"] == "request-9"


async def test_a_stranger_is_told_nothing_but_the_way_in(engine: Engine) -> None:
    for document in ("{ me { role } }", "{ organisation { slug } }", "{ memberships { totalCount } }"):
        with pytest.raises(RequestRefused) as refusal:
            await ask(engine, document)
        assert [error.reason for error in refusal.value.errors] == ["TOKEN_MISSING"]


async def test_one_document_tries_one_password(engine: Engine, tenant: Tenant) -> None:
    """Otherwise fifteen aliases would be fifteen guesses for one request."""
    guesses = " ".join(
        f'g{number}: signIn(input: {{ email: "{tenant.owner_email}", password: "guess {number}" }}) {{ expiresAt }}'
        for number in range(2)
    )
    with pytest.raises(RequestRefused):
        await ask(engine, f"mutation {{ {guesses} }}")


async def test_signing_in_shares_its_document_with_no_other_verb(engine: Engine, tenant: Tenant) -> None:
    document = f"""mutation {{
      signIn(input: {{ email: "{tenant.owner_email}", password: "{PASSWORD}" }}) {{ expiresAt }}
      clientCreate(input: {{ name: "Quince & Daughters" }}) {{ client {{ id }} }}
    }}"""
    with pytest.raises(RequestRefused):
        await ask(engine, document)


async def test_no_password_address_or_token_stands_in_the_log(
    engine: Engine, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even at its most talkative, and where the client has written them into the document."""
    with caplog.at_level(logging.DEBUG):
        for password in ("a long and wooden fridge", PASSWORD):
            variables = {"input": {"email": tenant.owner_email, "password": password}}
            answer = await ask(engine, SIGN_IN, variables)
            literal = f'signIn(input: {{ email: "{tenant.owner_email}", password: "{password}" }}) {{ expiresAt }}'
            await ask(engine, f"mutation {{ {literal} }}")
    told = caplog.text
    for secret in ("wooden", tenant.owner_email, answer["data"]["signIn"]["accessToken"], "argon2"):
        assert secret not in told
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
