"""What the database alone costs: pgbench with the statements that we would send, and with none that does anything."""

import asyncio
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from bench.database import BenchDatabase
from bench.documents import document, variables
from bench.load import Sample, percentile
from bench.measure import cpu_seconds, peak_megabytes
from bench.works import Facts
from gql.database.context import Context
from gql.database.pool.standing import UNCHANGING
from gql.engine.documents import Documents
from gql.engine.plans import Planner
from gql.schema import build_schema, declarations

SCRIPTS: Final = 16
"""For a work about one of many rows: pgbench chooses among so many scripts, each with another row."""
_PLACE: Final = re.compile(r"\$(\d+)::(text|uuid)")
_ANSWER: Final = re.compile(r"^select convert_to\((.*), 'UTF8'\) (where core\.context\(\) = .*)$", re.DOTALL)


class PgBench:
    """The ceiling. Each session stands in the tenant's context from its start, as a warm connection of ours does."""

    name = "pgbench"

    def __init__(self, database: BenchDatabase) -> None:
        schema = build_schema()._schema
        self._database = database
        self._documents = Documents(schema)
        self._planner = Planner(schema, declarations())

    async def sample(self, work: str, tenant: Facts, warm_seconds: float, seconds: float) -> Sample:
        """One round of the statement of a work."""
        count = SCRIPTS if work == "point" else 1
        given: dict[str, str] = {}
        scripts = [self._script(work, tenant, number, given) for number in range(count)]
        return await run(self._database, scripts, options_of(context_of(tenant)), warm_seconds, seconds, given)

    def _script(self, work: str, tenant: Facts, number: int, given: dict[str, str]) -> str:
        """The statement with its parameters as variables of pgbench, whose values are put into `given`."""
        operation = self._documents.operation(document(work), None, introspection=False)
        values, shaped = self._planner.read(operation, variables(work, tenant, number))
        context = context_of(tenant)
        statement = self._planner.plan(operation, shaped, scoped_as=context.scoped_as).statement
        assert statement is not None
        arguments = statement.arguments(context, values)

        def variable(place: re.Match[str]) -> str:
            argument = arguments[int(place[1]) - 1]
            if argument is None:
                return f"null::{place[2]}"
            name = f"argument_{number}_{place[1]}"
            given[name] = argument
            return f":{name}::{place[2]}"

        # pgbench asks for text, and would get bytes written out in hexadecimal: the same text as it is costs less.
        answering = _ANSWER.match(statement.sql)
        assert answering is not None
        sql = _PLACE.sub(variable, f"select {answering[1]} {answering[2]}")
        return " ".join(sql.split()) + ";\n"


class SelectOne:
    """The floor of the database's half: a statement that does nothing."""

    name = "select 1"

    def __init__(self, database: BenchDatabase) -> None:
        self._database = database

    async def sample(self, work: str, tenant: Facts, warm_seconds: float, seconds: float) -> Sample:
        return await run(self._database, ["select 1;\n"], options_of(context_of(tenant)), warm_seconds, seconds, {})


def context_of(tenant: Facts) -> Context:
    return Context(UUID(tenant.tenant_id), UUID(tenant.user_id), "owner", is_scoped=False)


def options_of(context: Context) -> str:
    settings = {
        **UNCHANGING,
        "role": context.database_role,
        "app.user_id": str(context.user_id),
        "app.role": context.role,
        "app.scope_ids": context.scope_literal,
        "app.time_zone": context.time_zone,
        "app.fiscal_year_start": str(context.fiscal_year_start),
        "app.context": context.fingerprint,
    }
    return " ".join("-c " + f"{name}={value}".replace(" ", "\\ ") for name, value in settings.items())


async def run(
    database: BenchDatabase,
    scripts: list[str],
    options: str,
    warm_seconds: float,
    seconds: float,
    given: Mapping[str, str],
    *,
    url: str | None = None,
) -> Sample:
    """A run of pgbench, of which so many seconds count after the warming: as the server connects, unless another
    address is given. Raises RuntimeError where it fails."""
    address = urlsplit(url or database.place.api_url)
    environment = {
        **os.environ,
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port),
        "PGUSER": address.username or "",
        "PGPASSWORD": address.password or "",
        "PGDATABASE": address.path[1:],
        "PGOPTIONS": options,
        "PGSSLMODE": "disable",
    }
    directory = Path(tempfile.mkdtemp(prefix="countinghouse-bench-"))
    try:
        files = [part for name, value in given.items() for part in ("-D", f"{name}={value}")]
        for number, script in enumerate(scripts):
            (directory / f"{number}.sql").write_text(script)
            files += ["-f", f"{number}.sql"]
        length = math.ceil(warm_seconds + seconds) + 1
        clients = str(database.place.connections)
        process = await asyncio.create_subprocess_exec(
            database.programs("pgbench").absolute(), "-n", "-M", "prepared", "-c", clients, "-T", str(length),
            "-l", *files,
            cwd=directory, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        telling = asyncio.create_task(process.communicate())
        await asyncio.wait([telling], timeout=warm_seconds)
        begun = time.time()
        before = cpu_seconds([process.pid]), cpu_seconds([database.postmaster_id])
        await asyncio.wait([telling], timeout=seconds)
        ended = time.time()
        after = cpu_seconds([process.pid]), cpu_seconds([database.postmaster_id])
        peak = peak_megabytes([process.pid])
        out, _ = await telling
        if process.returncode:
            raise RuntimeError(f"pgbench failed: {out.decode()[-2000:]}")
        latencies = _latencies(directory, begun, ended)
    finally:
        shutil.rmtree(directory)
    count = max(1, len(latencies))
    return Sample(
        requests=len(latencies),
        seconds=ended - begun,
        p50_ms=percentile(latencies, 0.5),
        p99_ms=percentile(latencies, 0.99),
        server_cpu_ms=0.0,
        postgres_cpu_ms=(after[1] - before[1]) * 1000 / count,
        load_cpu_ms=(after[0] - before[0]) * 1000 / count,
        peak_mb=peak,
        answer_bytes=0,
    )


def _latencies(directory: Path, begun: float, ended: float) -> list[float]:
    """The latencies, in milliseconds and in order, of what was answered in this time."""
    found = []
    for log in directory.glob("pgbench_log.*"):
        for line in log.read_text().splitlines():
            _, _, latency, _, second, microsecond = line.split()[:6]
            if begun <= int(second) + int(microsecond) / 1e6 < ended:
                found.append(int(latency) / 1000)
    return sorted(found)
