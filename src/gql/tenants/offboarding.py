"""Taking away everything of one organisation, in one transaction. docs/offboarding.md gives the order and its reasons.

Nothing here is anybody's but the operator's: what stands in the books, in the log and under seals is never removed, and
triggers see to that for every role. Only a superuser may switch them off, for one transaction, by
`session_replication_role`; that is the one way in which anything ever leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

import asyncpg

from gql.tenants.belongings import (
    JOBS,
    Rows,
    hanging_on_people,
    hanging_on_tenant,
    people_of_it_alone,
    references,
    roles_of,
)
from gql.tenants.manifest import Manifest
from gql.tenants.parts import LOG, OF_TENANT, Part, parts_of_tenants

# Row security would silently spare rows from a login that it binds: so it is an error.
SETTINGS: Final = "set local row_security = off; set local statement_timeout = 0; set local lock_timeout = '30s'"
# Triggers, those of foreign keys among them, rest and come back.
TRIGGERS_REST: Final = "set local session_replication_role = replica"
TRIGGERS_WORK: Final = "set local session_replication_role = origin"
REPORTS: Final = "update reports.refreshes set refreshed_at = statement_timestamp() returning report"


class CannotOffboard(Exception):
    """It cannot be removed as things are; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """Everything of an organisation, counted: rows by table, and what hangs on it besides."""

    rows: dict[str, int]
    people: list[UUID]
    """Those whose accounts go with it."""
    sessions: int
    jobs: int
    roles: list[str]


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed."""

    rows: int
    accounts: int
    roles: int


async def survey(connection: asyncpg.Connection, tenant_id: UUID) -> Belongings:
    """What would go. Changes nothing."""
    known = await references(connection)
    return Belongings(
        rows={
            part.table: await connection.fetchval(part.counting, tenant_id) for part in await _its_tables(connection)
        },
        people=await people_of_it_alone(connection, tenant_id, known),
        sessions=await connection.fetchval("select count(*) from iam.sessions where organisation_id = $1", tenant_id),
        jobs=await connection.fetchval(f"select count(*) from {JOBS}", str(tenant_id)),
        roles=await roles_of(connection, tenant_id),
    )


async def remove(
    connection: asyncpg.Connection, tenant_id: UUID, manifest: Manifest, manifest_digest: bytes, operator: str
) -> Removed:
    """Remove everything of a suspended organisation, of which `manifest` is the export: all of it or nothing.

    Raises CannotOffboard where it is not suspended, or holds something else than was exported.
    """
    async with connection.transaction():
        await connection.execute(SETTINGS)
        parts = await _its_tables(connection)
        await _demand_exported(connection, tenant_id, manifest, parts)
        known = await references(connection)
        people = await people_of_it_alone(connection, tenant_id, known)
        log = [part for part in parts if part.table == LOG]
        rows = await _delete_at_rest(connection, tenant_id, hanging_on_tenant(known))
        rows += await _delete_at_rest(connection, tenant_id, [part for part in parts if part.table != LOG])
        # With triggers again: nothing refers to the organisation any more, or its foreign key refuses this.
        rows += await _delete(connection, "iam.tenants", "id = $1", tenant_id)
        rows += await _delete_at_rest(connection, tenant_id, log)
        rows += await _delete_at_rest(connection, people, hanging_on_people(known))
        rows += await _delete(connection, "iam.users", "id = any ($1)", people)
        await connection.execute(f"delete from {JOBS}", str(tenant_id))
        roles = await _drop_roles(connection, tenant_id)
        await connection.execute(
            "insert into iam.offboardings (tenant_digest, manifest_digest, rows_removed, accounts_removed, created_by)"
            " values ($1, $2, $3, $4, $5)",
            _digest(tenant_id),
            manifest_digest,
            rows,
            len(people),
            operator,
        )
        # As the worker does it, while others read: under the policies of whom the reports belong to.
        await connection.execute("set local row_security = on")
        for row in await connection.fetch(REPORTS):
            await connection.execute(f'refresh materialized view concurrently reports."{row[0]}"')
    return Removed(rows, len(people), roles)


async def sweep(connection: asyncpg.Connection, tenant_id: UUID) -> int:
    """Remove what somebody wrote at the very moment: an entry of the log about a sign-in refers to nothing, and waits
    for nobody. Answers how many rows; hardly ever any."""
    async with connection.transaction():
        await connection.execute(SETTINGS)
        await connection.execute(f"delete from {JOBS}", str(tenant_id))
        return await _delete_at_rest(connection, tenant_id, await _its_tables(connection))


async def was_removed(connection: asyncpg.Connection, tenant_id: UUID) -> bool:
    """Whether the organisation of this id was here, and left."""
    return bool(
        await connection.fetchval(
            "select exists (select from iam.offboardings where tenant_digest = $1)", _digest(tenant_id)
        )
    )


def _digest(tenant_id: UUID) -> bytes:
    return sha256(str(tenant_id).encode()).digest()


async def _its_tables(connection: asyncpg.Connection) -> list[Part]:
    return [part for part in await parts_of_tenants(connection) if part.condition == OF_TENANT]


async def _demand_exported(
    connection: asyncpg.Connection, tenant_id: UUID, manifest: Manifest, parts: Sequence[Part]
) -> None:
    # Whoever is writing rows that refer to it has a lock on it: they end first, and later ones find it gone.
    tenant = await connection.fetchrow(
        "select suspended_at is not null as is_suspended from iam.tenants where id = $1 for update", tenant_id
    )
    if tenant is None:
        raise CannotOffboard("The organisation is not there any more.")
    if not tenant["is_suspended"]:
        raise CannotOffboard("The organisation is not suspended. Suspend it first, so that nothing changes meanwhile.")
    exported = {table.table: table.rows for table in manifest.tables}
    if manifest.tenant.id != tenant_id:
        raise CannotOffboard(f"This is the export of another organisation, {manifest.tenant.slug}.")
    for part in parts:
        # Whoever tries to sign in to it even now is noted in the log.
        until = " and created_at <= $2" if part.table == LOG else ""
        count = await connection.fetchval(part.counting + until, tenant_id, *([manifest.taken_at] if until else []))
        if count != exported.get(part.table):
            raise CannotOffboard(
                f"{part.table} has {count} rows and the export {exported.get(part.table, 0)}: it was taken too early."
                " Take another one, into another directory."
            )


async def _delete_at_rest(
    connection: asyncpg.Connection, whose: UUID | list[UUID], wanted: Sequence[Part] | Sequence[Rows]
) -> int:
    await connection.execute(TRIGGERS_REST)
    rows = 0
    for each in wanted:
        rows += await _delete(connection, each.table, each.condition, whose)
    await connection.execute(TRIGGERS_WORK)
    return rows


async def _delete(connection: asyncpg.Connection, table: str, condition: str, whose: UUID | list[UUID]) -> int:
    done = await connection.execute(f"delete from {table} where {condition}", whose)
    return int(done.rpartition(" ")[2])


async def _drop_roles(connection: asyncpg.Connection, tenant_id: UUID) -> int:
    roles = await roles_of(connection, tenant_id)
    for role in roles:
        await connection.execute(f'drop owned by "{role}"')  # what was granted to it by name, against the rules
        await connection.execute(f'drop role "{role}"')
    return len(roles)
