"""A database that is there, and refuses: its disk is full, it only reads, or it has no connection left.

The full disk is /dev/full, in the place of a table's file: the kernel itself says of each page that there is no space
left, as it does on a disk that is, and everything else has room. So this shows what becomes of requests, and not of
PostgreSQL when its log cannot be written: then it stops and recovers, which test_postmaster.py does to it.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest

from gql.database.embedded import EmbeddedServer
from gql.database.loader import migrate
from gql.settings import Settings
from tests.adversity.kinds import BOTH, SIGN_IN
from tests.adversity.work import CLIENT_CREATE, COUNT, counted
from tests.database.pooling import until
from tests.harness.postgres import CONFIGURATION, MAJOR_VERSION, PREFIX, bin_directory
from tests.harness.tenants import PASSWORD, Tenant, make_tenant
from tests.http.servers import Running, refusal, running

MOST_CONNECTIONS: Final = 40
FULL: Final = Path("/dev/full")
SEND_AWAY: Final = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = 'countinghouse_api'"
"""And wait until they are gone."""
ACCOUNT_AND_CLIENT: Final = """mutation ($input: ClientCreateInput!) {
    ledgerAccountCreate(input: {code: "BANK", name: "Bank", kind: ASSET}) { ledgerAccount { id } }
    clientCreate(input: $input) { client { id } } }"""


@dataclass
class House:
    """A PostgreSQL of these tests' own, an organisation in it, and a server."""

    postgres: EmbeddedServer
    server: Running
    tenant: Tenant

    async def send(self, query: str, **more: Any) -> httpx.Response:
        return await self.server.ask(query, token=self.server.token(self.tenant.owner, self.tenant), **more)

    async def create(self, name: str, query: str = CLIENT_CREATE, **headers: str) -> httpx.Response:
        sent = {field.replace("_", "-"): text for field, text in headers.items()}
        return await self.send(query, variables={"input": {"name": name}}, headers=sent)

    async def sign_in(self) -> httpx.Response:
        who = {"email": self.tenant.owner_email, "password": PASSWORD}
        return await self.server.ask(SIGN_IN, variables={"input": who})

    async def refusable(self) -> list[httpx.Response]:
        """The answers to every kind of mutation."""
        both = {"first": {"name": "First"}, "second": {"name": "Second"}}
        return [
            await self.create("A verb"),
            await self.send(BOTH, variables=both),
            await self.create("One of two", ACCOUNT_AND_CLIENT),
            await self.create("Under a key", Idempotency_Key="key-1"),
            await self.create("A rehearsal", Prefer="tx=rollback"),
            await self.sign_in(),
        ]

    async def counts(self) -> httpx.Response:
        return await self.send(COUNT)

    async def left(self) -> tuple[int, ...]:
        """How many clients, accounts, keys and sessions there are."""
        async with self.admin() as connection:
            return tuple(
                await connection.fetchrow(
                    "select (select count(*) from billing.clients where tenant_id = $1),"
                    "(select count(*) from ledger.accounts where tenant_id = $1 and code = 'BANK'),"
                    "(select count(*) from core.idempotency_keys where tenant_id = $1),"
                    "(select count(*) from iam.sessions where organisation_id = $1)",
                    self.tenant.tenant_id,
                )
                or ()
            )

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.postgres.admin_url)
        try:
            yield connection
        finally:
            await connection.close()

    async def execute(self, *statements: str) -> None:
        async with self.admin() as connection:
            for statement in statements:
                await connection.execute(statement)


@pytest.fixture(scope="module")
async def postgres() -> AsyncIterator[EmbeddedServer]:
    """A PostgreSQL that nobody else uses, with the schema loaded."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
        Path(directory).chmod(0o755)  # noqa: ASYNC240
        configuration = CONFIGURATION | {"max_connections": str(MOST_CONNECTIONS), "shared_buffers": "64MB"}
        with EmbeddedServer(
            Path(directory), bin_directory=bin_directory(MAJOR_VERSION), configuration=configuration
        ) as server:
            await migrate(server.admin_url)
            await server.set_passwords()
            yield server


@pytest.fixture(params=["session", "transaction"])
async def house(request: pytest.FixtureRequest, settings: Settings, postgres: EmbeddedServer) -> AsyncIterator[House]:
    tenant = await make_tenant(admin_url=postgres.admin_url)
    mode = replace(settings, database_url=postgres.api_url, pool_mode=request.param)
    async with running(mode, postgres.api_url) as server:
        yield House(postgres, server, tenant)


@asynccontextmanager
async def disk_full(house: House, *tables: str) -> AsyncIterator[None]:
    """These tables, emptied before, have no room in the body. Afterwards they are moved to where there is."""
    async with house.admin() as connection:
        await connection.execute("set session_replication_role = replica")  # what is kept for ever is in the way
        await connection.execute(f"truncate {', '.join(tables)} cascade")
        for table in tables:
            place = await connection.fetchval("select pg_relation_filepath($1)", table)
            file = house.postgres.directory.cluster / place
            file.unlink()
            file.symlink_to(FULL)
    try:
        yield
    finally:
        await house.execute(*(f"vacuum full {table}" for table in tables))


async def is_reachable(house: House) -> bool:
    return (await house.server.client.get("/readyz")).status_code == 200


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this system")
async def test_a_full_disk_refuses_what_writes_and_answers_what_reads_until_there_is_room(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await house.create("Before")).json().keys() == {"data"}
    async with disk_full(house, "billing.clients", "iam.sessions"):
        for answer in await house.refusable():
            assert refusal(answer) == (503, "UNAVAILABLE", "DATABASE_FULL")
            assert int(answer.headers["retry-after"]) > 0
            assert "make room" in answer.json()["errors"][0]["message"]
        assert (await house.counts()).json() == {"data": {"clients": {"totalCount": 0}}}
        assert (await house.left()) == (0, 0, 0, 0)
        assert await is_reachable(house)
    assert "SQLSTATE 53100" in caplog.text
    assert "No space left on device" in caplog.text, "whoever runs the house reads which file it was"
    await assert_all_is_well(house)


async def assert_all_is_well(house: House) -> None:
    """Without a restart, each is done once."""
    for answer in await house.refusable():
        assert answer.json().keys() == {"data"}, answer.text
    assert await house.left() == (5, 1, 1, 1)


async def set_database(house: House, setting: str) -> None:
    """For whoever connects from now on, so whoever is connected is sent away."""
    await house.execute(f"alter database countinghouse {setting}", SEND_AWAY)


async def set_server(house: House, setting: str) -> None:
    """For everybody, and at once."""
    word = "alter system " + setting
    await house.execute(word, "select pg_reload_conf()")


@pytest.mark.parametrize("give", [set_database, set_server], ids=["new-connections", "at-once"])
async def test_a_database_that_only_reads_refuses_what_writes_until_it_takes_changes_again(
    house: House, give: Callable[[House, str], Awaitable[None]]
) -> None:
    await give(house, "set default_transaction_read_only = on")
    try:

        async def refuses() -> bool:
            answer = await house.create("A rehearsal", Prefer="tx=rollback")
            return "errors" in answer.json() and refusal(answer)[2] == "DATABASE_READ_ONLY"

        if give is set_server:
            await until(refuses, "the setting has arrived")
        for answer in await house.refusable():
            assert refusal(answer) == (503, "UNAVAILABLE", "DATABASE_READ_ONLY")
            assert int(answer.headers["retry-after"]) > 0
        assert (await house.counts()).json() == {"data": {"clients": {"totalCount": 0}}}
        assert await is_reachable(house)
    finally:
        async with house.admin() as connection:
            await connection.execute("set default_transaction_read_only = off")
            kind = "system" if give is set_server else "database countinghouse"
            await connection.execute(f"alter {kind} reset default_transaction_read_only")
            await connection.execute("select pg_reload_conf()")

    async def takes_changes() -> bool:
        return "errors" not in (await house.create("A rehearsal", Prefer="tx=rollback")).json()

    await until(takes_changes, "it takes changes again")
    await assert_all_is_well(house)


async def test_where_others_hold_all_connections_it_is_said_and_it_ends_with_them(
    house: House,
) -> None:
    crowded = (503, "UNAVAILABLE", "DATABASE_CROWDED")
    async with AsyncExitStack() as held:
        with pytest.raises(asyncpg.TooManyConnectionsError):
            while True:
                other = await asyncpg.connect(house.postgres.worker_url)
                held.push_async_callback(other.close)
        await house.execute(SEND_AWAY)
        held.push_async_callback((await asyncpg.connect(house.postgres.worker_url)).close)
        answers = [await house.counts(), *(await house.refusable())]
        for answer in answers:
            assert refusal(answer) == crowded
            assert int(answer.headers["retry-after"]) > 0
        ready = await house.server.client.get("/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (503, "DATABASE_CROWDED")
        assert (await house.server.client.get("/healthz")).status_code == 200
        metrics = (await house.server.client.get("/metrics")).text
        assert counted(metrics, 'countinghouse_unavailable_total{reason="DATABASE_CROWDED"}') == len(answers)

    async def are_gone() -> bool:
        await asyncio.sleep(0.01)
        return await is_reachable(house)

    await until(are_gone, "PostgreSQL has noticed that they have gone")
    await assert_all_is_well(house)
