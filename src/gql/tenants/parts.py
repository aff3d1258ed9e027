"""What belongs to an organisation, as the catalog says: nobody has to remember a new table.

A part is a table and the condition that chooses the organisation's rows, with `$1` for its id.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

import asyncpg

from gql.database.catalog.house import CONFIDENTIAL, House
from gql.trade.packs import BODY

LOG: Final = "core.audit_log"
TENANTS: Final = "iam.tenants"
USERS: Final = "iam.users"
OF_TENANT: Final = "tenant_id = $1"
ITSELF: Final = "id = $1"
ITS_PEOPLE: Final = "id in (select user_id from iam.memberships where tenant_id = $1)"
# People belong to no organisation: of each is told what their colleagues know, and nothing of other organisations.
OF_PEOPLE: Final = ("id", "name", "email", "phone", "email_verified_at", "phone_verified_at", "created_at")

# What stands elsewhere and is written as if it stood in its row.
ELSEWHERE: Final = {"trade.messages.body": BODY.format(row="messages")}

# Partitions come with their parent; what the table makes of its own columns is left to it.
_COLUMNS: Final = f"""
    select format('%I.%I', nspname, relname) as name, attname as column_name, quote_ident(attname) as quoted,
           attname ~ '{CONFIDENTIAL}' and not (
               attname = any ($1) or format('%I.%I.%I', nspname, relname, attname) = any ($1)
           ) as is_secret,
           case
               when coalesce(nullif(typbasetype, 0), pg_type.oid) = 'numeric'::regtype then 'DECIMAL'
               when typcategory = 'S' then 'TEXT'
               when coalesce(nullif(typbasetype, 0), pg_type.oid) = 'timestamptz'::regtype then 'MOMENT'
               when typcategory = 'A' then 'LIST'
               else 'PLAIN'
           end as kind,
           coalesce(array_position(conkey, attnum), 0) as key_position,
           bool_or(attname = 'tenant_id') over (partition by pg_class.oid) as is_of_tenants
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    join pg_catalog.pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped and attgenerated = ''
    join pg_catalog.pg_type on pg_type.oid = atttypid
    left join pg_catalog.pg_constraint on conrelid = pg_class.oid and contype = 'p'
    where relkind in ('r', 'p') and not relispartition
      and nspname !~ '^pg_' and nspname <> 'information_schema' and nspname <> all ($2)
    order by name, attnum
"""


class Kind(Enum):
    """How a column is written down."""

    DECIMAL = "a number with all its decimals"
    TEXT = "a text"
    MOMENT = "a time with its zone"
    LIST = "an array"
    PLAIN = "whatever else"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog has it; `quoted` is its name in SQL, and `value` what is written."""

    name: str
    quoted: str
    value: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Part:
    """The organisation's rows in one table. `left_out` are columns that are never shown to anybody."""

    table: str
    condition: str
    columns: tuple[Column, ...]
    left_out: tuple[str, ...]
    key: tuple[str, ...]
    """The primary key, quoted, in its order."""

    @property
    def counting(self) -> str:
        """The statement that counts its rows."""
        return f"select count(*) from {self.table} where {self.condition}"


async def parts_of_tenants(connection: asyncpg.Connection, house: House | None = None) -> list[Part]:
    """Every part of an organisation, by name: its own row, its people, and every table with a tenant_id."""
    house = house or House()
    tables: dict[str, list[asyncpg.Record]] = {}
    for row in await connection.fetch(_COLUMNS, list(house.harmless_columns), list(house.exempt_schemas)):
        tables.setdefault(row["name"], []).append(row)
    conditions = {TENANTS: ITSELF, USERS: ITS_PEOPLE}
    return [
        _part(name, rows, conditions.get(name, OF_TENANT))
        for name, rows in tables.items()
        if name in conditions or rows[0]["is_of_tenants"]
    ]


def _part(name: str, rows: list[asyncpg.Record], condition: str) -> Part:
    def is_shown(row: asyncpg.Record) -> bool:
        return row["column_name"] in OF_PEOPLE if name == USERS else not row["is_secret"]

    key = sorted((row for row in rows if row["key_position"]), key=lambda row: int(row["key_position"]))
    return Part(
        name,
        condition,
        tuple(_column(name, row) for row in rows if is_shown(row)),
        tuple(row["column_name"] for row in rows if not is_shown(row)),
        tuple(row["quoted"] for row in key),
    )


def _column(table: str, row: asyncpg.Record) -> Column:
    value = ELSEWHERE.get(f"{table}.{row['column_name']}", row["quoted"])
    return Column(row["column_name"], row["quoted"], value, Kind[row["kind"]])
