"""What hangs on an organisation besides its tables: roles, sessions, jobs, and people who belong nowhere else."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from gql.tenants.parts import TENANTS, USERS

ROLES: Final = (
    "select rolname from pg_catalog.pg_roles where rolname ~ ('^(tenant|analyst_.+)_' || $1 || '$') order by 1"
)
JOBS: Final = "pgqueuer.pgqueuer where dedupe_key like '%:' || $1 || ':%'"
# Foreign keys of one column: to people, to organisations, and among the tables of people.
_REFERENCES: Final = """
    select format('%I.%I', n.nspname, t.relname) as table, quote_ident(a.attname) as column,
           format('%I.%I', referenced_n.nspname, referenced.relname) as referenced, quote_ident(b.attname) as key,
           exists (select from pg_catalog.pg_attribute as tenant
                   where tenant.attrelid = t.oid and tenant.attname = 'tenant_id' and not attisdropped) as is_of_tenants
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_class as t on t.oid = conrelid
    join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
    join pg_catalog.pg_class as referenced on referenced.oid = confrelid
    join pg_catalog.pg_namespace as referenced_n on referenced_n.oid = referenced.relnamespace
    join pg_catalog.pg_attribute as a on a.attrelid = conrelid and a.attnum = conkey[1]
    join pg_catalog.pg_attribute as b on b.attrelid = confrelid and b.attnum = confkey[1]
    where contype = 'f' and cardinality(conkey) = 1 and not t.relispartition
    order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of one column."""

    table: str
    column: str
    referenced: str
    key: str
    is_of_tenants: bool


async def references(connection: asyncpg.Connection) -> list[Reference]:
    """Every foreign key of one column."""
    return [Reference(*row.values()) for row in await connection.fetch(_REFERENCES)]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the house, which belong to no organisation by themselves: what to remove, and in which order."""

    table: str
    condition: str


def hanging_on(table: str, condition: str, known: list[Reference]) -> list[Rows]:
    """The rows of the house that refer to these, what refers to those in turn, and so on; the last ones first."""
    found = []
    for each in known:
        if each.referenced == table and not each.is_of_tenants and each.table != table:
            theirs = f"{each.column} in (select {each.key} from {table} where {condition})"
            found += [*hanging_on(each.table, theirs, known), Rows(each.table, theirs)]
    return found


def hanging_on_tenant(known: list[Reference]) -> list[Rows]:
    """Of an organisation, whose id is $1: where people are signed in to it."""
    return hanging_on(TENANTS, "id = $1", known)


def hanging_on_people(known: list[Reference]) -> list[Rows]:
    """Of people, whose ids are $1: where they are signed in, their codes and devices, what was noted of them."""
    return hanging_on(USERS, "id = any ($1)", known)


async def roles_of(connection: asyncpg.Connection, tenant_id: UUID) -> list[str]:
    """The database roles of the organisation and of its analysts."""
    return [row[0] for row in await connection.fetch(ROLES, tenant_id.hex)]


async def people_of_it_alone(connection: asyncpg.Connection, tenant_id: UUID, known: list[Reference]) -> list[UUID]:
    """Its people whom no other organisation has ever had, so that nothing of another refers to them."""
    elsewhere = "".join(
        f" and not exists (select from {each.table} as t where t.{each.column} = users.id and t.tenant_id <> $1)"
        for each in known
        if each.referenced == USERS and each.is_of_tenants
    )
    found = await connection.fetch(
        f"select id from {USERS} as users"
        f" where id in (select user_id from iam.memberships where tenant_id = $1){elsewhere} order by id",
        tenant_id,
    )
    return [row[0] for row in found]
