"""The wholesale lines of the UCI data set "Online Retail" (D. Chen, 2015): what its rows say.

One row is one line of an invoice. Times are London's, prices pounds sterling.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from gql.imports.delimited import read_records, shown
from gql.imports.refusal import FileRefused, Place

HEADINGS: Final = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
INVOICE_NUMBER: Final = re.compile(r"[A-Z]?[0-9]{1,12}")
STOCK_CODE: Final = re.compile(r"\S.{0,29}")
CUSTOMER: Final = re.compile(r"[0-9]{1,12}")
QUANTITY: Final = re.compile(r"-?[0-9]{1,9}")
PRICE: Final = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,6})?")
MOMENT: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{2}|[0-9]{4}) ([0-9]{1,2}):([0-9]{2})")
LONGEST_DESCRIPTION: Final = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One row, with the number of its line. `sold_at` is London's wall clock; no customer means a walk-in."""

    line: int
    invoice_number: str
    stock_code: str
    description: str
    quantity: int
    sold_at: datetime
    unit_price: Decimal
    customer_id: str | None
    country: str

    @property
    def amount(self) -> Decimal:
        """Quantity times price, in pounds; exact."""
        return self.quantity * self.unit_price

    @property
    def is_cancellation(self) -> bool:
        """Whether it takes back what another invoice sold."""
        return self.invoice_number.startswith("C")


def read_rows(path: Path) -> list[Row]:
    """Every row of the file. Raises FileRefused at the first that is broken, and OSError for a file that cannot be
    read."""
    return [_row(line, record) for line, record in read_records(path, HEADINGS)]


def _row(line: int, record: list[str]) -> Row:
    values: list[Any] = []
    try:
        for read, text in zip(READERS, record, strict=True):
            values.append(read(text))
    except ValueError as error:
        raise FileRefused(Place(line, len(values) + 1, HEADINGS[len(values)]), str(error)) from None
    return Row(line, *values)


def _matching(pattern: re.Pattern[str], expected: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        text = text.strip()
        if not pattern.fullmatch(text):
            raise ValueError(f"{shown(text)} is not {expected}")
        return text

    return read


def _description(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_DESCRIPTION:
        raise ValueError(f"the text has {len(text)} characters and may have {LONGEST_DESCRIPTION}")
    return text


def _moment(text: str) -> datetime:
    found = MOMENT.fullmatch(text.strip())
    if found:
        month, day, year, hour, minute = map(int, found.groups())
        try:
            return datetime(year + 2000 if year < 100 else year, month, day, hour, minute)  # noqa: DTZ001
        except ValueError:
            pass
    raise ValueError(f"{shown(text)} is not a date and time like 12/31/2010 8:26 (month/day/year)")


_invoice_number = _matching(INVOICE_NUMBER, "an invoice number like 536365 or C536379")
_stock_code = _matching(STOCK_CODE, "a stock code of 1 to 30 characters")
_customer = _matching(CUSTOMER, "a customer number like 17850, or blank")
_quantity = _matching(QUANTITY, "a whole number of at most nine digits")
_price = _matching(PRICE, "a price in pounds like 2.55")
_country = _matching(re.compile(r".{1,60}"), "the name of a country")

READERS: Final[tuple[Callable[[str], Any], ...]] = (
    _invoice_number,
    _stock_code,
    _description,
    lambda text: int(_quantity(text)),
    _moment,
    lambda text: Decimal(_price(text)),
    lambda text: _customer(text) if text.strip() else None,
    _country,
)
