"""/oauth/token: where an app exchanges its secret for an access token, by the client credentials grant of OAuth 2.0
(RFC 6749, section 4.4).

Errors are those of its section 5.2. That has no word for too many tries: they are 429 with `temporarily_unavailable`,
the word that section 4.1.2.1 has for a server that cannot answer now, and Retry-After. `invalid_client` would have an
app's people look for a mistake in a secret that is right.
"""

import base64
import logging
import re
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote_plus

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gql.database.pool import Origin
from gql.errors import INTERNAL_MESSAGE, ApiError, Code
from gql.http.authentication import origin_of
from gql.http.bodies import BodyRefused, body_of
from gql.http.headers import request_id_of
from gql.http.negotiation import content_type
from gql.iam.credentials.app_secrets import AppSecrets, AppUnknown, ScopeBeyond
from gql.iam.tokens.access import LIFE_SECONDS

log = logging.getLogger(__name__)

MOST_BYTES: Final = 8_192
MOST_FIELDS: Final = 20
GRANT: Final = "client_credentials"
# Section 3.3: tokens of visible characters but for quotation mark and backslash, with a blank between two.
SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
FORM: Final = "application/x-www-form-urlencoded"
UNAVAILABLE: Final = "temporarily_unavailable"
UNKNOWN: Final = "There is no app with this client_id and secret that may come in."
NEVER_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="countinghouse", charset="UTF-8"'}


class Refused(Exception):
    """An error of section 5.2: its word, a sentence for people, and the status, which is 400 unless said otherwise."""

    def __init__(self, error: str, sentence: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.error = error
        self.status = status
        self.headers = headers or {}


class Credentials(NamedTuple):
    """What an app shows."""

    client_id: str
    secret: str


class TokenEndpoint:
    """Gives apps their tokens."""

    def __init__(self, app_secrets: AppSecrets) -> None:
        self._app_secrets = app_secrets

    async def token(self, request: Request) -> Response:
        """The answer, whatever happens."""
        request_id = request_id_of(request.headers.get("x-request-id", "").encode("latin-1"))
        after = None
        try:
            content, status, headers = await self._granted(request, request_id), 200, {}
        except Refused as refusal:
            content, status, headers = _error(refusal.error, str(refusal)), refusal.status, refusal.headers
        except NotKnown as refusal:
            content, status, headers = _error("invalid_client", UNKNOWN), 401, CHALLENGE
            # When the answer has gone, so that its time does not tell whether there is such an app.
            after = BackgroundTask(self._app_secrets.note_refusal, refusal.client_id, refusal.origin)
        except ApiError as problem:
            content, headers = _error(UNAVAILABLE, problem.message), {"Retry-After": str(problem.retry_after or 1)}
            status = 429 if problem.code is Code.RATE_LIMITED else 503
        except Exception:
            log.exception("request %s failed in a way that nobody foresaw", request_id)
            content, status, headers = _error("server_error", INTERNAL_MESSAGE), 500, {}
        return JSONResponse(content, status, {**NEVER_KEPT, "X-Request-Id": request_id, **headers}, background=after)

    async def _granted(self, request: Request, request_id: str) -> dict[str, Any]:
        given = await _form(request)
        grant = given.get("grant_type")
        if grant is None:
            raise Refused("invalid_request", "There is no grant_type. Send client_credentials.")
        if grant != GRANT:
            raise Refused("unsupported_grant_type", "The only grant_type that is taken here is client_credentials.")
        credentials = _credentials(request, given)
        scopes = _scopes(given.get("scope"))
        origin = origin_of(request.scope, dict(request.scope["headers"]), request_id)
        try:
            token = await self._app_secrets.token(*credentials, scopes, origin)
        except AppUnknown:
            raise NotKnown(credentials.client_id, origin) from None
        except ScopeBeyond:
            raise Refused("invalid_scope", "This app has not all of the scopes that it asks for.") from None
        return {
            "access_token": token.access.text,
            "token_type": "Bearer",
            "expires_in": LIFE_SECONDS,
            "scope": " ".join(token.scopes),
        }


class NotKnown(Exception):
    """Whoever sent the request is not the app that they name."""

    def __init__(self, client_id: str, origin: Origin) -> None:
        super().__init__(UNKNOWN)
        self.client_id = client_id
        self.origin = origin


def _error(error: str, sentence: str) -> dict[str, Any]:
    # Section 5.2 lets neither of the two into a description.
    return {"error": error, "error_description": sentence.replace('"', "'").replace("\\", "/")}


async def _form(request: Request) -> dict[str, str]:
    """The fields of the body that have a value."""
    value, charset = content_type(request.headers.get("content-type", "").encode("latin-1"))
    if value != FORM or charset not in ("utf-8", "utf8"):
        raise Refused("invalid_request", f"The body should be {FORM} in UTF-8.")
    try:
        body = await body_of(request, MOST_BYTES)
    except BodyRefused as refusal:
        raise Refused("invalid_request", str(refusal), refusal.status, refusal.headers) from None
    try:
        pairs = parse_qsl(body.decode("ascii"), True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refused("invalid_request", f"The body cannot be read as {FORM}.") from None
    if len(dict(pairs)) < len(pairs):
        raise Refused("invalid_request", "A parameter stands twice in the body.")
    return {name: value for name, value in pairs if value}


def _credentials(request: Request, given: dict[str, str]) -> Credentials:
    """What the app shows, in the one place where it shows it: an Authorization header, or the body."""
    headers = request.headers.getlist("authorization")
    if not headers:
        if "client_id" not in given or "client_secret" not in given:
            raise _unknown("Show who you are: by HTTP Basic, or by client_id and client_secret in the body.")
        return Credentials(given["client_id"], given["client_secret"])
    if len(headers) > 1 or "client_secret" in given:
        raise Refused("invalid_request", "Show who you are once: in the Authorization header or in the body.")
    credentials = _basic(headers[0])
    if given.get("client_id", credentials.client_id) != credentials.client_id:
        raise Refused("invalid_request", "The Authorization header and the body name two different apps.")
    return credentials


def _basic(header: str) -> Credentials:
    """What stands in a header of HTTP Basic, each part encoded like a form's (section 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _unknown("The Authorization header should be HTTP Basic.")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        found = Credentials(unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict"))
    except ValueError:
        raise _unknown("The Authorization header cannot be read.") from None
    if not colon:
        raise _unknown("The Authorization header cannot be read.")
    return found


def _unknown(sentence: str) -> Refused:
    return Refused("invalid_client", sentence, 401, CHALLENGE)


def _scopes(given: str | None) -> list[str] | None:
    if given is None:
        return None
    if not SCOPE.fullmatch(given):
        raise Refused("invalid_scope", "A scope is one or more words with a blank between two.")
    return given.split(" ")
