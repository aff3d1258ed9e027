"""The schema: types, their loaders and the queries. Columns are named as the fields, so that a row makes an object."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

import asyncpg
import strawberry
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

from bench.peers.stock import cursors
from bench.peers.stock.session import Session

MOST: Final = 100
"""The longest page."""
INVOICE: Final = "id as key, client_id, number, status, issue_date, due_date, total, balance"

_CLIENTS_BY_ID: Final = "select id as key, name from billing.clients where id = any ($1::uuid[])"
_LINES_OF_INVOICES: Final = """
    select invoice_id, description, quantity, unit_price, amount
    from billing.invoice_lines where invoice_id = any ($1::uuid[]) order by invoice_id, position
"""
_INVOICES_OF_CLIENTS: Final = f"""
    select newest.* from unnest($1::uuid[]) as client (id)
    cross join lateral (
        select {INVOICE} from billing.invoices where client_id = client.id order by issue_date desc, id desc limit $2
    ) as newest
"""
_INVOICE: Final = f"select {INVOICE} from billing.invoices where id = $1"
_INVOICES: Final = f"select {INVOICE} from billing.invoices order by issue_date desc, id desc limit $1"
_INVOICES_AFTER: Final = f"""
    select {INVOICE} from billing.invoices where (issue_date, id) < ($2, $3) order by issue_date desc, id desc limit $1
"""
_OVERDUE: Final = f"""
    select {INVOICE} from billing.invoices
    where client_id = $1 and status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and due_date < core.today()
      and balance_minor > 0
    order by balance_minor, id limit $2
"""
_CLIENTS: Final = "select id as key, name from billing.clients order by name_key, id limit $1"
_REPORT: Final = """
    select date_trunc('month', issue_date::timestamp)::date as month, status, count(*), sum(total)
    from billing.invoices group by 1, 2 order by 1, 2
"""


# Before the types: Strawberry must know it for what it is when it reads their resolvers.
Info = strawberry.Info["Context", None]


@strawberry.type(description="One thing that an invoice charges for.")
class InvoiceLine:
    invoice_id: strawberry.Private[UUID]
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@strawberry.type(description="What a client owes.")
class Invoice:
    key: strawberry.Private[UUID]
    client_id: strawberry.Private[UUID]
    number: str | None
    status: str
    issue_date: date
    due_date: date
    total: Decimal
    balance: Decimal

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(self.key))

    @strawberry.field
    async def client(self, info: Info) -> "Client":
        return await info.context.clients.load(self.client_id)

    @strawberry.field
    async def lines(self, info: Info) -> list[InvoiceLine]:
        return await info.context.lines.load(self.key)


@strawberry.type(description="Whom the organisation invoices.")
class Client:
    key: strawberry.Private[UUID]
    name: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(self.key))

    @strawberry.field
    async def invoices(self, info: Info, first: int = 20) -> list[Invoice]:
        return await info.context.invoices.load((self.key, _page(first)))


@strawberry.type(description="One page of invoices, and where the next one begins.")
class InvoicePage:
    items: list[Invoice]

    @strawberry.field
    def next_cursor(self) -> str | None:
        if not self.items:
            return None
        return cursors.encode(cursors.Place(self.items[-1].issue_date, self.items[-1].key))


@strawberry.type(description="The invoices of one month and status.")
class InvoiceGroup:
    month: date
    status: str
    count: int
    sum: Decimal


class Context:
    """What resolvers are given: the request's transaction, and loaders that gather what is asked for beside one
    another."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.clients = DataLoader(load_fn=self._load_clients)
        self.lines = DataLoader(load_fn=self._load_lines)
        self.invoices = DataLoader(load_fn=self._load_invoices)

    async def _load_clients(self, keys: list[UUID]) -> list[Client]:
        rows = await self.session.fetch(_CLIENTS_BY_ID, keys)
        found = {row[0]: Client(**row) for row in rows}
        return [found[key] for key in keys]

    async def _load_lines(self, keys: list[UUID]) -> list[list[InvoiceLine]]:
        found: dict[UUID, list[InvoiceLine]] = {key: [] for key in keys}
        for row in await self.session.fetch(_LINES_OF_INVOICES, keys):
            found[row["invoice_id"]].append(InvoiceLine(**row))
        return list(found.values())

    async def _load_invoices(self, keys: list[tuple[UUID, int]]) -> list[list[Invoice]]:
        found: dict[tuple[UUID, int], list[Invoice]] = {key: [] for key in keys}
        for first in {first for _, first in keys}:
            client_ids = [client_id for client_id, wanted in keys if wanted == first]
            for invoice in _invoices(await self.session.fetch(_INVOICES_OF_CLIENTS, client_ids, first)):
                found[invoice.client_id, first].append(invoice)
        return list(found.values())


@strawberry.type
class Query:
    @strawberry.field
    async def invoices(self, info: Info, first: int = 20, after: str | None = None) -> InvoicePage:
        if after is None:
            rows = await info.context.session.fetch(_INVOICES, _page(first))
        else:
            rows = await info.context.session.fetch(_INVOICES_AFTER, _page(first), *cursors.decode(after))
        return InvoicePage(items=_invoices(rows))

    @strawberry.field
    async def invoice(
        self, info: Info, invoice_id: Annotated[strawberry.ID, strawberry.argument(name="id")]
    ) -> Invoice | None:
        rows = await info.context.session.fetch(_INVOICE, UUID(invoice_id))
        return Invoice(**rows[0]) if rows else None

    @strawberry.field
    async def clients(self, info: Info, first: int = 20) -> list[Client]:
        return [Client(**row) for row in await info.context.session.fetch(_CLIENTS, _page(first))]

    @strawberry.field
    async def overdue_invoices(self, info: Info, client_id: strawberry.ID, first: int = 20) -> list[Invoice]:
        return _invoices(await info.context.session.fetch(_OVERDUE, UUID(client_id), _page(first)))

    @strawberry.field
    async def invoice_report(self, info: Info) -> list[InvoiceGroup]:
        return [InvoiceGroup(**row) for row in await info.context.session.fetch(_REPORT)]


class Transaction(SchemaExtension):
    """Executes an operation in one transaction of the tenant's role."""

    async def on_execute(self) -> AsyncIterator[None]:
        context: Context = self.execution_context.context
        async with context.session.transaction():
            yield


schema = strawberry.Schema(query=Query, extensions=[ParserCache, ValidationCache, Transaction])


def _invoices(rows: list[asyncpg.Record]) -> list[Invoice]:
    return [Invoice(**row) for row in rows]


def _page(first: int) -> int:
    if not 1 <= first <= MOST:
        raise ValueError(f"first is 1 to {MOST}.")
    return first
