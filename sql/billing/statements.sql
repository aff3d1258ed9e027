-- A client's statement of account: what it was sent between two days, and what it paid. Read with the rights of whoever asks.

create function billing.statement(client uuid, first_day date, last_day date) returns table (
    tenant_id uuid, id uuid, line bigint, kind text, effective_date date, number text, description text, currency text,
    amount numeric, balance numeric, invoice_id uuid, payment_id uuid, credit_note_id uuid
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    -- Allocations move nothing: what an invoice loses by them, the client's credit loses too.
    with moved as (
        select * from billing.client_entries
        where client_entries.tenant_id = core.tenant_id() and client_id = client and effective_date <= last_day
          and kind not in ('ALLOCATION', 'UNALLOCATION')
    ),
    kept as (
        select currencies.currency, coalesce(sum(moved.amount) filter (where moved.effective_date < first_day), 0) as opening,
               coalesce(sum(moved.amount), 0) as closing
        from (
            select currency::text from billing.clients where clients.tenant_id = core.tenant_id() and clients.id = client
            union
            select currency from moved
        ) as currencies
        left join moved on moved.currency = currencies.currency
        group by currencies.currency
    ),
    told as (
        select md5(concat_ws(':', core.tenant_id(), client, currency, 'OPENING_BALANCE', first_day))::uuid as id, 1 as place,
               null::timestamptz as created_at, 'OPENING_BALANCE' as kind, first_day as effective_date, null as number,
               null as description, currency, null::numeric as amount, opening as balance, null::uuid as invoice_id,
               null::uuid as payment_id, null::uuid as credit_note_id
        from kept
        where first_day <= last_day
        union all
        select moved.id, 2, moved.created_at, moved.kind, moved.effective_date,
               coalesce(invoices.number, credit_notes.number, payments.reference), moved.description, moved.currency, moved.amount,
               kept.opening + sum(moved.amount) over (
                   partition by moved.currency order by moved.effective_date, moved.created_at, moved.id
               ),
               moved.invoice_id, moved.payment_id, moved.credit_note_id
        from moved
        join kept on kept.currency = moved.currency
        left join billing.invoices on invoices.tenant_id = core.tenant_id() and invoices.id = moved.invoice_id
        left join billing.payments on payments.tenant_id = core.tenant_id() and payments.id = moved.payment_id
        left join billing.credit_notes on credit_notes.tenant_id = core.tenant_id() and credit_notes.id = moved.credit_note_id
        where moved.effective_date >= first_day
        union all
        select md5(concat_ws(':', core.tenant_id(), client, currency, 'CLOSING_BALANCE', last_day))::uuid, 3, null,
               'CLOSING_BALANCE', last_day, null, null, currency, null, closing, null, null, null
        from kept
        where first_day <= last_day
    )
    select core.tenant_id(), id, row_number() over (order by currency, place, effective_date, created_at, id), kind, effective_date,
           number, description, currency, amount, balance, invoice_id, payment_id, credit_note_id
    from told
    order by currency, place, effective_date, created_at, id
$$;
comment on function billing.statement(uuid, date, date) is
    'A client''s statement of account from a day to another, in each of its currencies: what it owed before, then invoices, '
    'payments, credit notes, refunds, reversals, voids and write-offs in the order of their days, each with what it owed after, '
    'and what it owed in the end. Less than zero is the client''s credit.';

grant execute on function billing.statement(uuid, date, date)
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
