"""Questions, answered a second time: from the rows that the person sees, by a few lines of Python."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from gql.engine.nouns import Noun
from tests.engine.naive.billing_questions import BILLING_QUESTIONS
from tests.engine.naive.trade_questions import TRADE_QUESTIONS
from tests.engine.naive.world import Thing, World, status_of_request

Arguments = Mapping[str, Any]


def answer(world: World, noun: Noun, arguments: Arguments, about: Thing | None = None) -> list[Thing]:
    """The rows of the answer, in order."""
    world.demand(noun.permission)
    return [Thing(noun, row) for row in QUESTIONS[noun.name](world, arguments, about)]


def as_of(world: World, thing: Thing, column: str, day: str) -> Decimal:
    """The value of a column at the end of a day."""
    return AS_OF[thing.noun.name, column](world, thing, date.fromisoformat(day))


def _entries(world: World, account: Thing) -> list[Thing]:
    found = [each for each in world.things["LedgerEntry"] if each.row["account_id"] == account.id]
    return sorted(found, key=lambda entry: (entry.row["effective_date"], entry.row["seq"]))


def _side(account: Thing) -> int:
    return 1 if account.row["kind"] in ("ASSET", "EXPENSE") else -1


def _signed(amount: Decimal, account: Thing) -> Decimal:
    """An amount by the account's normal side; nothing has no sign."""
    return amount * _side(account) or Decimal(0)


def _stood(world: World, account: Thing, day: date) -> Decimal:
    """The sum of what counts by then: debits positive."""
    counted = (entry.row["amount"] for entry in _entries(world, account) if entry.row["effective_date"] <= day)
    return sum(counted, start=Decimal(0))


def _trial_balance(world: World, arguments: Arguments, _about: Thing | None) -> list[dict[str, Any]]:
    day = date.fromisoformat(arguments["asOf"]) if arguments.get("asOf") else world.today
    accounts = sorted(world.things["LedgerAccount"], key=lambda each: (each.row["currency"], each.row["code"]))
    stood = [(account, _stood(world, account, day)) for account in accounts]
    return [
        {**account.row, "debit": max(amount, Decimal(0)), "credit": max(-amount, Decimal(0))}
        for account, amount in stood
        if amount
    ]


def _statement(world: World, arguments: Arguments, account: Thing | None) -> list[dict[str, Any]]:
    assert account is not None
    first, last = date.fromisoformat(arguments["from"]), date.fromisoformat(arguments["to"])
    lines, balance = [], Decimal(0)
    for entry in _entries(world, account):
        balance += _signed(entry.row["amount"], account)
        if first <= entry.row["effective_date"] <= last:
            transfer = world.find("LedgerTransfer", entry.row["transfer_id"])
            assert transfer is not None
            told = {name: transfer.row[name] for name in ("kind", "description")}
            lines.append({**entry.row, **told, "amount": _signed(entry.row["amount"], account), "balance": balance})
    return lines


def _my_sessions(world: World, _arguments: Arguments, _about: Thing | None) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    is_here = any(thing.row["user_id"] == world.person.user_id for thing in world.things["Membership"])
    still_open = [row for row in world.sessions if row["ended_at"] is None and row["expires_at"] > now and is_here]
    newest = sorted(still_open, key=lambda row: (-row["last_used_at"].timestamp(), row["id"]))
    return [{**row, "signed_in_at": row["created_at"]} for row in newest]


def _my_totp_devices(world: World, _arguments: Arguments, _about: Thing | None) -> list[dict[str, Any]]:
    return sorted(world.totp_devices, key=lambda row: (row["created_at"], row["id"]))


def _my_invites(world: World, _arguments: Arguments, _about: Thing | None) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    waiting = [row for row in world.invites if row["outcome"] is None and row["expires_at"] > now]
    newest = sorted(waiting, key=lambda row: (row["created_at"], row["id"]), reverse=True)
    return [{**row, "organisation_slug": row["slug"], "organisation_name": row["name"]} for row in newest]


def _my_join_requests(world: World, _arguments: Arguments, _about: Thing | None) -> list[dict[str, Any]]:
    young = [row for row in world.join_requests if row["created_at"] > datetime.now(UTC) - timedelta(days=90)]
    newest = sorted(young, key=lambda row: (row["created_at"], row["id"]), reverse=True)
    told = ({"organisation_slug": row["organisation"], "answered_at": row["outcome_at"]} for row in newest)
    return [{**row, **more, "status": status_of_request(row)} for row, more in zip(newest, told, strict=True)]


# What the functions say in SQL, said again in Python. A KeyError here means that a new question has to be added.
QUESTIONS: Final[dict[str, Callable[[World, Arguments, Thing | None], list[dict[str, Any]]]]] = {
    "LedgerStatementLine": _statement,
    "TrialBalanceLine": _trial_balance,
    "Session": _my_sessions,
    "TotpDevice": _my_totp_devices,
    "MyInvite": _my_invites,
    "MyJoinRequest": _my_join_requests,
    **BILLING_QUESTIONS,
    **TRADE_QUESTIONS,
}
AS_OF: Final[dict[tuple[str, str], Callable[[World, Thing, date], Decimal]]] = {
    ("LedgerAccount", "balance"): lambda world, account, day: _signed(_stood(world, account, day), account),
}
