"""Transfers and their entries: how money moved."""

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_many, to_one
from gql.engine.inputs import described
from gql.engine.scalars import JSON, Date, DateTime, Money
from gql.engine.verbs import Verb

TABLE = "ledger.transfers"
ENTRIES = "ledger.entries"


@noun(table=TABLE, plural="ledgerTransfers", permission="ledger:read", default_order="EFFECTIVE_DATE_DESC")
class LedgerTransfer:
    kind: str = column(filtered=True)
    effective_date: Date = column(filtered=True, ordered=True)
    posted_at: DateTime = column(filtered=True, ordered=True)
    description: str | None = column()
    source_noun: str | None = column()
    source_id: strawberry.ID | None = column(filtered=True)
    request_id: str | None = column()
    metadata: JSON = column()
    reverses_id: strawberry.ID | None = column()
    refunds_id: strawberry.ID | None = column()
    created_at: DateTime = column()
    reverses = to_one("LedgerTransfer", "reverses_id", nullable=True, filtered=False)
    refunds = to_one("LedgerTransfer", "refunds_id", nullable=True, filtered=False)
    entries = to_many("LedgerEntry", "transfer_id", listed=True, numbered_by="position")


@noun(table=ENTRIES, permission="ledger:read", default_order="CREATED_AT_DESC")
class LedgerEntry:
    position: int = column()
    seq: int = column()
    effective_date: Date = column()
    currency: str = column()
    amount: Money = column()
    balance_before: Money = column()
    balance_after: Money = column()
    created_at: DateTime = column(ordered=True)
    account_id: strawberry.ID = column()
    transfer_id: strawberry.ID = column()
    account = to_one("LedgerAccount", "account_id", filtered=False)
    transfer = to_one("LedgerTransfer", "transfer_id", filtered=False)


@described(ENTRIES, "One side of a journal.")
class LedgerEntryInput:
    account_id: strawberry.ID
    amount: Money


@described(TABLE, "What a manual journal needs: who moved what is noted by itself.")
class LedgerTransferPostInput:
    reason: str = strawberry.field(description="What it is for: 1 to 2000 characters.")
    entries: list[LedgerEntryInput] = strawberry.field(
        description="Two or more, which add up to nothing in each currency: debits positive, credits negative."
    )
    effective_date: Date | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "Which manual journal to take back, and why.")
class LedgerTransferReverseInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why it is taken back: 1 to 2000 characters.")
    effective_date: Date | None = UNSET


DECLARED = (
    LedgerTransfer,
    LedgerEntry,
    Verb("ledger.ledger_transfer_post", LedgerTransferPostInput, "LedgerTransfer", "ledger:write"),
    Verb("ledger.ledger_transfer_reverse", LedgerTransferReverseInput, "LedgerTransfer", "ledger:write"),
)
