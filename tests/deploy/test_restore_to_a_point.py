"""A base backup taken under load, the archive of WAL, and the way back to a point between two payments.

docs/backup.md tells an operator the same steps with the same commands.
"""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from gql.database.embedded import EmbeddedServer, EmbeddedServerError
from tests.adversity.victims import Cluster, serving
from tests.database.pooling import until
from tests.deploy.drill import (
    BASE_BACKUP,
    TO_A_NAME,
    TO_A_TIME,
    TO_THE_END,
    House,
    Noted,
    a_house,
    a_place,
    a_server,
    begin,
    doctor,
    metric,
    payments,
    run,
    seal,
    trial_balance,
    until_there,
    variables,
)
from tests.harness.command_line import Outcome

ANALYST: Final = 'mutation { analystCreate(input: {label: "Warehouse"}) { user secret } }'


@dataclass
class Story:
    """What there was, and what is left of it: the place, the backup, the points that were noted."""

    place: Path
    house: House
    backup: Path
    killed: str
    noted: Noted
    analyst: dict[str, str]
    last: frozenset[str]


@pytest.fixture(scope="module")
async def story() -> AsyncIterator[Story]:
    async with a_place() as place:
        async with a_house(place) as house:
            server = house.cluster.server
            env = variables(server, place)
            first, second = house.tills
            login = (await first.ask(house.serving, ANALYST))["analystCreate"]
            async with house.under_load():
                await house.taken(3)
                killed = await kill_in_the_middle(place, env)
                taken = await run(BASE_BACKUP, env)
                assert (taken.status, taken.err) == (0, "")
                await house.taken(3)
                for till in house.tills:
                    await seal(server, till)
                noted = await house.note("before-the-mistake")
                await house.taken(3)
            await destroy(house)
            await house.archived()
            last = frozenset(second.answers)
        shutil.rmtree(place / "first" / "cluster")
        yield Story(place, house, Path(taken.out.strip()), killed, noted, login, last)


async def kill_in_the_middle(place: Path, env: dict[str, str]) -> str:
    """Begin a base backup and kill it as soon as it has begun to write; what it has left."""
    process = await begin(BASE_BACKUP, env)
    left = (await until_there(place / "backups", ".new-base-*/*")).parent
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    assert process.returncode == -signal.SIGKILL
    assert metric(place, "base") is None
    return left.name


async def destroy(house: House) -> None:
    """The mistake: a superuser removes all that an organisation has, past every trigger."""
    async with house.cluster.admin() as connection:
        tables = await connection.fetch(
            "select attrelid::regclass::text as name from pg_attribute join pg_class on pg_class.oid = attrelid"
            " where attname = 'tenant_id' and relkind in ('r', 'p') and not relispartition"
            " and relnamespace::regnamespace::text in ('billing', 'ledger', 'core')"
        )
        await connection.execute("set session_replication_role = replica")
        for table in tables:
            await connection.execute(
                f"delete from {table['name']} where tenant_id = '{house.tills[0].tenant.tenant_id}'"
            )


@asynccontextmanager
async def restored(story: Story, name: str, command: str, **more: str) -> AsyncIterator[EmbeddedServer]:
    """A cluster made of the backup and the archive, started and at its point."""
    server = a_server(story.place, name)
    # The keys and secrets of the house are no part of the database: an operator has them from elsewhere.
    for files in ("keys", "secrets"):
        shutil.copytree(story.place / "first" / files, story.place / name / files)
    clusters = story.place / "clusters"
    env = variables(server, story.place, BACKUP=str(story.backup), CLUSTER=str(clusters / name), **more)
    made = await run(command, env)
    assert (made.status, made.err) == (0, "")
    (clusters / name).rename(story.place / name / "cluster")
    with server:
        await until(lambda: has_opened(server), "it has come to its point", within=60)
        yield server


async def has_opened(server: EmbeddedServer) -> bool:
    """Whether it takes writes. One that ends before it does says why in its log."""
    await asyncio.sleep(0.05)
    assert server.is_running, server.directory.log.read_text()
    try:
        connection = await asyncpg.connect(server.admin_url)
        try:
            return not await connection.fetchval("select pg_is_in_recovery()")
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False


@pytest.fixture(scope="module")
async def server(story: Story) -> AsyncIterator[EmbeddedServer]:
    async with restored(story, "second", TO_A_TIME, TIME=story.noted.time) as server:
        yield server


async def test_exactly_what_was_acknowledged_before_the_point_is_there(story: Story, server: EmbeddedServer) -> None:
    for till in story.house.tills:
        assert await payments(server, till) == story.noted.acknowledged[till.tenant.slug]
        assert len(story.noted.acknowledged[till.tenant.slug]) >= 6
        assert len(till.answers) >= len(story.noted.acknowledged[till.tenant.slug]) + 3


async def test_the_doctor_finds_nothing_wrong(server: EmbeddedServer) -> None:
    """All rules, the books of everybody, and each seal broken open."""
    outcome = await doctor(server)
    assert (outcome.status, outcome.err) == (0, ""), outcome.out
    assert "of all 2 organisations." in outcome.out
    async with Cluster(server).admin() as connection:
        assert await connection.fetchval("select count(distinct tenant_id) from core.audit_seals") == 2


async def test_a_server_goes_on_where_the_books_stood(story: Story, server: EmbeddedServer) -> None:
    async with serving(Cluster(server)) as served:
        for till in story.house.tills:
            slug = till.tenant.slug
            # The tokens of before are good: the keys are the same.
            assert await trial_balance(till, served) == story.noted.trial_balances[slug]
            before = sorted(story.noted.acknowledged[slug])
            after = sorted(set(till.answers) - story.noted.acknowledged[slug])
            # A key from before the point answers again what it answered, byte for byte; one from after it is new.
            again = await till.pay(served, before[-1])
            assert (again.content, again.headers["idempotent-replayed"]) == (till.answers[before[-1]], "true")
            anew = await till.pay(served, after[0])
            assert "idempotent-replayed" not in anew.headers
            assert await payments(server, till) == {*before, after[0]}


async def test_analysts_come_in_with_the_secret_they_had(story: Story, server: EmbeddedServer) -> None:
    connection = await asyncpg.connect(server.admin_url, user=story.analyst["user"], password=story.analyst["secret"])
    try:
        totals = await connection.fetchrow("select sum(debit) as debit, sum(credit) as credit from trial_balance")
    finally:
        await connection.close()
    assert totals is not None
    assert totals["debit"] == totals["credit"] > 0


async def test_a_point_may_be_a_name_and_the_archive_is_enough_for_many(story: Story) -> None:
    async with restored(story, "third", TO_A_NAME, NAME="before-the-mistake") as server:
        for till in story.house.tills:
            assert await payments(server, till) == story.noted.acknowledged[till.tenant.slug]


async def test_without_a_point_it_goes_on_to_the_end_and_the_mistake_is_there_too(story: Story) -> None:
    async with restored(story, "fourth", TO_THE_END) as server:
        first, second = story.house.tills
        assert await payments(server, first) == frozenset()
        assert await payments(server, second) == story.last
        outcome = await doctor(server)
        assert outcome.status == 0, outcome.out


async def test_a_point_that_the_archive_does_not_reach_opens_nothing(story: Story) -> None:
    with pytest.raises(
        (AssertionError, EmbeddedServerError), match="recovery ended before configured recovery target was reached"
    ):
        async with restored(story, "fifth", TO_A_TIME, TIME="2199-01-01 00:00:00+00"):
            pass


async def test_a_backup_that_was_killed_is_never_taken_for_one(story: Story) -> None:
    left = story.place / "backups" / story.killed
    assert not left.exists(), "the next one removed it"
    assert [path.name for path in (story.place / "backups").glob("*base*")] == [story.backup.name]
    unfinished = story.place / "backups" / ".new-base-20260101T000000Z"
    copy(story.backup, unfinished)
    refusal = await restoring(story, unfinished)
    assert (refusal.status, "found whole" in refusal.err) == (1, True)


async def test_a_backup_that_was_damaged_since_is_not_restored(story: Story) -> None:
    damaged = story.place / "backups" / "base-20260101T000000Z"
    copy(story.backup, damaged)
    some = max((damaged / "base").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    with some.open("r+b") as file:
        file.seek(10_000)
        file.write(b"not what was here")
    refusal = await restoring(story, damaged)
    shutil.rmtree(damaged)
    assert refusal.status == 1
    assert "checksum mismatch" in refusal.err
    assert not (story.place / "clusters" / "never").exists()


async def test_nothing_that_is_there_is_restored_over(story: Story) -> None:
    there = story.place / "clusters"
    refusal = await restoring(story, story.backup, there)
    assert (refusal.status, "exists; nothing was changed" in refusal.err) == (1, True)


async def test_the_time_of_the_last_success_is_told(story: Story) -> None:
    told = metric(story.place, "base")
    assert told is not None
    assert abs(told - story.backup.stat().st_ctime) < 60


async def restoring(story: Story, backup: Path, cluster: Path | None = None) -> Outcome:
    cluster = cluster or story.place / "clusters" / "never"
    env = variables(story.house.cluster.server, story.place, BACKUP=str(backup), CLUSTER=str(cluster))
    return await run(TO_THE_END, env)


def copy(backup: Path, place: Path) -> None:
    """With the owners, which shutil would not keep."""
    subprocess.run(["cp", "-a", backup, place], check=True)
