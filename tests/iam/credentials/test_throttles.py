"""Who fails waits, and longer each time: sql/iam/throttles.sql, iam/credentials/throttles.py."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import pytest

from gql.database.pool import Origin
from gql.errors import ApiError, Code
from gql.iam.credentials.throttles import FROM_HERE, OF_ACCOUNT, OF_ADDRESS, Attempt, Throttle, network
from gql.iam.services import Services
from tests.harness.actors import as_superuser

WAY: Final = "password"


def at(address: str) -> Origin:
    return Origin("r", address, None)


async def waits(throttle: Throttle, account: str, address: str) -> int:
    """How many seconds this try has to wait; 0 where it may go on."""
    problem = await outcome(throttle.demand(Attempt(WAY, account, at(address))))
    if problem is None:
        return 0
    assert (problem.code, problem.reason) == (Code.RATE_LIMITED, "TOO_MANY_FAILURES")
    assert problem.retry_after is not None
    return problem.retry_after


async def outcome(trying: Awaitable[None]) -> ApiError | None:
    try:
        await trying
    except ApiError as problem:
        return problem
    return None


async def blocked_for() -> int:
    """For how long the last try has blocked the next, whatever has gone by since."""
    async with as_superuser() as connection:
        blocked = "select round(extract(epoch from max(blocked_until - updated_at)))::integer from iam.throttles"
        return int(await connection.fetchval(blocked))


async def let_pass(seconds: int) -> None:
    """As if so much time had gone by."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")  # no trigger that sets updated_at
        await connection.execute(
            "update iam.throttles set blocked_until = blocked_until - $1 * interval '1 second',"
            " updated_at = updated_at - $1 * interval '1 second'",
            seconds,
        )


@pytest.fixture
def throttle(services: Services) -> Throttle:
    return Throttle(services.database)


async def test_the_first_failures_are_free_and_each_further_one_doubles_the_wait(throttle: Throttle) -> None:
    assert [await waits(throttle, "a", "192.0.2.1") for _ in range(FROM_HERE)] == [0] * FROM_HERE
    told = []
    for _ in range(6):
        told.append(await blocked_for())
        await let_pass(1000)
        assert await waits(throttle, "a", "192.0.2.1") == 0
    assert told == [1, 2, 4, 8, 16, 32]
    assert 60 < await waits(throttle, "a", "192.0.2.1") <= 64


async def test_the_wait_grows_to_a_quarter_of_an_hour(throttle: Throttle) -> None:
    longest = 0
    for _ in range(40):
        longest = max(longest, seconds := await waits(throttle, "a", "192.0.2.1"))
        await let_pass(seconds)
    assert longest == 900


async def test_an_hour_of_quiet_forgets(throttle: Throttle) -> None:
    for _ in range(FROM_HERE + 1):
        await waits(throttle, "a", "192.0.2.1")
    await let_pass(3601)
    assert [await waits(throttle, "a", "192.0.2.1") for _ in range(FROM_HERE)] == [0] * FROM_HERE


async def test_an_account_is_not_shut_for_others_until_many_have_failed(throttle: Throttle) -> None:
    for _ in range(FROM_HERE):
        await waits(throttle, "a", "192.0.2.1")
    assert await waits(throttle, "a", "192.0.2.1") > 0
    assert await waits(throttle, "a", "192.0.2.2") == 0
    assert await waits(throttle, "b", "192.0.2.1") == 0
    tried = [await waits(throttle, "a", f"198.51.100.{number}") for number in range(OF_ACCOUNT)]
    assert tried.count(0) == OF_ACCOUNT - FROM_HERE - 1
    assert tried[-1] > 0


async def test_an_address_is_shut_for_all_accounts_after_many_failures(throttle: Throttle) -> None:
    tried = [await waits(throttle, f"account {number}", "192.0.2.1") for number in range(OF_ADDRESS + 5)]
    assert tried[:OF_ADDRESS] == [0] * OF_ADDRESS
    assert min(tried[OF_ADDRESS:]) > 0
    assert await waits(throttle, "account 1", "192.0.2.9") == 0


async def test_success_forgives(throttle: Throttle) -> None:
    attempt = Attempt(WAY, "a", at("192.0.2.1"))
    for _ in range(4 * FROM_HERE):
        await throttle.demand(attempt)
        await throttle.forgive(attempt)


async def test_many_at_once_are_counted_one_by_one(throttle: Throttle) -> None:
    tried = await asyncio.gather(*(waits(throttle, "a", "192.0.2.1") for _ in range(50)))
    assert tried.count(0) == FROM_HERE


async def test_whoever_has_a_network_has_all_its_addresses() -> None:
    assert network(at("2001:db8:1:2::1")) == network(at("2001:db8:1:2:ffff::9")) == "2001:db8:1:2::/64"
    assert network(at("2001:db8:1:3::1")) != network(at("2001:db8:1:2::1"))
    assert network(at("::ffff:192.0.2.1")) == "192.0.2.1"
    assert network(Origin("r", None, None)) == ""


async def test_what_is_tried_is_not_written_down(throttle: Throttle) -> None:
    await waits(throttle, "a.password.typed@in.the.wrong.field", "192.0.2.1")
    async with as_superuser() as connection:
        rows = await connection.fetch("select t::text from iam.throttles t")
    assert rows
    assert not any("wrong.field" in row[0] or "192.0.2" in row[0] for row in rows)


async def test_whoever_has_to_wait_is_told_so_though_somebody_holds_the_row(throttle: Throttle) -> None:
    """A flood of tries that must wait takes no lock, so that it holds up nobody and writes nothing."""
    for _ in range(FROM_HERE + 1):
        await outcome(throttle.demand(Attempt(WAY, "flooded", at("198.51.100.77"))))
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("select from iam.throttles for update")
        async with asyncio.timeout(5):
            assert await waits(throttle, "flooded", "198.51.100.77") > 0
