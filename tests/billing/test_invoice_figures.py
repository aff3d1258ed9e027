"""An invoice's figures against a second reckoning in Python, which shares nothing with the SQL but the rules:
EN 16931 tax by rate, largest remainder, half away from zero."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.actors import as_tenant
from tests.harness.tenants import make_tenant
from tests.harness.verbs import call, new_client, new_draft, the_row

CENT: Final = Decimal("0.01")


@dataclass(frozen=True)
class Line:
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    tax_rate: Decimal

    @property
    def amount(self) -> Decimal:
        return (self.quantity * self.unit_price - self.discount).quantize(CENT, ROUND_HALF_UP)

    def as_input(self) -> dict[str, str]:
        return {
            "description": "Something",
            "quantity": str(self.quantity),
            "unit_price": str(self.unit_price),
            "discount": str(self.discount),
            "tax_rate": str(self.tax_rate),
        }


@dataclass(frozen=True)
class Figures:
    subtotal: Decimal
    tax_amount: Decimal
    total: Decimal


def reckon(lines: list[Line], discount: Decimal) -> Figures:
    """The figures by hand, in whole cents."""
    by_rate: dict[Decimal, int] = {}
    for line in lines:
        by_rate[line.tax_rate] = by_rate.get(line.tax_rate, 0) + int(line.amount * 100)
    whole, to_split = sum(by_rate.values()), int(discount * 100)
    shares = {rate: to_split * cents // whole if whole else 0 for rate, cents in by_rate.items()}
    remainders = {rate: to_split * cents % whole if whole else 0 for rate, cents in by_rate.items()}
    for rate in sorted(by_rate, key=lambda rate: (-remainders[rate], rate))[: to_split - sum(shares.values())]:
        shares[rate] += 1
    tax = sum(
        (Decimal(cents - shares[rate]) / 100 * rate / 100).quantize(CENT, ROUND_HALF_UP)
        for rate, cents in by_rate.items()
    )
    subtotal = Decimal(whole) / 100
    return Figures(subtotal, Decimal(tax), subtotal - discount + tax)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    quantity = draw(st.decimals(0, 5000, places=3) | st.decimals(0, 3, places=3) | st.integers(1, 9).map(Decimal))
    unit_price = draw(st.decimals(0, 10_000, places=2) | st.decimals(0, 1, places=2))
    most = (quantity * unit_price).quantize(CENT, rounding="ROUND_DOWN")
    discount = draw(st.just(Decimal(0)) | st.decimals(0, most, places=2))
    rates = st.sampled_from([Decimal(rate) for rate in ("0", "5", "7", "19", "20", "100")])
    return Line(quantity, unit_price, discount, draw(rates | st.decimals(0, 100, places=2)))


@st.composite
def discounts(draw: st.DrawFn, some: list[Line]) -> Decimal:
    subtotal = sum((line.amount for line in some), Decimal(0))
    return draw(st.just(Decimal(0)) | st.just(subtotal) | st.decimals(0, subtotal, places=2))


@dataclass
class Books:
    connection: asyncpg.Connection
    client_id: UUID


@pytest.fixture(scope="module")
async def books() -> AsyncIterator[Books]:
    async with as_tenant(await make_tenant()) as connection:
        yield Books(connection, await new_client(connection))


async def figures(books: Books, draft_id: UUID) -> Figures:
    row = await the_row(books.connection, "billing.invoices", draft_id)
    assert row["total"] == row["balance"]
    assert row["total_minor"] == row["total"] * 100
    return Figures(row["subtotal"], row["tax_amount"], row["total"])


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
async def test_the_figures_are_those_of_a_second_reckoning(books: Books, data: st.DataObject) -> None:
    first, second = data.draw(st.lists(lines(), max_size=7)), data.draw(st.lists(lines(), min_size=1, max_size=7))
    discount = data.draw(discounts(first))
    draft_id = await new_draft(
        books.connection, books.client_id, lines=[line.as_input() for line in first], discount=str(discount)
    )
    assert await figures(books, draft_id) == reckon(first, discount)
    discount = data.draw(discounts(second))
    await call(
        books.connection,
        "billing.invoice_update",
        id=draft_id,
        lines=[line.as_input() for line in second],
        discount=str(discount),
    )
    assert await figures(books, draft_id) == reckon(second, discount)
    await call(books.connection, "billing.invoice_issue", id=draft_id)
    assert await figures(books, draft_id) == reckon(second, discount)


def line(unit_price: str, tax_rate: str, quantity: str = "1", discount: str = "0") -> Line:
    return Line(Decimal(quantity), Decimal(unit_price), Decimal(discount), Decimal(tax_rate))


@pytest.mark.parametrize(
    ("given_lines", "discount", "tax"),
    [
        # Half a cent goes away from zero, once for each rate, not for each line: three times 0.105 is 0.32, not 0.33.
        ([line("0.50", "1")], "0", "0.01"),
        ([line("0.35", "30")] * 3, "0", "0.32"),
        # The cent that is left over goes to the larger remainder (2/3 of a cent of 2.00 against 1/3 of 1.00) …
        ([line("1.00", "100"), line("2.00", "0")], "0.01", "1.00"),
        # … and among equals to the smaller rate.
        ([line("1.00", "100"), line("1.00", "0")], "0.01", "1.00"),
        # A discount of everything leaves no tax.
        ([line("1.00", "19"), line("2.00", "7")], "3.00", "0.00"),
        # Nothing is nothing.
        ([], "0", "0"),
        ([line("5.00", "19", "0")], "0", "0"),
    ],
)
async def test_cases_with_names(books: Books, given_lines: list[Line], discount: str, tax: str) -> None:
    draft_id = await new_draft(
        books.connection, books.client_id, lines=[each.as_input() for each in given_lines], discount=discount
    )
    assert (await figures(books, draft_id)).tax_amount == Decimal(tax)
    assert reckon(given_lines, Decimal(discount)).tax_amount == Decimal(tax)


@pytest.mark.parametrize(
    ("quantity", "unit_price", "discount", "amount"),
    [
        ("0.5", "0.01", "0", "0.01"),
        ("1.5", "3.33", "0", "5.00"),
        ("0.333", "0.03", "0.01", "0.00"),
        ("3", "0.1", "0.3", "0"),
    ],
)
async def test_a_lines_amount_is_rounded_half_away_from_zero(
    books: Books, quantity: str, unit_price: str, discount: str, amount: str
) -> None:
    only = line(unit_price, "0", quantity, discount)
    draft_id = await new_draft(books.connection, books.client_id, lines=[only.as_input()])
    assert (await figures(books, draft_id)).total == Decimal(amount)
