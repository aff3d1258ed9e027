"""Cancellations of the online retailer: a credit note for an invoice of the same file where one sold those articles to
the same customer at those prices, and one that stands alone where they were sold before the file begins."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gql.imports.online_retail import Row
from gql.imports.sales_terms import CURRENCY, SOURCE, as_line, client_ref

Articles = Counter[tuple[str, Decimal]]
"""How many there are of each article at each price."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The rows of one cancellation, in the order of the file. `sale_ref` is the invoice that it takes back from."""

    rows: tuple[Row, ...]
    sale_ref: str | None

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
        """Below zero: what is taken back."""
        return sum((row.amount for row in self.rows), Decimal(0))

    def as_credit_note(self) -> dict[str, Any]:
        """The credit note as both mutations take it; who or what it is for is to be added."""
        sold_at = self.rows[0].sold_at
        return {
            "externalRef": self.external_ref,
            "issueDate": sold_at.date().isoformat(),
            "reason": f"Cancellation {self.number}.",
            "metadata": {"source": SOURCE, "invoiceNo": self.number, "soldAtInLondon": sold_at.isoformat()},
            "lines": [as_line(row, -row.quantity) | {"taxRate": "0"} for row in self.rows],
        } | ({} if self.sale_ref else {"currency": CURRENCY})


class Shelf:
    """What was sold to each customer and not taken back yet."""

    def __init__(self) -> None:
        self._sold: dict[str, list[tuple[str, Articles]]] = {}

    def put(self, sale_ref: str, rows: Iterable[Row]) -> None:
        """Remember a sale."""
        articles: Articles = Counter()
        for row in rows:
            articles[row.stock_code, row.unit_price] += row.quantity
            client = client_ref(row)
        self._sold.setdefault(client, []).append((sale_ref, articles))

    def take(self, rows: Sequence[Row]) -> str | None:
        """The last sale to the customer that all of the rows can be taken back from, less them; None where none is."""
        wanted: Articles = Counter()
        for row in rows:
            wanted[row.stock_code, row.unit_price] -= row.quantity
        for sale_ref, articles in reversed(self._sold.get(client_ref(rows[0]), [])):
            if wanted <= articles:
                articles.subtract(wanted)
                return sale_ref
        return None
