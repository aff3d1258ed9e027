-- What can be done with a payment. Each function locks the client, then the payment.

create function billing.payment_found(wanted uuid) returns billing.payments
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform billing.client_locked(client_id) from billing.payments where tenant_id = core.tenant_id() and id = wanted;
    select * into payment from billing.payments where tenant_id = core.tenant_id() and id = wanted for update;
    if payment.id is null then
        perform core.refuse('NOT_FOUND', 'PAYMENT_NOT_FOUND', 'There is no payment with this id.', 'input.id');
    end if;
    return payment;
end
$$;
comment on function billing.payment_found(uuid) is 'The payment of that id, locked after its client; refuses where there is none.';

create function billing.payment_found_in(wanted uuid, variadic expected text[]) returns billing.payments
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments := billing.payment_found(wanted);
begin
    if payment.status <> all (expected) then
        perform core.refuse(
            'CONFLICT',
            case payment.status when 'REVERSED' then 'PAYMENT_REVERSED' when 'REFUNDED' then 'PAYMENT_REFUNDED' else 'PAYMENT_STATUS' end,
            format('This payment is %s. This can be done with one that is %s.',
                lower(payment.status), lower(array_to_string(expected, ' or '))),
            'input.id'
        );
    end if;
    return payment;
end
$$;
comment on function billing.payment_found_in(uuid, text[]) is 'The payment of that id, locked; refuses one of another status.';

create function billing.payment_record(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given billing.payments := jsonb_populate_record(null::billing.payments, input - 'id');
    wanted_status constant text := coalesce(input ->> 'status', 'PENDING');
    client billing.clients;
    payment billing.payments;
begin
    perform core.demand('billing:write');
    client := billing.client_locked((input ->> 'client_id')::uuid);
    if client.id is null or client.deleted_at is not null then
        perform core.refuse('NOT_FOUND', 'CLIENT_NOT_FOUND', 'There is no client with this id.', 'input.clientId');
    end if;
    insert into billing.payments (
        tenant_id, client_id, method_id, amount, currency, received_at, reference, request_id, processing_time_ms, metadata,
        started_at, confirmed_at
    ) values (
        core.tenant_id(), client.id, billing.payment_method_named(input ->> 'method', 'input.method'), given.amount, coalesce(given.currency, client.currency),
        coalesce(given.received_at, statement_timestamp()), given.reference, given.request_id, given.processing_time_ms,
        coalesce(given.metadata, '{}'), case when wanted_status <> 'PENDING' then statement_timestamp() end,
        case when wanted_status = 'CONFIRMED' then statement_timestamp() end
    )
    returning * into payment;
    perform billing.allocate(
        input, client.id, payment.currency, payment.received_on, payment.amount, payment.id, null, wanted_status = 'CONFIRMED'
    );
    return payment.id;
end
$$;
comment on function billing.payment_record(jsonb) is
    'Enters a payment: one that is expected (PENDING), under way (PROCESSING) or received (CONFIRMED), and what it is to pay. '
    'What it is not allocated to is the client''s credit once it is confirmed.';

create function billing.payment_process(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found_in((input ->> 'id')::uuid, 'PENDING');
    update billing.payments set started_at = statement_timestamp() where tenant_id = core.tenant_id() and id = payment.id;
    return payment.id;
end
$$;
comment on function billing.payment_process(jsonb) is 'Notes that a payment is under way: PENDING becomes PROCESSING.';

create function billing.payment_took(payment billing.payments, input jsonb) returns integer
language sql
set search_path = pg_catalog, pg_temp
return coalesce(
    (input ->> 'processing_time_ms')::integer,
    least(extract(epoch from statement_timestamp() - payment.started_at) * 1000, 2147483647)::integer,
    payment.processing_time_ms
);
comment on function billing.payment_took(billing.payments, jsonb) is
    'How many milliseconds a payment''s processing took: as given, else since it began.';

create function billing.payment_confirm(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
    waiting record;
    share numeric;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found_in((input ->> 'id')::uuid, 'PENDING', 'PROCESSING');
    update billing.payments set
        received_at = coalesce((input ->> 'received_at')::timestamptz, least(received_at, statement_timestamp())),
        reference = coalesce(input ->> 'reference', reference),
        processing_time_ms = billing.payment_took(payment, input),
        started_at = coalesce(started_at, statement_timestamp()),
        confirmed_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = payment.id
    returning * into payment;
    for waiting in
        select * from billing.allocations
        where tenant_id = core.tenant_id() and payment_id = payment.id and applied_at is null and released_at is null
        order by created_at, id
    loop
        -- As much as the invoice still needs: what was paid otherwise meanwhile is the client's credit.
        select least(waiting.amount, balance, (
            select unapplied_amount from billing.payments where tenant_id = core.tenant_id() and id = payment.id
        )) into share
        from billing.invoices
        where tenant_id = core.tenant_id() and id = waiting.invoice_id and written_off = 0;
        if share > 0 then
            update billing.allocations set
                amount = share, applied_at = statement_timestamp(),
                effective_date = greatest(payment.received_on, (
                    select issue_date from billing.invoices where tenant_id = core.tenant_id() and id = waiting.invoice_id
                ))
            where tenant_id = core.tenant_id() and id = waiting.id;
        else
            update billing.allocations set released_at = statement_timestamp()
            where tenant_id = core.tenant_id() and id = waiting.id;
        end if;
    end loop;
    return payment.id;
end
$$;
comment on function billing.payment_confirm(jsonb) is
    'Confirms a payment: the money is there. It pays what it was recorded for, as far as that is still open; the rest is credit.';

create function billing.payment_fail(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found_in((input ->> 'id')::uuid, 'PENDING', 'PROCESSING');
    update billing.payments set
        processing_time_ms = billing.payment_took(payment, input),
        started_at = coalesce(started_at, statement_timestamp()),
        failed_at = statement_timestamp(),
        failure_reason = coalesce(btrim(input ->> 'reason'), '')
    where tenant_id = core.tenant_id() and id = payment.id;
    return payment.id;
end
$$;
comment on function billing.payment_fail(jsonb) is 'Notes that a payment failed, and why. It can be tried again.';

create function billing.payment_retry(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found_in((input ->> 'id')::uuid, 'FAILED');
    update billing.payments set
        failed_at = null, failure_reason = null, processing_time_ms = null, started_at = statement_timestamp(),
        retry_count = retry_count + 1, last_retry_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = payment.id;
    return payment.id;
end
$$;
comment on function billing.payment_retry(jsonb) is 'Tries a failed payment again: it is PROCESSING, and counts the retry.';

create function billing.payment_reconcile(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found_in((input ->> 'id')::uuid, 'CONFIRMED', 'REFUNDED', 'REVERSED');
    update billing.payments set reconciled_at = coalesce(reconciled_at, statement_timestamp())
    where tenant_id = core.tenant_id() and id = payment.id;
    return payment.id;
end
$$;
comment on function billing.payment_reconcile(jsonb) is
    'Notes that a payment was found on the bank''s own statement. Once noted, it changes nothing more.';

create function billing.payment_unreconcile(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found((input ->> 'id')::uuid);
    update billing.payments set reconciled_at = null where tenant_id = core.tenant_id() and id = payment.id;
    return payment.id;
end
$$;
comment on function billing.payment_unreconcile(jsonb) is 'Takes back that a payment was found on the bank''s own statement.';

create function billing.payment_allocate(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found_in((input ->> 'id')::uuid, 'CONFIRMED');
    if not coalesce((input ->> 'oldest_first')::boolean, false)
        and coalesce(jsonb_array_length(nullif(input -> 'allocations', 'null')), 0) = 0
    then
        perform core.refuse(
            'BAD_USER_INPUT', 'ALLOCATION_MISSING', 'Name the invoices that it pays, or ask for the oldest first.', 'input.allocations'
        );
    end if;
    perform billing.allocate(
        jsonb_build_object('effective_date', core.today()) || jsonb_strip_nulls(input), payment.client_id, payment.currency,
        payment.received_on, payment.unapplied_amount, payment.id, null, true
    );
    return payment.id;
end
$$;
comment on function billing.payment_allocate(jsonb) is
    'Pays invoices out of what is left of a payment: those that are named, or all that are open, the one due first at first.';

create function billing.payment_unallocate(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    allocation billing.allocations;
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found((input ->> 'id')::uuid);
    select * into allocation from billing.allocations
    where tenant_id = core.tenant_id() and payment_id = payment.id and id = (input ->> 'allocation_id')::uuid
    for update;
    if allocation.id is null then
        perform core.refuse(
            'NOT_FOUND', 'ALLOCATION_NOT_FOUND', 'This payment has no allocation with this id.', 'input.allocationId'
        );
    elsif allocation.released_at is not null then
        perform core.refuse(
            'CONFLICT', 'ALLOCATION_RELEASED', 'This allocation is taken back already, and nothing has changed.', 'input.allocationId'
        );
    end if;
    update billing.allocations set released_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = allocation.id;
    return payment.id;
end
$$;
comment on function billing.payment_unallocate(jsonb) is
    'Takes an allocation back: the invoice is open again by as much, and the money is the client''s credit.';

create function billing.payment_refund(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found_in((input ->> 'id')::uuid, 'CONFIRMED');
    insert into billing.payment_refunds (tenant_id, client_id, payment_id, amount, refunded_on, reason, reference)
    values (
        core.tenant_id(), payment.client_id, payment.id,
        coalesce((input ->> 'amount')::numeric, payment.amount - payment.refunded_amount),
        coalesce((input ->> 'refunded_on')::date, core.today()), coalesce(btrim(input ->> 'reason'), ''), input ->> 'reference'
    );
    return payment.id;
end
$$;
comment on function billing.payment_refund(jsonb) is
    'Gives money of a payment back, all that is left of it unless an amount is given: the client''s credit first, then from '
    'invoices, the last one paid first; those are open again by as much.';

create function billing.payment_reverse(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
begin
    perform core.demand('billing:write');
    payment := billing.payment_found_in((input ->> 'id')::uuid, 'CONFIRMED');
    if payment.refunded_amount > 0 then
        perform core.refuse(
            'CONFLICT', 'PAYMENT_REFUNDED', 'A part of this payment was given back. Give back the rest instead.', 'input.id'
        );
    end if;
    update billing.allocations set released_at = statement_timestamp()
    where tenant_id = core.tenant_id() and payment_id = payment.id and released_at is null;
    update billing.payments set
        reversed_at = statement_timestamp(), reversal_reason = coalesce(btrim(input ->> 'reason'), '')
    where tenant_id = core.tenant_id() and id = payment.id;
    return payment.id;
end
$$;
comment on function billing.payment_reverse(jsonb) is
    'Takes a payment back whole, as when a cheque bounces: what it paid is open again. A second time it is refused.';

grant execute on function
    billing.payment_record(jsonb), billing.payment_process(jsonb), billing.payment_confirm(jsonb), billing.payment_fail(jsonb),
    billing.payment_retry(jsonb), billing.payment_reconcile(jsonb), billing.payment_unreconcile(jsonb),
    billing.payment_allocate(jsonb), billing.payment_unallocate(jsonb), billing.payment_refund(jsonb),
    billing.payment_reverse(jsonb)
    to countinghouse_tenant;
