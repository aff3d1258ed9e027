-- Settlement: what stands on invoices, and the figures of clients that follow from it. Written by triggers alone.

create function billing.invoice_settlement(
    tenant uuid, invoice uuid, total numeric, out paid_amount numeric, out credited numeric, out payment_count integer,
    out partial_payment_count integer, out last_payment_date date, out settled_on date
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with standing as (
        select allocations.payment_id, allocations.net, allocations.position, allocations.effective_date,
               total - sum(allocations.net) over (order by allocations.position) as left_over,
               lead(allocations.position) over (partition by allocations.payment_id order by allocations.position) as next_of_payment
        from billing.allocations
        where allocations.tenant_id = tenant and allocations.invoice_id = invoice and allocations.net > 0
    )
    select
        coalesce(sum(net) filter (where payment_id is not null), 0),
        coalesce(sum(net) filter (where payment_id is null), 0),
        (count(*) filter (where payment_id is not null and next_of_payment is null))::integer,
        (count(*) filter (where payment_id is not null and next_of_payment is null and left_over > 0))::integer,
        (
            select max(payments.received_on) from billing.payments
            where payments.tenant_id = tenant and payments.id in (select standing.payment_id from standing)
        ),
        max(effective_date)
    from standing
$$;
comment on function billing.invoice_settlement(uuid, uuid, numeric) is
    'What stands on an invoice: paid and credited, by how many payments, how many of them partial, and since when.';

create function billing.oldest_due_date(tenant uuid, client uuid, in_currency text) returns date
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select due_date from billing.invoices
    where tenant_id = tenant and client_id = client and currency = in_currency
      and status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and balance_minor > 0
    order by due_date limit 1
$$;
comment on function billing.oldest_due_date(uuid, uuid, text) is 'The due date of the invoice of a client that has been open longest.';

create function billing.client_counted(tenant uuid, client uuid, in_currency text) returns billing.client_counts
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select row(
        (
            select coalesce(sum(total), 0) from billing.invoices
            where tenant_id = tenant and client_id = client and currency = in_currency
              and issued_at is not null and voided_at is null
        ) - (
            select coalesce(sum(total), 0) from billing.credit_notes
            where tenant_id = tenant and client_id = client and currency = in_currency and issued_at is not null
        ),
        coalesce(sum(amount - refunded_amount) filter (where status in ('CONFIRMED', 'REFUNDED')), 0),
        (count(*) filter (where status = 'CONFIRMED'))::integer,
        coalesce(sum(amount) filter (where status = 'CONFIRMED'), 0),
        max(received_on) filter (where status = 'CONFIRMED'),
        (select count(*)::integer from billing.invoices
         where tenant_id = tenant and client_id = client and currency = in_currency and paid_date is not null),
        (select coalesce(sum(paid_date - issue_date), 0) from billing.invoices
         where tenant_id = tenant and client_id = client and currency = in_currency and paid_date is not null),
        billing.oldest_due_date(tenant, client, in_currency)
    )::billing.client_counts
    from billing.payments
    where tenant_id = tenant and client_id = client and currency = in_currency
$$;
comment on function billing.client_counted(uuid, uuid, text) is
    'A client''s figures in a currency, counted anew from all its documents. The triggers below keep them without that.';

create function billing.invoice_counts() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update billing.clients set
        lifetime_billed = lifetime_billed
            + case when new.issued_at is not null and new.voided_at is null then new.total else 0 end
            - case when old.issued_at is not null and old.voided_at is null then old.total else 0 end,
        paid_invoices = paid_invoices + (new.paid_date is not null)::integer - (old.paid_date is not null)::integer,
        paid_days = paid_days + coalesce(new.paid_date - new.issue_date, 0) - coalesce(old.paid_date - old.issue_date, 0),
        oldest_due_date = billing.oldest_due_date(new.tenant_id, new.client_id, new.currency)
    where tenant_id = new.tenant_id and id = new.client_id and currency = new.currency;
    return null;
end
$$;
comment on function billing.invoice_counts() is 'Counts an invoice among its client''s as it is issued, void, paid or open again.';

create trigger counts after update on billing.invoices for each row
    when (
        (old.status, old.total, old.due_date, old.paid_date) is distinct from (new.status, new.total, new.due_date, new.paid_date)
        and (old.issued_at is not null or new.issued_at is not null)
    )
    execute function billing.invoice_counts();

create function billing.credit_note_counts() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update billing.clients set lifetime_billed = lifetime_billed - new.total
    where tenant_id = new.tenant_id and id = new.client_id and currency = new.currency;
    return null;
end
$$;
comment on function billing.credit_note_counts() is 'Takes an issued credit note off what its client was billed.';

create trigger counts after update of issued_at on billing.credit_notes for each row
    when (old.issued_at is null and new.issued_at is not null) execute function billing.credit_note_counts();

create function billing.payment_counts() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    was constant text := case when tg_op = 'UPDATE' then old.status else '' end;
    had constant numeric := case when was in ('CONFIRMED', 'REFUNDED') then old.amount - old.refunded_amount else 0 end;
begin
    update billing.clients set
        lifetime_paid = lifetime_paid - had
            + case when new.status in ('CONFIRMED', 'REFUNDED') then new.amount - new.refunded_amount else 0 end,
        total_payments = total_payments + (new.status = 'CONFIRMED')::integer - (was = 'CONFIRMED')::integer,
        total_received = total_received
            + case when new.status = 'CONFIRMED' then new.amount else 0 end - case when was = 'CONFIRMED' then new.amount else 0 end,
        last_payment_date = (
            select max(received_on) from billing.payments
            where tenant_id = new.tenant_id and client_id = new.client_id and status = 'CONFIRMED' and currency = new.currency
        )
    where tenant_id = new.tenant_id and id = new.client_id and currency = new.currency;
    return null;
end
$$;
comment on function billing.payment_counts() is 'Counts a payment among its client''s as it is confirmed, given back or reversed.';

create trigger counts after insert on billing.payments for each row
    when (new.confirmed_at is not null) execute function billing.payment_counts();
create trigger counts_again after update on billing.payments for each row
    when ((old.status, old.refunded_amount) is distinct from (new.status, new.refunded_amount))
    execute function billing.payment_counts();
