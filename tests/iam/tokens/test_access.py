"""Tokens are believed when the house signed them just now for this use, and never otherwise."""

import hashlib
import hmac
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gql.errors import ApiError
from gql.iam.keys.signing import Keys
from gql.iam.tokens.access import LEEWAY_SECONDS, LIFE_SECONDS, REMEMBERED
from tests.iam.forging import (
    AUDIENCE,
    CLAIMS,
    HEADER,
    ISSUER,
    KEYS,
    NOW,
    TENANT,
    USER,
    Clock,
    base64url,
    refusal_of,
    signed,
    signing_input,
    tokens_at,
)

TOKENS: Final = tokens_at(Clock())
PUBLIC: Final = KEYS.signing.public_key()


def without(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}


def test_an_issued_token_says_who_and_where_for_ten_minutes() -> None:
    text, expires_at = TOKENS.issue(USER, TENANT)
    identity = TOKENS.verify(text)
    assert (identity.user_id, identity.tenant_id) == (USER, TENANT)
    assert expires_at == datetime.fromtimestamp(NOW + 600, UTC)
    assert identity.good_until == NOW + 600 + LEEWAY_SECONDS


def test_an_issued_token_has_the_header_and_the_claims_that_are_required() -> None:
    text = TOKENS.issue(USER, TENANT).text
    assert jwt.get_unverified_header(text) == HEADER
    claims = jwt.decode(text, options={"verify_signature": False})
    assert without(claims, "jti") == without(CLAIMS, "jti")
    assert claims["jti"]


def test_no_two_tokens_have_the_same_id() -> None:
    texts = [TOKENS.issue(USER, TENANT).text for _ in range(20)]
    assert len({jwt.decode(text, options={"verify_signature": False})["jti"] for text in texts}) == 20


def test_a_token_that_a_forger_can_only_copy_is_believed() -> None:
    """The scaffold of the forgeries below: with nothing altered, they would be believed."""
    assert TOKENS.verify(signed()).user_id == USER


def forged_headers() -> Iterator[Any]:
    for algorithm in (
        "none",
        "None",
        "NONE",
        "nOnE",
        "HS256",
        "HS512",
        "RS256",
        "ES256",
        "eddsa",
        "EDDSA",
        "Ed25519",
        "",
    ):
        yield {**HEADER, "alg": algorithm}
    for kind in ("JWT", "at+JWT", "AT+JWT", "application/at+jwt", "rt+jwt", "", None, ["at+jwt"]):
        yield {**HEADER, "typ": kind}
    for key in (
        "../../dev/null",
        "' or 1=1 --",
        "https://forger.example/key",
        "",
        "x" * 43,
        None,
        7,
        [KEYS.signing_id],
    ):
        yield {**HEADER, "kid": key}
    for name, value in {
        "jku": "https://forger.example/keys.json",
        "x5u": "https://forger.example/chain.pem",
        "x5c": ["MIIB"],
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": base64url(PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw))},
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "cty": "JWT",
    }.items():
        yield {**HEADER, name: value}
    yield from (without(HEADER, name) for name in HEADER)
    yield from ([], "at+jwt", 7, None, {}, b"", b"{", b"\xff", b'{"alg":"EdDSA"', b"[" * 900)


@pytest.mark.parametrize("header", list(forged_headers()), ids=repr)
def test_a_header_that_says_anything_else_is_refused_however_well_signed(header: Any) -> None:
    """Attack 44 and attack 45."""
    assert refusal_of(TOKENS, signed(header)) == "TOKEN_INVALID"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
@pytest.mark.parametrize("signature", ["", "AA", "A" * 86])
def test_a_token_without_a_signature_is_refused(algorithm: str, signature: str) -> None:
    """Attack 44."""
    assert refusal_of(TOKENS, f"{signing_input({**HEADER, 'alg': algorithm}, CLAIMS)}.{signature}") == "TOKEN_INVALID"


RAW: Final = PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw)
PUBLIC_FORMS: Final = {
    "pem": PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "der": PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "raw": RAW,
    "ssh": PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    "jwk": json.dumps({"kty": "OKP", "crv": "Ed25519", "x": base64url(RAW)}).encode(),
    "jwk as the page has it": json.dumps(
        {"crv": "Ed25519", "kty": "OKP", "x": base64url(RAW)}, separators=(",", ":")
    ).encode(),
    "base64": base64url(RAW).encode(),
    "empty": b"",
}


@pytest.mark.parametrize("form", PUBLIC_FORMS)
@pytest.mark.parametrize("name", ["sha256", "sha512"])
def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(form: str, name: str) -> None:
    """Attack 44."""
    algorithm = {"sha256": "HS256", "sha512": "HS512"}[name]
    for header in ({**HEADER, "alg": algorithm}, HEADER):
        text = signing_input(header, CLAIMS)
        signature = hmac.new(PUBLIC_FORMS[form], text.encode(), getattr(hashlib, name)).digest()
        assert refusal_of(TOKENS, f"{text}.{base64url(signature)}") == "TOKEN_INVALID"


_REACHED: Final[list[tuple[str, object]]] = []
_LISTENING: Final = {"": False}


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    if _LISTENING[""] and event in (
        "open",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.sendto",
        "subprocess.Popen",
    ):
        _REACHED.append((event, arguments[0]))


def test_no_header_has_us_reach_for_a_file_or_an_address() -> None:
    """Attack 45: Python itself tells of every file that is opened and every connection that is made."""
    forged = [signed(header) for header in forged_headers()]
    sys.addaudithook(_heard)  # for the rest of the process; it listens only here
    _LISTENING[""] = True
    try:
        for text in forged:
            with pytest.raises(ApiError):
                TOKENS.verify(text)
        assert not _REACHED
        with open(__file__, "rb"):
            pass
        assert [event for event, _ in _REACHED] == ["open"]
    finally:
        _LISTENING[""] = False


def test_a_token_of_another_key_is_refused_whatever_key_it_names() -> None:
    stranger = Keys.of(Ed25519PrivateKey.generate())
    assert refusal_of(TOKENS, signed(key=stranger.signing)) == "TOKEN_INVALID"
    assert refusal_of(TOKENS, signed({**HEADER, "kid": stranger.signing_id}, key=stranger.signing)) == "TOKEN_INVALID"


@pytest.mark.parametrize("name", CLAIMS)
def test_a_token_that_lacks_a_claim_is_refused(name: str) -> None:
    """Attack 46."""
    assert refusal_of(TOKENS, signed(claims=without(CLAIMS, name))) == "TOKEN_INVALID"
    assert refusal_of(TOKENS, signed(claims={**CLAIMS, name: None})) == "TOKEN_INVALID"


ALTERED: Final[dict[str, list[Any]]] = {
    "iss": ["another-house", "the-house ", "THE-HOUSE", "", [ISSUER], 7],
    "aud": ["another-api", "", "its", "its-api ", [AUDIENCE], [AUDIENCE, "another"], {}, 7],
    "sub": ["", "7", 7, USER.hex, str(USER).upper(), f"{{{USER}}}", [str(USER)]],
    "tenant_id": ["", "7", 7, TENANT.hex, str(TENANT).upper(), f"urn:uuid:{TENANT}", "*"],
    "exp": [str(NOW + 600), NOW + 60.5, True, -1, NOW + 601, NOW + 10**9, 2**70, NOW - 1, "never"],
    "iat": [str(NOW), NOW + 0.5, False, -1, NOW - 1, NOW + LEEWAY_SECONDS + 1, 2**70],
    "jti": ["", 7, ["8a3f"], "x" * 4000],
    "nbf": ["now", NOW + 10**9],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ALTERED.items() for value in values])
def test_a_token_with_a_claim_of_another_kind_or_value_is_refused(name: str, value: Any) -> None:
    """Attack 46."""
    assert refusal_of(TOKENS, signed(claims={**CLAIMS, name: value})) == "TOKEN_INVALID"


@pytest.mark.parametrize("claims", [[], "sub", 7, None, {}, b"", b"{", b"\xff\xfe", b"NaN", b'{"exp":NaN}'], ids=repr)
def test_a_token_that_claims_nothing_is_refused(claims: Any) -> None:
    assert refusal_of(TOKENS, signed(claims=claims)) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "alter",
    [
        lambda text: text + "=",
        lambda text: text + "==",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:-1],
        lambda text: text[:-1] + chr(ord(text[-1]) + 1),  # the same 64 bytes to a lenient reader
        lambda text: text[:-10] + "!" + text[-10:],  # likewise: it skips what is no base64
        lambda text: text.rpartition(".")[0] + ".",
        lambda text: text.rpartition(".")[0],
        lambda text: text + ".",
        lambda text: text + ".AAAA",
        lambda text: text.replace(".", "..", 1),
        lambda _: "",
        lambda _: "..",
        lambda _: "\ud800.\ud800.\ud800",
        lambda _: "ü" * 300,
        lambda text: "A" * 100_000 + text,
    ],
)
def test_an_altered_text_is_refused_even_where_it_decodes_to_the_same(alter: Any) -> None:
    assert refusal_of(TOKENS, alter(signed())) == "TOKEN_INVALID"


@given(st.integers(min_value=0), st.sampled_from("ABQZagz019-_"))
def test_a_token_with_any_one_character_changed_is_refused(place: int, letter: str) -> None:
    text = signed()
    place %= len(text)
    altered = text[:place] + letter + text[place + 1 :]
    if altered != text:
        assert refusal_of(TOKENS, altered) == "TOKEN_INVALID"


@given(st.text(max_size=400))
def test_any_other_text_is_refused(text: str) -> None:
    assert refusal_of(TOKENS, text) == "TOKEN_INVALID"


def test_a_token_expires_and_says_so_also_when_it_was_believed_before() -> None:
    clock = Clock()
    tokens = tokens_at(clock)
    text = tokens.issue(USER, TENANT).text
    clock.now = NOW + LIFE_SECONDS + LEEWAY_SECONDS - 1
    assert tokens.verify(text).user_id == USER
    clock.now += 1
    assert refusal_of(tokens, text) == "TOKEN_EXPIRED"
    assert refusal_of(tokens, text) == "TOKEN_EXPIRED"
    assert refusal_of(tokens_at(clock), text) == "TOKEN_EXPIRED"


def test_a_forged_token_is_not_told_that_it_has_expired() -> None:
    old = {**CLAIMS, "iat": NOW - 10_000, "exp": NOW - 9_400}
    assert refusal_of(TOKENS, signed(claims=old)) == "TOKEN_EXPIRED"
    assert refusal_of(TOKENS, signed(claims=old, key=Ed25519PrivateKey.generate())) == "TOKEN_INVALID"


def test_the_clocks_of_two_servers_may_differ_by_less_than_a_minute() -> None:
    """Attack 46."""
    ahead = tokens_at(Clock(NOW + LEEWAY_SECONDS))
    assert TOKENS.verify(ahead.issue(USER, TENANT).text).user_id == USER
    far_ahead = tokens_at(Clock(NOW + LEEWAY_SECONDS + 1))
    assert refusal_of(TOKENS, far_ahead.issue(USER, TENANT).text) == "TOKEN_INVALID"
    assert LEEWAY_SECONDS <= 60


def test_only_so_many_tokens_are_remembered_and_a_forgotten_one_is_still_believed() -> None:
    tokens = tokens_at(Clock())
    texts = [tokens.issue(USER, TENANT).text for _ in range(REMEMBERED + 50)]
    for text in texts:
        tokens.verify(text)
    assert len(tokens._verified) == REMEMBERED
    assert texts[0] not in tokens._verified
    assert tokens.verify(texts[0]).user_id == USER


def test_a_refused_token_is_not_remembered() -> None:
    tokens = tokens_at(Clock())
    for _ in range(3):
        with pytest.raises(ApiError):
            tokens.verify(signed(key=Ed25519PrivateKey.generate()))
    assert not tokens._verified


def test_every_refusal_says_the_same_sentence_and_nothing_of_the_token() -> None:
    sentences = set()
    for text in ("", "x", signed({**HEADER, "alg": "none"}), signed(claims={**CLAIMS, "aud": "another"})):
        with pytest.raises(ApiError) as refusal:
            TOKENS.verify(text)
        sentences.add(refusal.value.message)
    assert sentences == {"This access token is not valid here. Sign in, and send the token as it was given to you."}


APP: Final = {**CLAIMS, "client_id": str(USER), "scope": "billing:read ledger:read"}


def test_a_token_of_an_app_says_which_and_what_for() -> None:
    issued = TOKENS.issue_to_app(USER, TENANT, ["billing:read", "ledger:read"])
    claims = jwt.decode(issued.text, options={"verify_signature": False})
    assert without(claims, "jti") == without(APP, "jti")
    assert jwt.get_unverified_header(issued.text) == HEADER
    identity = TOKENS.verify(issued.text)
    assert (identity.user_id, identity.tenant_id, identity.session_id) == (USER, TENANT, None)
    assert identity.scopes == ("billing:read", "ledger:read")
    assert TOKENS.verify(TOKENS.issue(USER, TENANT).text).scopes is None


@pytest.mark.parametrize(
    "claims",
    [
        without(APP, "client_id"),
        without(APP, "scope"),
        {**APP, "client_id": str(TENANT)},
        {**APP, "client_id": None},
        {**APP, "scope": None},
        {**APP, "scope": ["billing:read"]},
        {**APP, "sid": str(USER)},
        {**CLAIMS, "scope": ""},
    ],
    ids=repr,
)
def test_a_token_is_a_persons_or_an_apps_and_never_half_of_each(claims: dict[str, Any]) -> None:
    assert TOKENS.verify(signed(claims=APP)).scopes == ("billing:read", "ledger:read")
    assert refusal_of(TOKENS, signed(claims=claims)) == "TOKEN_INVALID"


def test_an_app_without_any_scope_left_is_still_an_app() -> None:
    assert TOKENS.verify(TOKENS.issue_to_app(USER, TENANT, []).text).scopes == ()
