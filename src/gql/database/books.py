"""What must be true of an organisation's books and of its audit log, asked of the rows themselves.

Constraints and triggers keep all of it. Whoever switches them off, restores half a dump or writes as a superuser can
break it all the same; `countinghouse doctor` then says so.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import asyncpg

TENANTS: Final = "select id, slug from iam.tenants order by slug"
# Each query answers with sentences that go on after "<organisation>: ", one a fault.
CHECKS: Final = (
    """
    select format('its books do not balance in %s: debits less credits are %s.', currency, sum(amount))
    from ledger.entries where tenant_id = $1 group by currency having sum(amount) <> 0
    """,
    """
    select format('account %s (%s) stands at %s in place %s, and its last entry left it at %s in place %s.',
        a.code, a.currency, a.posted, a.version, coalesce(e.balance_after, 0), coalesce(e.seq, 0))
    from ledger.accounts a
    left join lateral (
        select seq, balance_after from ledger.entries
        where tenant_id = a.tenant_id and account_id = a.id order by seq desc limit 1
    ) as e on true
    where a.tenant_id = $1 and (a.posted, a.version) is distinct from (coalesce(e.balance_after, 0), coalesce(e.seq, 0))
    """,
    """
    select format('account %s (%s) stands at %s, and its entries add up to %s.',
        a.code, a.currency, a.posted, coalesce(sum(e.amount), 0))
    from ledger.accounts a left join ledger.entries e on e.tenant_id = a.tenant_id and e.account_id = a.id
    where a.tenant_id = $1 group by a.id, a.code, a.currency, a.posted having a.posted <> coalesce(sum(e.amount), 0)
    """,
    """
    select format('seal %s of its audit log %s.', seal, problem) from core.audit_broken_seals($1)
    """,
)


async def examine_books(
    connection: "asyncpg.Connection[asyncpg.Record]",
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]],
) -> tuple[int, list[str]]:
    """How many organisations there are, and a sentence for each fault. The connection must be a superuser's.

    `progress` is told how many steps there will be; it is entered, and gives what is to be called with so many of them.
    """
    tenants = await connection.fetch(TENANTS)
    sentences = []
    with progress(len(tenants)) as advance:
        for tenant_id, slug in tenants:
            for check in CHECKS:
                sentences += [f"{slug}: {row[0]}" for row in await connection.fetch(check, tenant_id)]
            advance(1)
    return len(tenants), sentences
