"""The credit ledger: what raised or lowered a retailer's debt with a vendor, one line after the other."""

from enum import Enum
from typing import Final

import strawberry

from gql.engine.declare import column, computed, noun, to_one
from gql.engine.scalars import Date, DateTime, Money
from gql.trade.scopes import OF_BOTH

REVERSAL: Final = "from trade.credit_entries c where c.tenant_id = {row}.tenant_id and c.reverses_id = {row}.id"


@strawberry.enum(description="What raised a debt (credits) or lowered it (debits and write-offs).")
class CreditTransactionType(Enum):
    ORDER_CREDIT = "ORDER_CREDIT"
    ADJUSTMENT_CREDIT = "ADJUSTMENT_CREDIT"
    PAYMENT_DEBIT = "PAYMENT_DEBIT"
    RETURN_DEBIT = "RETURN_DEBIT"
    ADJUSTMENT_DEBIT = "ADJUSTMENT_DEBIT"
    WRITE_OFF = "WRITE_OFF"


@noun(
    table="trade.credit_entries",
    plural="creditLedger",
    scope=OF_BOTH,
    permission="trade:read",
    default_order="CREATED_AT_DESC",
    currency="currency",
)
class CreditLedgerEntry:
    ledger_number: int = column()
    transaction_type: CreditTransactionType = column(filtered=True, grouped=True)
    credit_line_id: strawberry.ID = column(filtered=True)
    retailer_id: strawberry.ID = column(filtered=True)
    vendor_id: strawberry.ID = column(filtered=True)
    order_id: strawberry.ID | None = column(filtered=True)
    effective_date: Date = column(filtered=True)
    due_date: Date | None = column(filtered=True)
    currency: str = column(grouped=True)
    previous_balance: Money = column()
    amount: Money = column(aggregated=True)
    running_balance: Money = column()
    description: str | None = column()
    reverses_id: strawberry.ID | None = column()
    reversal_ledger_id: strawberry.ID | None = computed(
        f"(select c.id {REVERSAL})", description="The entry that takes it back; empty where none does."
    )
    is_reversed: bool = computed(f"exists (select {REVERSAL})", description="Whether an entry takes it back.")
    created_at: DateTime = column(filtered=True, ordered=True)
    credit_line = to_one("CreditLine", "credit_line_id")
    retailer = to_one("Retailer", "retailer_id", nullable=True)
    vendor = to_one("Vendor", "vendor_id", nullable=True)
    order = to_one("Order", "order_id", nullable=True)


DECLARED = (CreditLedgerEntry,)
