"""The pages in /.well-known, as whoever verifies a token reads them."""

from dataclasses import replace

import jwt

from gql.settings import Settings
from tests.harness.postgres import TestDatabase
from tests.http.apps import App, token_of
from tests.http.servers import Running, running

# What others look up


async def test_the_house_says_where_its_endpoints_are(server: Running) -> None:
    answer = await server.client.get("/.well-known/openid-configuration")
    assert answer.status_code == 200
    found = answer.json()
    assert found["issuer"] == server.settings.issuer
    assert found["token_endpoint"] == f"{server.url}/oauth/token"
    assert found["jwks_uri"] == f"{server.url}/.well-known/jwks.json"
    assert found["grant_types_supported"] == ["client_credentials"]
    assert found["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    # It says whatever host it was asked under, so nobody may keep it.
    assert answer.headers["cache-control"] == "no-store"


async def test_an_issuer_with_an_address_is_where_its_endpoints_are(settings: Settings, database: TestDatabase) -> None:
    async with running(replace(settings, issuer="https://books.example/"), database.api_url) as server:
        headers = {"Host": "forger.example"}
        found = (await server.client.get("/.well-known/openid-configuration", headers=headers)).json()
    assert found["issuer"] == "https://books.example/"
    assert found["token_endpoint"] == "https://books.example/oauth/token"
    assert found["jwks_uri"] == "https://books.example/.well-known/jwks.json"


async def test_whoever_has_the_key_set_can_verify_a_token_and_make_none(server: Running, app: App) -> None:
    answer = await server.client.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = answer.json()["keys"]
    assert {frozenset(key) for key in keys} == {frozenset({"kty", "crv", "x", "kid", "alg", "use"})}
    access = await token_of(server, app)
    [key] = [each for each in jwt.PyJWKSet(keys).keys if each.key_id == jwt.get_unverified_header(access)["kid"]]
    claims = jwt.decode(access, key.key, ["EdDSA"], audience=server.settings.audience, issuer=server.settings.issuer)
    assert claims["sub"] == app.client_id
