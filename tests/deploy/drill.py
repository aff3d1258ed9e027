"""What the drills of backup and restore share: a house that takes money, and the scripts of deploy/backup, run as an
operator runs them: as programs, with libpq's variables, as the user that PostgreSQL runs as."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import httpx

from gql.database.embedded import EmbeddedServer
from gql.database.embedded.unprivileged import choose_server_user
from gql.database.loader import migrate
from gql.settings import Settings
from tests.adversity.victims import Cluster, Serving, serving
from tests.database.pooling import until
from tests.harness.actors import context_of, put
from tests.harness.command_line import PROGRAM, Outcome, countinghouse, environment
from tests.harness.postgres import MAJOR_VERSION, PREFIX, bin_directory
from tests.harness.tenants import PASSWORD, Tenant, make_tenant

SCRIPTS: Final = Path(__file__).parents[2] / "deploy" / "backup"
# As they stand in docs/backup.md, where a test looks for each.
BASE_BACKUP: Final = 'base_backup.sh "$BACKUPS"'
DUMP: Final = 'dump.sh "$BACKUPS"'
BOTH: Final = 'backup.sh "$BACKUPS"'
TO_A_TIME: Final = 'restore_to_point.sh "$BACKUP" "$ARCHIVE" "$CLUSTER" --time "$TIME"'
TO_A_NAME: Final = 'restore_to_point.sh "$BACKUP" "$ARCHIVE" "$CLUSTER" --name "$NAME"'
TO_THE_END: Final = 'restore_to_point.sh "$BACKUP" "$ARCHIVE" "$CLUSTER" --latest'
OF_A_DUMP: Final = 'restore_dump.sh "$DUMP"'
CONFIGURATION: Final = {"fsync": "off", "shared_buffers": "64MB"}
SIGN_IN: Final = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }"
CLIENT: Final = 'mutation { clientCreate(input: {name: "Fen Orchards", currency: "EUR"}) { client { id } } }'
PAY: Final = """mutation ($client: ID!, $amount: Money!, $reference: String!) {
    paymentRecord(input: {clientId: $client, method: "BANK_TRANSFER", amount: $amount, status: CONFIRMED,
        reference: $reference}) { payment { id } } }"""
PAYMENTS: Final = "select reference from billing.payments where tenant_id = $1"
TRIAL_BALANCE: Final = "{ trialBalance { code currency debit credit } }"


@dataclass
class Till:
    """One organisation, whose owner takes payments and notes which of them were acknowledged."""

    tenant: Tenant
    token: str = ""
    client: str = ""
    answers: dict[str, bytes] = field(default_factory=dict)
    """What was answered, by the reference, which is the idempotency key as well."""

    async def open(self, serving: Serving) -> None:
        signed_in = await self.ask(serving, SIGN_IN, input={"email": self.tenant.owner_email, "password": PASSWORD})
        self.token = signed_in["signIn"]["accessToken"]
        self.client = (await self.ask(serving, CLIENT))["clientCreate"]["client"]["id"]

    async def ask(self, serving: Serving, query: str, **variables: Any) -> dict[str, Any]:
        answer = await self._send(serving, query, variables, {})
        assert answer.json().keys() == {"data"}, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def pay(self, serving: Serving, reference: str) -> httpx.Response:
        variables = {"client": self.client, "amount": "12.34", "reference": reference}
        answer = await self._send(serving, PAY, variables, {"Idempotency-Key": reference})
        assert answer.json().keys() == {"data"}, answer.text
        return answer

    async def _send(self, serving: Serving, query: str, variables: Any, headers: Mapping[str, str]) -> httpx.Response:
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with httpx.AsyncClient(base_url=serving.url, timeout=60) as client:
            return await client.post(
                "/graphql", json={"query": query, "variables": variables}, headers={**token, **headers}
            )


@dataclass(frozen=True)
class Noted:
    """A point in time, and what stood in the books then."""

    time: str
    acknowledged: dict[str, frozenset[str]]
    trial_balances: dict[str, Any]


class House:
    """A PostgreSQL in a directory of the drill's own, a server on it, and two organisations that take money."""

    def __init__(self, place: Path, cluster: Cluster, serving: Serving, tills: list[Till]) -> None:
        self.place = place
        self.cluster = cluster
        self.serving = serving
        self.tills = tills
        self._between = [asyncio.Lock() for _ in tills]
        self._numbers = count(1)

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[None]:
        """In the body both tills take one payment after the other."""
        loads = [
            asyncio.create_task(self._load(till, lock)) for till, lock in zip(self.tills, self._between, strict=True)
        ]
        try:
            yield
        finally:
            for load in loads:
                load.cancel()
            ended = await asyncio.gather(*loads, return_exceptions=True)
            assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended

    async def _load(self, till: Till, between: asyncio.Lock) -> None:
        while True:
            async with between:
                reference = f"P-{next(self._numbers)}"
                payment = asyncio.create_task(till.pay(self.serving, reference))
                # Whoever ends the load waits for the answer, so that each payment is either noted or not made.
                try:
                    answer = await asyncio.shield(payment)
                except asyncio.CancelledError:
                    answer = await payment
                    till.answers[reference] = answer.content
                    raise
                till.answers[reference] = answer.content
            await asyncio.sleep(0)

    async def taken(self, more: int) -> None:
        """Wait until so many more payments were acknowledged at each till."""
        wanted = [len(till.answers) + more for till in self.tills]

        async def enough() -> bool:
            await asyncio.sleep(0.01)
            return all(len(till.answers) >= least for till, least in zip(self.tills, wanted, strict=True))

        await until(enough, "enough payments were acknowledged", within=60)

    async def note(self, point: str | None = None) -> Noted:
        """A point between two acknowledged payments; under a name too, if it gets one."""
        async with AsyncExitStack() as between:
            for lock in self._between:
                await between.enter_async_context(lock)
            balances = {till.tenant.slug: await trial_balance(till, self.serving) for till in self.tills}
            async with self.cluster.admin() as connection:
                if point is not None:
                    await connection.fetchval("select pg_create_restore_point($1)", point)
                time = await connection.fetchval("select clock_timestamp()::text")
            return Noted(time, {till.tenant.slug: frozenset(till.answers) for till in self.tills}, balances)

    async def archived(self) -> None:
        """Wait until all that was written so far stands in the archive."""
        async with self.cluster.admin() as connection:
            segment = await connection.fetchval("select pg_walfile_name(pg_switch_wal())")
        await until_there(self.place / "archive", segment)


async def until_there(directory: Path, pattern: str) -> Path:
    """The first that is found in the directory, as soon as there is one."""

    async def found() -> bool:
        await asyncio.sleep(0.005)
        return any(directory.glob(pattern))  # noqa: ASYNC240

    await until(found, f"{directory} has {pattern}", within=60)
    return next(directory.glob(pattern))  # noqa: ASYNC240


async def trial_balance(till: Till, serving: Serving) -> Any:
    return (await till.ask(serving, TRIAL_BALANCE))["trialBalance"]


@asynccontextmanager
async def a_place() -> AsyncIterator[Path]:
    """A directory with the scripts, an archive of WAL and room for backups, which PostgreSQL's user may write to."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
        place = Path(directory)
        place.chmod(0o755)  # noqa: ASYNC240
        shutil.copytree(SCRIPTS, place / "scripts")
        (place / "scripts").chmod(0o755)
        user = choose_server_user(place / "none")
        for name in ("archive", "backups", "metrics", "clusters"):
            (place / name).mkdir(mode=0o755)
            os.chown(place / name, user.uid, user.gid)
        yield place


def a_server(place: Path, name: str, **configuration: str) -> EmbeddedServer:
    return EmbeddedServer(
        place / name,
        bin_directory=bin_directory(MAJOR_VERSION),
        configuration={**CONFIGURATION, **configuration},
    )


@asynccontextmanager
async def a_house(place: Path) -> AsyncIterator[House]:
    """The house, whose WAL goes to the archive as deploy/backup says."""
    archiving = f"{place}/scripts/archive_wal.sh %p %f {place}/archive"
    server = a_server(place, "first", archive_mode="on", archive_command=archiving)
    with server:
        await migrate(server.admin_url)
        await server.set_passwords()
        tills = [Till(await make_tenant(name, admin_url=server.admin_url)) for name in ("Ashdown", "Bellwether")]
        cluster = Cluster(server)
        async with serving(cluster) as served:
            for till in tills:
                await till.open(served)
            yield House(place, cluster, served, tills)


def variables(server: EmbeddedServer, place: Path, **more: str) -> dict[str, str]:
    """libpq's variables for the superuser of a server, the programs of its version, and nothing else of ours."""
    address = urlsplit(server.admin_url)
    programs = server.program("psql").parent
    return {
        "PATH": f"{place / 'scripts'}:{programs}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port),
        "PGUSER": address.username or "",
        "PGPASSWORD": address.password or "",
        "PGSSLMODE": "disable",
        "PGDATABASE": "countinghouse",
        "METRICS_DIRECTORY": str(place / "metrics"),
        "BACKUPS": str(place / "backups"),
        "ARCHIVE": str(place / "archive"),
        "COUNTINGHOUSE": str(PROGRAM),
        # So that it is this tree whose command is run, wherever the environment of the tests was made.
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        **more,
    }


async def begin(command: str, env: Mapping[str, str], *, as_server: bool = True) -> asyncio.subprocess.Process:
    """Start a command in a process group of its own: as the user that PostgreSQL runs as, or as ourselves where it
    writes no files and needs `countinghouse`, which need not be open to others."""
    place = Path(env["BACKUPS"]).parent
    return await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        f"exec {command}",
        env=env,
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        **(choose_server_user(place / "none").popen_arguments if as_server else {}),
    )


async def run(command: str, env: Mapping[str, str], *, as_server: bool = True) -> Outcome:
    """Run a command to its end."""
    process = await begin(command, env, as_server=as_server)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Outcome(process.returncode, out.decode(), err.decode())


async def doctor(server: EmbeddedServer) -> Outcome:
    settings = Settings(
        database_url=server.api_url,
        admin_url=server.admin_url,
        worker_url=server.worker_url,
        data_dir=server.directory.path,
    )
    return await countinghouse("doctor", env=environment(settings))


async def payments(server: EmbeddedServer, till: Till) -> frozenset[str]:
    """The references of the payments that stand in the database."""
    connection = await asyncpg.connect(server.admin_url)
    try:
        rows = await connection.fetch(PAYMENTS, till.tenant.tenant_id)
    finally:
        await connection.close()
    return frozenset(row["reference"] for row in rows)


async def seal(server: EmbeddedServer, till: Till) -> None:
    """Seal the organisation's audit log, as the worker does."""
    connection = await asyncpg.connect(server.api_url)
    try:
        await put(connection, context_of(till.tenant, "worker"))
        await connection.execute(f"set role {till.tenant.database_role}")
        await connection.execute("select core.audit_seal()")
    finally:
        await connection.close()


def metric(place: Path, kind: str) -> float | None:
    """When the last success of this kind was, as node_exporter would read it."""
    file = place / "metrics" / f"countinghouse_backup_{kind}.prom"
    if not file.exists():
        return None
    name, value = file.read_text().splitlines()[-1].rsplit(" ", 1)
    assert name == f'countinghouse_backup_last_success_timestamp_seconds{{kind="{kind}"}}'
    return float(value)
