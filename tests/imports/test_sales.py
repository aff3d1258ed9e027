"""Which invoices and clients the rows make, and which rows cannot be taken."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gql.imports.online_retail import Row, read_rows
from gql.imports.sales import Sales, gather
from gql.imports.sales_terms import WALK_IN

FILES = Path(__file__).parent / "files"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read_rows(FILES / "wholesale.csv")


@pytest.fixture(scope="module")
def sales(rows: list[Row]) -> Sales:
    return gather(rows)


def test_every_row_is_in_one_sale_or_told_with_a_reason(rows: list[Row], sales: Sales) -> None:
    rows_of = [*(sale.rows for sale in sales.sales), *(each.rows for each in sales.cancellations)]
    taken = [row.line for taken_rows in rows_of for row in taken_rows]
    untaken = [each.row.line for each in sales.untaken]
    assert Counter(taken + untaken) == Counter(row.line for row in rows)
    assert sales.rows == len(rows)


def test_an_invoice_is_made_of_its_rows_and_dated_as_in_the_file(sales: Sales) -> None:
    invoice = sales.sales[0].as_invoice()
    assert invoice["externalRef"] == "online-retail:700001"
    assert invoice["clientExternalRef"] == "online-retail:20001"
    assert (invoice["issue"], invoice["issueDate"], invoice["currency"]) == (True, "2011-02-28", "GBP")
    assert invoice["lines"] == [
        {"description": "10120 TIN LANTERN SMALL", "quantity": "6", "unitPrice": "3.39"},
        {"description": "10121A CANDLE, BEESWAX", "quantity": "12", "unitPrice": "0.85"},
        {"description": "POST POSTAGE", "quantity": "1", "unitPrice": "18.00"},
    ]
    assert sales.sales[0].total == Decimal("48.54")


def test_a_minute_before_midnight_is_still_that_day(sales: Sales) -> None:
    assert sales.sales[1].as_invoice()["issueDate"] == "2011-02-28"


def test_a_gift_without_a_description_is_a_line_like_any_other(sales: Sales) -> None:
    gift = next(sale for sale in sales.sales if sale.number == "700004")
    assert gift.client_ref == WALK_IN
    assert gift.as_invoice()["lines"] == [{"description": "10123", "quantity": "56", "unitPrice": "0.00"}]


def test_each_customer_is_one_client_also_where_nothing_of_theirs_can_be_taken(rows: list[Row], sales: Sales) -> None:
    assert len(sales.clients) == len({row.customer_id for row in rows})
    assert sales.clients["online-retail:20002"]["country"] == "FR"
    assert sales.clients["online-retail:20003"]["country"] == "IE"
    assert "country" not in sales.clients["online-retail:20005"]
    assert sales.clients["online-retail:20006"]["name"] == "Customer 20006"
    assert sales.clients[WALK_IN]["name"] == "Walk-in customers"


def test_each_row_that_cannot_be_taken_says_why(sales: Sales) -> None:
    reasons = {each.row.line: each.reason for each in sales.untaken}
    assert reasons == {
        8: "A quantity of zero or less without a cancellation is a correction of stock and no sale.",
        9: "The price has parts of a penny, which an invoice cannot ask for.",
        10: "It belongs to an invoice that cannot be taken whole, because of line 9:"
        " The price has parts of a penny, which an invoice cannot ask for.",
        11: "It belongs to an invoice that cannot be taken whole, because of line 12:"
        " The invoice names another customer on line 11, and an invoice has one.",
        12: "The invoice names another customer on line 11, and an invoice has one.",
        13: "An invoice number with this letter is an adjustment of the books and no sale.",
        17: "A cancellation takes something back, and this quantity is not below zero.",
        18: "It belongs to an invoice that cannot be taken whole, because of line 17:"
        " A cancellation takes something back, and this quantity is not below zero.",
    }


def test_the_rows_of_an_invoice_belong_together_wherever_they_stand(rows: list[Row]) -> None:
    apart = gather([rows[0], rows[3], rows[1]])
    assert [(sale.number, len(sale.rows)) for sale in apart.sales] == [("700001", 2), ("700002", 1)]


def test_a_cancellation_takes_back_from_the_sale_of_the_same_articles(sales: Sales) -> None:
    assert [(each.number, each.sale_ref, each.total) for each in sales.cancellations] == [
        ("C700003", "online-retail:700001", Decimal("-6.78")),
        ("C700011", None, Decimal("-27.5")),
        ("C700013", None, Decimal("-16.95")),  # of six lanterns two are back, so that these five are others
    ]


def test_a_credit_note_says_what_is_taken_back_and_is_dated_as_in_the_file(sales: Sales) -> None:
    assert sales.cancellations[1].as_credit_note() == {
        "externalRef": "online-retail:C700011",
        "issueDate": "2011-03-02",
        "reason": "Cancellation C700011.",
        "currency": "GBP",
        "metadata": {"source": "online-retail", "invoiceNo": "C700011", "soldAtInLondon": "2011-03-02T07:02:00"},
        "lines": [{"description": "D Discount", "quantity": "1", "unitPrice": "27.50", "taxRate": "0"}],
    }


def test_what_was_sold_at_another_price_or_to_somebody_else_is_not_taken_back(rows: list[Row]) -> None:
    [sale] = gather(rows[:3]).sales
    back = replace(sale.rows[0], invoice_number="C1", quantity=-1, line=9)
    changes: list[dict[str, Any]] = [
        {"unit_price": Decimal("3.38")},
        {"customer_id": "20009"},
        {"stock_code": "10121"},
        {"quantity": -7},
    ]
    for changed in changes:
        assert gather([*sale.rows, replace(back, **changed)]).cancellations[0].sale_ref is None
    assert gather([*sale.rows, back]).cancellations[0].sale_ref == sale.external_ref
    assert gather([back, *sale.rows]).cancellations[0].sale_ref is None
