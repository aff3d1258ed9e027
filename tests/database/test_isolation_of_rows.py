"""What a tenant's role, an analyst's login and the owner's rights can read, tried out on every table there is.

The catalog says that each rule is kept; here somebody walks through the house and rattles at every door.
"""

import io
import json
from typing import Any

import asyncpg
import pytest

from tests.database.isolation import OURS, REFUSED, RELATIONS, Filled, readable, texts
from tests.harness.actors import as_analyst, as_nobody, as_superuser, as_tenant, as_worker


def test_every_table_of_tenants_has_rows_of_both_organisations(mine: Filled, theirs: Filled) -> None:
    """Else the walk would prove nothing about it."""
    for filled in (mine, theirs):
        assert [name for name, rows in filled.rows.items() if not rows] == []
    assert len(theirs.marks(mine)) > 20


async def test_nobody_reads_a_row_or_a_word_of_another_organisation(
    actor: asyncpg.Connection, mine: Filled, theirs: Filled
) -> None:
    seen = await readable(actor)
    assert len(seen["billing.clients"]) == 2
    assert len(seen["billing.invoices"]) == 4
    for name, rows in seen.items():
        assert {row["tenant_id"] for row in rows if "tenant_id" in row} <= {str(mine.tenant.tenant_id)}, name
    text = json.dumps(seen)
    assert not [mark for mark in theirs.marks(mine) if mark in text]


async def test_a_tenant_reads_every_row_of_its_own(mine: Filled) -> None:
    async with as_tenant(mine.tenant) as connection:
        seen = await readable(connection)
    for name, rows in mine.rows.items():
        if name in seen:
            assert len(seen[name]) == len(rows), name


async def test_an_analyst_cannot_widen_what_they_see_by_any_setting(mine: Filled, theirs: Filled) -> None:
    async with as_analyst(mine.tenant) as connection:
        before = await readable(connection)
        for setting in ("app.tenant_id", "app.user_id", "app.role", "app.scope_ids", "app.context"):
            for value in (str(theirs.tenant.tenant_id), f"{{{theirs.client_ids[0]}}}", "owner", ""):
                await connection.execute("select set_config($1, $2, false)", setting, value)
                try:
                    assert await readable(connection) == before, (setting, value)
                except asyncpg.InvalidTextRepresentationError:
                    assert setting == "app.scope_ids"  # what is no list of ids shows them nothing at all
            await connection.execute("select set_config($1, '', false)", setting)


async def test_a_scoped_person_reads_their_own_client_alone(mine: Filled) -> None:
    first, second = map(str, mine.client_ids)
    async with as_tenant(mine.tenant, "member", [mine.client_ids[0]]) as connection:
        seen = await readable(connection)
    assert [row["id"] for row in seen["billing.clients"]] == [first]
    assert len(seen["billing.invoices"]) == len(seen["billing.invoice_lines"]) == 2
    assert len(seen["billing.recurring_invoices"]) == len(seen["billing.recurring_invoice_periods"]) == 1
    assert seen["billing.client_notes"] == []
    assert second not in json.dumps(seen)


@pytest.mark.parametrize("role", ["member", "", "superuser", "OWNER"])
async def test_a_person_without_scope_or_with_no_known_role_reads_nothing(mine: Filled, role: str) -> None:
    async with as_tenant(mine.tenant, role) as connection:
        seen = await readable(connection)
    assert {name: rows for name, rows in seen.items() if rows and name.startswith("billing.")} == {}


async def test_a_scope_of_another_organisation_opens_nothing(mine: Filled, theirs: Filled) -> None:
    async with as_tenant(mine.tenant, "member", theirs.client_ids) as connection:
        seen = await readable(connection)
    assert {name: rows for name, rows in seen.items() if rows and name.startswith("billing.")} == {}


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_a_partition_cannot_be_read_by_itself(entrance: Any, mine: Filled) -> None:
    async with entrance(mine.tenant) as connection:
        partitions = [row["name"] for row in await connection.fetch(RELATIONS) if row["is_partition"]]
        assert partitions
        for partition in partitions:
            with pytest.raises(REFUSED):
                await connection.fetch(f"select count(*) from {partition}")


async def test_people_are_out_of_reach(actor: asyncpg.Connection, mine: Filled) -> None:
    """Those who own the tables can ask, and see nobody but the organisation itself."""
    for table in ("iam.users", "iam.tenants"):
        try:
            rows = await actor.fetch(f"select id from {table}")
        except REFUSED:
            continue
        assert {row["id"] for row in rows} <= {mine.tenant.tenant_id, mine.tenant.owner_id}


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_copy_out_is_filtered_like_a_select(entrance: Any, mine: Filled) -> None:
    async with entrance(mine.tenant) as connection:
        out = io.BytesIO()
        await connection.copy_from_query("select id from billing.clients", output=out)
        assert sorted(out.getvalue().decode().split()) == sorted(map(str, mine.client_ids))


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_statistics_show_nothing(entrance: Any, mine: Filled, theirs: Filled) -> None:
    ask = f"select count(*) from pg_catalog.pg_stats join pg_catalog.pg_namespace on nspname = schemaname where {OURS}"
    async with as_superuser() as connection:
        await connection.execute("analyze")
        assert await connection.fetchval(ask) > 20
    async with entrance(mine.tenant) as connection:
        assert await connection.fetchval(ask) == 0
        with pytest.raises(REFUSED):
            await connection.execute("select * from pg_catalog.pg_statistic")


async def test_row_security_cannot_be_switched_off(actor: asyncpg.Connection) -> None:
    await actor.execute("set row_security = off")
    with pytest.raises(REFUSED, match="row-level security"):
        await actor.fetch("select id from billing.clients")


async def test_a_leaky_predicate_sees_no_row_that_the_policy_hides(actor: asyncpg.Connection, mine: Filled) -> None:
    """A cast that fails on another organisation's row would tell its text; it is applied after the policy."""
    rows = await actor.fetch(
        "select id from billing.clients where name like $1 or name::int > 0", f"%{mine.tenant.slug}"
    )
    assert len(rows) == 2


async def test_a_plan_is_not_carried_from_one_organisation_to_the_next(mine: Filled, theirs: Filled) -> None:
    """One connection, one prepared statement with a generic plan, two tenants in turn."""
    async with as_nobody() as connection:
        await connection.execute("set plan_cache_mode = force_generic_plan; set app.role = 'owner'")
        await connection.execute(f"set role {mine.tenant.database_role}")
        await connection.execute(
            "prepare names as with c as (select id from billing.clients) select id from c where id in (table c)"
        )
        for filled in (mine, theirs) * 4:
            await connection.execute(f"set role {filled.tenant.database_role}")
            assert {row["id"] for row in await connection.fetch("execute names")} == set(filled.client_ids)
        await connection.execute("reset role")
        with pytest.raises(REFUSED):
            await connection.fetch("execute names")


async def test_the_worker_s_login_sees_that_something_is_due_and_nothing_about_it(mine: Filled, theirs: Filled) -> None:
    """Ids and days, of all organisations: no name, no amount, no text of anybody's."""
    both = (mine.tenant.tenant_id, theirs.tenant.tenant_id)
    async with as_worker() as connection:
        everything = await readable(connection)
        seen = {name: rows for name, rows in everything.items() if not name.startswith("pgqueuer.")}
        due = await connection.fetch(
            "select tenant_id from billing.recurring_invoices where tenant_id = any ($1)", both
        )
    assert {row[0] for row in due} == set(both)
    readable_columns = {column for rows in seen.values() for row in rows for column in row}
    always = {
        "id", "tenant_id", "time_zone", "fiscal_year_start", "suspended_at", "state", "expires_at", "next_date",
        "created_at", "enabled", "seal", "direction", "is_processed", "report", "every", "refreshed_at",
        "next_try_at", "status", "sent_at", "failed_at", "scored_on", "pack_id",
    }  # fmt: skip
    # Others' orders may be placed, or old.
    assert always <= readable_columns <= always | {"payment_status", "updated_at"}
    waiting = ("billing.recurring_invoices", "billing.invoice_messages", "iam.notices", "trade.messages")
    ids = {row["id"] for filled in (mine, theirs) for table in waiting for row in filled.rows[table]}
    marks = (texts(mine.rows) | texts(theirs.rows)) - ids - set(map(str, both))
    text = json.dumps(seen)
    assert not [mark for mark in marks - {"PENDING"} if mark in text]


async def test_the_server_s_login_reads_nothing_until_it_is_somebody(mine: Filled) -> None:
    async with as_nobody() as connection:
        for relation in await connection.fetch(RELATIONS):
            with pytest.raises(REFUSED):
                await connection.fetch(f"select * from {relation['name']}")
