"""Passwords: argon2id hashes, made and verified in a few threads with a short queue before them.

A hash costs about 100 ms of a core and 19 MiB on purpose. Whoever sends many passwords must not be able to take the
cores from everybody else, so few are worked on at a time, few wait, and the rest is told to come back.
"""

import asyncio
import base64
import math
import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import argon2

from gql.errors import ApiError, Code

T = TypeVar("T")

SHORTEST: Final = 12
LONGEST: Final = 128
MEMORY_KIB: Final = 19 * 1024
ROUNDS: Final = 2
LANES: Final = 1
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32

WORKERS: Final = max(1, (os.cpu_count() or 2) // 2)
"""Half of the cores: the others go on answering."""
NICENESS: Final = 15
"""Of the threads that hash: a thirtieth of what others get where all want a core. Dashboards go first."""
WAITING_PER_WORKER: Final = 16
SECONDS_EACH: Final = 0.1

WEAKEST_SCORE: Final = 2
"""Of zxcvbn's five: what takes a guesser who knows the usual lists and patterns fewer than a million tries is below."""
JUDGED_CHARACTERS: Final = 72
"""zxcvbn's own limit: what is longer is judged by its beginning, so that it takes milliseconds."""

_HASHER: Final = argon2.PasswordHasher(
    time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES, hash_len=HASH_BYTES, salt_len=SALT_BYTES
)


@dataclass(frozen=True, slots=True)
class PasswordStatistics:
    """How many hashes are being worked on and how many wait; how many were finished, and how many callers were sent
    away, since the start."""

    running: int
    waiting: int
    finished: int
    refused: int


class Passwords:
    """`workers` hashes at a time, and a queue of `waiting`. Use it from one event loop, and close it at the end."""

    def __init__(self, *, workers: int = WORKERS, waiting: int | None = None) -> None:
        self._workers = workers
        self._longest_queue = WAITING_PER_WORKER * workers if waiting is None else waiting
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="password", initializer=_be_nice)
        self._free = asyncio.Semaphore(workers)
        self._running = self._waiting = self._finished = self._refused = 0
        self._dummy = dummy_hash()

    @property
    def statistics(self) -> PasswordStatistics:
        return PasswordStatistics(self._running, self._waiting, self._finished, self._refused)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator["Turn"]:
        """A place among those that are worked on, waited for in the queue: for one hash, and what must come before it.

        Raises ApiError RATE_LIMITED when too many wait already.
        """
        self.demand_room()
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        self._running += 1
        turn = Turn(self._threads, self._dummy)
        try:
            yield turn
        finally:
            if turn.working is None:
                self._leave()
            elif turn.working.done():
                self._finish(turn.working)
            else:
                # The caller has gone away. The thread goes on, and keeps its place until it ends.
                turn.working.add_done_callback(self._finish)

    async def hash(self, password: str) -> str:
        """The hash to keep of a new password.

        Raises ApiError: BAD_USER_INPUT for one that is too short or too long, RATE_LIMITED when too many wait.
        """
        judge_length(password)
        async with self.turn() as turn:
            return await turn.run(lambda: _new_hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password, as `Turn.verify`. Raises ApiError RATE_LIMITED when too many wait."""
        if len(password) > LONGEST:
            return False
        async with self.turn() as turn:
            return await turn.verify(password_hash, password)

    def close(self) -> None:
        """Let the threads end. What waits is cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def demand_room(self) -> None:
        """Raises ApiError RATE_LIMITED when too many wait already."""
        if self._free.locked() and self._waiting >= self._longest_queue:
            self._refused += 1
            seconds = math.ceil((self._waiting + self._running) * SECONDS_EACH / self._workers)
            raise ApiError(
                Code.RATE_LIMITED,
                "Too many people are signing in just now. Try again in a few seconds.",
                reason="SIGN_IN_BUSY",
                retry_after=max(1, seconds),
            )

    def _finish(self, _working: object) -> None:
        self._finished += 1
        self._leave()

    def _leave(self) -> None:
        self._running -= 1
        self._free.release()


class Turn:
    """Somebody's turn with a thread, for one password. `working` is what the thread does, once it does something."""

    def __init__(self, threads: ThreadPoolExecutor, dummy: str) -> None:
        self._threads = threads
        self._dummy = dummy
        self.working: asyncio.Future[Any] | None = None

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password. Where there is no hash the answer is no, and takes as long. One that is too
        long is wrong without any work."""
        if len(password) > LONGEST:
            return False
        expected = password_hash or self._dummy
        return await self.run(lambda: _matches(expected, password)) and password_hash is not None

    async def run(self, task: Callable[[], T]) -> T:
        """The task's answer, from the thread."""
        working = self.working = asyncio.get_running_loop().run_in_executor(self._threads, task)
        return await asyncio.shield(working)


def _be_nice() -> None:
    """On Linux a thread has a priority of its own; elsewhere it would be the whole process's."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


async def hash_password(password: str) -> str:
    """The hash to keep of a new password, for the command line, where nobody waits.

    Raises ApiError BAD_USER_INPUT for a password that is too short or too long.
    """
    judge_length(password)
    return await asyncio.to_thread(_new_hash, password)


def _new_hash(password: str) -> str:
    judge_strength(password)
    return _HASHER.hash(_as_bytes(password))


def judge_length(password: str) -> None:
    """Raises ApiError BAD_USER_INPUT, reason PASSWORD_LENGTH."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ApiError(
            Code.BAD_USER_INPUT,
            f"A password has {SHORTEST} to {LONGEST} characters.",
            reason="PASSWORD_LENGTH",
            field="input.password",
        )


def judge_strength(password: str) -> None:
    """Raises ApiError BAD_USER_INPUT, reason PASSWORD_COMMON, for what guessers begin with."""
    from zxcvbn import zxcvbn  # its lists take 15 MB, which a process needs only where somebody chooses a password

    plain = unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()
    if zxcvbn(plain[:JUDGED_CHARACTERS])["score"] < WEAKEST_SCORE:
        raise ApiError(
            Code.BAD_USER_INPUT,
            "Guessers begin with passwords like this one. Choose another: a few words that do not belong together.",
            reason="PASSWORD_COMMON",
            field="input.password",
        )


def dummy_hash() -> str:
    """A hash that no password has, of the same cost as any other."""
    salt, tag = (base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (SALT_BYTES, HASH_BYTES))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p={LANES}${salt}${tag}"


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, _as_bytes(password))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _as_bytes(password: str) -> bytes:
    """One form for what looks the same on every keyboard. JSON can hold halves of surrogate pairs; they are kept."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
