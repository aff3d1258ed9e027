"""Two doors, one answer; and which of them a statement takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql.database.pool.doors import DIRECT_AFTER, Door, History
from tests.database.pooling import TELL_LOCKED, a_database, arguments_of, tell, told_by
from tests.harness.actors import as_superuser, context_of
from tests.harness.tenants import Tenant


async def test_both_doors_give_the_same_answer_to_everyone(tenant: Tenant, other_tenant: Tenant) -> None:
    contexts = [context_of(tenant), context_of(other_tenant), context_of(tenant, "member")]
    async with a_database(read_connections=1) as database:
        for _ in range(3):
            for context in contexts:
                for door in Door:
                    database.door = door
                    assert await tell(database, context, TELL_LOCKED) == told_by(context)


SHELVES = """
create schema shelving;
create table shelving.books (tenant_id uuid not null, title text not null);
alter table shelving.books enable row level security;
alter table shelving.books force row level security;
create policy tenant on shelving.books to countinghouse_tenant, countinghouse_reader
    using (tenant_id = core.tenant_id());
grant usage on schema shelving to countinghouse_tenant, countinghouse_reader;
grant select on shelving.books to countinghouse_tenant, countinghouse_reader;
"""
TITLES = {
    "table": "(select string_agg(title, ',') from shelving.books)",
    "common table expression": "(with found as materialized (select title from shelving.books) "
    "select string_agg(title, ',') from found)",
    "sub-select": "(select (select min(title) from shelving.books) where exists (select from shelving.books))",
}


@pytest.mark.parametrize("shape", TITLES)
async def test_a_plan_made_for_one_tenant_never_answers_another_with_its_rows(
    shape: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    statement = f"select convert_to({TITLES[shape]}, 'UTF8') where ($1 || $2 || $3)::text is not null"
    contexts = [context_of(tenant), context_of(other_tenant)]
    try:
        async with as_superuser() as superuser:
            await superuser.execute(SHELVES)
            for context in contexts:
                title = f"read by {context.tenant_id}"
                await superuser.execute("insert into shelving.books values ($1, $2)", context.tenant_id, title)
        async with a_database(read_connections=1) as database:
            for door in (Door.DIRECT, Door.READ, Door.CHOOSE, Door.DIRECT):
                database.door = door
                for context in contexts * 8 + contexts[:1] * 8 + contexts[1:] * 8:
                    answer = await tell(database, context, statement)
                    assert answer.decode() == f"read by {context.tenant_id}"
    finally:
        async with as_superuser() as superuser:
            await superuser.execute("drop schema if exists shelving cascade")


async def test_arguments_with_quotes_nulls_and_backslashes_pass_both_doors_unchanged(tenant: Tenant) -> None:
    context = context_of(tenant)
    statement = (
        "select convert_to(coalesce($4::text, 'null') || coalesce($5::text, 'null'), 'UTF8') "
        "where ($1 || $2 || $3)::text is not null"
    )
    hostile = ["'; select 1; --", "\\'", 'E"\n\t\\x00', "$1", "%I%L%s", "{a,NULL}", "", "été 🪶", "null"]
    async with a_database() as database, database.read(context) as reader:
        for door in (Door.DIRECT, Door.READ):
            database.door = door
            for text in hostile:
                answer = await reader.fetch(statement, [*arguments_of(context), text, None])
                assert answer.decode() == f"{text}null"


async def test_a_tenant_that_stays_moves_to_the_direct_door(tenant: Tenant, other_tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        for _ in range(DIRECT_AFTER + 5):
            await tell(database, context)
        statistics = database.reads.statistics
        assert (statistics.read, statistics.direct) == (DIRECT_AFTER, 5)


async def test_tenants_that_take_turns_stay_at_the_read_door(tenant: Tenant, other_tenant: Tenant) -> None:
    contexts = [context_of(tenant), context_of(other_tenant)]
    async with a_database(read_connections=1) as database:
        for turn in range(4 * DIRECT_AFTER):
            await tell(database, contexts[turn % 2])
        assert database.reads.statistics.direct == 0


def test_a_direct_plan_is_used_again_when_its_tenant_comes_back() -> None:
    history = History()
    for _ in range(DIRECT_AFTER + 1):
        last = history.choose("tenant_a")
    assert last is Door.DIRECT
    assert history.choose("tenant_b") is Door.READ
    assert history.choose("tenant_a") is Door.DIRECT


@given(st.lists(st.sampled_from("abc"), max_size=200))
def test_plans_are_made_at_most_once_in_so_many_runs(roles: list[str]) -> None:
    history, plans, planned_for = History(), 0, ""
    for role in roles:
        if history.choose(role) is Door.DIRECT and planned_for != role:
            plans, planned_for = plans + 1, role
    assert plans * (DIRECT_AFTER + 1) <= len(roles)
