"""Vendors, retailers, credit lines, products and offers in the books, written past the triggers like all of them."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from tests.engine.ids import credit_line_id, credit_score_id, product_id, retailer_id, vendor_id, vendor_product_id

Row = dict[str, Any]

LAST_CHARACTER: Final = "\U0010ffff"

VENDOR_SCOPE: Final = (vendor_id(1), vendor_id(4))
"""The vendors that somebody in this role speaks for: one is approved, one is not."""
RETAILER_SCOPE: Final = (retailer_id(1), retailer_id(5))
"""The retailers that somebody in this role speaks for: one is deleted."""

# Names of which only capitals differ, that are no letters, and that a pattern would take for its own.
VENDORS: Final[list[Row]] = [
    {
        "vendor_code": "V-1",
        "name": "Baraka Mills",
        "is_approved": True,
        "contact": "Amina “A” Odhiambo",
        "phone": "+254",
    },
    {"vendor_code": "v-1", "name": "baraka mills", "is_approved": True, "credit_limit": "9999999999999.99"},
    {"vendor_code": "V-2", "name": f"Zed{LAST_CHARACTER}", "is_approved": True, "email": "🦉@owl.example"},
    {"vendor_code": "V_3", "name": 'O\'Hara & "Sons" \\ Ltd', "suspension_reason": "Late\t\x07 “twice”"},
    {"vendor_code": "0", "name": "NULL", "metadata": {"": [1, None]}},
    {"vendor_code": "V-6", "name": "Deleted Dairy", "deleted_at": "2025-06-01T00:00:00Z"},
]
RETAILERS: Final[list[Row]] = [
    {"retailer_code": "R-1", "name": "Mama Njeri", "phone": "+254712345678", "credit_score": 700},
    {"retailer_code": "R-2", "name": "mama njeri", "credit_score": 549, "address": "Stall 4\nRow “B”"},
    {"retailer_code": "R-3", "name": "Émile Ünïcode ß", "credit_score": 550, "email": "e@ss.example"},
    {"retailer_code": "r-3", "name": "🦉 Owl & 🧵", "credit_score": 900, "phone": "+254712345679"},
    {"retailer_code": "R-5", "name": "Closed Kiosk", "deleted_at": "2025-06-01T00:00:00.123Z", "credit_score": 300},
]
# Lines by retailer and vendor: limit, debt, holds.
LINES: Final[list[tuple[int, int, str, str, str]]] = [
    (1, 1, "1000.00", "250.50", "100.00"),
    (1, 2, "0.00", "-5.00", "0.00"),
    (1, 4, "500.00", "500.00", "0.00"),
    (2, 1, "1000.00", "250.50", "749.50"),
    (2, 3, "9999999999999.99", "0.01", "0.00"),
    (3, 1, "10.00", "0.00", "10.00"),
    (5, 6, "0.00", "0.00", "0.00"),
]
PRODUCTS: Final[list[Row]] = [
    {
        "product_code": "RICE-5",
        "name": "Basmati Rice 5kg",
        "category": "Grain",
        "sub_category": "Rice",
        "tax_rate": "16",
    },
    {"product_code": "rice-5", "name": "basmati rice 5KG", "category": "Grain", "hsn_code": "10063020"},
    {"product_code": "LIC", "name": "Licorice \\ 100% _sweet_", "category": "Sweets", "barcode": "5012345678900"},
    {"product_code": "OLD", "name": "Rice of last year", "category": "Grain", "is_active": False},
    {"product_code": "OWL", "name": "🦉🦉🦉 ÉMILE'S PRICED ρύζι", "metadata": {"a": {"b": None}}, "tax_rate": "0.01"},
    {"product_code": "X", "name": "x", "category": "grain"},
    {"product_code": "NULL", "name": "NULL"},
]
# Offers by vendor and product: price, stock, reserved, low level, whether it can be ordered.
OFFERS: Final[list[tuple[int, int, str, int, int, int, bool]]] = [
    (1, 1, "1000.00", 100, 90, 10, True),
    (1, 2, "0.00", 0, 0, 0, False),
    (1, 5, "9999999999999.99", 1000000000, 0, 5, True),
    (2, 1, "999.99", 5, 5, 0, True),
    (2, 3, "0.01", 11, 0, 10, True),
    (4, 1, "12.50", 7, 1, 6, True),
    (5, 4, "12.50", 7, 0, 0, True),
    (3, 6, "1000.00", 8, 1, 7, False),
]
# Scores by retailer: day, due orders, how many of them were paid on time, utilisation, months, percentile.
SCORES: Final[list[tuple[int, str, int, int, str, int, str]]] = [
    (1, "2025-06-01", 0, 0, "0", 0, "0"),
    (1, "2025-06-02", 3, 2, "0.3333", 24, "0.5"),
    (2, "2025-06-02", 1, 0, "1", 240, "0.0000"),
    (3, "2025-06-02", 7, 7, "0.0001", 23, "1.0000"),
    (5, "9999-12-31", 0, 0, "0", 1, "0.1"),
]


def _scores(most: int) -> Iterable[tuple[str, Row]]:
    for number, (retailer, day, due, on_time, utilisation, months, percentile) in enumerate(SCORES, 1):
        if retailer > most:
            continue
        yield (
            "trade.credit_scores",
            {
                "id": credit_score_id(number),
                "retailer_id": retailer_id(retailer),
                "scored_on": day,
                "due_orders": due,
                "on_time_orders": on_time,
                "on_time_share": f"{on_time / due:.4f}" if due else "0.5",
                "utilisation": utilisation,
                "tenure_months": months,
                "volume_percentile": percentile,
                "created_at": "2025-06-02T00:00:00.5Z",
            },
        )


def rows(currency: str, whole: bool) -> Iterable[tuple[str, Row]]:
    """All of it, or a part."""
    most = 99 if whole else 2
    for number, vendor in enumerate(VENDORS[:most], 1):
        yield "trade.vendors", _row(vendor_id(number), number, currency=currency, **vendor)
    for number, retailer in enumerate(RETAILERS[:most], 1):
        lines = [line for line in LINES if line[0] == number]
        debt, held = (sum(float(line[place]) for line in lines) for place in (3, 4))
        more = {"outstanding_debt": f"{debt:.2f}", "available_credit": f"{1000 - held:.2f}"}
        seen = {} if number % 2 else {"last_order_at": f"2025-0{number}-01T00:00:00.5Z"}
        yield "trade.retailers", _row(retailer_id(number), number, currency=currency, **more, **seen, **retailer)
    for number, (retailer_number, vendor_number, limit, owed, holds) in enumerate(LINES, 1):
        if max(retailer_number, vendor_number) > most:
            continue
        parties = {"retailer_id": retailer_id(retailer_number), "vendor_id": vendor_id(vendor_number)}
        figures = {"credit_limit": limit, "debt": owed, "held": holds, "terms_days": number * 15}
        state = {"state": "SUSPENDED", "state_reason": "A cheque “bounced” \\"} if number % 3 == 0 else {}
        account = UUID(f"1f000000-0000-4000-8000-{number:012}")
        row = _row(credit_line_id(number), number, currency=currency, account_id=account, **parties, **figures, **state)
        yield "trade.credit_lines", row
    yield from _scores(most)
    for number, product in enumerate(PRODUCTS, 1):
        yield "trade.products", _row(product_id(number), number, **product)
    for number, (vendor_number, product_number, price, stock, reserved, low, is_available) in enumerate(OFFERS, 1):
        if vendor_number > most:
            continue
        yield (
            "trade.vendor_products",
            _row(
                vendor_product_id(number),
                number,
                currency=currency,
                vendor_id=vendor_id(vendor_number),
                product_id=product_id(product_number),
                sku=f"{'SKU' if number % 2 else 'sku'}/{product_number}",
                vendor_price=price,
                stock=stock,
                reserved=reserved,
                low_stock_level=low,
                is_available=is_available,
                vendor_is_approved=VENDORS[vendor_number - 1].get("is_approved", False),
                stock_note='Counted "again" \\' if number % 2 else None,
                stocked_at="2025-06-01T00:00:00.25Z" if number % 2 else None,
            ),
        )


def _row(row_id: UUID, number: int, **more: Any) -> Row:
    """Two of them were entered at once."""
    stamps = {"created_at": f"2025-05-01T08:0{number // 2}:00Z", "updated_at": "2025-05-09T00:00:00.100Z"}
    table_defaults: Row = {"metadata": {}} if "account_id" not in more else {}
    return {"id": row_id, **stamps, **table_defaults, **more}
