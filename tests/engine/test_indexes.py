"""Each declared filter and order is served by an index under row security.

The statements are the engine's own, planned as it has them planned: for unknown parameters, as the tenant's role. Sorts
and sequential scans are made unattractive, so that they appear only where no index can do the work.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from gql.database.context import Context
from gql.engine.fields import Column
from gql.engine.nouns import Noun
from gql.schema import declarations
from tests.engine.crowd import fill
from tests.engine.statements import plain_statement
from tests.harness.actors import as_superuser, as_tenant, context_of
from tests.harness.tenants import Tenant, make_person, make_tenant

# What an index merely includes is no key of it: it can be read there, but not looked up.
UNUSABLE = """
    update pg_index set indisvalid = false where indrelid = $1::text::regclass and not exists (
        select from pg_attribute
        where attrelid = indrelid and attnum = any (indkey[0:indnkeyatts - 1]) and attname = any ($2::text[])
    )
"""
LISTED = [noun for noun in declarations().nouns.values() if noun.plural]
# Of what an organisation has few by nature, so many that an index is worth its while.
MANY_KINDS = """
    select billing.payment_method_create(jsonb_build_object(
        'method_name', 'OWN_' || number, 'display_name', 'Own ' || number,
        'category', case when number = 7 then 'CRYPTO' else 'MOBILE' end
    )) from generate_series(1, 1500) as number;
    select ledger.ledger_account_create(jsonb_build_object(
        'code', 'OWN_' || number, 'name', 'Own ' || number,
        'kind', case when number = 7 then 'EQUITY' else 'EXPENSE' end,
        'currency', case when number = 7 then 'USD' else 'EUR' end
    )) from generate_series(1, 1500) as number;
    select iam.app_create(jsonb_build_object(
        'name', 'Own ' || number, 'scopes', '["billing:read"]'::jsonb, 'secret_hash', repeat('ab', 32), 'hint', 'last'
    )) from generate_series(1, 1500) as number;
    select billing.recurring_invoice_set(jsonb_build_object(
        'id', id, 'frequency', 'MONTHLY', 'next_date', date '2199-01-01' + number::integer
    )) from (select id, row_number() over (order by id) as number from billing.invoices) as numbered;
    select billing.recurring_invoice_stop(jsonb_build_object('id', id))
    from billing.recurring_invoices order by id limit 3;
    select billing.invoice_send(jsonb_build_object('id', id, 'recipient', 'somebody@example.com'))
    from billing.invoices where number is not null and id not in (select invoice_id from billing.invoice_messages);
"""
# More than the verbs let in within a day.
MANY_CAME = """
    with invited as (
        insert into iam.invites (tenant_id, address, role, invited_by, created_at, expires_at)
        select $1, 'person.' || number || '@example.com', 'viewer', 'Somebody', made, made + interval '14 days'
        from generate_series(1, 1500) as number
        cross join lateral (select now() - number * interval '1 hour') as at (made)
    ), people as (
        insert into iam.users (email, name) select 'asks.' || gen_random_uuid() || '@example.com', 'Somebody'
        from generate_series(1, 1500) as number returning id
    )
    insert into iam.join_requests (tenant_id, user_id, user_name, user_address, organisation, created_at)
    select $1, id, 'Somebody', 'somebody@example.com', 'busy-people', now() - row_number() over () * interval '1 hour'
    from people
"""
# Past the limit of an organisation, which is too low for an index to matter.
OUTSIDERS = """
    insert into iam.trusted_issuers (tenant_id, name, issuer, created_at)
    select $1, 'Issuer', 'https://' || number || '.example.com', now() - number * interval '1 minute'
    from generate_series(1, 1500) as number
"""
THEIR_PEOPLE = """
    insert into iam.external_people (tenant_id, id, issuer_id, subject, role, last_seen_at)
    select tenant_id, id, id, 'x', 'viewer', created_at from iam.trusted_issuers where tenant_id = $1
"""
# What orders will write.
ORDERED = """
    update trade.retailers set last_order_at = created_at + credit_score * interval '1 minute'
    where tenant_id = $1 and phone is not null
"""
# What the nights would write: of each retailer many days, few of them bad ones.
SCORED = """
    insert into trade.credit_scores (
        tenant_id, retailer_id, scored_on, due_orders, on_time_orders, on_time_share, utilisation, tenure_months,
        volume_percentile
    )
    select tenant_id, id, date '2026-01-01' + day, 0, 0, 0.5, case when day = 3 then 1 else 0 end, day, 0
    from trade.retailers cross join generate_series(1, 10) as day where tenant_id = $1
"""
A_FEW_SENT = """
    select billing.invoice_message_sent(id) from billing.invoice_messages order by id limit 3
"""

# How many rows this connection has read from each table or its indexes lately; within a transaction it only grows.
READ = """
    select relation.relname as name, pg_stat_get_xact_tuples_returned(relation.oid)::integer
           + coalesce(sum(pg_stat_get_xact_tuples_returned(indexrelid)), 0)::integer as rows
    from pg_class as relation left join pg_index on indrelid = relation.oid
    where relation.relnamespace = 'billing'::regnamespace and relation.relkind = 'r'
    group by relation.oid, relation.relname
"""
AGED = ("client_entries", "credit_notes", "invoices", "payments")


@dataclass(frozen=True)
class Asked:
    """One operator of one filter."""

    noun: Noun
    column: Column
    operator: str

    def __str__(self) -> str:
        return f"{self.noun.plural}-{self.column.graphql_name}-{self.operator}"


def asked_filters() -> Iterator[Asked]:
    """Every operator that narrows; `ne` and the absence of a truth do not, whatever the index."""
    for noun in LISTED:
        for column in noun.filters:
            for operator in column.operators:
                if operator != "ne" and not (operator == "isNull" and not column.nullable):
                    yield Asked(noun, column, operator)


@pytest.fixture(scope="module")
async def busy() -> Tenant:
    """A tenant with enough rows, among others, for the planner to care."""
    for _ in range(2):
        await fill(await make_tenant("Other people"), 150)
    tenant = await make_tenant("Busy people")
    await fill(tenant, 1000, clients=200, traders=80)
    for number in range(60):
        await make_person(tenant, "admin" if number == 7 else "viewer", name=f"Person {number}")
    async with as_tenant(tenant) as connection:
        await connection.execute(MANY_KINDS)
    async with as_tenant(tenant, "worker") as connection:
        await connection.execute(A_FEW_SENT)
    async with as_superuser() as connection:
        await connection.execute(MANY_CAME, tenant.tenant_id)
        await connection.execute(OUTSIDERS, tenant.tenant_id)
        await connection.execute(THEIR_PEOPLE, tenant.tenant_id)
        await connection.execute(ORDERED, tenant.tenant_id)
        await connection.execute(SCORED, tenant.tenant_id)
        await connection.execute("analyze")
    return tenant


async def planned(
    connection: asyncpg.Connection,
    context: Context,
    document: str,
    variables: dict[str, Any],
    mode: str = "force_generic_plan",
) -> Any:
    """The plan for the document's statement, for unknown parameters unless the mode says otherwise."""
    statement, arguments = plain_statement(document, variables, context)
    for setting in ("enable_seqscan", "enable_sort", "enable_incremental_sort"):
        await connection.execute(f"set {setting} = off")
    await connection.execute(f"set plan_cache_mode = {mode}")
    await connection.execute(f"prepare asked as {statement.sql}")
    quoted = [await connection.fetchval("select quote_nullable($1::text)", argument) for argument in arguments]
    try:
        found = await connection.fetchval(f"explain (format json, costs off) execute asked({', '.join(quoted)})")
    finally:
        await connection.execute("deallocate asked")
    return json.loads(found)[0]["Plan"]


def nodes_of(plan: Any) -> Iterator[Any]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes_of(child)


async def some_value(tenant: Tenant, asked: Asked) -> Any:
    """The rarest value that a row of the tenant has: an index serves it if it serves any."""
    if asked.operator == "isNull" or asked.column.kind.name == "Boolean":
        return True
    async with as_tenant(tenant) as connection:
        value = asked.column.sql("t")
        found = await connection.fetchval(
            f"select ({value})::text from {asked.noun.table} t where ({value}) is not null"
            f" group by 1 order by count(*), 1 limit 1"
        )
    assert found is not None, f"the books have no {asked}"
    if asked.column.kind.name == "DateTime":
        found = found.replace(" ", "T").replace("+00", "+00:00")
    if asked.column.kind.name == "Int":
        found = int(found)
    if asked.column.kind.is_enum:
        found = asked.column.kind.annotation(found).name
    if asked.operator == "startsWith":
        found = found[:3]
    return [found] if asked.operator == "in" else found


@pytest.mark.parametrize("asked", list(asked_filters()), ids=str)
async def test_a_filter_is_served_by_an_index(asked: Asked, busy: Tenant) -> None:
    noun, column = asked.noun, asked.column
    document = f"query($filter: {noun.name}Filter) {{ {noun.plural}(filter: $filter) {{ totalCount }} }}"
    value = await some_value(busy, asked)
    wanted = (
        list(column.reads) if column.expression else [name for name in (column.name, column.key, column.minor) if name]
    )
    async with as_superuser() as connection, rolled_back(connection):
        # Which index is cheapest hangs on the rows; whether one can do the work does not. So the others are out.
        await connection.execute(UNUSABLE, noun.table, wanted)
        await connection.execute(f"set local role {busy.database_role}")
        variables = {"filter": {column.graphql_name: {asked.operator: value}}}
        # An unknown list counts as ten values, of which a status or a role has not as many.
        mode = "force_custom_plan" if asked.operator == "in" else "force_generic_plan"
        plan = await planned(connection, context_of(busy), document, variables, mode)
        served = [(node.get("Index Cond", ""), await predicate_of(connection, node)) for node in nodes_of(plan)]
    assert any(name in condition or name in predicate for name in wanted for condition, predicate in served), served
    assert all("tenant_id" in condition for condition, _ in served if condition)


@asynccontextmanager
async def rolled_back(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """What is done inside is undone."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def predicate_of(connection: asyncpg.Connection, node: Any) -> str:
    """What a partial index holds by itself."""
    return str(
        await connection.fetchval(
            """select pg_get_expr(indpred, indrelid) from pg_index join pg_class on pg_class.oid = indexrelid
               join pg_namespace on pg_namespace.oid = relnamespace
               where relname = $1 and nspname !~ '^pg_' """,
            node.get("Index Name"),
        )
    )


@pytest.mark.parametrize(
    ("noun", "order"),
    [
        pytest.param(noun, f"orderBy: [{order}]{archive}", id=f"{noun.plural}-{order}{archive}")
        for noun in LISTED
        for order in noun.orders
        for archive in ("", *([", includeArchived: true"] if noun.archive else []))
    ],
)
@pytest.mark.parametrize("page", ["first: 5", "last: 5", "first: 5, after: $cursor", "last: 5, before: $cursor"])
async def test_an_order_is_read_from_an_index_without_sorting(noun: Noun, order: str, page: str, busy: Tenant) -> None:
    context = context_of(busy)
    async with as_tenant(busy) as connection:
        await connection.execute("select set_config('app.context', $1, false)", context.fingerprint)
        variables: dict[str, Any] = {}
        if "$cursor" in page:
            ends = f"{{ {noun.plural}({order}, first: 5) {{ pageInfo {{ endCursor }} }} }}"
            statement, arguments = plain_statement(ends, {}, context)
            answer = json.loads(await connection.fetchval(statement.sql, *arguments))
            variables["cursor"] = answer["data"][noun.plural]["pageInfo"]["endCursor"]
        declared = "query($cursor: String) " if variables else ""
        document = f"{declared}{{ {noun.plural}({order}, {page}) {{ nodes {{ id }} }} }}"
        plan = await planned(connection, context, document, variables)
    limited = [node for node in nodes_of(plan) if node["Node Type"] == "Limit"]
    below = [each for node in limited for each in nodes_of(node)]
    assert any("Index" in node["Node Type"] for node in below)
    assert not any("Sort" in node["Node Type"] for node in below)
    if variables:
        sorted_by = noun.orders[order.partition("[")[2].partition("]")[0]].sort_column
        assert any(sorted_by in node.get("Index Cond", "") for node in below), "the cursor does not bound the scan"


@pytest.mark.parametrize("question", ["ageing", "ageing_totals", "ageing_by_last_payment"])
@pytest.mark.parametrize("day", ["core.today()", "date '2020-01-01'", "date '2025-12-31'"])
async def test_a_members_ageing_reads_the_rows_of_their_clients_alone(question: str, day: str, busy: Tenant) -> None:
    async with as_tenant(busy) as connection:
        [*scope] = await connection.fetchval("select array(select id from billing.clients order by name limit 2)")
        everybodys = {table: await connection.fetchval(f"select count(*) from billing.{table}") for table in AGED}
    async with as_tenant(busy, "member", scope) as connection:
        # Of what there are few rows, all are read at once.
        await connection.execute("set enable_seqscan = off")
        owned = {table: await connection.fetchval(f"select count(*) from billing.{table}") for table in AGED}
        async with rolled_back(connection):
            before = await rows_read(connection)
            await connection.execute(f"select * from billing.{question}({day})")
            after = await rows_read(connection)
    read = {table: after[table] - before[table] for table in AGED}
    assert sum(read.values()) > 0
    # The day of the last payment is looked up once for each client.
    owned["payments"] += len(scope)
    # The few entries after a day may be read by their day alone.
    allowed = {table: max(owned[table], everybodys[table] // 10) for table in AGED}
    assert {table: (read[table], allowed[table]) for table in AGED if read[table] > allowed[table]} == {}


async def rows_read(connection: asyncpg.Connection) -> dict[str, int]:
    return {each["name"]: each["rows"] for each in await connection.fetch(READ)}
