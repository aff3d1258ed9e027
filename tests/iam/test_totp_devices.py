"""Second factors: sql/iam/totp_devices.sql, iam/credentials/second_factors.py."""

import asyncio
from secrets import token_bytes
from typing import Final
from urllib.parse import quote
from uuid import UUID, uuid4

import pyotp
import pytest

from gql.errors import ApiError
from gql.iam.credentials.second_factors import STEP_SECONDS, SecondFactors
from gql.iam.credentials.throttles import Throttle
from gql.iam.keys.secrets import Secrets
from gql.iam.services import Services
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.inbox import Inbox
from tests.harness.tenants import PASSWORD, Tenant, make_person
from tests.iam.entry.test_codes import somewhere

# RFC 6238, appendix B, for SHA-1: the last six of its eight digits.
SEED: Final = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS: Final = {59: "287082", 1111111109: "081804", 1111111111: "050471", 2000000000: "279037", 20000000000: "353130"}


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self, now: float = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def shown(self, seed: str, *, steps: int = 0) -> str:
        """What a device shows, or has shown or will show so many steps from now."""
        return pyotp.TOTP(seed).at(int(self.now), counter_offset=steps)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def factors(services: Services, clock: Clock) -> SecondFactors:
    return SecondFactors(services.database, Throttle(services.database), Secrets([token_bytes(32)]), clock=clock)


async def enrolled(
    factors: SecondFactors, clock: Clock, person: UUID, name: str = "telephone"
) -> tuple[str, list[str]]:
    """The seed of a device that counts, and the recovery codes that came with it."""
    made = await factors.enrol(person, name)
    codes = await factors.confirm(person, made.id, clock.shown(made.seed), somewhere())
    clock.now += STEP_SECONDS
    return made.seed, codes


async def refused(factors: SecondFactors, person: UUID, given: str | None) -> str | None:
    with pytest.raises(ApiError) as problem:
        await factors.demand(person, given, somewhere())
    return problem.value.reason


@pytest.mark.parametrize(("moment", "digits"), VECTORS.items())
def test_codes_are_those_of_the_standard(moment: int, digits: str) -> None:
    assert Clock(moment).shown(SEED) == digits


async def test_without_a_device_nothing_is_asked_and_one_that_was_not_confirmed_is_none(
    factors: SecondFactors, tenant: Tenant
) -> None:
    await factors.demand(tenant.owner_id, None, somewhere())
    made = await factors.enrol(tenant.owner_id, "telephone")
    assert made.uri.startswith(f"otpauth://totp/Countinghouse:{quote(tenant.owner_email)}?secret={made.seed}&")
    await factors.demand(tenant.owner_id, None, somewhere())


async def test_each_code_is_good_once_and_none_after_a_later_one(
    factors: SecondFactors, clock: Clock, tenant: Tenant
) -> None:
    """Attack 53."""
    seed, _ = await enrolled(factors, clock, tenant.owner_id)
    assert await refused(factors, tenant.owner_id, None) == "SECOND_FACTOR_REQUIRED"
    code = clock.shown(seed)
    await factors.demand(tenant.owner_id, f" {code[:3]} {code[3:]} ", somewhere())
    assert await refused(factors, tenant.owner_id, code) == "SECOND_FACTOR_INVALID"
    clock.now += 2 * STEP_SECONDS
    await factors.demand(tenant.owner_id, clock.shown(seed, steps=1), somewhere())
    for steps in (-1, 0, 1):
        assert await refused(factors, tenant.owner_id, clock.shown(seed, steps=steps)) == "SECOND_FACTOR_INVALID"


async def test_clocks_may_be_a_step_apart_and_no_more(factors: SecondFactors, clock: Clock, tenant: Tenant) -> None:
    seed, _ = await enrolled(factors, clock, tenant.owner_id)
    clock.now += 10 * STEP_SECONDS
    for steps in (-2, 2):
        assert await refused(factors, tenant.owner_id, clock.shown(seed, steps=steps)) == "SECOND_FACTOR_INVALID"
    for steps in (-1, 0, 1):
        await factors.demand(tenant.owner_id, clock.shown(seed, steps=steps), somewhere())


async def test_one_code_sent_many_times_at_once_counts_once(
    factors: SecondFactors, clock: Clock, tenant: Tenant
) -> None:
    """Attack 53."""
    seed, _ = await enrolled(factors, clock, tenant.owner_id)
    tried = await asyncio.gather(
        *(factors.demand(tenant.owner_id, clock.shown(seed), somewhere()) for _ in range(10)), return_exceptions=True
    )
    assert tried.count(None) == 1


async def test_six_wrong_codes_from_one_place_have_to_wait(
    factors: SecondFactors, clock: Clock, tenant: Tenant
) -> None:
    """Attack 53."""
    seed, _ = await enrolled(factors, clock, tenant.owner_id)
    here, told = somewhere(), []
    for _ in range(6):
        with pytest.raises(ApiError) as problem:
            await factors.demand(tenant.owner_id, "000000", here)
        told.append(problem.value.reason)
    assert told == ["SECOND_FACTOR_INVALID"] * 5 + ["TOO_MANY_FAILURES"]
    with pytest.raises(ApiError, match="too often"):
        await factors.demand(tenant.owner_id, clock.shown(seed), here)


async def test_recovery_codes_are_good_once_each_and_for_their_person_alone(
    factors: SecondFactors, clock: Clock, tenant: Tenant
) -> None:
    other = await make_person(tenant, "viewer")
    await enrolled(factors, clock, other.user_id)
    seed, codes = await enrolled(factors, clock, tenant.owner_id)
    assert len(set(codes)) == 10
    assert await refused(factors, other.user_id, codes[0]) == "SECOND_FACTOR_INVALID"
    await factors.demand(tenant.owner_id, f"{codes[0][:6].lower()}-{codes[0][6:]}", somewhere())
    assert await refused(factors, tenant.owner_id, codes[0]) == "SECOND_FACTOR_INVALID"
    renewed = await factors.renew(tenant.owner_id, clock.shown(seed), somewhere())
    assert await refused(factors, tenant.owner_id, codes[1]) == "SECOND_FACTOR_INVALID"
    await factors.demand(tenant.owner_id, renewed[1], somewhere())
    async with as_superuser() as connection:
        kept = await connection.fetch(
            "select d::text from iam.totp_devices d union all select r::text from iam.recovery_codes r"
        )
    assert not any(secret in row[0] for row in kept for secret in (seed, *codes, *renewed))


async def test_a_device_is_taken_away_by_whoever_shows_a_code_of_their_own(
    factors: SecondFactors, clock: Clock, tenant: Tenant
) -> None:
    other = await make_person(tenant, "viewer")
    their_seed, _ = await enrolled(factors, clock, other.user_id)
    seed, _ = await enrolled(factors, clock, tenant.owner_id)
    async with as_tenant(tenant) as connection:
        [mine] = await connection.fetch("select id, name, confirmed_at from iam.my_totp_devices()")
    assert (mine["name"], mine["confirmed_at"] is not None) == ("telephone", True)
    with pytest.raises(ApiError):
        await factors.remove(tenant.owner_id, mine["id"], "000000", somewhere())
    assert not await factors.remove(other.user_id, mine["id"], clock.shown(their_seed), somewhere())
    assert not await factors.remove(tenant.owner_id, uuid4(), clock.shown(seed), somewhere())
    clock.now += STEP_SECONDS
    assert await factors.remove(tenant.owner_id, mine["id"], clock.shown(seed), somewhere())
    await factors.demand(tenant.owner_id, None, somewhere())
    async with as_superuser() as connection:
        left = "select count(*) from iam.recovery_codes where user_id = $1"
        assert await connection.fetchval(left, tenant.owner_id) == 0
        assert await connection.fetchval(left, other.user_id) == 10


async def test_another_persons_device_cannot_be_confirmed(factors: SecondFactors, clock: Clock, tenant: Tenant) -> None:
    other = await make_person(tenant, "viewer")
    made = await factors.enrol(other.user_id, "telephone")
    with pytest.raises(ApiError):
        await factors.confirm(tenant.owner_id, made.id, clock.shown(made.seed), somewhere())
    await factors.demand(tenant.owner_id, None, somewhere())


async def test_the_house_changes_its_key_and_the_device_goes_on(
    services: Services, clock: Clock, tenant: Tenant
) -> None:
    old, new = token_bytes(32), token_bytes(32)

    def with_keys(*keys: bytes) -> SecondFactors:
        return SecondFactors(services.database, Throttle(services.database), Secrets(keys), clock=clock)

    seed, codes = await enrolled(with_keys(old), clock, tenant.owner_id)
    await with_keys(new, old).demand(tenant.owner_id, clock.shown(seed), somewhere())
    clock.now += STEP_SECONDS
    await with_keys(new).demand(tenant.owner_id, clock.shown(seed), somewhere())
    await with_keys(new, old).demand(tenant.owner_id, codes[0], somewhere())


async def test_every_way_in_asks_for_it(services: Services, inbox: Inbox, tenant: Tenant) -> None:
    factors, clock = services.second_factors, Clock()
    factors.clock = clock
    seed, _ = await enrolled(factors, clock, tenant.owner_id)
    sign_in, email = services.sign_in.with_password, tenant.owner_email
    with pytest.raises(ApiError, match="second factor"):
        await sign_in(email, PASSWORD, None, somewhere())
    with pytest.raises(ApiError, match="no account"):
        await sign_in(email, "not the password", None, somewhere(), clock.shown(seed))
    await sign_in(email, PASSWORD, None, somewhere(), clock.shown(seed))
    clock.now += STEP_SECONDS

    given = await services.codes.request("SIGN_IN", email, somewhere())
    digits = await inbox.code_to(email)
    for second_factor in (None, "000000"):
        with pytest.raises(ApiError) as problem:
            await services.codes.sign_in(given.id, digits, None, somewhere(), second_factor)
        assert problem.value.field == "input.secondFactor"
    await services.codes.sign_in(given.id, digits, None, somewhere(), clock.shown(seed))
    with pytest.raises(ApiError, match="no longer good"):
        await services.codes.sign_in(given.id, digits, None, somewhere(), clock.shown(seed, steps=1))
