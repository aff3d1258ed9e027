"""Passwords are hashed slowly, a few at a time, and never before it is known that there is room."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator

import argon2
import pytest

from gql.errors import ApiError, Code
from gql.iam.credentials.passwords import NICENESS, Passwords, dummy_hash, hash_password, judge_length
from tests.harness.tenants import PASSWORD, password_hash


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(workers=1, waiting=2)
    yield made
    made.close()


async def test_a_password_is_known_again_and_another_is_not(passwords: Passwords) -> None:
    kept = await passwords.hash("copper kettle sings")
    assert await passwords.verify(kept, "copper kettle sings")
    assert not await passwords.verify(kept, "copper kettle sing")
    assert not await passwords.verify(kept, "Copper kettle sings")
    assert not await passwords.verify(kept, "")


async def test_the_same_password_never_has_the_same_hash(passwords: Passwords) -> None:
    assert await passwords.hash(PASSWORD) != await passwords.hash(PASSWORD)


async def test_hashes_are_argon2id_of_19_mib_in_two_rounds(passwords: Passwords) -> None:
    for kept in (await passwords.hash(PASSWORD), await hash_password(PASSWORD), dummy_hash()):
        parameters = argon2.extract_parameters(kept)
        assert parameters == argon2.Parameters(
            type=argon2.Type.ID, version=19, salt_len=16, hash_len=32, time_cost=2, memory_cost=19456, parallelism=1
        )


async def test_the_command_lines_hash_is_the_servers(passwords: Passwords) -> None:
    assert await passwords.verify(await hash_password(PASSWORD), PASSWORD)


async def test_nobodys_password_costs_the_same_as_anybodys(passwords: Passwords) -> None:
    for kept in (None, password_hash()):
        finished = passwords.statistics.finished
        assert not await passwords.verify(kept, "wrong but long enough")
        assert passwords.statistics.finished == finished + 1
    assert argon2.extract_parameters(passwords._dummy) == argon2.extract_parameters(password_hash())


@pytest.mark.parametrize("kept", ["", "$argon2id$", "plain text", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"])
async def test_a_hash_that_is_none_lets_nobody_in(kept: str, passwords: Passwords) -> None:
    assert not await passwords.verify(kept, PASSWORD)


async def test_letters_that_look_the_same_are_the_same(passwords: Passwords) -> None:
    kept = await passwords.hash("cafe\u0301 \ufb01nance et fils")
    assert await passwords.verify(kept, "café finance et fils")


@pytest.mark.parametrize(
    "password", ["\0 and then words", "\ud800 and then words", "👩‍👩‍👧‍👦 and then words", "ﷺ and then words"]
)
async def test_every_text_of_json_can_be_a_password(password: str, passwords: Passwords) -> None:
    kept = await passwords.hash(password)
    assert await passwords.verify(kept, password)
    assert not await passwords.verify(kept, password[:-1])


@pytest.mark.parametrize("length", [0, 1, 11, 129, 100_000])
async def test_a_new_password_of_another_length_is_refused_before_it_is_hashed(
    length: int, passwords: Passwords
) -> None:
    for hashing in (passwords.hash("x" * length), hash_password("x" * length)):
        with pytest.raises(ApiError, match="12 to 128 characters") as refusal:
            await hashing
        assert (refusal.value.code, refusal.value.reason) == (Code.BAD_USER_INPUT, "PASSWORD_LENGTH")
        assert refusal.value.field == "input.password"


def test_passwords_of_12_and_of_128_characters_may_be_chosen() -> None:
    judge_length("x" * 12)
    judge_length("x" * 128)


@pytest.mark.parametrize(
    "password",
    ["passwordpassword", "Qwertyuiop12", "aaaaaaaaaaaa", "123456789012", "\0" * 20, "x" * 128],
)
async def test_what_guessers_begin_with_cannot_be_chosen(password: str, passwords: Passwords) -> None:
    for hashing in (passwords.hash(password), hash_password(password)):
        with pytest.raises(ApiError, match="Guessers begin") as refusal:
            await hashing
        assert (refusal.value.reason, refusal.value.field) == ("PASSWORD_COMMON", "input.password")


async def test_a_password_that_is_too_long_is_wrong_without_any_work(passwords: Passwords) -> None:
    busy = [asyncio.ensure_future(passwords.verify(None, PASSWORD)) for _ in range(3)]
    await asyncio.wait(busy, timeout=0)
    # There is no room for any work, and it needs none.
    assert not await passwords.verify(password_hash(), "x" * 129)
    assert not await passwords.verify(None, "x" * 10_000_000)
    await asyncio.gather(*busy)


async def test_few_are_worked_on_and_few_wait_and_the_rest_is_told_when_to_come_back(passwords: Passwords) -> None:
    answers = await asyncio.gather(
        *(passwords.verify(password_hash(), PASSWORD) for _ in range(9)), return_exceptions=True
    )
    assert answers[:3] == [True, True, True]
    for refusal in answers[3:]:
        assert isinstance(refusal, ApiError)
        assert (refusal.code, refusal.reason) == (Code.RATE_LIMITED, "SIGN_IN_BUSY")
        assert refusal.retry_after is not None
        assert refusal.retry_after >= 1
    assert passwords.statistics.refused == 6


async def test_the_loop_goes_on_while_passwords_are_hashed(passwords: Passwords) -> None:
    working = [asyncio.ensure_future(passwords.verify(None, PASSWORD)) for _ in range(3)]
    seen = set()
    while not all(task.done() for task in working):
        statistics = passwords.statistics
        seen.add((statistics.running, statistics.waiting))
        await asyncio.sleep(0)
    assert {(1, 2), (1, 1), (1, 0)} <= seen
    assert all(running <= 1 for running, _ in seen)
    assert (passwords.statistics.running, passwords.statistics.waiting) == (0, 0)


async def test_a_thread_keeps_its_place_until_it_ends_even_when_its_caller_has_gone(passwords: Passwords) -> None:
    gone = asyncio.ensure_future(passwords.verify(None, PASSWORD))
    await asyncio.wait([gone], timeout=0)
    assert passwords.statistics.running == 1
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert passwords.statistics.running == 1
    assert await passwords.verify(password_hash(), PASSWORD)
    assert passwords.statistics.running == 0


async def test_a_caller_who_goes_while_waiting_leaves_the_queue(passwords: Passwords) -> None:
    working, waiting = (asyncio.ensure_future(passwords.verify(None, PASSWORD)) for _ in range(2))
    await asyncio.wait([working, waiting], timeout=0)
    assert passwords.statistics.waiting == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert passwords.statistics.waiting == 0
    assert not await working
    assert passwords.statistics.running == 0


async def test_after_closing_nothing_is_hashed_and_no_place_is_lost() -> None:
    passwords = Passwords(workers=1)
    passwords.close()
    with pytest.raises(RuntimeError):
        await passwords.verify(None, PASSWORD)
    assert (passwords.statistics.running, passwords.statistics.waiting) == (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
async def test_hashing_takes_what_others_leave_of_the_cores() -> None:
    passwords = Passwords(workers=1)
    try:
        async with passwords.turn() as turn:
            assert await turn.run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())) == NICENESS
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < NICENESS  # the loop's own thread
    finally:
        passwords.close()
