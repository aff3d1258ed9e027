"""What one person sees: every row that row security lets through, and what a value looks like in an answer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from gql.database.context import Context
from gql.engine.declarations import Declarations
from gql.engine.fields import Column
from gql.engine.nouns import Noun
from tests.harness.actors import as_superuser


class Refused(Exception):
    """The answer is an error with this code."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


@dataclass(frozen=True, eq=False)
class Thing:
    """A row of a noun's table."""

    noun: Noun
    row: Mapping[str, Any]
    is_archived: bool = False

    @property
    def id(self) -> UUID:
        found = self.row["id"]
        assert isinstance(found, UUID)
        return found


@dataclass
class World:
    """Everything that one person may see, whether by row security or by their role's permissions."""

    declarations: Declarations
    person: Context
    things: dict[str, list[Thing]] = field(default_factory=dict)
    client_entries: list[dict[str, Any]] = field(default_factory=list)
    """What moved the accounts of clients, which no noun shows."""
    packs: dict[UUID, list[str]] = field(default_factory=dict)
    """What old messages said."""
    sessions: list[dict[str, Any]] = field(default_factory=list)
    """Where the person is, and was, signed in, whatever has become of it."""
    totp_devices: list[dict[str, Any]] = field(default_factory=list)
    invites: list[dict[str, Any]] = field(default_factory=list)
    """What was ever sent to the person's addresses, from anywhere."""
    join_requests: list[dict[str, Any]] = field(default_factory=list)
    """What the person ever asked of anybody."""

    @cached_property
    def by_id(self) -> dict[tuple[str, UUID], Thing]:
        return {(name, thing.id): thing for name, things in self.things.items() for thing in things}

    @property
    def today(self) -> date:
        """The day it is where the organisation is."""
        return datetime.now(ZoneInfo(self.person.time_zone)).date()

    def find(self, noun_name: str, wanted: UUID) -> Thing | None:
        return self.by_id.get((noun_name, wanted))

    def demand(self, permission: str | None) -> None:
        if permission is not None and permission not in self.person.permissions:
            raise Refused("FORBIDDEN", permission)

    def is_visible(self, thing: Thing) -> bool:
        """Whether root fields show it."""
        return thing.noun.visible is None or VISIBLE[thing.noun.name](thing)

    def is_single(self, thing: Thing) -> bool:
        """Whether it is the one thing of its kind that is looked up without an id."""
        assert thing.noun.single is not None
        return SINGLE[thing.noun.single.name](self, thing)

    def value(self, thing: Thing, column: Column) -> Any:
        """The value of a column as Python has it: stored, or computed from the row."""
        if column.expression is None:
            return thing.row[column.name]
        return COMPUTED[thing.noun.name, column.name](self, thing)


OPEN: Final = ("SENT", "VIEWED", "PARTIALLY_PAID")
TERMS: Final = {"DUE_ON_RECEIPT": 0, "NET_15": 15, "NET_30": 30, "NET_60": 60, "NET_90": 90}


def _is_overdue(world: World, invoice: Thing) -> bool:
    row = invoice.row
    return bool(row["due_date"] < world.today and row["status"] in OPEN and row["balance"] > 0)


def _days_overdue(world: World, client: Thing) -> int:
    due: date | None = client.row["oldest_due_date"]
    return max((world.today - due).days, 0) if due else 0


def _health(world: World, client: Thing) -> str:
    late, took = _days_overdue(world, client), client.row["avg_payment_days"]
    if late:
        return "AT_RISK" if late > 60 else "WARNING"
    return "EXCELLENT" if took is not None and took <= TERMS[client.row["payment_terms"]] else "GOOD"


def _invite_status(_world: World, invite: Thing) -> str:
    return invite.row["outcome"] or ("PENDING" if invite.row["expires_at"] > datetime.now(UTC) else "EXPIRED")


def _request_status(_world: World, request: Thing) -> str:
    return status_of_request(request.row)


def status_of_request(row: Mapping[str, Any]) -> str:
    """PENDING for thirty days, unless something became of it."""
    is_young = row["created_at"] > datetime.now(UTC) - timedelta(days=30)
    return row["outcome"] or ("PENDING" if is_young else "EXPIRED")


def _reversal(world: World, entry: Thing) -> UUID | None:
    return next((each.id for each in world.things["CreditLedgerEntry"] if each.row["reverses_id"] == entry.id), None)


def _body(world: World, message: Thing) -> str | None:
    own: str | None = message.row["body"]
    place: int | None = message.row["pack_place"]
    return own if place is None else world.packs[message.row["pack_id"]][place - 1]


def _user_name(world: World, entry: Thing) -> str | None:
    names = (
        each.row["user_name"] for each in world.things["Membership"] if each.row["user_id"] == entry.row["user_id"]
    )
    outside = (each.row["name"] for each in world.things["ExternalPerson"] if each.id == entry.row["user_id"])
    apps = (each.row["name"] for each in world.things["App"] if each.id == entry.row["user_id"])
    return next(names, None) or next(outside, None) or next(apps, None)


# What the declarations say in SQL, said again in Python. A KeyError here means that a new declaration has to be added.
VISIBLE: Final[dict[str, Callable[[Thing], bool]]] = dict.fromkeys(
    ("Client", "Vendor", "Retailer"), lambda thing: thing.row["deleted_at"] is None
) | {"OrderItem": lambda item: item.row["replaced_at"] is None}
SINGLE: Final[dict[str, Callable[[World, Thing], bool]]] = {
    "account": lambda world, account: account.id == world.person.user_id,
    "me": lambda world, membership: bool(membership.row["user_id"] == world.person.user_id),
    "organisation": lambda world, organisation: organisation.id == world.person.tenant_id,
}
COMPUTED: Final[dict[tuple[str, str], Callable[[World, Thing], Any]]] = {
    ("Invite", "status"): _invite_status,
    ("JoinRequest", "status"): _request_status,
    ("Invoice", "is_overdue"): _is_overdue,
    ("App", "is_active"): lambda _, app: app.row["revoked_at"] is None,
    ("Client", "days_overdue"): _days_overdue,
    ("Client", "health"): _health,
    ("AuditEntry", "user_name"): _user_name,
    ("CreditLedgerEntry", "reversal_ledger_id"): _reversal,
    ("CreditLedgerEntry", "is_reversed"): lambda world, entry: _reversal(world, entry) is not None,
    ("Message", "body"): _body,
    ("AuditEntry", "is_sealed"): lambda _world, entry: entry.row["seal"] is not None,
}


READABLE: Final = """
    select string_agg(quote_ident(attname), ', ' order by attnum) from pg_catalog.pg_attribute
    where attrelid = $1::text::regclass and attnum > 0 and not attisdropped
    and has_column_privilege(attrelid, attnum, 'select')
"""
"""The columns of a table that the connection may read."""


INVITED: Final = """
    select invites.*, slug, tenants.name from iam.invites join iam.tenants on tenants.id = tenant_id
    join iam.users on users.email = invites.address where users.id = $1 and email_verified_at is not null
"""


async def look(connection: "asyncpg.Connection[asyncpg.Record]", declarations: Declarations, person: Context) -> World:
    """What the person on this connection sees."""
    world = World(declarations, person)
    for noun in declarations.nouns.values():
        if noun.question:
            continue
        columns = "*" if "(" in noun.table else await connection.fetchval(READABLE, noun.table)
        rows = await connection.fetch(f"select {columns} from {noun.table} thing")
        there = {row["id"]: Thing(noun, dict(row)) for row in rows}
        if noun.archive:
            both = await connection.fetch(f"select * from {noun.archive}")
            there |= {row["id"]: Thing(noun, dict(row), True) for row in both if row["id"] not in there}
        world.things[noun.name] = list(there.values())
    columns = await connection.fetchval(READABLE, "billing.client_entries")
    entries = await connection.fetch(f"select {columns} from billing.client_entries")
    world.client_entries = [dict(row) for row in entries]
    packs = await connection.fetch("select id, bodies from trade.message_packs")
    world.packs = {row["id"]: list(row["bodies"]) for row in packs}
    async with as_superuser() as superuser:
        rows = await superuser.fetch("select * from iam.sessions where user_id = $1", person.user_id)
        devices = await superuser.fetch("select * from iam.totp_devices where user_id = $1", person.user_id)
        invites = await superuser.fetch(INVITED, person.user_id)
        requests = await superuser.fetch("select * from iam.join_requests where user_id = $1", person.user_id)
    world.sessions = [dict(row) for row in rows]
    world.totp_devices = [dict(row) for row in devices]
    world.invites = [dict(row) for row in invites]
    world.join_requests = [dict(row) for row in requests]
    return world


def answered(column: Column, value: Any) -> Any:
    """The value as an answer holds it."""
    return written(column.kind.name, value, column.kind.annotation if column.kind.is_enum else None)


def written(kind: str, value: Any, enum: Any = None) -> Any:
    if value is None:
        return None
    if enum is not None:
        return enum(value).name
    match kind:
        case "Money":
            return f"{value:.2f}"
        case "Decimal":
            return f"{value:f}"
        case "ID":
            return str(value)
        case "Date":
            return value.isoformat()
        case "DateTime":
            return moment(value)
        case "JSON":
            return json.loads(value)
        case _:
            return value


def moment(value: datetime) -> str:
    """A moment in UTC as PostgreSQL writes it in JSON: no more digits than it needs."""
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "+00:00"


def read(column: Column, value: Any) -> Any:
    """A value from a document as Python compares it."""
    if column.kind.is_enum:
        return column.kind.annotation[value].value
    match column.kind.name:
        case "Money" | "Decimal":
            return Decimal(value)
        case "ID":
            return identifier(value)
        case "Date":
            return date.fromisoformat(value)
        case "DateTime":
            return datetime.fromisoformat(value)
        case _:
            return value


def identifier(text: str) -> UUID:
    """An id as a document writes it: 36 characters, nothing less and nothing around them."""
    try:
        if len(text) != 36:
            raise ValueError
        return UUID(text)
    except ValueError:
        raise Refused("BAD_USER_INPUT", "no id") from None
