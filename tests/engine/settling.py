"""Retailers' payments, adjustments and messages in the books, written past the triggers like all of them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from tests.engine.ids import credit_line_id, order_id, retailer_id, retailer_payment_id, vendor_id
from tests.engine.trading import LINES

Row = dict[str, Any]

# Payments by line: method, amount, and what else is said of them.
PAYMENTS: Final[list[tuple[int, str, str, Row]]] = [
    (1, "CASH", "95.00", {"reversed_at": "2025-06-04T00:00:00Z"}),
    (1, "CASH", "95.00", {"reverses_id": retailer_payment_id(1), "reversal_reason": "Paid “twice” \\ 🦉"}),
    (1, "BANK_TRANSFER", "0.01", {"transaction_id": 'B-"1"\t\u2028', "metadata": {"": [None, 1.50]}}),
    (4, "BANK_TRANSFER", "9999999999999.99", {"transaction_id": "b-1"}),
    (4, "CHEQUE", "10.00", {"cheque_state": "PENDING", "transaction_id": "000117"}),
    (2, "CHEQUE", "10.00", {"cheque_state": "CLEARED", "transaction_id": "000118"}),
    (3, "CHEQUE", "4.00", {"cheque_state": "BOUNCED", "cheque_reason": "No\nfunds", "transaction_id": "000119"}),
    (7, "CASH", "0.02", {}),
]
# Allocations: payment, order, amount.
ALLOCATIONS: Final = [(1, 5, "90.00"), (3, 5, "0.01"), (4, 7, "9999999999999.99"), (8, 11, "0.01"), (8, 3, "0.01")]
ADJUSTMENTS: Final[list[tuple[int, str, str, Row]]] = [
    (1, "DEBIT", "5.00", {"reason": 'Broken "bags" \\ 🧵'}),
    (1, "CREDIT", "0.01", {"state": "DECLINED", "decided_at": "2025-06-02T00:00:00.5Z"}),
    (4, "WRITE_OFF", "9999999999999.99", {}),
    (3, "WRITE_OFF", "0.01", {}),
]
# Messages: from whom, what they say, and what came of them.
MESSAGES: Final[list[Row]] = [
    {"body": "order V-1\n10 RICE", "retailer_id": retailer_id(1), "outcome": "ORDER", "order_id": order_id(1)},
    {"body": 'Good "morning" \\ 🦉\u2028\x07', "outcome": "NO_REQUEST"},
    {"body": None, "media": {"type": "image", "": [None, 1.50]}},
    {"body": "order", "outcome": "NOT_UNDERSTOOD", "outcome_text": "The first line is “order” …"},
    {"body": "", "direction": "OUTBOUND"},
    {"body": "order V-1", "outcome": "BY_HAND", "outcome_text": "Called\tback"},
    {"body": None, "direction": "OUTBOUND", "pack_place": 2},
    {"body": None, "outcome": "NO_REQUEST", "pack_place": 1},
]
# What the last of them say.
PACK: Final = ['Thank "you" \\ 🦉\u2028', ""]


def _parties(line: int) -> Row:
    return {"retailer_id": retailer_id(LINES[line - 1][0]), "vendor_id": vendor_id(LINES[line - 1][1])}


def _id(kind: str, number: int) -> UUID:
    return UUID(f"{kind}000000-0000-4000-8000-{number:012}")


def rows(methods: Mapping[str, UUID], currency: str, whole: bool) -> Iterable[tuple[str, Row]]:
    """All of it, or what is of the first line."""
    for number, (line, method, amount, more) in enumerate(PAYMENTS, 1):
        if whole or line == 1:
            moment = f"2025-06-0{number // 2 + 1}T10:00:00Z"
            yield (
                "trade.retailer_payments",
                {
                    "id": retailer_payment_id(number),
                    "payment_number": f"RP-{number:06}",
                    "credit_line_id": credit_line_id(line),
                    **_parties(line),
                    "method_id": methods[method],
                    "amount": amount,
                    "currency": currency,
                    "received_at": moment,
                    "metadata": {},
                    "created_at": moment,
                    "updated_at": "2025-06-09T00:00:00.100Z",
                    **more,
                },
            )
    for number, (payment, order, amount) in enumerate(ALLOCATIONS, 1):
        line = PAYMENTS[payment - 1][0]
        if whole or line == 1:
            yield (
                "trade.retailer_payment_allocations",
                {
                    "id": _id("2e", number),
                    "payment_id": retailer_payment_id(payment),
                    "order_id": order_id(order),
                    "credit_line_id": credit_line_id(line),
                    **_parties(line),
                    "amount": amount,
                    "created_at": f"2025-06-0{number // 2 + 1}T11:00:00Z",
                },
            )
    for number, (line, kind, amount, more) in enumerate(ADJUSTMENTS, 1):
        if whole or line == 1:
            moment = f"2025-06-0{number // 2 + 1}T12:00:00Z"
            known = {"credit_line_id": credit_line_id(line), **_parties(line), "kind": kind, "amount": amount}
            said = {"currency": currency, "reason": "Counted again", "state": "REQUESTED", "created_at": moment}
            yield (
                "trade.credit_adjustments",
                {"id": _id("2f", number), **known, **said, "updated_at": moment, **more},
            )
    pack = {"id": _id("3c", 1), "conversation_id": "conversation"}
    yield "trade.message_packs", {**pack, "bodies": PACK, "created_at": "2025-06-09T00:00:00Z"}
    for number, message in enumerate(MESSAGES, 1):
        moment = f"2025-06-0{number // 2 + 1}T13:00:00Z"
        done = {"is_processed": True, "processed_at": "2025-06-08T00:00:00Z"} if "outcome" in message else {}
        known = {"conversation_id": f"conversation {number % 3}"}
        if "pack_place" in message:
            known = {"conversation_id": pack["conversation_id"], "pack_id": pack["id"]}
        yield (
            "trade.messages",
            {
                "id": _id("3a", number),
                "message_id": f'wamid."{number}"',
                "from_number": f"+25471234567{number % 4}",
                "to_number": "+254700000001",
                "direction": "INBOUND",
                "media": {},
                "sent_at": moment,
                "is_processed": False,
                "created_at": moment,
                "updated_at": "2025-06-09T00:00:00Z",
                **known,
                **done,
                **message,
            },
        )
    for number in (1, 2, 3):
        moment = f"2025-06-0{number // 2 + 1}T14:00:00Z"
        secret = {"encrypted_secret": "x", "verify_hash": "\\x" + "ab" * 32, "is_active": number != 2}
        yield (
            "iam.message_channels",
            {
                "id": _id("3b", number),
                "phone_number": f"+25470000000{number}",
                **secret,
                "created_at": moment,
                "updated_at": moment,
            },
        )
