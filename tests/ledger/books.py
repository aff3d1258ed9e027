"""Posting in tests, and what must be true of the books whatever was posted."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg

Leg = tuple[UUID, str | Decimal]

LIMITS: Final = ("accounts_ceiling_check", "accounts_floor_check")
"""What refuses to take an account beyond its limits."""

WRONG: Final = """
    -- Each line names what should never be, and counts how often it is.
    select 'transfers that do not balance', count(*) from (
        select from ledger.transfers t
        left join ledger.entries e on e.tenant_id = t.tenant_id and e.transfer_id = t.id
        group by t.id, e.currency having coalesce(sum(e.amount), 1) <> 0
    ) as found
    union all
    select 'transfers with fewer than two entries', count(*) from (
        select from ledger.transfers t
        left join ledger.entries e on e.tenant_id = t.tenant_id and e.transfer_id = t.id
        group by t.id having count(e.id) < 2
    ) as found
    union all
    select 'entries whose balances do not follow', count(*) from (
        select balance_before, balance_after, amount, seq,
               lag(balance_after, 1, 0::numeric) over chain as last_balance,
               lag(seq, 1, 0::bigint) over chain as last_seq
        from ledger.entries window chain as (partition by account_id order by seq)
    ) as found
    where balance_before <> last_balance or balance_after <> balance_before + amount or seq <> last_seq + 1
    union all
    select 'entries in another currency than their account', count(*)
    from ledger.entries e join ledger.accounts a on a.tenant_id = e.tenant_id and a.id = e.account_id
    where a.currency <> e.currency or e.amount = 0
    union all
    select 'accounts that are not the sum of their entries', count(*) from (
        select from ledger.accounts a left join ledger.entries e on e.tenant_id = a.tenant_id and e.account_id = a.id
        group by a.id, a.posted, a.version
        having a.posted <> coalesce(sum(e.amount), 0) or a.version <> count(e.id)
    ) as found
    union all
    select 'accounts that hold other than their pending holds', count(*) from (
        select from ledger.accounts a
        left join ledger.holds h on h.tenant_id = a.tenant_id and h.account_id = a.id and h.state = 'PENDING'
        group by a.id, a.held_up, a.held_down
        having a.held_up <> coalesce(sum(h.amount) filter (where h.direction = 'UP'), 0)
            or a.held_down <> coalesce(sum(h.amount) filter (where h.direction = 'DOWN'), 0)
    ) as found
    union all
    select 'accounts beyond their limits', count(*) from ledger.accounts
    where balance + held_up > ceiling or balance - held_down < floor
    union all
    select 'transfers that are reversed twice, or reversed and refunded', count(*) from (
        select from ledger.transfers group by coalesce(reverses_id, refunds_id)
        having coalesce(reverses_id, refunds_id) is not null and count(reverses_id) > 0 and count(*) > 1
    ) as found
    union all
    select 'days on which the trial balance is not zero', count(*) from (
        select from (select distinct effective_date from ledger.entries) as days,
            lateral ledger.trial_balance(days.effective_date) as b
        group by days.effective_date, b.currency having sum(b.debit) <> sum(b.credit)
    ) as found
"""


async def open_account(
    connection: asyncpg.Connection, code: str, kind: str = "ASSET", currency: str = "EUR", **limits: str
) -> UUID:
    """An account of the organisation, with a floor and a ceiling where they are given."""
    made = await connection.fetchval("select ledger.account($1, $2, $3, $4)", code, currency, kind, code.title())
    for name, amount in limits.items():
        await connection.execute(f"update ledger.accounts set {name} = $2 where id = $1", made, Decimal(amount))
    assert isinstance(made, UUID)
    return made


async def post(connection: asyncpg.Connection, *legs: Leg, on: Any = None, **facts: Any) -> UUID:
    """Post a transfer of these legs, as the owner, inside a verb, would."""
    accounts = [account for account, _ in legs]
    amounts = [Decimal(amount) for _, amount in legs]
    made = await connection.fetchval(
        "select ledger.post($1, array(select (a, m)::ledger.leg from unnest($2::uuid[], $3::numeric[]) as l (a, m)),"
        " $4, $5, refunded => $6)",
        facts.get("kind", "TEST"),
        accounts,
        amounts,
        on,
        facts.get("reason", "For a test"),
        facts.get("refunded"),
    )
    assert isinstance(made, UUID)
    return made


async def move(connection: asyncpg.Connection, debit: UUID, credit: UUID, amount: str | Decimal, **facts: Any) -> UUID:
    """A transfer of two legs."""
    return await post(connection, (debit, amount), (credit, -Decimal(amount)), **facts)


async def entries(connection: asyncpg.Connection, account: UUID) -> Sequence[Any]:
    """Of an account: place, amount and balance after."""
    rows = await connection.fetch(
        "select seq, amount, balance_after from ledger.entries where account_id = $1 order by seq", account
    )
    return [tuple(row) for row in rows]


async def balance(connection: asyncpg.Connection, account: UUID) -> Any:
    """What stands on an account, by its normal side."""
    return await connection.fetchval("select balance from ledger.accounts where id = $1", account)


async def wrong(connection: asyncpg.Connection) -> list[Any]:
    """What is wrong with the books of the connection's tenant. Nothing should be."""
    return [f"{count} {what}" for what, count in await connection.fetch(WRONG) if count]
