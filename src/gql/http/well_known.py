"""/.well-known: what others look up about this house, to find its endpoints and to verify its tokens."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gql.iam.keys.signing import Keys
from gql.iam.tokens.access import ALGORITHM

CONFIGURATION: Final = "/.well-known/openid-configuration"
JWKS: Final = "/.well-known/jwks.json"
TOKEN: Final = "/oauth/token"  # noqa: S105
KEPT: Final = {"Cache-Control": "public, max-age=300"}
"""Whoever meets a token of a key that they do not know asks again."""


def routes(keys: Keys, issuer: str) -> list[Route]:
    """The two pages. Where the issuer is an address, the endpoints are under it; else under whatever the request was
    sent to, which is why nobody may keep that answer."""

    async def configuration(request: Request) -> Response:
        base = (issuer if issuer.startswith(("https://", "http://")) else str(request.base_url)).rstrip("/")
        return JSONResponse(_configuration(issuer, base))

    async def key_set(request: Request) -> Response:
        return JSONResponse(keys.public_set(), headers=KEPT)

    return [Route(CONFIGURATION, configuration), Route(JWKS, key_set)]


def _configuration(issuer: str, base: str) -> dict[str, Any]:
    """The metadata of OpenID Connect Discovery 1.0 and RFC 8414. There is no page to sign in at for others."""
    return {
        "issuer": issuer,
        "token_endpoint": base + TOKEN,
        "jwks_uri": base + JWKS,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
    }
