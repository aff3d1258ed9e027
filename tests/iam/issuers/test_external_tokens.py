"""Tokens of issuers that an organisation trusts: iam/issuers/external_tokens.py, iam/issuers/foreign_tokens.py."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gql.database.context import Context
from gql.errors import ApiError
from gql.iam.issuers import external_tokens, fetching
from gql.iam.issuers.external_tokens import ExternalTokens
from gql.iam.issuers.fetching import Fetcher
from gql.iam.issuers.key_sets import AGAIN_SECONDS, KeySets
from gql.iam.services import Services
from tests.harness.actors import as_superuser
from tests.harness.issuer import DISCOVERY, KEYS, Issuer, an_issuer, curve_key, rsa_key
from tests.harness.tenants import Tenant, make_tenant
from tests.iam.forging import Clock
from tests.iam.test_trusted_issuers import entered

AUDIENCE: Final = "https://api.example.com"


@dataclass
class Door:
    """An organisation that trusts an issuer, and the server's side of it."""

    issuer: Issuer
    tenant: Tenant
    issuer_id: UUID
    tokens: ExternalTokens
    clock: Clock = field(default_factory=lambda: Clock(time.time()))

    @property
    def audience(self) -> str:
        return f"{AUDIENCE}/{self.tenant.tenant_id}"

    def token(self, **claims: Any) -> str:
        return self.issuer.token(**{"aud": self.audience, "role": "viewer", **claims})

    async def opens(self, text: str) -> Context:
        visitor = self.tokens.visitor(text)
        assert visitor is not None, "no visitor at all"
        return await self.tokens.context(await self.tokens.verify(visitor))

    async def refuses(self, text: str) -> str | None:
        """The reason; `NOBODY` for what does not even look like a token of an issuer's."""
        visitor = self.tokens.visitor(text)
        if visitor is None:
            return "NOBODY"
        with pytest.raises(ApiError) as refusal:
            await self.tokens.context(await self.tokens.verify(visitor))
        return refusal.value.reason


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    async with an_issuer() as issuer:
        yield issuer


async def door_of(services: Services, issuer: Issuer, tenant: Tenant, **facts: Any) -> Door:
    made = await entered(tenant, issuer=issuer.url, **{"jwks_url": issuer.jwks_url, **facts})
    clock = Clock(time.time())
    key_sets = KeySets(Fetcher(private=True), clock=clock)
    tokens = ExternalTokens(services.database, key_sets, AUDIENCE, clock=clock, ticks=clock)
    return Door(issuer, tenant, made, tokens, clock)


@pytest.fixture(scope="module")
async def door(services: Services, issuer: Issuer) -> Door:
    """One that the tests leave as it is."""
    return await door_of(services, issuer, await make_tenant())


@pytest.fixture
async def own_door(services: Services, tenant: Tenant) -> AsyncIterator[Door]:
    """One with an issuer that a test may do with as it likes."""
    async with an_issuer() as issuer:
        yield await door_of(services, issuer, tenant)


async def test_a_right_token_lets_its_bearer_in_as_the_same_person_each_time(door: Door) -> None:
    context = await door.opens(door.token(sub="ada", name="Ada Byron"))
    assert (context.tenant_id, context.role, context.is_scoped) == (door.tenant.tenant_id, "viewer", False)
    internal = {"billing:internal", "trade:internal"}
    assert context.permissions == {"billing:read", "ledger:read", "iam:read", "trade:read"} | internal
    assert context.user_id == uuid5(door.issuer_id, "ada")
    again = await door.opens(door.token(sub="ada", role="admin"))
    assert (again.user_id, again.role) == (context.user_id, "admin")
    assert (await door.opens(door.token(sub="eve"))).user_id != context.user_id


async def test_issuer_and_subject_may_be_as_long_as_they_are_taken(services: Services, tenant: Tenant) -> None:
    async with an_issuer() as issuer:
        issuer.url += "/" + "x" * (300 - len(issuer.url) - 1)
        door = await door_of(services, issuer, tenant, jwks_url=None)
        await door.opens(door.token(sub="s" * 255))
        assert [path.lstrip("/x") for path in issuer.asked] == [DISCOVERY.lstrip("/"), KEYS.lstrip("/")]


async def test_a_member_has_the_scope_of_their_token(services: Services, issuer: Issuer, tenant: Tenant) -> None:
    door = await door_of(services, issuer, tenant, scope_claim="clients")
    client = uuid4()
    for claim in (str(client), [str(client), 7, None]):
        context = await door.opens(door.token(role="member", clients=claim))
        assert (context.role, context.scope_ids, context.is_scoped) == ("member", (client,), True)
    assert await door.refuses(door.token(role="member")) == "ROLE_NOT_MAPPED"


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_keys_of_other_types_do_as_well(algorithm: str, own_door: Door) -> None:
    key = curve_key() if algorithm == "ES256" else Ed25519PrivateKey.generate()
    own_door.issuer.keys = {"first": rsa_key(), "other": key}
    text = own_door.token(header={"kid": "other"})
    assert jwt.get_unverified_header(text)["alg"] == algorithm
    assert (await own_door.opens(text)).role == "viewer"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\0b"},
        {"iat": "now"},
        {"iat": True},
        {"iat": float("nan")},
        {"iat": -1},
        {"exp": float("inf")},
        {"exp": 2**50},
        {"exp": "+3700"},
        {"iat": "+3600", "exp": "+3700"},
        {"nbf": "+3600"},
        {"nbf": "later"},
        {"exp": "-4000", "iat": "-3900"},
    ],
    ids=str,
)
async def test_a_token_that_does_not_say_what_it_must_is_refused(claims: dict[str, Any], door: Door) -> None:
    """`+` and `-` are seconds from now."""
    now = int(time.time())
    claims = {
        name: now + int(value) if isinstance(value, str) and value[:1] in ("+", "-") else value
        for name, value in claims.items()
    }
    assert await door.refuses(door.token(**claims)) == "TOKEN_INVALID"


async def test_an_old_token_is_told_so(door: Door) -> None:
    now = int(door.clock.now)  # which stands still
    assert await door.refuses(door.token(iat=now - 400, exp=now - 61)) == "TOKEN_EXPIRED"
    await door.opens(door.token(iat=now - 400, exp=now - 50))


async def test_the_audience_is_the_organisation_s_and_nothing_near_it(door: Door, other_tenant: Tenant) -> None:
    """An organisation has no say in what another one's audience is, so nobody can take it first."""
    right = door.audience
    wrong = (
        *(AUDIENCE, f"{AUDIENCE}/", right.upper(), f"{right}/", f" {right}", right.replace("-", ""), [right], None),
        *(f"{right},{right}", f"x{right}", {"a": right}, f"{AUDIENCE}/{{{door.tenant.tenant_id}}}"),
        *(f"{AUDIENCE}/{uuid4()}", f"{AUDIENCE}/{other_tenant.tenant_id}"),
    )
    for audience in wrong:
        text = door.issuer.token(aud=audience, role="viewer")
        assert await door.refuses(text) in ("NOBODY", "TOKEN_INVALID"), audience


async def test_another_organisation_s_issuer_lets_nobody_in_here(
    services: Services, door: Door, other_tenant: Tenant
) -> None:
    async with an_issuer() as theirs:
        their_door = await door_of(services, theirs, other_tenant)
        await their_door.opens(their_door.token(role="admin"))
        for text in (
            theirs.token(aud=door.audience, role="admin"),
            theirs.token(aud=door.audience, role="admin", iss=door.issuer.url, key=rsa_key(7)),
        ):
            assert await their_door.refuses(text) == "TOKEN_INVALID"
            assert await door.refuses(text) == "TOKEN_INVALID"


async def test_the_same_issuer_is_two_issuers_in_two_organisations(services: Services, door: Door) -> None:
    """Who is a person of one is nobody in the other until they have a token for it, and then another person."""
    other = await door_of(services, door.issuer, await make_tenant("Bellwether Yarns"))
    here, there = await door.opens(door.token()), await other.opens(other.token())
    assert here.user_id != there.user_id
    assert (here.tenant_id, there.tenant_id) == (door.tenant.tenant_id, other.tenant.tenant_id)


def forged(door: Door) -> dict[str, str]:
    """Tokens that nobody who has the issuer's key has made, or that want to choose how they are judged."""
    public = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    right = door.token()
    header, claims, signature = right.split(".")

    def headed(**members: Any) -> str:
        whole = json.dumps({"alg": "RS256", "kid": "first", "typ": "JWT", **members}).encode()
        return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()

    found = {
        "another key": door.token(key=rsa_key(1)),
        "unknown kid": door.token(header={"kid": "second"}),
        "no kid": door.token(header={"kid": None}),
        "other type of key": door.token(key=curve_key(), header={"kid": "first"}),
        "HS256 with a word": door.token(key="secret" * 8),
        "RS512": jwt.encode(
            jwt.decode(right, options={"verify_signature": False}), rsa_key(), "RS512", {"kid": "first"}
        ),
        "another's claims": ".".join([header, door.token(sub="eve").split(".")[1], signature]),
        "no signature": f"{header}.{claims}.",
        "cut": right[:-10],
        "long": door.token(more="x" * 9000),
        "jku": door.token(header={"jku": door.issuer.url + "/evil"}),
        "x5u": door.token(header={"x5u": door.issuer.url + "/evil"}),
        "jwk": door.token(header={"jwk": {"kty": "RSA"}}),
        "x5c": door.token(header={"x5c": ["x"]}),
        "crit": f"{headed(crit=['exp'])}.{claims}.{signature}",
        "b64": f"{headed(b64=False, crit=['b64'])}.{claims}.{signature}",
        "path as kid": door.token(header={"kid": "../../first"}),
        "SQL as kid": door.token(header={"kid": "' or 1=1 --"}),
        "kid is no text": f"{headed(kid=['first'])}.{claims}.{signature}",
        "logout token": door.token(header={"typ": "logout+jwt"}),
        "typ is no text": f"{headed(typ=5)}.{claims}.{signature}",
    }
    for name in ("none", "None", "NONE", "nOnE", "", None, ["RS256"]):
        found[f"alg {name}"] = f"{headed(alg=name)}.{claims}."
    for kid in ("first", None):
        whole = f"{headed(alg='HS256', kid=kid)}.{claims}"
        mac = jwt.get_algorithm_by_name("HS256")
        key = __import__("hmac").digest(public, whole.encode(), "sha256")
        found[f"HS256 with the public key, kid {kid}"] = (
            f"{whole}.{base64.urlsafe_b64encode(key).rstrip(b'=').decode()}"
        )
        assert mac is not None
    return found


async def test_a_forged_token_is_refused_and_fetches_nothing_that_it_names(own_door: Door) -> None:
    await own_door.opens(own_door.token())
    for name, text in forged(own_door).items():
        assert await own_door.refuses(text) in ("NOBODY", "TOKEN_INVALID"), name
    assert set(own_door.issuer.asked) == {KEYS}


@pytest.mark.parametrize("role", [None, "owner", "Owner", ["owner"], "worker", "", 7, {}, [], ["a", "b"]])
async def test_a_role_that_an_issuer_cannot_give_is_refused(role: Any, door: Door) -> None:
    assert await door.refuses(door.token(role=role)) == "ROLE_NOT_MAPPED"


async def test_a_key_that_the_issuer_changes_to_is_picked_up(own_door: Door) -> None:
    old = own_door.token()
    await own_door.opens(old)
    own_door.issuer.keys = {"second": rsa_key(1)}
    new = own_door.token()
    assert await own_door.refuses(new) == "TOKEN_INVALID"  # asked a moment ago
    own_door.clock.now += AGAIN_SECONDS + 1
    await own_door.opens(new)
    assert await own_door.refuses(old) == "TOKEN_INVALID"


async def test_a_flood_of_made_up_kids_and_signatures_fetches_once_in_half_a_minute(own_door: Door) -> None:
    for number in range(300):
        assert await own_door.refuses(own_door.token(header={"kid": f"made up {number}"})) == "TOKEN_INVALID"
    assert own_door.issuer.asked == [KEYS]


async def test_a_slow_issuer_is_away_and_holds_up_nobody_else(
    own_door: Door, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    own_door.issuer.delay = 5.0
    slow = [asyncio.ensure_future(own_door.refuses(own_door.token(sub=str(each)))) for each in range(50)]
    await asyncio.sleep(0.05)
    await door.opens(door.token())
    begun = time.monotonic()
    assert set(await asyncio.gather(*slow)) == {"ISSUER_AWAY"}
    assert await own_door.refuses(own_door.token()) == "ISSUER_AWAY"
    assert time.monotonic() - begun < 3
    assert own_door.issuer.asked == [KEYS]


@pytest.mark.parametrize("document", [b"x" * 70_000, b"{}", b'{"keys": []}'])
async def test_a_huge_or_empty_set_of_keys_is_none(document: bytes, own_door: Door) -> None:
    own_door.issuer.documents[KEYS] = document
    assert await own_door.refuses(own_door.token()) == "ISSUER_AWAY"


async def test_a_server_in_earnest_asks_no_address_of_its_own_machine(services: Services, own_door: Door) -> None:
    fetcher = Fetcher()
    own_door.tokens = ExternalTokens(services.database, KeySets(fetcher), AUDIENCE)
    assert await own_door.refuses(own_door.token()) == "ISSUER_AWAY"
    assert own_door.issuer.asked == []
    fetcher.close()


async def test_an_issuer_that_is_not_trusted_any_more_is_refused_within_seconds(own_door: Door) -> None:
    text = own_door.token()
    await own_door.opens(text)
    async with as_superuser() as connection:
        await connection.execute("update iam.trusted_issuers set is_active = false where id = $1", own_door.issuer_id)
    own_door.clock.now += external_tokens.REMEMBERED_SECONDS
    assert await own_door.refuses(text) == "TOKEN_INVALID"
    async with as_superuser() as connection:
        await connection.execute("update iam.trusted_issuers set is_active = true where id = $1", own_door.issuer_id)
    await own_door.opens(text)


async def test_an_organisation_that_is_suspended_is_closed_to_them_within_seconds(own_door: Door) -> None:
    text = own_door.token()
    await own_door.opens(text)
    async with as_superuser() as connection:
        await connection.execute("update iam.tenants set suspended_at = now() where id = $1", own_door.tenant.tenant_id)
    own_door.clock.now += external_tokens.REMEMBERED_SECONDS
    assert await own_door.refuses(text) == "TOKEN_INVALID"


async def test_a_mapping_that_changes_counts_within_seconds(own_door: Door) -> None:
    text = own_door.token()
    assert (await own_door.opens(text)).role == "viewer"
    async with as_superuser() as connection:
        update = 'update iam.trusted_issuers set roles = \'{"viewer": "operator"}\' where id = $1'
        await connection.execute(update, own_door.issuer_id)
    own_door.clock.now += external_tokens.REMEMBERED_SECONDS
    assert (await own_door.opens(text)).role == "operator"


async def test_somebody_known_costs_the_database_nothing(own_door: Door, services: Services) -> None:
    text = own_door.token()
    await own_door.opens(text)
    asked = services.database.writes.statistics.acquisitions
    for _ in range(50):
        await own_door.opens(text)
    assert services.database.writes.statistics.acquisitions == asked


async def test_made_up_issuers_wait_for_one_another_and_for_nobody_else(own_door: Door) -> None:
    await own_door.opens(own_door.token())
    made_up = [own_door.token(iss=f"https://{number}.example") for number in range(200)]
    answers = await asyncio.gather(*(own_door.refuses(text) for text in made_up))
    assert set(answers) == {"TOKEN_INVALID", "TOO_MANY_STRANGERS"}
    assert answers.count("TOKEN_INVALID") == external_tokens.MOST_STRANGERS
    assert len(own_door.tokens._issuers._kept) == 1
    await own_door.opens(own_door.token())


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "e30.e30.e30", "e30.bnVsbA.e30", "é.é.é", "W10.W10.W10"])
def test_what_is_no_token_is_nobody_s(text: str, door: Door) -> None:
    assert door.tokens.visitor(text) is None


def test_a_token_of_ours_is_no_visitor_s(services: Services, door: Door, tenant: Tenant) -> None:
    assert door.tokens.visitor(services.tokens.issue(tenant.owner_id, tenant.tenant_id).text) is None
