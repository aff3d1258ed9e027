"""Orders {start} to {end} with their items, and what came of them; those after {open_after} are still open.

Of forty orders one was cancelled, one expired, one came back whole and one in part; the others were delivered. Of a
hundred of those three are not paid, or by half; of those that are not due yet, forty.
"""

from typing import Final

MADE: Final = """
    create temporary table made as
    select core.new_id() as id, n, n > {open_after} as is_open, line.id as credit_line_id, line.account_id,
           line.sales_id, line.retailer_id, line.vendor_id, line.retailer_name, line.vendor_name,
           abs(hashint8(n)::bigint) % 100 as draw, abs(hashint8(- n)::bigint) % 40 as kind,
           null::text as status,
           case
               when n > {open_after}
               then now() - interval '20 hours' + (n - {open_after}) * interval '14 hours' / {open_count}
               else now() - {oldest} * interval '1 day' + (n - {first}) * ({days} * interval '1 day') / {count}
           end as created_at
    from generate_series({start}::bigint, {end}::bigint) as n
    join lines_numbered as line on line.k = n * 7919 % {line_count}
    order by n;
    update made set status = case
        when is_open then (array['DRAFT', 'PLACED', 'CONFIRMED', 'SHIPPED'])[kind % 4 + 1]
        when kind = 0 then 'CANCELLED'
        when kind = 1 then 'EXPIRED'
        when kind = 2 then 'RETURNED'
        else 'DELIVERED'
    end;
    create temporary table figures (
        order_id uuid, subtotal numeric, tax numeric, shipped numeric, shipped_tax numeric, returned numeric,
        returned_tax numeric
    );
"""
ITEMS: Final = """
    with written as (
        insert into trade.order_items (
            tenant_id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku,
            unit_price, tax_rate, quantity, quantity_shipped, quantity_returned, reserved, created_at, created_by,
            updated_at
        )
        select {tenant}, made.id, made.retailer_id, made.vendor_id, offer.id, position, offer.name, offer.sku,
               offer.vendor_price, offer.tax_rate, quantity, shipped, returned,
               case when status in ('PLACED', 'CONFIRMED', 'SHIPPED') then quantity - shipped else 0 end,
               made.created_at, {user}, made.created_at
        from made
        cross join generate_series(1, 3) as position
        join offers_numbered as offer
            on offer.vendor_id = made.vendor_id and offer.j = (made.n * 5 + position) % {offers}
        cross join lateral (select ((made.n * 7 + position * 3) % 12 + 1)::integer as quantity) as ordered
        cross join lateral (
            select case
                when status = 'SHIPPED' then (quantity + 1) / 2
                when status not in ('DELIVERED', 'RETURNED') then 0
                -- Now and then one was missing.
                when draw % 17 = 0 and position = 1 and quantity > 1 then quantity - 1
                else quantity
            end as shipped
        ) as sent
        cross join lateral (
            select case
                when status = 'RETURNED' then shipped
                when status = 'DELIVERED' and kind = 3 and position = 1 and shipped > 1 then 1
                else 0
            end as returned
        ) as back
        where position <= made.n % 3 + 1
        order by made.n, position
        returning order_id, amount, tax_amount, shipped_amount, shipped_tax, returned_amount, returned_tax
    )
    insert into figures
    select order_id, sum(amount::numeric), sum(tax_amount::numeric), sum(shipped_amount::numeric),
           sum(shipped_tax::numeric), sum(returned_amount::numeric), sum(returned_tax::numeric)
    from written group by order_id;
    analyze made, figures;
"""
# Everything on one day: placed after an hour, confirmed after two, shipped after five, delivered after nine.
FIGURED: Final = """
    create temporary table figured as
    select made.*, subtotal, tax, returned, returned_tax,
           case when has_come then shipped else 0 end as delivered,
           case when has_come then shipped_tax else 0 end as delivered_tax,
           case when status <> 'DRAFT' then made.created_at + interval '1 hour' end as placed_at,
           case
               when status in ('CONFIRMED', 'SHIPPED') or has_come then made.created_at + interval '2 hours'
           end as confirmed_at,
           case when status = 'SHIPPED' or has_come then made.created_at + interval '5 hours' end as shipped_at,
           case when has_come then made.created_at + interval '9 hours' end as delivered_at,
           case
               when has_come then ((made.created_at + interval '9 hours') at time zone 'UTC')::date + 30
           end as due_date,
           case when status = 'RETURNED' then made.created_at + interval '14 hours' end as returned_at,
           case when status = 'CANCELLED' then made.created_at + interval '3 hours' end as cancelled_at,
           case when has_come then {invoices} + row_number() over (partition by has_come order by n) end as invoice,
           case
               when status <> 'DELIVERED' then 0
               when draw < case when made.created_at < now() - interval '29 days' then 97 else 60 end
               then shipped + shipped_tax - returned - returned_tax
               when draw = 98 then round((shipped + shipped_tax - returned - returned_tax) / 2, 2)
               else 0
           end as paid,
           case when status in ('PLACED', 'CONFIRMED', 'SHIPPED') then core.new_id() end as hold_id
    from made
    join figures on figures.order_id = made.id
    cross join lateral (select status in ('DELIVERED', 'RETURNED') as has_come) as known
    order by n;
    insert into trade.orders (
        tenant_id, id, order_number, invoice_number, retailer_id, vendor_id, credit_line_id, retailer_name,
        vendor_name, status, currency, subtotal, tax, total, delivered_subtotal, delivered_tax, returned_subtotal,
        returned_tax, paid_amount, placed_at, confirmed_at, shipped_at, delivered_at, due_date, returned_at,
        cancelled_at, expires_at, cancel_reason, hold_id, created_at, created_by, updated_at
    )
    select {tenant}, id, billing.number_text('ORD', n), billing.number_text('TI', invoice), retailer_id, vendor_id,
           credit_line_id, retailer_name, vendor_name, status, 'EUR', subtotal, tax, subtotal + tax, delivered,
           delivered_tax, returned, returned_tax, paid, placed_at, confirmed_at, shipped_at, delivered_at, due_date,
           returned_at, cancelled_at,
           case when status in ('PLACED', 'EXPIRED') then placed_at + interval '7 days' end,
           case when status = 'CANCELLED' then 'Too late' end, hold_id, created_at, {user},
           coalesce(returned_at, cancelled_at, delivered_at, shipped_at, confirmed_at, placed_at, created_at)
    from figured order by n;
    insert into ledger.holds (
        tenant_id, id, account_id, direction, amount, source_noun, source_id, created_at, created_by, updated_at
    )
    select {tenant}, hold_id, account_id, 'UP', subtotal + tax, 'ORDER', id, placed_at, {user}, placed_at
    from figured where hold_id is not null order by n;
"""
# A retailer writes before every fourth order, and is answered now and then. The last ones wait to be read.
MESSAGES: Final = """
    insert into trade.messages (
        tenant_id, message_id, conversation_id, from_number, to_number, direction, body, sent_at, is_processed,
        processed_at, outcome, outcome_text, retailer_id, created_at, updated_at
    )
    select {tenant}, 'wamid.' || n, phone, case when is_answer then '+254200000000' else phone end,
           case when is_answer then phone else '+254200000000' end,
           case when is_answer then 'OUTBOUND' else 'INBOUND' end,
           'Will it come on ' || to_char(made.created_at, 'Day') || ' as the last time? Our order has number ' || n,
           made.created_at, is_read, case when is_read then made.created_at end,
           case when is_read then 'NO_REQUEST' end,
           case when is_read then 'Nothing to order was found in it.' end, retailer_id, made.created_at, made.created_at
    from made
    join retailers_numbered as retailer on retailer.id = made.retailer_id
    cross join lateral (select draw < 20 as is_answer, draw >= 20 and not is_open as is_read) as known
    where made.n % 4 = 0
    order by made.n;
"""
# That it was entered, and the last step that was taken with it, as the trigger of the audit log would have noted both.
AUDIT: Final = """
    insert into core.audit_log (tenant_id, action, entity_type, entity_id, old_values, new_values, user_id, created_at)
    select {tenant}, action, 'ORDER', id, old_values, new_values, {user}, at
    from figured
    cross join lateral (
        values (
            'CREATE', null::jsonb, figured.created_at,
            jsonb_build_object(
                'id', id, 'status', 'DRAFT', 'order_number', billing.number_text('ORD', n), 'retailer_id', retailer_id,
                'vendor_id', vendor_id, 'retailer_name', retailer_name, 'vendor_name', vendor_name, 'currency', 'EUR'
            )
        ), (
            'TRANSITION', jsonb_build_object('total', 0),
            coalesce(returned_at, cancelled_at, delivered_at, shipped_at, confirmed_at, placed_at),
            jsonb_build_object('status', status, 'total', subtotal + tax)
        )
    ) as steps (action, old_values, at, new_values)
    where at is not null
    order by n, at;
"""
