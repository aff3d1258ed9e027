"""The e-mails by which invoices of the books were sent: in every status, with texts that JSON finds hard."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from tests.engine.ids import invoice_id

Row = dict[str, Any]

SENT: Final = {"sent_at": "2025-09-01T08:00:01.000001Z", "attempts": 1}
# Of which invoice, and what became of it. Some share a moment, so that only the id can tell them apart.
MESSAGES: Final[list[tuple[int, Row]]] = [
    (1, {**SENT, "delivered_at": "2025-09-01T08:00:02Z"}),
    (1, {**SENT, "opened_at": "9999-12-31T23:59:59Z", "bounced_at": "2025-09-01T08:00:03Z", "bounce_reason": " x "}),
    (1, {"attempts": 30, "next_try_at": "2199-01-01T00:00:00Z"}),
    (9, {**SENT, "bounced_at": "2025-09-02T00:00:00Z", "bounce_reason": 'No "mailbox" \\ \u2028 here'}),
    (10, {}),
    (12, SENT),
    (16, SENT),
]


def rows(invoices: Iterable[Row]) -> Iterable[tuple[str, Row]]:
    """The messages of those invoices that there are."""
    clients = {invoice["id"]: invoice["client_id"] for invoice in invoices}
    for number, (serial, more) in enumerate(MESSAGES, 1):
        if invoice_id(serial) in clients:
            moment = f"2025-09-01T08:00:0{number // 3}Z"
            row = {
                "id": UUID(f"b7000000-0000-4000-8000-{number:012}"),
                "client_id": clients[invoice_id(serial)],
                "invoice_id": invoice_id(serial),
                "recipient": f"office+{number}'&@ashdown.example",
                "subject": f'Invoice “{number}” from "Us" \\ $1',
                "text": f"Line {number}\r\n\tÜ 🦉 \x07\u2028" * number,
                "next_try_at": moment,
                "created_at": moment,
                "updated_at": "2025-09-03T00:00:00.100Z",
            }
            yield "billing.invoice_messages", row | more
