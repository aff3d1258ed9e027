"""PostgreSQL's own checklist of row security, where it is about writing: with the rights of the owner of the tables, as
whom definer functions, triggers and checks of foreign keys run. It may write every table, and the policies alone hold
it back.
"""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final
from uuid import uuid4

import asyncpg
import pytest

from tests.database.isolation import Filled
from tests.database.rowsecurity import REFERENCES, Table, a_copy, first_rows, outcome, tables_for
from tests.harness.actors import as_owner

TABLES: Final = 45
"""There are more than so many."""
HIDDEN: Final = "42501"
OF_A_TRIGGER: Final = ("CH400", "CH404", "CH409")
"""What a trigger of ours says before the policy is asked; it sees the rows of the tenant alone."""
SAID_BY_A_TRIGGER: Final = {("trade.credit_adjustments", "transfer_id")}
"""Whatever a writer says of it."""


@pytest.fixture(scope="module")
async def owners(mine: Filled, theirs: Filled) -> list[Table]:
    async with as_owner(mine.tenant) as connection:
        tables = await tables_for(connection)
    assert len(tables) >= TABLES
    return tables


@pytest.fixture
async def owner(mine: Filled) -> AsyncIterator[asyncpg.Connection]:
    async with as_owner(mine.tenant) as connection:
        yield connection


REACHING: Final = {
    "an update": "update {table} t set tenant_id = t.tenant_id where {whose}",
    "an update from another set": "update {table} t set tenant_id = t.tenant_id from (values (1)) v (n) where {whose}",
    "a deletion": "delete from {table} t where {whose}",
    "a deletion by another set": "delete from {table} t using (values (1)) v (n) where {whose}",
    "a deletion in a CTE": "with gone as (delete from {table} t where {whose} returning 1) select from gone",
    "a merge that updates": "merge into {table} t using (values (1)) v (n) on {whose}"
    " when matched then update set tenant_id = t.tenant_id",
    "a merge that deletes": "merge into {table} t using (values (1)) v (n) on {whose} when matched then delete",
    "a lock": "select from {table} t where {whose} for update",
    "a shared lock": "select from {table} t where {whose} for key share",
}


@pytest.mark.parametrize("way", REACHING)
async def test_nothing_reaches_a_row_of_others(
    way: str, owner: asyncpg.Connection, owners: list[Table], mine: Filled, theirs: Filled
) -> None:
    """Attack 19. UPDATE and DELETE with FROM, USING and RETURNING, MERGE, and the locks of rows."""
    reached = set()
    for filled in (theirs, mine):
        whose = f"t.tenant_id = '{filled.tenant.tenant_id}'"
        for table in owners:
            status, *_ = await outcome(owner, REACHING[way].format(table=table.name, whose=whose))
            if status.split()[1:] != ["0"]:
                reached.add((filled.tenant.name, table.name))
    assert {name for name, _ in reached} == {mine.tenant.name}, reached
    assert len(reached) > 0.9 * len(owners)


ENTERING: Final = {
    "an insert": "",
    "an insert with RETURNING": "returning tenant_id",
    "an insert that minds no conflict": "on conflict do nothing",
    "an insert that updates": "on conflict ({key}) do update set tenant_id = excluded.tenant_id",
}


@pytest.mark.parametrize("way", ENTERING)
async def test_a_row_of_others_is_refused_by_the_policy_before_any_constraint_sees_it(
    way: str, owner: asyncpg.Connection, owners: list[Table], theirs: Filled
) -> None:
    """Attack 22. Their very rows, which every unique constraint would know: the refusal is the same as for new ones."""
    refused = Counter[str]()
    for table, row in zip(owners, first_rows(theirs, owners).values(), strict=True):
        statement = table.insert(ENTERING[way].format(key=", ".join(table.key)))
        known = await outcome(owner, statement, json.dumps(row))
        assert known == await outcome(owner, statement, a_copy(row)), table.name
        assert not known.detail
        refused[known.code] += 1
    assert refused.keys() <= {HIDDEN, *OF_A_TRIGGER}
    assert refused[HIDDEN] > 0.7 * len(owners)


async def test_no_row_is_moved_to_others(
    owner: asyncpg.Connection, owners: list[Table], mine: Filled, theirs: Filled
) -> None:
    """Attack 22: WITH CHECK, and before any key is looked for that is theirs."""
    refused = Counter[str]()
    theirs_first = first_rows(theirs, owners)
    for table in owners:
        key = f", id = '{theirs_first[table.name]['id']}'" if "id" in table.key else ""
        for more in ("", key):
            moved = f"update {table.name} set tenant_id = '{theirs.tenant.tenant_id}'{more} where tenant_id = $1"
            came = await outcome(owner, moved, mine.tenant.tenant_id)
            refused[came.code] += 1
            assert not came.detail, (table.name, came)
    assert refused.keys() <= {HIDDEN, *OF_A_TRIGGER}


async def test_an_id_of_others_is_as_free_as_a_new_one(
    owner: asyncpg.Connection, owners: list[Table], mine: Filled, theirs: Filled
) -> None:
    """Attack 14: visibility through unique constraints."""
    ours, others = first_rows(mine, owners), first_rows(theirs, owners)
    compared = 0
    for table in owners:
        if "id" in ours[table.name]:
            outcomes = {
                await outcome(owner, table.insert(), a_copy(ours[table.name], id=each))
                for each in (others[table.name]["id"], str(uuid4()))
            }
            assert len(outcomes) == 1, (table.name, outcomes)
            compared += 1
    assert compared > 40


async def test_what_others_have_cannot_be_referred_to(
    owner: asyncpg.Connection, owners: list[Table], mine: Filled, theirs: Filled
) -> None:
    """Attack 13: foreign keys under FORCE. Theirs is refused as what nobody has."""
    ours, tables = first_rows(mine, owners), {each.name: each for each in owners}
    refused = Counter[str]()
    for reference in await owner.fetch(REFERENCES):
        table, referred = tables[reference["name"]], theirs.rows[reference["referred"]]
        if "id" not in referred[0] or (table.name, reference["by"]) in SAID_BY_A_TRIGGER:
            continue
        outcomes = {
            await outcome(owner, table.insert(), a_copy(ours[table.name], **{reference["by"]: each}))
            for each in (referred[0]["id"], str(uuid4()))
        }
        assert len(outcomes) == 1, (table.name, reference["by"], outcomes)
        [came] = outcomes
        # A trigger, or a constraint on what is one's own, may come before the foreign key.
        assert came.code.startswith("23") or came.code in OF_A_TRIGGER, (table.name, came)
        assert not re.search(r"[(=]", came.detail), came
        refused[came.code] += 1
    assert refused.total() > 40
    assert refused["23503"] > 20, refused


async def test_an_error_shows_nothing_of_a_row(owner: asyncpg.Connection, owners: list[Table], mine: Filled) -> None:
    """What fails a constraint is not shown where row security is on."""
    for table, row in first_rows(mine, owners).items():
        [of_table] = [each for each in owners if each.name == table]
        for broken in ({"tenant_id": None}, dict.fromkeys(of_table.key)):
            came = await outcome(owner, of_table.insert(), a_copy(row, **broken))
            assert came.code != "INSERT"
            assert not came.detail, (table, came)


async def test_a_partition_binds_its_owner_as_the_whole_does(
    owner: asyncpg.Connection, mine: Filled, theirs: Filled
) -> None:
    """Attack 11: inheritance and partitions, read and written directly with the rights of the owner."""
    children = await owner.fetch(
        "select inhrelid::regclass::text, inhparent::regclass::text from pg_inherits i"
        " join pg_class c on c.oid = inhrelid where c.relkind in ('r', 'p')"
    )
    assert len(children) > 10
    tables = {each.name: each for each in await tables_for(owner)}
    for child, parent in children:
        if parent in tables:
            seen = await owner.fetch(f"select distinct tenant_id from {child}")
            assert {row[0] for row in seen} <= {mine.tenant.tenant_id}, child
            columns = ", ".join(tables[parent].written)
            entering = f"insert into {child} ({columns}) select {columns} from {tables[parent].given}"
            assert (await outcome(owner, entering, json.dumps(theirs.rows[parent][0]))).code in (HIDDEN, "23514")
