"""What stood where on a day: statements and the trial balance."""

import strawberry

from gql.engine.declare import argument, column, noun
from gql.engine.nouns import Question
from gql.engine.scalars import Date, Money
from gql.ledger.accounts import LedgerAccountKind

STATEMENT = Question(
    None,
    (
        argument("account", strawberry.ID, "The account."),
        argument("from", Date, "The first day."),
        argument("to", Date, "The last day."),
    ),
    numbered_by="line",
)
TRIAL_BALANCE = Question(
    "trialBalance",
    (argument("as_of", Date, "The day at whose end it is wanted; today unless said otherwise.", "core.today()"),),
    numbered_by="line",
)


@noun(table="ledger.statement({account}, {from}, {to})", permission="ledger:read", question=STATEMENT)
class LedgerStatementLine:
    effective_date: Date = column(description="The day from which the entry counts.")
    seq: int = column(description="The entry's place among those of the account, in the order of posting.")
    kind: str = column(description="What the transfer was, such as INVOICE_ISSUE.")
    description: str | None = column(description="What the transfer was, in words.")
    amount: Money = column(description="By how much the balance changed, by the account's normal side.")
    balance: Money = column(description="The balance after it, by the account's normal side.")
    transfer_id: strawberry.ID = column(description="The entry's transfer.")


@noun(table="ledger.trial_balance({as_of})", permission="ledger:read", question=TRIAL_BALANCE)
class TrialBalanceLine:
    code: str = column(description="The account's code.")
    name: str = column(description="The account's name.")
    kind: LedgerAccountKind = column(description="What kind of account it is.")
    currency: str = column(description="The account's currency.")
    debit: Money = column(description="What stands on it, where that is a debit; else nothing.")
    credit: Money = column(description="What stands on it, where that is a credit; else nothing.")


DECLARED = (LedgerStatementLine, TrialBalanceLine)
