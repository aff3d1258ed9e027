"""A dump taken under load, and the house made again of it in a cluster that knows none of its roles.

docs/backup.md tells an operator the same steps with the same commands.
"""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from gql.database.embedded import EmbeddedServer
from tests.adversity.victims import Cluster, serving
from tests.deploy.drill import (
    BOTH,
    CONFIGURATION,
    DUMP,
    OF_A_DUMP,
    House,
    Noted,
    a_house,
    a_place,
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
from tests.harness.tenants import Tenant, make_tenant

ANALYST: Final = 'mutation { analystCreate(input: {label: "Warehouse"}) { analyst user secret } }'
ROTATE: Final = "mutation ($id: ID!) { analystSecretRotate(input: {id: $id}) { user secret } }"
SUSPEND: Final = "select iam.tenant_suspend($1::jsonb)"
ROLES: Final = "select rolname from pg_roles where rolname ~ '^(tenant|analyst)_' order by 1"
BREAKING_OFF: Final = """#!/bin/sh
# pg_dump whose file breaks off and who does not notice, as on a disk that is full or lies.
{pg_dump} "$@" || exit
for argument; do case $argument in --file=*) file=${{argument#--file=}} ;; esac; done
truncate --size=-1000 "$file"
"""


@dataclass
class Story:
    """What there was, and the dump of it."""

    place: Path
    house: House
    dump: Path
    noted: Noted
    analyst: dict[str, str]
    roles: list[str]
    suspended: Tenant


@pytest.fixture(scope="module")
async def story() -> AsyncIterator[Story]:
    async with a_place() as place, a_house(place) as house:
        server = house.cluster.server
        env = variables(server, place)
        analyst = (await house.tills[0].ask(house.serving, ANALYST))["analystCreate"]
        async with house.under_load():
            await house.taken(5)
            for till in house.tills:
                await seal(server, till)
            await kill_in_the_middle(place, env)
            await house.taken(1)
        suspended = await make_tenant("Cinder Row", admin_url=server.admin_url)
        async with house.cluster.admin() as connection:
            await connection.execute(SUSPEND, json.dumps({"slug": suspended.slug, "reason": "It does not pay."}))
        noted = await house.note()
        taken = await run(DUMP, env)
        assert (taken.status, taken.err) == (0, "")
        async with house.under_load():
            await house.taken(2)
        async with house.cluster.admin() as connection:
            roles = [row["rolname"] for row in await connection.fetch(ROLES)]
        yield Story(place, house, Path(taken.out.strip()), noted, analyst, roles, suspended)


async def kill_in_the_middle(place: Path, env: dict[str, str]) -> None:
    """Begin a dump and kill it as soon as it has begun to write. What it leaves is nothing that has a dump's name."""
    process = await begin(DUMP, env)
    await until_there(place / "backups", ".new-*.dump")
    os.killpg(process.pid, signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    assert list((place / "backups").glob("*.dump")) == list((place / "backups").glob(".new-*.dump"))
    assert metric(place, "dump") is None


async def restoring(place: Path, server: EmbeddedServer, dump: Path) -> Outcome:
    return await run(OF_A_DUMP, variables(server, place, DUMP=str(dump)), as_server=False)


@pytest.fixture(scope="module")
async def restored(story: Story) -> AsyncIterator[tuple[EmbeddedServer, Outcome]]:
    """A new cluster of 18, whichever the old one was, into which the dump was restored. The keys are no part of the
    database; an operator has them."""
    server = EmbeddedServer(story.place / "second", configuration=CONFIGURATION)
    with server:
        shutil.copytree(story.place / "first" / "keys", story.place / "second" / "keys")
        connection = await asyncpg.connect(server.admin_url, database="postgres")
        try:
            await connection.execute("drop database countinghouse")  # the embedded server makes an empty one
        finally:
            await connection.close()
        outcome = await restoring(story.place, server, story.dump)
        assert outcome.status == 0, outcome.err
        await server.set_passwords()
        yield server, outcome


@pytest.fixture(scope="module")
def server(restored: tuple[EmbeddedServer, Outcome]) -> EmbeddedServer:
    return restored[0]


async def test_all_that_was_acknowledged_before_the_dump_is_there(story: Story, server: EmbeddedServer) -> None:
    for till in story.house.tills:
        assert await payments(server, till) == story.noted.acknowledged[till.tenant.slug]
        assert len(till.answers) >= len(story.noted.acknowledged[till.tenant.slug]) + 2


async def test_the_roles_of_organisations_and_analysts_are_made_again(
    story: Story, restored: tuple[EmbeddedServer, Outcome]
) -> None:
    server, outcome = restored
    assert "Made 3 missing roles of organisations again." in outcome.out
    assert "Made 1 missing logins of analysts again" in outcome.out
    async with Cluster(server).admin() as connection:
        assert [row["rolname"] for row in await connection.fetch(ROLES)] == story.roles
        assert await connection.fetchval("select count(*) from pg_database where datname = 'countinghouse_roles'") == 0
        works = "select pg_has_role($1, 'countinghouse_tenant', 'member')"
        assert not await connection.fetchval(works, story.suspended.database_role), "it is suspended still"
        assert await connection.fetchval(works, story.house.tills[0].tenant.database_role)


async def test_a_server_goes_on_where_the_books_stood(story: Story, server: EmbeddedServer) -> None:
    async with serving(Cluster(server)) as served:
        for till in story.house.tills:
            slug = till.tenant.slug
            assert await trial_balance(till, served) == story.noted.trial_balances[slug]
            before = sorted(story.noted.acknowledged[slug])
            again = await till.pay(served, before[-1])
            assert (again.content, again.headers["idempotent-replayed"]) == (till.answers[before[-1]], "true")
            await till.pay(served, "P-after")
            assert await payments(server, till) == {*before, "P-after"}


async def test_the_doctor_misses_the_secrets_of_analysts_and_nothing_once_they_are_rotated(
    story: Story, server: EmbeddedServer
) -> None:
    outcome = await doctor(server)
    assert len(outcome.out.splitlines()) == 1, outcome.out
    sentence = outcome.out
    login = story.analyst["user"]
    assert (outcome.status, sentence.startswith(f"analyst {login} has no secret.")) == (1, True)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.admin_url, user=login, password=story.analyst["secret"])

    async with serving(Cluster(server)) as served:
        rotated = (await story.house.tills[0].ask(served, ROTATE, id=story.analyst["analyst"]))["analystSecretRotate"]
    connection = await asyncpg.connect(server.admin_url, user=login, password=rotated["secret"])
    try:
        assert await connection.fetchval("select sum(debit) = sum(credit) from trial_balance")
    finally:
        await connection.close()
    outcome = await doctor(server)
    assert (outcome.status, outcome.err) == (0, ""), outcome.out
    async with Cluster(server).admin() as connection:
        assert await connection.fetchval("select count(distinct tenant_id) from core.audit_seals") == 2


async def test_nothing_that_is_there_is_restored_over(story: Story, server: EmbeddedServer) -> None:
    refusal = await restoring(story.place, server, story.dump)
    assert (refusal.status, "already; nothing was changed" in refusal.err) == (1, True)


async def test_a_dump_that_breaks_off_is_no_success(story: Story) -> None:
    """`pg_restore --list` finds nothing wrong with it."""
    env = variables(story.house.cluster.server, story.place)
    before = metric(story.place, "dump")
    broken = story.place / "programs"
    broken.mkdir()
    program = broken / "pg_dump"
    program.write_text(BREAKING_OFF.format(pg_dump=story.house.cluster.server.program("pg_dump")))
    for path in (broken, program):
        path.chmod(0o755)
    outcome = await run(DUMP, {**env, "PATH": f"{broken}:{env['PATH']}"})
    assert (outcome.status, outcome.out) == (1, "")
    assert [path.name for path in (story.place / "backups").glob("countinghouse-*")] == [story.dump.name]
    assert metric(story.place, "dump") == before


async def test_the_time_of_the_last_success_is_told(story: Story) -> None:
    told = metric(story.place, "dump")
    assert told is not None
    assert abs(told - story.dump.stat().st_mtime) < 60
    assert story.dump.stat().st_mode & 0o077 == 0, "it holds everything of everybody"


async def test_a_night_makes_both_and_keeps_as_many_as_it_should(story: Story) -> None:
    env = variables(story.house.cluster.server, story.place, KEEP="1")
    await asyncio.sleep(1.1)  # their names are of the second
    outcome = await run(BOTH, env)
    assert (outcome.status, outcome.err) == (0, "")
    made = {Path(line).name for line in outcome.out.splitlines()}
    assert {path.name for path in (story.place / "backups").iterdir()} == {*made, ".lock"}
    assert len(made) == 2
