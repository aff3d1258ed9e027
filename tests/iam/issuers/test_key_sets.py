"""Keys of other houses: iam/issuers/key_sets.py."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gql.errors import ApiError, Code
from gql.iam.issuers import key_sets
from gql.iam.issuers.fetching import Fetcher, FetchError
from gql.iam.issuers.key_sets import KeySets, Source, keys_in
from tests.harness.issuer import DISCOVERY, KEYS, Issuer, PrivateKey, an_issuer, curve_key, public_jwk, rsa_key
from tests.iam.forging import Clock


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with an_issuer() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def sets(clock: Clock) -> KeySets:
    return KeySets(Fetcher(private=True), clock=clock)


def of(issuer: Issuer) -> Source:
    return Source(issuer.url, issuer.jwks_url)


async def is_away(sets: KeySets, source: Source, key_id: str = "first") -> bool:
    with pytest.raises(ApiError) as refusal:
        await sets.key(source, key_id, "RS256")
    assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "ISSUER_AWAY")
    return True


async def test_keys_are_fetched_once_for_as_many_as_ask(issuer: Issuer, sets: KeySets) -> None:
    issuer.delay = 0.1
    found = await asyncio.gather(*(sets.key(of(issuer), "first", "RS256") for _ in range(100)))
    assert {key.public_numbers() for key in found if key is not None} == {rsa_key().public_key().public_numbers()}  # type: ignore[union-attr]
    assert None not in found
    assert issuer.asked == [KEYS]


async def test_where_the_keys_are_may_be_the_issuer_s_to_say(issuer: Issuer, sets: KeySets) -> None:
    assert await sets.key(Source(issuer.url), "first", "RS256")
    assert issuer.asked == [DISCOVERY, KEYS]


@pytest.mark.parametrize(
    "document", [{"issuer": "https://other.example"}, {"jwks_uri": 5}, [], {"issuer": None}, "text", None]
)
async def test_a_discovery_document_of_somebody_else_or_without_keys_is_not_believed(
    document: Any, issuer: Issuer, sets: KeySets
) -> None:
    right = {"issuer": issuer.url, "jwks_uri": issuer.jwks_url}
    wrong = right | document if isinstance(document, dict) else document
    issuer.documents[DISCOVERY] = json.dumps(wrong).encode()
    assert await is_away(sets, Source(issuer.url))
    assert issuer.asked == [DISCOVERY]


async def test_a_key_that_the_issuer_changes_to_is_found_without_a_restart(
    issuer: Issuer, sets: KeySets, clock: Clock
) -> None:
    assert await sets.key(of(issuer), "first", "RS256")
    issuer.keys = {"second": rsa_key(1)}
    clock.now += key_sets.AGAIN_SECONDS + 1
    assert await sets.key(of(issuer), "second", "RS256")
    assert await sets.key(of(issuer), "first", "RS256") is None


async def test_a_key_that_the_issuer_takes_back_is_good_for_ten_minutes_more_at_most(
    issuer: Issuer, sets: KeySets, clock: Clock
) -> None:
    assert await sets.key(of(issuer), "first", "RS256")
    issuer.keys = {"second": rsa_key(1)}
    clock.now += key_sets.FRESH_SECONDS
    assert await sets.key(of(issuer), "first", "RS256")
    clock.now += 1
    assert await sets.key(of(issuer), "first", "RS256") is None


async def test_made_up_keys_make_us_ask_once_in_half_a_minute(issuer: Issuer, sets: KeySets, clock: Clock) -> None:
    for _ in range(10):
        found = await asyncio.gather(*(sets.key(of(issuer), f"made up {each}", "RS256") for each in range(100)))
        assert set(found) == {None}
        clock.now += 10
    assert len(issuer.asked) == 3


async def test_an_issuer_that_is_away_is_asked_once_in_half_a_minute_and_its_keys_are_good_for_an_hour(
    issuer: Issuer, sets: KeySets, clock: Clock
) -> None:
    assert await sets.key(of(issuer), "first", "RS256")
    issuer.status = "500 Broken"
    for _ in range(59):
        clock.now += 60
        assert await sets.key(of(issuer), "first", "RS256")
        assert await is_away(sets, of(issuer), "another")
    asked = len(issuer.asked)
    assert asked <= 60
    clock.now += 61
    assert await is_away(sets, of(issuer))
    for _ in range(100):
        assert await is_away(sets, of(issuer))
    assert len(issuer.asked) == asked + 1
    issuer.status = "200 OK"
    clock.now += key_sets.AGAIN_SECONDS + 1
    assert await sets.key(of(issuer), "first", "RS256")


async def test_who_goes_away_takes_the_keys_from_nobody(issuer: Issuer, sets: KeySets) -> None:
    issuer.delay = 0.2
    first, second = (asyncio.ensure_future(sets.key(of(issuer), "first", "RS256")) for _ in range(2))
    await asyncio.sleep(0.05)
    first.cancel()
    assert await second is not None
    assert issuer.asked == [KEYS]


async def test_so_many_issuers_are_remembered_and_no_more(sets: KeySets, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(key_sets.REMEMBERED + 50):
        assert await is_away(sets, Source(f"ftp://{number}.example", f"ftp://{number}.example/"))
    assert len(sets._kept) == key_sets.REMEMBERED


def test_a_key_has_the_algorithm_of_its_type_and_no_other() -> None:
    keys: dict[str, PrivateKey] = {"r": rsa_key(), "e": curve_key(), "d": Ed25519PrivateKey.generate()}
    found = keys_in({"keys": [public_jwk(key_id, key) for key_id, key in keys.items()]})
    assert set(found) == {("r", "RS256"), ("e", "ES256"), ("d", "EdDSA")}


def jwk(**changes: Any) -> dict[str, Any]:
    """A good key, with something else in it."""
    return public_jwk("x", rsa_key()) | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": None},
        {"kid": ""},
        {"kid": "k" * 256},
        {"kid": 5},
        {"use": "enc"},
        {"alg": "RS512"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"key_ops": ["sign"]},
        {"key_ops": 7},
        {"n": "AQAB"},
        {"n": None},
        {"e": "AQ"},
        {"e": "w" * 342},
        {"kty": ["RSA"]},
        {"kty": "oct", "k": "c2VjcmV0"},
    ],
    ids=str,
)
def test_a_key_that_is_not_for_us_is_passed_over(changes: Any) -> None:
    good, wrong = public_jwk("good", rsa_key()), jwk(**changes)
    assert set(keys_in({"keys": [wrong, good]})) == {("good", "RS256")}
    with pytest.raises(FetchError):
        keys_in({"keys": [wrong]})


def test_so_are_a_short_key_another_curve_and_what_is_no_key() -> None:
    short, curve = rsa_key(0, 1024), ec.generate_private_key(ec.SECP384R1())
    wrongs: list[Any] = [public_jwk("x", short), public_jwk("x", curve), "text", None, []]
    for wrong in wrongs:
        with pytest.raises(FetchError):
            keys_in({"keys": [wrong]})


@pytest.mark.parametrize("wrong", [None, [], {}, {"keys": {}}, {"keys": []}])
def test_what_is_no_set_of_keys_is_none(wrong: Any) -> None:
    with pytest.raises(FetchError):
        keys_in(wrong)


def test_a_set_has_fifty_keys_at_most() -> None:
    assert keys_in({"keys": [jwk()] * 50})
    with pytest.raises(FetchError):
        keys_in({"keys": [jwk()] * 51})


def test_a_key_that_comes_later_takes_nobody_s_place() -> None:
    [key] = keys_in({"keys": [jwk(), jwk(n=public_jwk("x", rsa_key(1))["n"])]}).values()
    assert key.public_numbers() == rsa_key().public_key().public_numbers()  # type: ignore[union-attr]
