"""What moved the accounts of clients in the books: around today, at both ends of time, on documents of all kinds."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.engine.ids import client_id, credit_note_id, invoice_id, payment_id

Row = dict[str, Any]

# Client, document, kind, the day or how many days from today, the day it ages from, currency, amount.
ENTRIES: Final[list[tuple[int, str, int, str, int | str, int | str, str, str]]] = [
    (1, "invoice_id", 1, "INVOICE", "2025-04-01", "2025-04-30", "EUR", "119.00"),
    (1, "payment_id", 1, "PAYMENT", "2025-05-02", "2025-05-02", "EUR", "-100.00"),
    (1, "payment_id", 1, "ALLOCATION", "2025-05-02", "2025-05-02", "EUR", "60.00"),
    (1, "invoice_id", 1, "ALLOCATION", "2025-05-02", "2025-04-30", "EUR", "-60.00"),
    (1, "payment_id", 3, "PAYMENT", -30, -30, "EUR", "-77.00"),
    (1, "payment_id", 3, "REVERSAL", 0, -30, "EUR", "77.00"),
    (1, "payment_id", 2, "PAYMENT", 0, 0, "EUR", "-40.01"),
    (1, "invoice_id", 2, "INVOICE", 1, 1, "EUR", "119.00"),
    (1, "credit_note_id", 1, "CREDIT_NOTE", "2025-06-01", "2025-06-01", "EUR", "-20.00"),
    (4, "invoice_id", 8, "INVOICE", "2025-06-30", "2025-07-30", "USD", "0.03"),
    (4, "invoice_id", 11, "WRITE_OFF", -1, -1, "EUR", "-250.00"),
    (4, "payment_id", 6, "REFUND", "2025-06-30", -61, "EUR", "9.99"),
    (7, "invoice_id", 16, "VOID", "9999-12-31", "9999-12-31", "EUR", "-100.00"),
    (9, "payment_id", 8, "PAYMENT", -91, -91, "EUR", "-9999999999999.99"),
]


DOCUMENTS: Final = {"invoice_id": invoice_id, "payment_id": payment_id, "credit_note_id": credit_note_id}


def rows(time_zone: str, clients: set[UUID]) -> Iterable[tuple[str, Row]]:
    """The entries of those clients. They agree with no document: what is open now is taken from there."""
    today = datetime.now(ZoneInfo(time_zone)).date()

    def day(given: int | str) -> date:
        return date.fromisoformat(given) if isinstance(given, str) else today + timedelta(given)

    for number, (client, document, serial, kind, when, ages_from, currency, amount) in enumerate(ENTRIES, 1):
        if client_id(client) in clients:
            row = {
                "id": UUID(f"b6000000-0000-4000-8000-{number:012}"),
                "client_id": client_id(client),
                document: DOCUMENTS[document](serial),
                "kind": kind,
                "effective_date": day(when),
                "ages_from": day(ages_from),
                "currency": currency,
                "amount": amount,
                "description": f"{kind} “{number}”",
                "created_at": f"2025-06-{number:02}T08:00:00Z",
            }
            yield "billing.client_entries", row
