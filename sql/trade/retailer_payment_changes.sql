-- What can be done with a retailer's payment. Each function locks the payment, then the orders that it pays in the order of
-- their ids; the triggers take the ledger's accounts after these.

create function trade.retailer_payment_found(wanted uuid) returns trade.retailer_payments
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    payment trade.retailer_payments;
begin
    select * into payment from trade.retailer_payments where tenant_id = core.tenant_id() and id = wanted for update;
    if payment.id is null then
        perform core.refuse('NOT_FOUND', 'PAYMENT_NOT_FOUND', 'There is no payment with this id.', 'input.id');
    end if;
    perform from trade.orders
    where tenant_id = core.tenant_id() and id in (
        select order_id from trade.retailer_payment_allocations where tenant_id = core.tenant_id() and payment_id = payment.id
    )
    order by id for no key update;
    return payment;
end
$$;
comment on function trade.retailer_payment_found(uuid) is 'The payment of that id, locked with the orders that it pays; refuses where there is none.';

create function trade.payable_orders(line uuid, given jsonb) returns uuid[]
language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(id), '{}') from (
        select id from trade.orders
        where tenant_id = core.tenant_id() and credit_line_id = line and (
            open_minor > 0 or id in (
                select (each ->> 'order_id')::uuid
                from jsonb_array_elements(case jsonb_typeof(given) when 'array' then given else '[]' end) as each
            )
        )
        order by id for no key update
    ) as locked;
end;
comment on function trade.payable_orders(uuid, jsonb) is
    'The orders of a line that something is to be paid of, and those that are named: locked, before any account is, so that nothing is paid twice.';

create function trade.retailer_payment_spread(payment trade.retailer_payments, payable uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- What is due first is paid first, until nothing is left of the payment.
    insert into trade.retailer_payment_allocations (
        tenant_id, payment_id, order_id, retailer_id, vendor_id, credit_line_id, amount
    )
    select core.tenant_id(), payment.id, id, payment.retailer_id, payment.vendor_id, payment.credit_line_id,
           least(open_amount, left_over - before)
    from (
        select id, open_amount::numeric, due_date,
               coalesce(sum(open_amount::numeric) over (order by due_date, id rows between unbounded preceding and 1 preceding), 0) as before
        from trade.orders
        where tenant_id = core.tenant_id() and id = any (payable) and open_minor > 0
          and id not in (
              select order_id from trade.retailer_payment_allocations where tenant_id = core.tenant_id() and payment_id = payment.id
          )
    ) as open
    cross join lateral (
        select payment.amount - coalesce(sum(amount), 0) as left_over
        from trade.retailer_payment_allocations where tenant_id = core.tenant_id() and payment_id = payment.id
    ) as rest
    where before < left_over;
end
$$;
comment on function trade.retailer_payment_spread(trade.retailer_payments, uuid[]) is
    'Allocates what is left of a payment to what is open on its line, what is due first before the rest. What then is left stays the retailer''s credit.';

create function trade.retailer_payment_allocate_to(payment trade.retailer_payments, given jsonb, payable uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted record;
    o trade.orders;
begin
    if given is null then
        perform trade.retailer_payment_spread(payment, payable);
        return;
    end if;
    for wanted in
        select (each ->> 'order_id')::uuid as order_id, (each ->> 'amount')::numeric as amount, place - 1 as place
        from jsonb_array_elements(given) with ordinality as listed (each, place)
        order by place
    loop
        select * into o from trade.orders where tenant_id = core.tenant_id() and id = wanted.order_id;
        if o.id is null or o.id <> all (payable) then
            perform core.refuse(
                'NOT_FOUND', 'ORDER_NOT_FOUND', 'There is no order with this id on the line of this payment.',
                format('input.allocations.%s.orderId', wanted.place)
            );
        elsif wanted.amount > o.open_amount then
            perform core.refuse(
                'BAD_USER_INPUT', 'OVER_ALLOCATED',
                format('Of order %s, %s is to be paid. No more than that can be allocated to it.', o.order_number, round(greatest(o.open_amount, 0), 2)),
                format('input.allocations.%s.amount', wanted.place)
            );
        end if;
        insert into trade.retailer_payment_allocations (
            tenant_id, payment_id, order_id, retailer_id, vendor_id, credit_line_id, amount
        ) values (
            core.tenant_id(), payment.id, o.id, payment.retailer_id, payment.vendor_id, payment.credit_line_id, wanted.amount
        );
    end loop;
end
$$;
comment on function trade.retailer_payment_allocate_to(trade.retailer_payments, jsonb, uuid[]) is
    'Allocates a payment to the orders that are named, or where none are to what is due first: of those that are locked.';

create function trade.retailer_payment_record(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given trade.retailer_payments := jsonb_populate_record(null::trade.retailer_payments, input - '{id,currency}'::text[]);
    method billing.payment_methods;
    line trade.credit_lines;
    payment trade.retailer_payments;
    wanted constant jsonb := nullif(input -> 'allocations', 'null');
    payable uuid[];
begin
    perform core.demand('trade:write');
    select * into method from billing.payment_methods
    where tenant_id = core.tenant_id() and id = billing.payment_method_named(input ->> 'method', 'input.method');
    if not method.is_active then
        perform core.refuse('CONFLICT', 'PAYMENT_METHOD_INACTIVE', 'This payment method is not in use any more.', 'input.method');
    elsif method.requires_reference and given.transaction_id is null then
        perform core.refuse(
            'BAD_USER_INPUT', 'TRANSACTION_ID_REQUIRED', format('A payment by %s carries a reference.', method.display_name),
            'input.transactionId'
        );
    elsif given.received_at > statement_timestamp() + interval '1 minute' then
        perform core.refuse('BAD_USER_INPUT', 'RECEIVED_LATER', 'A payment is not received later than now.', 'input.receivedAt');
    end if;
    select * into line from trade.credit_lines
    where tenant_id = core.tenant_id() and retailer_id = given.retailer_id and vendor_id = given.vendor_id;
    if line.id is null then
        perform core.refuse('NOT_FOUND', 'NO_CREDIT_LINE', 'This retailer has no credit line with this vendor.', 'input.retailerId');
    elsif method.method_name = 'CHEQUE' and jsonb_typeof(input -> 'allocations') = 'array' then
        perform core.refuse(
            'BAD_USER_INPUT', 'CHEQUE_NOT_CLEARED', 'A cheque pays when it is cleared: name the orders then.', 'input.allocations'
        );
    end if;
    payable := trade.payable_orders(line.id, wanted);
    insert into trade.retailer_payments (
        tenant_id, payment_number, retailer_id, vendor_id, credit_line_id, method_id, transaction_id, amount, currency, received_at,
        metadata
    ) values (
        core.tenant_id(), '', line.retailer_id, line.vendor_id, line.id, method.id, given.transaction_id, given.amount, line.currency,
        coalesce(given.received_at, statement_timestamp()), coalesce(given.metadata, '{}')
    )
    returning * into payment;
    if payment.is_effective then
        perform trade.retailer_payment_allocate_to(payment, wanted, payable);
    end if;
    return payment.id;
end
$$;
comment on function trade.retailer_payment_record(jsonb) is
    'Enters a payment that was received: off the debt of the line at once, a cheque when it is cleared. Without allocations it pays what is due first; what is left over stays the retailer''s credit.';

create function trade.retailer_payment_allocate(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment trade.retailer_payments;
    wanted constant jsonb := nullif(input -> 'allocations', 'null');
begin
    perform core.demand('trade:write');
    payment := trade.retailer_payment_found((input ->> 'id')::uuid);
    if not payment.is_effective then
        perform core.refuse('CONFLICT', 'PAYMENT_NOT_EFFECTIVE', 'This payment pays nothing: it is not cleared, or was taken back.', 'input.id');
    end if;
    perform trade.retailer_payment_allocate_to(payment, wanted, trade.payable_orders(payment.credit_line_id, wanted));
    return payment.id;
end
$$;
comment on function trade.retailer_payment_allocate(jsonb) is
    'Has what is left of a payment pay the orders that are named, or without any what is due first.';

create function trade.retailer_payment_take_back(payment trade.retailer_payments, reason text) returns uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into trade.retailer_payments (
        tenant_id, payment_number, retailer_id, vendor_id, credit_line_id, method_id, amount, currency, reverses_id, reversal_reason
    ) values (
        core.tenant_id(), '', payment.retailer_id, payment.vendor_id, payment.credit_line_id, payment.method_id, payment.amount,
        payment.currency, payment.id, reason
    )
    returning id
$$;
comment on function trade.retailer_payment_take_back(trade.retailer_payments, text) is
    'Takes a payment back by another one: the debt is what it was, and its allocations stop counting.';

create function trade.retailer_payment_reverse(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.retailer_payment_take_back(trade.retailer_payment_found((input ->> 'id')::uuid), coalesce(input ->> 'reason', ''));
end
$$;
comment on function trade.retailer_payment_reverse(jsonb) is
    'Takes a payment back, whole, by another one, which is answered. The orders that it paid are open again.';

create function trade.cheque_clear(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment trade.retailer_payments;
    wanted constant jsonb := nullif(input -> 'allocations', 'null');
    payable uuid[];
begin
    perform core.demand('trade:write');
    payment := trade.retailer_payment_found((input ->> 'id')::uuid);
    perform trade.cheque_step(payment, 'CLEARED');
    payable := trade.payable_orders(payment.credit_line_id, wanted);
    update trade.retailer_payments set cheque_state = 'CLEARED'
    where tenant_id = core.tenant_id() and id = payment.id
    returning * into payment;
    perform trade.retailer_payment_allocate_to(payment, wanted, payable);
    return payment.id;
end
$$;
comment on function trade.cheque_clear(jsonb) is
    'Notes that a cheque was cleared: now it lowers the debt, and pays the orders that are named, or without any what is due first.';

create function trade.cheque_bounce(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment trade.retailer_payments;
    reason constant text := coalesce(input ->> 'reason', '');
begin
    perform core.demand('trade:write');
    payment := trade.retailer_payment_found((input ->> 'id')::uuid);
    perform trade.cheque_step(payment, 'BOUNCED');
    update trade.retailer_payments set cheque_state = 'BOUNCED', cheque_reason = reason
    where tenant_id = core.tenant_id() and id = payment.id;
    if payment.transfer_id is not null then
        perform trade.retailer_payment_take_back(payment, left('Cheque bounced: ' || reason, 500));
    end if;
    return payment.id;
end
$$;
comment on function trade.cheque_bounce(jsonb) is
    'Notes that a cheque bounced, and suspends the line. One that was pending has posted nothing; one that was cleared is taken back.';

grant execute on function
    trade.retailer_payment_record(jsonb), trade.retailer_payment_allocate(jsonb), trade.retailer_payment_reverse(jsonb),
    trade.cheque_clear(jsonb), trade.cheque_bounce(jsonb)
    to countinghouse_tenant;
