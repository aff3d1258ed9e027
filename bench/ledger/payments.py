"""Payments: the books that they are written into, with open invoices that are added in bulk before each round.

As in the dataset, invoices are written beside the triggers, with what those would have made of them: the receivables in
the ledger and the figures of the clients. Payments come the proper way.
"""

from types import MappingProxyType
from typing import Final

import asyncpg

from bench.dataset import make_tenant
from bench.ledger.work import Ready, Work
from bench.trade.check import WrongBooksError
from bench.works import Facts

AMOUNT: Final = 100
"""Of each invoice, and of the one payment that pays it."""
METHOD: Final = "BANK_TRANSFER"
# Ids that say which client and which invoice it is, so that pgbench knows them without looking anything up.
CLIENT_ID: Final = "01900000-0000-7000-8000-c"
INVOICE_ID: Final = "01900000-0000-7000-8000-"
_CLIENTS: Final = f"""
    insert into billing.clients (tenant_id, id, name, currency, created_by)
    select $1, ('{CLIENT_ID}' || lpad(k::text, 11, '0'))::uuid, 'Client ' || k, 'EUR', $2
    from generate_series(0, $3::integer - 1) as k
"""
_ISSUE: Final = f"""
    create temporary table made as
    select ('{INVOICE_ID}' || lpad(place::text, 12, '0'))::uuid as id, place,
           ('{CLIENT_ID}' || lpad((place % {{clients}})::text, 11, '0'))::uuid as client_id
    from generate_series({{first}}, {{last}} - 1) as place;
    insert into billing.invoices (
        tenant_id, id, client_id, number, bill_from, bill_to, issue_date, due_date, currency, subtotal, total,
        issued_at, created_by
    )
    select '{{tenant}}'::uuid, id, client_id, billing.number_text('INV', place + 1), '{{{{}}}}', '{{{{}}}}',
           current_date - 10, current_date + (place % 20)::integer, 'EUR', {AMOUNT}, {AMOUNT}, now(), '{{user}}'::uuid
    from made order by place;
    create temporary table owed as
    select client_id, count(*) * {AMOUNT} as amount from made group by client_id order by client_id;
    insert into ledger.accounts (tenant_id, code, name, kind, currency, owner_noun, owner_id, scope_ids)
    select '{{tenant}}'::uuid, 'RECEIVABLE:' || client_id, 'Receivable', 'ASSET', 'EUR', 'CLIENT', client_id,
           array[client_id]
    from owed
    union all
    select '{{tenant}}'::uuid, 'REVENUE', 'Revenue', 'INCOME', 'EUR', null, null, '{{{{}}}}'::uuid[]
    on conflict do nothing;
    create temporary table legs as
    select row_number() over () as position, accounts.id as account_id, accounts.posted, accounts.version,
           coalesce(owed.amount, - (select sum(amount) from owed)) as amount
    from ledger.accounts left join owed on accounts.owner_id = owed.client_id
    where tenant_id = '{{tenant}}'::uuid
      and (accounts.code = 'REVENUE' or accounts.code = 'RECEIVABLE:' || owed.client_id);
    with posted as (
        insert into ledger.transfers (tenant_id, kind, effective_date, description, created_by)
        values ('{{tenant}}'::uuid, 'INVOICE_ISSUE', current_date - 10, 'Many invoices', '{{user}}'::uuid)
        returning id, effective_date
    )
    insert into ledger.entries (
        tenant_id, transfer_id, position, account_id, seq, effective_date, currency, amount, balance_before,
        balance_after, created_by
    )
    select '{{tenant}}'::uuid, posted.id, position, account_id, version + 1, posted.effective_date, 'EUR', amount,
           legs.posted, legs.posted + amount, '{{user}}'::uuid
    from legs cross join posted;
    update ledger.accounts set posted = accounts.posted + legs.amount, version = accounts.version + 1
    from legs where accounts.tenant_id = '{{tenant}}'::uuid and accounts.id = legs.account_id;
    update billing.clients set
        outstanding = outstanding + owed.amount, balance = balance + owed.amount,
        lifetime_billed = lifetime_billed + owed.amount,
        oldest_due_date = billing.oldest_due_date(tenant_id, id, 'EUR')
    from owed where tenant_id = '{{tenant}}'::uuid and id = client_id;
    drop table made, owed, legs;
    insert into billing.number_series (tenant_id, series, last_number) values ('{{tenant}}'::uuid, 'INV', {{last}})
    on conflict (tenant_id, series) do update set last_number = excluded.last_number;
"""
_WRONG: Final = f"""
    -- Each line names what should never be, and counts how often it is.
    select 'currencies whose trial balance is not zero', count(*) from (
        select from ledger.accounts where tenant_id = $1 group by currency having sum(posted) <> 0
    ) as found
    union all
    select 'accounts that are not the sum of their entries', count(*) from (
        select from ledger.accounts join ledger.entries
            on entries.tenant_id = accounts.tenant_id and entries.account_id = accounts.id
        where accounts.tenant_id = $1
        group by accounts.id, posted, version having sum(amount) <> posted or max(seq) <> version or count(*) <> version
    ) as found
    union all
    select 'invoices whose paid amount is not what is allocated to them', count(*) from (
        select from billing.invoices left join billing.allocations
            on allocations.tenant_id = invoices.tenant_id and allocations.invoice_id = invoices.id
        where invoices.tenant_id = $1
        group by invoices.id, paid_amount having coalesce(sum(net), 0) <> paid_amount
    ) as found
    union all
    select 'allocations that are not paid amounts, in the whole', 1
    where (select coalesce(sum(net), 0) from billing.allocations where tenant_id = $1)
        <> (select coalesce(sum(paid_amount), 0) from billing.invoices where tenant_id = $1)
    union all
    select 'clients that do not owe what their invoices say', count(*) from (
        select from billing.clients left join billing.invoices
            on invoices.tenant_id = clients.tenant_id and invoices.client_id = clients.id
        where clients.tenant_id = $1
        group by clients.id, outstanding having coalesce(sum(invoices.balance), 0) <> outstanding
    ) as found
    union all
    select 'clients whose figures are not those of their documents', count(*)
    from billing.clients, lateral billing.client_counted(clients.tenant_id, clients.id, 'EUR') as anew
    where clients.tenant_id = $1
      and (clients.lifetime_billed, clients.lifetime_paid, clients.total_payments, clients.total_received,
           clients.last_payment_date, clients.paid_invoices, clients.paid_days, clients.oldest_due_date)
          is distinct from (anew.lifetime_billed, anew.lifetime_paid, anew.total_payments, anew.total_received,
           anew.last_payment_date, anew.paid_invoices, anew.paid_days, anew.oldest_due_date)
    union all
    select 'payments that are not used whole', count(*) from billing.payments
    where tenant_id = $1 and (applied_amount <> {AMOUNT} or status <> 'CONFIRMED')
"""


# Sessions take the next open invoice each: one that waits for locks less than others pays more of them.
_FUNCTION: Final = f"""select billing.payment_record(format(
    '{{"client_id":"{CLIENT_ID}%s","method":"{METHOD}","amount":"{AMOUNT}.00","status":"CONFIRMED","reference":"R-%s",'
    '"allocations":[{{"invoice_id":"{INVOICE_ID}%s","amount":"{AMOUNT}.00"}}]}}',
    lpad((place % :spread::bigint)::text, 11, '0'), place, lpad(place::text, 12, '0')
)::jsonb) from (select nextval('bench.places') as place offset 0) as next;
"""


class Payments(Work):
    """Payments of one tenant's clients, in books that a superuser's connection makes."""

    title = "Payments"
    document = (
        "mutation Pay($input: PaymentRecordInput!) { paymentRecord(input: $input) { payment { id status amount } } }"
    )
    function = _FUNCTION
    function_name = "payment_record() in pgbench"
    crowds = MappingProxyType({"50 clients": 50, "one client": 1})
    meaning = (
        "A payment is confirmed and pays one open invoice whole: two transfers of two entries each in the ledger, an"
        " allocation, new figures of the invoice, the payment and the client, four rows of the audit log. No invoice is"
        " paid twice; new ones are issued before each round.",
        "All of them move the organisation's one account of cash, so that no two payments are ever carried out at the"
        " same time.",
    )
    checked = (
        "The trial balance is zero, each account is the sum of its entries, what is allocated is what invoices are"
        " paid, and the figures of all clients are those of their documents"
    )

    def __init__(self, connection: asyncpg.Connection, tenant_id: str, user_id: str) -> None:
        self._connection = connection
        role = "tenant_" + tenant_id.replace("-", "")
        self.facts = Facts(tenant_id, user_id, role, f"{CLIENT_ID}{0:011}", (), "", "")
        self._next = 0

    @classmethod
    async def open(cls, connection: asyncpg.Connection, number: int, clients: int = 50) -> "Payments":
        """The books of a new tenant with so many clients."""
        tenant_id, user_id = await make_tenant(connection, number)
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_CLIENTS, tenant_id, user_id, clients)
        await connection.execute("reset session_replication_role")
        return cls(connection, tenant_id, user_id)

    async def ready(self, count: int, spread: int) -> Ready:
        """So many new open invoices, of the first so many clients in turn."""
        made = Ready(self._next, count, spread)
        self._next += count
        given = {"tenant": self.facts.tenant_id, "user": self.facts.user_id, "last": self._next}
        async with self._connection.transaction():
            await self._connection.execute("set local session_replication_role = replica; set local jit = off")
            await self._connection.execute(_ISSUE.format(**given, first=made.first, clients=spread))
        await self._connection.execute("vacuum (analyze) billing.invoices, billing.clients, ledger.accounts")
        return made

    def input(self, ready: Ready, place: int) -> dict[str, object]:
        """Pays the invoice of this place."""
        return {
            "clientId": f"{CLIENT_ID}{place % ready.spread:011}",
            "method": METHOD,
            "amount": f"{AMOUNT}.00",
            "status": "CONFIRMED",
            "reference": f"R-{place}",
            "allocations": [{"invoiceId": f"{INVOICE_ID}{place:012}", "amount": f"{AMOUNT}.00"}],
        }

    async def done(self) -> int:
        """How many payments stand in the books."""
        counted = "select count(*) from billing.payments where tenant_id = $1"
        return int(await self._connection.fetchval(counted, self.facts.tenant_id))

    async def check(self) -> None:
        """Raises WrongBooksError where anything does not add up."""
        rows = await self._connection.fetch(_WRONG, self.facts.tenant_id)
        if found := [f"{count} {what}" for what, count in rows if count]:
            raise WrongBooksError("After the payments there are " + "; ".join(found) + ".")
