"""The accounts, transfers and entries in the books, written past the triggers like all of them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from tests.engine.ids import account_id, client_id, invoice_id, transfer_id

Row = dict[str, Any]

# Accounts by number: code, kind, currency, and the client that they are kept for.
ACCOUNTS: Final[list[tuple[str, str, str, int | None]]] = [
    ("CASH", "ASSET", "EUR", None),
    ("CASH", "ASSET", "USD", None),
    ("REVENUE", "INCOME", "EUR", None),
    ("TAX_PAYABLE", "LIABILITY", "EUR", None),
    ("RECEIVABLE", "ASSET", "EUR", 1),
    ("RECEIVABLE", "ASSET", "USD", 4),
    ("OPENING", "EQUITY", "USD", None),
    ("BAD_DEBT", "EXPENSE", "EUR", None),
    ("EMPTY", "ASSET", "EUR", None),
]
# Transfers in the order of posting: kind, effective date, legs by the account's place. Dates go back and ahead, one
# is taken back, one is given back in part, one touches an account twice, one holds two currencies.
TRANSFERS: Final[list[tuple[str, str, list[tuple[int, str]], Row]]] = [
    ("INVOICE_ISSUE", "2025-04-01", [(4, "119.00"), (2, "-100.00"), (3, "-19.00")], {"source_noun": "INVOICE"}),
    ("JOURNAL", "2025-01-31", [(1, "9999999999990.99"), (6, "-9999999999990.99")], {"description": "É “x” \\\n\x07"}),
    ("JOURNAL", "2025-04-01", [(0, "0.01"), (0, "0.02"), (2, "-0.03")], {"metadata": None}),
    ("PAYMENT", "2025-05-02", [(0, "119.00"), (4, "-119.00")], {"request_id": "req-1"}),
    ("REFUND", "2025-05-03", [(4, "19.00"), (0, "-19.00")], {"refunds": 4}),
    ("JOURNAL", "9999-12-31", [(7, "5.00"), (4, "-5.00")], {}),
    ("JOURNAL", "1900-01-01", [(0, "1.00"), (2, "-1.00"), (5, "2.00"), (6, "-2.00")], {}),
    ("REVERSAL", "2025-04-02", [(0, "-0.03"), (2, "0.03")], {"reverses": 3}),
]


def rows(metadata: Row) -> Iterable[tuple[str, Row]]:
    """Accounts, transfers and entries as posting would have left them."""
    posted, seqs, entries = [Decimal(0)] * len(ACCOUNTS), [0] * len(ACCOUNTS), []
    for number, (kind, day, legs, facts) in enumerate(TRANSFERS, 1):
        more = {f"{name}_id" if isinstance(value, int) else name: value for name, value in facts.items()}
        for name in ("reverses_id", "refunds_id"):
            if name in more:
                more[name] = transfer_id(more[name])
        if "source_noun" in more:
            more["source_id"] = invoice_id(1)
        moment = f"2025-06-0{number}T08:00:00Z"
        if "metadata" in more:
            more["metadata"] = metadata
        stamps = {"posted_at": moment, "created_at": moment, "metadata": {}}
        yield "ledger.transfers", {"id": transfer_id(number), "kind": kind, "effective_date": day, **stamps, **more}
        for place, (account, amount) in enumerate(legs):
            before = posted[account]
            posted[account] += Decimal(amount)
            seqs[account] += 1
            entries.append(
                {
                    "id": UUID(f"ae000000-0000-4000-8000-{number:06}{place:06}"),
                    "transfer_id": transfer_id(number),
                    "position": place + 1,
                    "account_id": account_id(account),
                    "seq": seqs[account],
                    "effective_date": day,
                    "currency": ACCOUNTS[account][2],
                    "amount": amount,
                    "balance_before": str(before),
                    "balance_after": str(posted[account]),
                    "created_at": moment,
                }
            )
    for number, (code, kind, currency, client) in enumerate(ACCOUNTS):
        owner = (
            {}
            if client is None
            else {"owner_noun": "CLIENT", "owner_id": client_id(client), "scope_ids": [client_id(client)]}
        )
        yield (
            "ledger.accounts",
            {
                "id": account_id(number),
                "code": code if client is None else f"{code}:{client_id(client)}",
                "name": f"{code.title()} “{number}”",
                "kind": kind,
                "currency": currency,
                "posted": str(posted[number]),
                "version": seqs[number],
                "held_up": "0.00",
                "held_down": "1.50" if number == 4 else "0.00",
                "floor": "-20000000.00" if number == 0 else None,
                "ceiling": "500.00" if number == 4 else None,
                "scope_ids": [],
                "created_at": f"2025-05-01T08:0{number // 3}:00Z",
                "updated_at": "2025-05-09T00:00:00.100Z",
                **owner,
            },
        )
    for entry in entries:
        yield "ledger.entries", entry
