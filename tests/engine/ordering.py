"""Orders, their items and credit ledgers in the books, written past the triggers like all of them."""

from collections.abc import Iterable
from typing import Any, Final

from tests.engine.ids import (
    credit_entry_id,
    credit_line_id,
    order_id,
    order_item_id,
    retailer_id,
    vendor_id,
    vendor_product_id,
)
from tests.engine.trading import LINES

Row = dict[str, Any]

# Orders by line: status, total without tax, tax, and what else is said of them.
ORDERS: Final[list[tuple[int, str, str, str, Row]]] = [
    (1, "DRAFT", "0.00", "0.00", {}),
    (1, "PLACED", "100.00", "0.00", {"prepaid": "40.00", "metadata": {"": ["“x”", None, 1.50]}}),
    (1, "CONFIRMED", "0.01", "0.00", {}),
    (1, "SHIPPED", "8620.69", "1379.31", {}),
    (1, "DELIVERED", "86.21", "13.79", {"due_date": "2025-04-01", "returned_subtotal": "8.62", "returned_tax": "1.38"}),
    (4, "DELIVERED", "86.21", "13.79", {"due_date": "9999-12-31", "prepaid": "100.00"}),
    (4, "RETURNED", "9999999999999.99", "0.00", {"due_date": "2025-04-01", "returned_subtotal": "9999999999999.99"}),
    (2, "CANCELLED", "10.00", "1.60", {"cancel_reason": 'Out of "rice" \\ 🦉\u2028\x07'}),
    (5, "EXPIRED", "0.00", "0.00", {}),
    (3, "DELIVERED", "10.00", "0.00", {"due_date": "2025-07-01", "paid_amount": "4.00"}),
    (7, "PLACED", "0.02", "0.00", {}),
    (1, "DELIVERED", "86.21", "13.79", {"due_date": "2025-04-01", "paid_amount": "100.00"}),
    (5, "EXPIRED", "0.00", "0.00", {}),
]
ARCHIVED: Final = (order_id(12), order_id(13))
ARCHIVE: Final = (
    """insert into trade.archived_orders select (
        jsonb_populate_record(null::trade.archived_orders, to_jsonb(o) || '{"archived_at": "2025-06-09T00:00:00.2Z"}')
    ).* from trade.orders o where tenant_id = $1 and id = any ($2)""",
    """insert into trade.archived_order_items
    select * from trade.order_items where tenant_id = $1 and order_id = any ($2)""",
    "delete from trade.order_items where tenant_id = $1 and order_id = any ($2)",
    "delete from trade.orders where tenant_id = $1 and id = any ($2)",
)
REACHED: Final = {
    "DRAFT": (),
    "PLACED": ("placed_at", "expires_at"),
    "CONFIRMED": ("placed_at", "confirmed_at"),
    "SHIPPED": ("placed_at", "confirmed_at", "shipped_at"),
    "DELIVERED": ("placed_at", "confirmed_at", "shipped_at", "delivered_at"),
    "RETURNED": ("placed_at", "confirmed_at", "shipped_at", "delivered_at", "returned_at"),
    "CANCELLED": ("placed_at", "cancelled_at"),
    "EXPIRED": ("placed_at", "expires_at"),
}
# Entries by line: type, debt before, amount, debt after, order, and the entry that it takes back.
ENTRIES: Final[list[tuple[int, str, str, str, str, int | None, int | None]]] = [
    (1, "ORDER_CREDIT", "0.00", "100.00", "100.00", 5, None),
    (1, "RETURN_DEBIT", "100.00", "10.00", "90.00", 5, None),
    (1, "PAYMENT_DEBIT", "90.00", "95.00", "-5.00", None, None),
    (1, "ADJUSTMENT_CREDIT", "-5.00", "95.00", "90.00", None, 3),
    (4, "ORDER_CREDIT", "0.00", "9999999999999.99", "9999999999999.99", 7, None),
    (4, "RETURN_DEBIT", "9999999999999.99", "9999999999999.99", "0.00", 7, None),
    (2, "ADJUSTMENT_DEBIT", "0.00", "5.00", "-5.00", None, None),
    (3, "ORDER_CREDIT", "490.00", "10.00", "500.00", 10, None),
    (3, "WRITE_OFF", "500.00", "0.01", "499.99", None, None),
]


def _parties(line: int) -> Row:
    return {"retailer_id": retailer_id(LINES[line - 1][0]), "vendor_id": vendor_id(LINES[line - 1][1])}


def rows(currency: str, whole: bool) -> Iterable[tuple[str, Row]]:
    """All of it, or what is of the first line."""
    for number, (line, status, subtotal, tax, more) in enumerate(ORDERS, 1):
        if not whole and line > 1:
            continue
        moment = f"2025-06-0{number // 2 + 1}T08:00:00"
        delivered = {"delivered_subtotal": subtotal, "delivered_tax": tax} if "delivered_at" in REACHED[status] else {}
        yield (
            "trade.orders",
            {
                "id": order_id(number),
                "order_number": f"ORD-{number:06}" if number != 3 else "ORD-9999999",
                "invoice_number": f"TI-{number:06}" if delivered else None,
                "credit_line_id": credit_line_id(line),
                **_parties(line),
                "retailer_name": f'Retailer "{line}" \\',
                "vendor_name": f"Vendor 🦉 {line}",
                "status": status,
                "currency": currency,
                "subtotal": subtotal,
                "tax": tax,
                "total": f"{float(subtotal) + float(tax):.2f}",
                **delivered,
                **{name: f"{moment}.{place}Z" for place, name in enumerate(REACHED[status])},
                # No worker is to see to what nobody placed.
                **({"expires_at": "9999-12-31T00:00:00Z"} if status == "PLACED" else {}),
                "metadata": {},
                "created_at": f"{moment}Z",
                # Nor to what has ended, however long ago: it is archived here or not.
                "updated_at": "9999-06-09T00:00:00.100Z",
                **more,
            },
        )
        yield from _items(number, line)
    for number, (line, kind, before, amount, after, order, reverses) in enumerate(ENTRIES, 1):
        if not whole and line > 1:
            continue
        yield (
            "trade.credit_entries",
            {
                "id": credit_entry_id(number),
                "credit_line_id": credit_line_id(line),
                **_parties(line),
                "order_id": order_id(order) if order else None,
                "ledger_number": number,
                "transaction_type": kind,
                "effective_date": f"2025-06-{number:02}",
                "due_date": f"2025-07-{number:02}" if kind == "ORDER_CREDIT" else None,
                "currency": currency,
                "previous_balance": before,
                "amount": amount,
                "running_balance": after,
                "description": None if number % 4 == 0 else f'Entry "{number}" \\\t🦉',
                "reverses_id": credit_entry_id(reverses) if reverses else None,
                # Two of them were entered at once.
                "created_at": f"2025-06-0{number // 2 + 1}T09:00:00Z",
            },
        )


def _items(order: int, line: int) -> Iterable[tuple[str, Row]]:
    """None of the first, one, a few; some replaced."""
    for position in range(1, 1 + (order - 1) % 4 + (order == 5) * 30):
        yield (
            "trade.order_items",
            {
                "id": order_item_id(order * 1000 + position),
                "order_id": order_id(order),
                **_parties(line),
                "vendor_product_id": vendor_product_id(1 + (order + position) % 5),
                "position": position,
                "product_name": f"Item {position}: ½ {chr(0x1F980 + position)} \\",
                "product_sku": f"SKU/{position}",
                "unit_price": ["0.01", "100.00", "0.00", "12.5"][position % 4],
                "tax_rate": ["0", "16.00", "7.5"][position % 3],
                "quantity": [1, 7, 1000000000][position % 3],
                "quantity_shipped": position % 2,
                "quantity_returned": 0,
                "reserved": 0,
                "replaced_at": "2025-06-02T00:00:00Z" if position % 5 == 3 or position > 5 else None,
                "created_at": f"2025-06-0{order // 2 + 1}T08:00:0{position % 3}Z",
                "updated_at": "2025-06-09T00:00:00.100Z",
            },
        )
