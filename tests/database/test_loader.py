"""Loading the schema: once, whole, and only where it belongs."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from gql.database import loader, sources
from gql.database.catalog import House
from gql.database.catalog.server import is_safe
from gql.database.loader import MigrationError, _demand_server, migrate, schema_version
from tests.harness.actors import as_nobody, as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant


@pytest.fixture
async def empty(database: TestDatabase) -> AsyncIterator[str]:
    """The address of a new, empty database, as superuser."""
    name = f"empty_{secrets.token_hex(6)}"
    async with as_superuser() as connection:
        await connection.execute(f"create database {name}")
        yield database.admin_url.replace("/countinghouse?", f"/{name}?")
        await connection.execute(f"drop database {name} with (force)")


async def run(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_an_empty_database_is_loaded_in_less_than_five_seconds(empty: str) -> None:
    seen: list[tuple[int, int, str]] = []
    report = await migrate(empty, lambda *step: seen.append(step))
    assert report.loaded
    assert report.seconds < 5
    assert report.version == schema_version() == await run(empty, "select version from core.schema_version")
    assert [step[0] for step in seen] == list(range(1, report.files + 1))
    assert seen[-1][1] == report.files


async def test_on_a_match_nothing_happens(empty: str) -> None:
    await migrate(empty)
    loaded_at = await run(empty, "select loaded_at from core.schema_version")
    report = await migrate(empty)
    assert (report.loaded, report.files) == (False, 0)
    assert await run(empty, "select loaded_at from core.schema_version") == loaded_at


async def test_another_version_is_refused_with_what_to_do(empty: str) -> None:
    await migrate(empty)
    await run(empty, "update core.schema_version set version = '0.0.9+abc'")
    with pytest.raises(MigrationError, match=r"holds version 0\.0\.9\+abc and this is .* load into an empty database"):
        await migrate(empty)


@pytest.mark.parametrize("thing", ["table public.ledger ()", "schema books", "view public.sums as select 1"])
async def test_a_database_with_something_in_it_is_refused(empty: str, thing: str) -> None:
    await run(empty, f"create {thing}")
    with pytest.raises(MigrationError, match=r"not empty: it holds (public\.ledger|schema books|public\.sums)\."):
        await migrate(empty)
    assert await run(empty, "select to_regnamespace('core')") is None


async def test_a_database_in_another_encoding_is_refused(database: TestDatabase) -> None:
    async with as_superuser() as connection:
        await connection.execute("create database latin encoding latin1 locale 'C' template template0")
        with pytest.raises(MigrationError, match="must be in UTF8 and is in LATIN1"):
            await migrate(database.admin_url.replace("/countinghouse?", "/latin?"))
        await connection.execute("drop database latin")


@pytest.mark.parametrize(
    ("number", "is_enough"),
    [
        (140_020, False),
        (150_017, False),
        (150_018, True),
        (160_013, False),
        (160_014, True),
        (170_009, False),
        (170_010, True),
        (180_003, False),
        (180_004, True),
        (190_000, True),
    ],
)
async def test_a_server_with_known_ways_past_row_security_is_refused(empty: str, number: int, is_enough: bool) -> None:
    """Attacks 16, 18 and 19. `doctor` and `migrate` ask for the same: 15.18, 16.14, 17.10, 18.4 or later."""
    house = House()
    assert is_safe(number, house.version_floors) is is_enough
    connection = await asyncpg.connect(empty)
    try:
        await _demand_server(connection, house)
        here = await connection.fetchval("select current_setting('server_version_num')::int")
        with pytest.raises(MigrationError, match=r"known ways past row security\. Update PostgreSQL to 15\.18, "):
            await _demand_server(connection, replace(house, version_floors=(str(here + 1),)))
    finally:
        await connection.close()


async def test_only_a_superuser_may_load(database: TestDatabase) -> None:
    async with as_nobody():
        with pytest.raises(MigrationError, match="countinghouse_api is no superuser.*COUNTINGHOUSE_ADMIN_URL"):
            await migrate(database.api_url)


async def test_a_database_that_does_not_answer_is_told_in_a_sentence() -> None:
    with pytest.raises(MigrationError, match="The database does not let us in"):
        await migrate("postgresql://nobody@127.0.0.1:1/nothing")


async def test_a_mistake_in_a_file_is_placed_and_nothing_stays(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"core/roles.sql": "create schema core;", "core/bad.sql": "select 1;\nselect 2;\nselect nothing;\n"}
    monkeypatch.setattr(loader, "schema_sources", lambda: broken)
    with pytest.raises(MigrationError, match=r'sql/core/bad\.sql, line 3: column "nothing" does not exist'):
        await migrate(empty)
    assert await run(empty, "select to_regnamespace('core')") is None


async def test_roles_that_a_dump_did_not_carry_are_made_again(database: TestDatabase, tenant: Tenant) -> None:
    async with as_superuser() as connection:
        exists = f"select exists (select from pg_roles where rolname = '{tenant.database_role}')"
        await connection.execute(f"drop role {tenant.database_role}")
        assert not await connection.fetchval(exists)
        report = await migrate(database.admin_url)
        assert report.roles_restored == 1
        assert await connection.fetchval(exists)


def test_a_line_of_the_table_of_contents_that_names_no_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "load.sql").write_text("-- contents\n\n\\ir core/missing.sql\n")
    monkeypatch.setattr(sources, "sql_directory", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"load\.sql, line 3: expected"):
        sources.schema_sources.__wrapped__()


def test_every_sql_file_is_loaded_once() -> None:
    directory = loader.sql_directory()
    files = {str(path.relative_to(directory)) for path in directory.rglob("*.sql")} - {"load.sql"}
    assert set(sources.schema_sources()) == files
