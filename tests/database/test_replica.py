"""What is known of a replica's progress, and what follows from it: reckoned on a clock of the test's own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from gql.database.pool import Database, DatabaseOptions, Replica
from gql.database.pool import replica as rules
from gql.database.pool.replica import LATE, read, written
from gql.database.pool.servers import Primary
from tests.harness.postgres import TestDatabase


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Watched:
    """A replica of which the test says what it and the primary answer."""

    replica: Replica
    clock: Clock

    def look(
        self,
        written: int,
        replayed: int,
        *,
        timeline: int = 1,
        follows: bool = True,
        system: int = 7,
        server: str = "one",
    ) -> None:
        """Ask both, a tenth of a second after the last time: the replica has timeline and system of its own."""
        self.clock.now += 0.1
        self.replica._note_primary(self.clock.now, written, 1, 7)
        self.replica._judge(self.replica._note_replica(follows, replayed, timeline, system, server))

    def begin(self) -> None:
        """Until it is in use."""
        self.look(10, 10)
        self.look(10, 10)
        assert self.replica.is_used


@pytest.fixture
async def watched(database: TestDatabase) -> AsyncIterator[Watched]:
    clock = Clock()
    options = DatabaseOptions(url=database.api_url, read_lag_limit=5.0)
    replica = Replica(database.api_url, Primary(database.api_url), options, lambda: None, clock=clock)
    replica.watch = lambda: None  # type: ignore[method-assign]  # what it would find out, the test says
    yield Watched(replica, clock)
    await replica.close(1.0)


def test_a_position_is_read_as_it_is_written() -> None:
    for text in ("0/0", "0/16B3748", "FFFFFFFF/FFFFFFFF", "1A/0"):
        assert written(read(text)) == text


def test_it_answers_nobody_before_it_has_all_that_was_there_when_the_server_began(watched: Watched) -> None:
    assert not watched.replica.may_answer(uuid4(), 0)
    for position in (20, 30):
        watched.look(position, 10)
        assert not watched.replica.may_answer(uuid4(), 0)
    watched.look(40, 30)
    assert watched.replica.may_answer(uuid4(), 0)


def test_a_tenant_who_has_written_waits_until_it_has_what_the_primary_had_afterwards(watched: Watched) -> None:
    watched.begin()
    tenant, other = uuid4(), uuid4()
    watched.replica.needs_all_until_now(tenant)
    assert not watched.replica.may_answer(tenant, 0)
    assert watched.replica.may_answer(other, 0)
    watched.look(50, 40)
    assert not watched.replica.may_answer(tenant, 0), "it may have been written between 40 and 50"
    watched.look(60, 50)
    assert watched.replica.may_answer(tenant, 0), "what came after 50 was not there when it was written"


def test_a_position_is_answered_when_it_is_reached(watched: Watched) -> None:
    watched.begin()
    assert watched.replica.may_answer(uuid4(), 10)
    assert not watched.replica.may_answer(uuid4(), 11)
    watched.look(20, 11)
    assert watched.replica.may_answer(uuid4(), 11)


def test_how_far_it_lags_is_told_in_bytes_and_seconds_and_is_bounded(watched: Watched) -> None:
    watched.begin()
    watched.look(10, 10)
    assert (watched.replica.lag_bytes, watched.replica.lag_seconds) == (0, 0)
    for _ in range(40):
        watched.look(50, 10)
    assert watched.replica.lag_bytes == 40
    assert watched.replica.lag_seconds == pytest.approx(4.0)
    assert watched.replica.is_used
    for _ in range(12):
        watched.look(50, 10)
    assert not watched.replica.may_answer(uuid4(), 0)
    assert watched.replica._trouble == LATE
    watched.look(50, 50)
    assert watched.replica.may_answer(uuid4(), 0)
    watched.clock.now += 6.0
    assert not watched.replica.may_answer(uuid4(), 0), "nobody has looked for too long: the primary may be away"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"follows": False}, "it follows nobody any more, so it was promoted"),
        ({"system": 8}, "it is a copy of another database"),
        ({"timeline": 2}, "its timeline is 2, and the primary's 1"),
    ],
    ids=["promoted", "another-database", "another-timeline"],
)
def test_what_it_may_be_that_speaks_against_it(watched: Watched, state: dict[str, int], said: str) -> None:
    watched.begin()
    watched.look(10, 1_000, **state)  # type: ignore[arg-type]
    assert watched.replica._trouble == said
    assert not watched.replica.may_answer(uuid4(), 0)
    watched.look(10, 10)
    assert watched.replica.is_used


@pytest.mark.parametrize("state", [{"server": "another"}, {"replayed": 5}], ids=["another", "restarted"])
def test_another_one_or_one_that_was_restarted_begins_anew(watched: Watched, state: dict[str, str]) -> None:
    watched.begin()
    tenant = uuid4()
    watched.look(**({"written": 10, "replayed": 10} | state))  # type: ignore[arg-type]
    assert not watched.replica.may_answer(tenant, 0)
    watched.look(**({"written": 10, "replayed": 10} | state))  # type: ignore[arg-type]
    assert watched.replica.may_answer(tenant, 0) is ("server" in state), "as soon as it has all"


def test_a_new_timeline_of_the_primary_makes_the_positions_of_the_old_one_count_no_more(watched: Watched) -> None:
    watched.begin()
    watched.clock.now += 0.1
    watched.replica._note_primary(watched.clock.now, 8, 2, 7)
    watched.replica._judge(watched.replica._note_replica(True, 8, 2, 7, "one"))
    assert not watched.replica.may_answer(uuid4(), 0)
    watched.clock.now += 0.1
    watched.replica._note_primary(watched.clock.now, 9, 2, 7)
    watched.replica._judge(watched.replica._note_replica(True, 9, 2, 7, "one"))
    assert watched.replica.may_answer(uuid4(), 0)


def test_when_more_have_written_than_are_remembered_all_wait(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_REMEMBERED", 3)
    watched.begin()
    for _ in range(4):
        watched.replica.needs_all_until_now(uuid4())
        watched.clock.now += 0.001
    assert not watched.replica.may_answer(uuid4(), 0)
    watched.look(10, 10)
    assert watched.replica.may_answer(uuid4(), 0)
    assert watched.replica._needs == {}


async def test_a_position_is_behind_everything_that_was_committed(database: TestDatabase) -> None:
    """At the end of a page of the log too, where the place of the next record is behind the page's header."""
    opened = await Database.open(DatabaseOptions(url=database.api_url, read_url=database.api_url + "&ssl=disable"))
    try:
        last = 0
        for _ in range(5):
            row = await opened.ask("select pg_current_wal_insert_lsn() - '0/0', pg_current_xact_id()")
            position = await opened.position()
            assert row is not None
            assert position is not None
            assert position >= int(row[0]) - 40
            assert position >= last
            assert position % 8192 != 24
            last = position
    finally:
        await opened.close()
