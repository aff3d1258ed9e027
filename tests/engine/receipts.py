"""What is paid and credited in the books: payments in every status, what stands on invoices, refunds and credit notes.

They are written past the triggers, like all of the books. Some days differ between London and Auckland, some moments
and references are shared, and some figures are as large or as small as they may be.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from tests.engine.ids import credit_note_id, payment_id

Row = dict[str, Any]

DEFAULT_MOMENT: Final = "2025-07-02T00:00:00Z"


def _payment(number: int, client: int, method: str, state: str, amount: str, moment: str, **more: Any) -> Row:
    """A payment that has come as far as `state`, which is the last thing that happened to it."""
    row: Row = {
        "client": client,
        "method": method,
        "id": payment_id(number),
        "amount": amount,
        "received_at": moment,
        "received_on": moment[:10],
        "created_at": min(moment, DEFAULT_MOMENT),
        "updated_at": DEFAULT_MOMENT,
    }
    if state != "PENDING":
        row["started_at"] = "2025-07-02T00:00:00.250Z"
    if state == "FAILED":
        row |= {"failed_at": "2025-07-02T00:00:09Z", "failure_reason": 'Insufficient "funds" \\\n\t$1'}
    if state in ("CONFIRMED", "REVERSED"):
        row["confirmed_at"] = "2025-07-02T00:00:01.000001Z"
    if state == "REVERSED":
        row |= {"reversed_at": "2025-07-03T00:00:00Z", "reversal_reason": "Bounced \u2028 twice"}
    return row | more


PAYMENTS: Final[list[Row]] = [
    _payment(1, 1, "CASH", "CONFIRMED", "80.00", "2025-03-31T12:00:00Z", received_on="2025-04-01", applied_amount="80"),
    _payment(
        2,
        1,
        "BANK_TRANSFER",
        "CONFIRMED",
        "150.01",
        "2025-03-31T11:59:59.999999Z",
        reference='Ref \'1\' "é" 🦉',
        request_id="req-1",
        applied_amount="120.00",
        refunded_amount="0.01",
        processing_time_ms=2147483647,
        reconciled_at="2025-07-04T00:00:00Z",
    ),
    _payment(3, 2, "CARD", "PENDING", "0.01", "9999-12-31T11:00:00Z", request_id="REQ-1", reference=" x "),
    _payment(4, 2, "CARD", "PROCESSING", "20.00", DEFAULT_MOMENT, request_id="req-1", reference="$1"),
    _payment(
        5,
        3,
        "CHEQUE",
        "FAILED",
        "9999999999999.99",
        DEFAULT_MOMENT,
        reference="\\",
        retry_count=3,
        last_retry_at=DEFAULT_MOMENT,
        processing_time_ms=0,
    ),
    _payment(6, 4, "PAYPAL", "CONFIRMED", "10.00", "2025-06-30T00:00:00Z", currency="USD", refunded_amount="10.00"),
    _payment(7, 4, "CHEQUE", "REVERSED", "40.00", "2025-06-30T00:00:00Z", currency="USD", retry_count=2147483647,
             last_retry_at="2025-07-01T00:00:00Z"),
    _payment(8, 4, "OTHER", "CONFIRMED", "10.00", "2000-02-29T00:00:00Z", currency="USD", applied_amount="10.00",
             reconciled_at="2000-03-01T00:00:00Z"),
    _payment(9, 13, "CASH", "CONFIRMED", "0.01", DEFAULT_MOMENT, applied_amount="0.01", metadata={"k": "\t\x01🦉"}),
    _payment(10, 9, "CASH", "CONFIRMED", "9999999999999.99", "1900-01-02T00:00:00Z", retry_count=1,
             last_retry_at="1900-01-01T12:00:00Z"),
    _payment(11, 16, "CASH", "CONFIRMED", "1.00", DEFAULT_MOMENT),
    _payment(12, 16, "CASH", "CONFIRMED", "1.01", DEFAULT_MOMENT, request_id=" "),
]  # fmt: skip

# Of which payment (or, below zero, which credit note), on which invoice, how much, and what became of it.
ALLOCATIONS: Final[list[tuple[int, int, str, Row]]] = [
    (1, 26, "60.00", {}),
    (1, 27, "20.00", {}),
    (2, 26, "20.00", {"refunded": "0.00"}),
    (2, 27, "100.01", {"refunded": "0.01"}),
    (2, 1, "30.00", {"released_at": "2025-07-03T10:00:00.5Z"}),
    (-1, 27, "19.00", {"effective_date": "2025-08-15"}),
    (4, 30, "20.00", {"applied_at": None, "position": None}),
    (-2, 30, "20.00", {}),
    (8, 29, "10.00", {"effective_date": "9999-12-31"}),
    (9, 31, "0.01", {}),
]

REFUNDS: Final[list[tuple[int, str, Row]]] = [
    (2, "0.01", {"reference": None}),
    (6, "4.99", {"reason": "“Half” \\", "reference": "R\t1"}),
    (6, "5.01", {"refunded_on": "9999-12-31"}),
]

CREDIT_NOTES: Final[list[Row]] = [
    {"client": 1, "invoice": 27, "number": "CN-000001", "subtotal": "15.97", "tax_amount": "3.03", "total": "19.00",
     "applied_amount": "19.00", "issue_date": "2025-08-15", "reason": "Scratched “oak”\n\\", "external_ref": "crm-1"},
    {"client": 2, "invoice": 30, "number": "CN-000002", "subtotal": "20.00", "total": "20.00",
     "applied_amount": "20.00", "issue_date": "2025-07-01", "metadata": {"": None}},
    {"client": 4, "invoice": 28, "number": "cn-000003", "subtotal": "0.01", "total": "0.01", "currency": "USD",
     "issue_date": "9999-12-31"},
    {"client": 13, "invoice": 31, "number": "CN-\U0010ffff", "subtotal": "9999999999999.99", "issue_date": "1900-01-01",
     "total": "9999999999999.99", "external_ref": "CRM-1"},
    {"client": 13, "invoice": 31, "number": "Cn-000003", "subtotal": "0.01", "total": "0.01",
     "issue_date": "2025-03-31"},
]  # fmt: skip


def rows(
    client_id: Mapping[int, UUID], invoice_id: Mapping[int, UUID], methods: Mapping[str, UUID], currency: str
) -> Iterable[tuple[str, Row]]:
    """The rows of those clients and invoices that there are, by their numbers here, with their tables."""
    paying: dict[int, UUID] = {}
    for number, row in enumerate(PAYMENTS, 1):
        client = client_id.get(row["client"])
        if client:
            paying[number] = client
            facts = {name: value for name, value in row.items() if name not in ("client", "method")}
            facts = {"currency": currency, "method_id": methods[row["method"]], "metadata": {}, **facts}
            yield "billing.payments", {"client_id": client, **facts}
    for number, row in enumerate(CREDIT_NOTES, 1):
        client, invoice = client_id.get(row["client"]), invoice_id.get(row["invoice"])
        if client and invoice:
            paying[-number] = client
            facts = {name: value for name, value in row.items() if name not in ("client", "invoice")}
            stamps = {"issued_at": DEFAULT_MOMENT, "created_at": DEFAULT_MOMENT, "updated_at": DEFAULT_MOMENT}
            named = {"id": credit_note_id(number), "client_id": client, "invoice_id": invoice}
            yield "billing.credit_notes", {"currency": currency, "reason": "As agreed", **stamps, **named, **facts}
            yield from (("billing.credit_note_lines", line) for line in _lines(number, client))
    for number, (source, invoice_number, amount, more) in enumerate(ALLOCATIONS, 1):
        if source in paying and invoice_number in invoice_id:
            yield (
                "billing.allocations",
                {
                    "id": UUID(f"b3000000-0000-4000-8000-{number:012}"),
                    "client_id": paying[source],
                    "invoice_id": invoice_id[invoice_number],
                    "payment_id" if source > 0 else "credit_note_id": (
                        payment_id(source) if source > 0 else credit_note_id(-source)
                    ),
                    "amount": amount,
                    "effective_date": "2025-07-02",
                    "position": number,
                    "applied_at": DEFAULT_MOMENT,
                    "created_at": f"2025-07-02T00:00:0{number // 3}Z",
                    "updated_at": DEFAULT_MOMENT,
                }
                | more,
            )
    for number, (source, amount, more) in enumerate(REFUNDS, 1):
        if source in paying:
            facts = {"amount": amount, "refunded_on": "2025-07-03", "reason": "Too much", "created_at": DEFAULT_MOMENT}
            yield (
                "billing.payment_refunds",
                {
                    "id": UUID(f"b4000000-0000-4000-8000-{number:012}"),
                    "client_id": paying[source],
                    "payment_id": payment_id(source),
                    **facts,
                    **more,
                },
            )


def _lines(credit_note: int, client: UUID) -> Iterable[Row]:
    """None, one or two lines."""
    for position in range(1, 1 + credit_note % 3):
        yield {
            "id": UUID(f"b5000000-0000-4000-8000-{credit_note:06}{position:06}"),
            "client_id": client,
            "credit_note_id": credit_note_id(credit_note),
            "position": position,
            "description": f'Back: ½" board {position} \\ "x"',
            "quantity": ["1", "0.001"][position % 2],
            "unit_price": ["0.01", "15.97"][position % 2],
            "tax_rate": ["0", "19.00"][position % 2],
            "tax_amount": ["0", "3.03"][position % 2],
            "created_at": DEFAULT_MOMENT,
        }
