-- Ageing: what clients owed at the end of a day, by how long it had been due. Read with the rights of whoever asks.

-- Inlined, because it has no SET; its names were resolved when it was made. So a constant of_everyone leaves one side of each
-- OR, and clients are found in an index. By the OR of the policies PostgreSQL finds nothing there.
create function billing.ageing_items(as_of date, of_everyone boolean, clients uuid[]) returns table (
    client_id uuid, currency text, ages_from date, is_credit boolean, amount numeric
)
language sql stable
begin atomic
    -- From today backwards: what is open now, less what counts only after the day. Both are a small part of many years.
    select invoices.client_id, invoices.currency::text, due_date, false, sum(balance_minor) * 0.01 from billing.invoices
    where tenant_id = core.tenant_id() and (of_everyone or invoices.client_id = any (clients))
      and status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and balance_minor > 0
    group by 1, 2, 3
    union all
    select invoices.client_id, invoices.currency, due_date, false, balance_minor * 0.01 from billing.invoices
    where tenant_id = core.tenant_id() and (of_everyone or invoices.client_id = any (clients))
      and status in ('DISPUTED', 'WRITTEN_OFF') and balance_minor > 0
    union all
    select payments.client_id, payments.currency, received_on, true, - unapplied_amount from billing.payments
    where tenant_id = core.tenant_id() and (of_everyone or payments.client_id = any (clients)) and unapplied_amount > 0
    union all
    select credit_notes.client_id, credit_notes.currency, issue_date, true, - unapplied_amount from billing.credit_notes
    where tenant_id = core.tenant_id() and (of_everyone or credit_notes.client_id = any (clients))
      and unapplied_amount > 0 and issued_at is not null
    union all
    -- Days of one bucket are made one, so that many years are few rows.
    select entries.client_id, entries.currency, greatest(least(entries.ages_from, as_of), as_of - 91), invoice_id is null,
           - sum(entries.amount)
    from billing.client_entries as entries
    where tenant_id = core.tenant_id() and (of_everyone or entries.client_id = any (clients)) and effective_date > as_of
    group by 1, 2, 3, 4;
end;
comment on function billing.ageing_items(date, boolean, uuid[]) is
    'What ageing adds up, of everyone or of some clients: what is open now, less what counts only after a day, and from which '
    'day it ages. of_everyone is to be a constant. Read with the rights of whoever asks.';

create function billing.ageing(as_of date) returns table (
    tenant_id uuid, id uuid, line bigint, client_id uuid, currency text, not_due numeric, days_1_to_30 numeric,
    days_31_to_60 numeric, days_61_to_90 numeric, over_90 numeric, total numeric, unapplied numeric, last_payment_date date
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select clients.tenant_id, md5(concat_ws(':', clients.tenant_id, clients.id, aged.currency, as_of))::uuid,
           row_number() over (order by aged.currency, clients.name_key, clients.id), clients.id, aged.currency, aged.not_due,
           aged.days_1_to_30, aged.days_31_to_60, aged.days_61_to_90, aged.over_90,
           aged.not_due + aged.days_1_to_30 + aged.days_31_to_60 + aged.days_61_to_90 + aged.over_90, aged.unapplied,
           case
               when clients.currency = aged.currency and clients.last_payment_date <= as_of then clients.last_payment_date
               else (
                   select max(payments.received_on) from billing.payments
                   where payments.tenant_id = core.tenant_id() and payments.client_id = clients.id
                     and payments.status = 'CONFIRMED' and payments.received_on <= as_of
                     and payments.currency = aged.currency
               )
           end
    from (
        select item.client_id, item.currency,
               coalesce(sum(item.amount) filter (where as_of - item.ages_from <= 0), 0) as not_due,
               coalesce(sum(item.amount) filter (where as_of - item.ages_from between 1 and 30), 0) as days_1_to_30,
               coalesce(sum(item.amount) filter (where as_of - item.ages_from between 31 and 60), 0) as days_31_to_60,
               coalesce(sum(item.amount) filter (where as_of - item.ages_from between 61 and 90), 0) as days_61_to_90,
               coalesce(sum(item.amount) filter (where as_of - item.ages_from > 90), 0) as over_90,
               coalesce(sum(item.amount) filter (where item.is_credit), 0) as unapplied
        from (
            -- One of the two is carried out, as the policies have it: who sees a few clients does not read through all.
            select * from billing.ageing_items(as_of, true, null)
            where core.sees_all() or pg_has_role('countinghouse_analyst', 'usage')
            union all
            select * from billing.ageing_items(as_of, false, core.scope_ids())
            where not (core.sees_all() or pg_has_role('countinghouse_analyst', 'usage'))
        ) as item
        group by item.client_id, item.currency
    ) as aged
    join billing.clients on clients.tenant_id = core.tenant_id() and clients.id = aged.client_id
    where (aged.not_due, aged.days_1_to_30, aged.days_31_to_60, aged.days_61_to_90, aged.over_90, aged.unapplied)
          <> (0, 0, 0, 0, 0, 0)
    order by aged.currency, clients.name_key, clients.id
$$;
comment on function billing.ageing(date) is
    'What each client owed at the end of a day, by how many days past due it was: one line for each client and currency. The '
    'five columns add up to the total, which is what the ledger says: receivable less credit. Payments and credit notes that '
    'stand on no invoice yet count as less than zero and age from their own day. What counts from a later day does not count.';

create function billing.ageing_totals(as_of date) returns table (
    tenant_id uuid, id uuid, line bigint, currency text, client_count integer, not_due numeric, days_1_to_30 numeric,
    days_31_to_60 numeric, days_61_to_90 numeric, over_90 numeric, total numeric, unapplied numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select core.tenant_id(), md5(concat_ws(':', core.tenant_id(), currency, as_of))::uuid, row_number() over (order by currency),
           currency, count(*)::integer, sum(not_due), sum(days_1_to_30), sum(days_31_to_60), sum(days_61_to_90), sum(over_90),
           sum(total), sum(unapplied)
    from billing.ageing(as_of)
    group by currency
    order by currency
$$;
comment on function billing.ageing_totals(date) is 'The sums of ageing at the end of a day: one line for each currency.';

create function billing.ageing_by_last_payment(as_of date) returns table (
    tenant_id uuid, id uuid, line bigint, currency text, last_payment text, client_count integer, total numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select core.tenant_id(), md5(concat_ws(':', core.tenant_id(), currency, last_payment, as_of))::uuid,
           row_number() over (order by currency, min(days)), currency, last_payment, count(*)::integer, sum(total)
    from (
        select currency, total, as_of - last_payment_date as days,
               case
                   when last_payment_date is null then 'NEVER'
                   when as_of - last_payment_date <= 30 then 'DAYS_0_TO_30'
                   when as_of - last_payment_date <= 60 then 'DAYS_31_TO_60'
                   when as_of - last_payment_date <= 90 then 'DAYS_61_TO_90'
                   else 'OVER_90'
               end as last_payment
        from billing.ageing(as_of)
    ) as aged
    group by currency, last_payment
    order by currency, min(days)
$$;
comment on function billing.ageing_by_last_payment(date) is
    'What clients owed at the end of a day, by how many days ago each had paid last: one line for each currency and span of '
    'days. Clients who had never paid in that currency are NEVER.';

grant execute on function
    billing.ageing_items(date, boolean, uuid[]), billing.ageing(date), billing.ageing_totals(date),
    billing.ageing_by_last_payment(date)
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
