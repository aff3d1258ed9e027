"""What the rows of the online retailer are in our words: clients, invoices, credit notes, and rows we cannot take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from gql.imports.cancellations import Cancellation, Shelf
from gql.imports.online_retail import Row
from gql.imports.sales_terms import CURRENCY, SOURCE, as_client, as_line, client_ref

MOST_LINES: Final = 1000  # of one invoice, which is what an invoice takes


@dataclass(frozen=True, slots=True)
class Untaken:
    """A row that was read and not imported, and why."""

    row: Row
    reason: str


@dataclass(frozen=True, slots=True)
class Sale:
    """The rows of one invoice number, in the order of the file."""

    rows: tuple[Row, ...]

    @property
    def number(self) -> str:
        return self.rows[0].invoice_number

    @property
    def external_ref(self) -> str:
        return f"{SOURCE}:{self.number}"

    @property
    def client_ref(self) -> str:
        return client_ref(self.rows[0])

    @property
    def total(self) -> Decimal:
        return sum((row.amount for row in self.rows), Decimal(0))

    def as_invoice(self) -> dict[str, Any]:
        """The invoice as the mutation invoicesImport takes it: issued, and dated as in the file. Prices of the file
        are what was asked for, so no tax is added."""
        sold_at = self.rows[0].sold_at
        return {
            "externalRef": self.external_ref,
            "clientExternalRef": self.client_ref,
            "issue": True,
            "issueDate": sold_at.date().isoformat(),
            "currency": CURRENCY,
            "taxRate": "0",
            "metadata": {"source": SOURCE, "invoiceNo": self.number, "soldAtInLondon": sold_at.isoformat()},
            "lines": [as_line(row, row.quantity) for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Sales:
    """A whole file. Every row is in one sale or cancellation, or among the untaken."""

    rows: int
    clients: dict[str, dict[str, Any]]
    """By external reference, as the mutation clientsImport takes them."""
    sales: tuple[Sale, ...]
    cancellations: tuple[Cancellation, ...]
    untaken: tuple[Untaken, ...]

    @property
    def total(self) -> Decimal:
        sold = sum((sale.total for sale in self.sales), Decimal(0))
        return sum((cancellation.total for cancellation in self.cancellations), sold)


def gather(rows: Iterable[Row]) -> Sales:
    """Clients, sales and cancellations of the rows, in the order of the file.

    An invoice is taken whole or not at all: one without some of its lines would ask for another amount than the
    customer was asked for.
    """
    by_number: dict[str, list[Row]] = {}
    clients: dict[str, dict[str, Any]] = {}
    count = 0
    for row in rows:
        count += 1
        by_number.setdefault(row.invoice_number, []).append(row)
        if client_ref(row) not in clients:
            clients[client_ref(row)] = as_client(row)
    sales: list[Sale] = []
    cancellations: list[Cancellation] = []
    shelf = Shelf()
    untaken: list[Untaken] = []
    for together in by_number.values():
        reasons = _obstacles(together)
        if reasons:
            untaken += [Untaken(row, _reason(row, reasons)) for row in together]
        elif together[0].is_cancellation:
            cancellations.append(Cancellation(tuple(together), shelf.take(together)))
        else:
            sales.append(Sale(tuple(together)))
            shelf.put(sales[-1].external_ref, together)
    untaken.sort(key=lambda each: each.row.line)
    return Sales(count, clients, tuple(sales), tuple(cancellations), tuple(untaken))


def _obstacles(rows: Sequence[Row]) -> dict[int, str]:
    """Why an invoice cannot be taken, by line of the file; nothing when it can."""
    first = rows[0]
    found: dict[int, str] = {}
    for row in rows:
        if reason := _obstacle(row, first):
            found[row.line] = reason
    if not found and len(rows) > MOST_LINES:
        found[rows[MOST_LINES].line] = f"An invoice has at most {MOST_LINES} lines, and this one has {len(rows)}."
    return found


def _obstacle(row: Row, first: Row) -> str | None:
    if not row.is_cancellation and not row.invoice_number.isdecimal():
        return "An invoice number with this letter is an adjustment of the books and no sale."
    if row.is_cancellation and row.quantity >= 0:
        return "A cancellation takes something back, and this quantity is not below zero."
    if not row.is_cancellation and row.quantity <= 0:
        return "A quantity of zero or less without a cancellation is a correction of stock and no sale."
    if row.unit_price < 0:
        return "A price below zero is an adjustment of the books and no sale."
    if row.unit_price != round(row.unit_price, 2):
        return "The price has parts of a penny, which an invoice cannot ask for."
    if row.customer_id != first.customer_id:
        return f"The invoice names another customer on line {first.line}, and an invoice has one."
    return None


def _reason(row: Row, reasons: dict[int, str]) -> str:
    line, reason = next(iter(reasons.items()))
    return (
        reasons.get(row.line)
        or f"It belongs to an invoice that cannot be taken whole, because of line {line}: {reason}"
    )
