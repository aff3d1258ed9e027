"""Accounts: where money stands."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import answers, column, noun, to_many
from gql.engine.inputs import described
from gql.engine.scalars import DateTime, Money
from gql.engine.verbs import Verb

TABLE = "ledger.accounts"


@strawberry.enum(description="What kind of account it is.")
class LedgerAccountKind(Enum):
    ASSET = "ASSET"
    LIABILITY = "LIABILITY"
    EQUITY = "EQUITY"
    INCOME = "INCOME"
    EXPENSE = "EXPENSE"


@strawberry.enum(description="A side of an account: what is on the left or the right.")
class LedgerSide(Enum):
    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


@noun(table=TABLE, plural="ledgerAccounts", permission="ledger:read", default_order="CODE_ASC", currency="currency")
class LedgerAccount:
    code: str = column(key="code_key", filtered=True, ordered=True)
    name: str = column()
    kind: LedgerAccountKind = column(filtered=True, grouped=True)
    currency: str = column(filtered=True, grouped=True)
    normal_side: LedgerSide = column()
    balance: Money = column(
        minor="balance_minor",
        filtered=True,
        ordered=True,
        aggregated=True,
        as_of="ledger.balance({row}.id, {as_of})",
    )
    held_up: Money = column()
    held_down: Money = column()
    floor: Money | None = column()
    ceiling: Money | None = column()
    version: int = column()
    owner_noun: str | None = column()
    owner_id: strawberry.ID | None = column(filtered=True)
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    entries = to_many("LedgerEntry", "account_id")
    statement = answers("LedgerStatementLine", account="id")


@described(TABLE, "What a new account of the organisation needs.")
class LedgerAccountCreateInput:
    code: str
    name: str
    kind: LedgerAccountKind
    currency: str | None = UNSET
    floor: Money | None = UNSET
    ceiling: Money | None = UNSET


DECLARED = (
    LedgerAccount,
    Verb("ledger.ledger_account_create", LedgerAccountCreateInput, "LedgerAccount", "ledger:write"),
)
