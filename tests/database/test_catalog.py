"""The schema keeps every rule of the catalog, and the catalog finds whoever does not."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from gql.database.catalog import LOADED, RULES, Finding, House, examine
from gql.database.embedded import EmbeddedServer
from gql.database.loader import migrate
from tests.database.bad import EXAMPLES, REPORT, SAMPLE, Bad
from tests.database.bad.example import NEW_ANALYST
from tests.harness.postgres import CONFIGURATION, MAJOR_VERSION, bin_directory

RULES_BY_NAME = {rule.name: rule for rule in (LOADED, *RULES)}


@pytest.fixture(scope="module")
async def fresh() -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to a freshly migrated database on a server of its own: roles belong to the server, and
    those that other tests make are not the schema's."""
    directory = Path(tempfile.mkdtemp(prefix="countinghouse-catalog-"))
    try:
        with EmbeddedServer(
            directory, bin_directory=bin_directory(MAJOR_VERSION), configuration=CONFIGURATION
        ) as server:
            await migrate(server.admin_url)
            connection = await asyncpg.connect(server.admin_url)
            yield connection
            await connection.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def scratch(fresh: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The same connection, with the sample made in a transaction that is rolled back."""
    transaction = fresh.transaction()
    await transaction.start()
    try:
        await fresh.execute(SAMPLE)
        yield fresh
    finally:
        await transaction.rollback()


def told(findings: list[Finding]) -> str:
    return "\n".join(f"{finding.rule}: {finding.sentence}" for finding in findings)


async def test_the_schema_breaks_no_rule(fresh: asyncpg.Connection) -> None:
    """Attacks 4, 6 to 9, 11 to 15, 17, 22, 23 and 25."""
    findings = await examine(fresh)
    assert not findings, told(findings)


async def test_an_organisation_in_it_breaks_no_rule(fresh: asyncpg.Connection) -> None:
    """With a tenant there are its role and its memberships to judge."""
    transaction = fresh.transaction()
    await transaction.start()
    try:
        await fresh.execute(
            """select iam.tenant_create('{"slug": "sampler", "name": "Sampler", "currency": "EUR", "country": "IE"}')"""
        )
        findings = await examine(fresh)
        assert not findings, told(findings)
    finally:
        await transaction.rollback()


async def test_an_analyst_in_it_breaks_no_rule(scratch: asyncpg.Connection) -> None:
    await scratch.execute(NEW_ANALYST)
    findings = await examine(scratch)
    assert not findings, told(findings)
    await scratch.execute("update iam.tenants set suspended_at = now()")
    findings = await examine(scratch)
    assert not findings, told(findings)


async def test_a_well_made_noun_breaks_no_rule(scratch: asyncpg.Connection) -> None:
    findings = await examine(scratch)
    assert not findings, told(findings)


async def test_a_report_behind_its_barrier_breaks_no_rule(scratch: asyncpg.Connection) -> None:
    await scratch.execute(REPORT)
    findings = await examine(scratch)
    assert not findings, told(findings)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.rule}-{example.objects[0]}")
async def test_a_bad_object_is_found_and_nothing_beside_it(scratch: asyncpg.Connection, example: Bad) -> None:
    await scratch.execute(example.sql)
    findings = await examine(scratch, rules=[RULES_BY_NAME[example.rule]])
    found = {finding.object for finding in findings}
    assert {finding.rule for finding in findings} == {example.rule}
    assert all(any(is_named(name, given) for name in found) for given in example.objects), told(findings)
    assert all(any(is_named(name, given) for given in example.objects) for name in found), told(findings)


def is_named(name: str, given: str) -> bool:
    return name == given or (given.endswith("*") and name.startswith(given.removesuffix("*")))


async def test_a_server_with_known_holes_is_found(fresh: asyncpg.Connection) -> None:
    number = await fresh.fetchval("select current_setting('server_version_num')::int")
    rules = [RULES_BY_NAME["server-version"]]
    for floor in (number, number - 1, 10_000 * (number // 10_000 - 1)):
        assert not await examine(fresh, rules=rules, house=House(version_floors=(str(floor),)))
    for floor in (number + 1, 10_000 * (number // 10_000 + 1)):
        findings = await examine(fresh, rules=rules, house=House(version_floors=(str(floor),)))
        assert [finding.object for finding in findings] == ["the server"]


def test_every_rule_has_a_bad_example() -> None:
    shown = {example.rule for example in EXAMPLES} | {"server-version"}
    assert shown == set(RULES_BY_NAME)


def test_every_rule_says_what_to_do_and_why() -> None:
    assert len(RULES_BY_NAME) == len(RULES) + 1, "two rules have the same name"
    for rule in RULES_BY_NAME.values():
        for sentence in (rule.reason, rule.remedy):
            assert sentence[0].isupper(), sentence
            assert sentence.endswith("."), sentence


async def test_a_finding_is_a_sentence_for_whoever_runs_the_house(scratch: asyncpg.Connection) -> None:
    await scratch.execute("alter table billing.samples disable row level security")
    [finding] = await examine(scratch, rules=[RULES_BY_NAME["row-security-enabled"]])
    assert finding.sentence == (
        "billing.samples has row security switched off. Write `alter table … enable row level security`, for each"
        " partition too."
    )


async def test_a_library_s_own_schema_is_exempt_by_name(scratch: asyncpg.Connection) -> None:
    await scratch.execute("create schema annex; create table annex.jobs (id serial); create view annex.v as select 1")
    assert await examine(scratch)
    house = House()
    findings = await examine(scratch, house=replace(house, exempt_schemas=(*house.exempt_schemas, "annex")))
    assert not findings, told(findings)


async def test_examining_leaves_the_connection_as_it_was(fresh: asyncpg.Connection) -> None:
    await fresh.execute("set search_path = billing")
    try:
        await examine(fresh)
        assert await fresh.fetchval("show search_path") == "billing"
        assert not fresh.is_in_transaction()
    finally:
        await fresh.execute("reset search_path")
