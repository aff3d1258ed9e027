-- What retailers owe today: by how many days it is past due, and all of trade on one page. Read with the rights of whoever asks.

-- Inlined, because it has no SET; its names were resolved when it was made. So a constant role leaves one side of each OR, and
-- orders are found in an index. By the OR of the policies PostgreSQL finds nothing there.
create function trade.order_figures(role text, scope uuid[]) returns table (
    retailer_id uuid, currency text, status text, due_date date, open_minor bigint
)
language sql stable
begin atomic
    select orders.retailer_id, orders.currency::text, orders.status, orders.due_date, orders.open_minor from trade.orders
    where tenant_id = core.tenant_id()
      and (role = 'ALL' or role = 'VENDOR' and orders.vendor_id = any (scope) or role = 'RETAILER' and orders.retailer_id = any (scope));
end;
comment on function trade.order_figures(text, uuid[]) is
    'What questions about orders add up: of all (ALL), of some vendors (VENDOR) or retailers (RETAILER). The role is to be a '
    'constant. Read with the rights of whoever asks.';

create function trade.line_figures() returns table (retailer_id uuid, currency text, debt numeric, held numeric)
language sql stable
begin atomic
    -- One of the three is carried out, as the policies have it: who sees a few lines does not read through all.
    select retailer_id, currency::text, debt::numeric, held::numeric from trade.credit_lines
    where tenant_id = core.tenant_id() and (core.sees_all() or pg_has_role('countinghouse_analyst', 'usage'))
    union all
    select retailer_id, currency::text, debt::numeric, held::numeric from trade.credit_lines
    where tenant_id = core.tenant_id() and vendor_id = any (core.scope_ids()) and core.role() = 'vendor'
    union all
    select retailer_id, currency::text, debt::numeric, held::numeric from trade.credit_lines
    where tenant_id = core.tenant_id() and retailer_id = any (core.scope_ids()) and core.role() = 'retailer';
end;
comment on function trade.line_figures() is 'What questions about credit lines add up. Read with the rights of whoever asks.';

create function trade.ageing() returns table (
    tenant_id uuid, id uuid, line bigint, retailer_id uuid, currency text, not_due numeric, days_1_to_30 numeric,
    days_31_to_60 numeric, days_61_to_90 numeric, over_90 numeric, total numeric, overdue numeric, debt numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    -- Looked up once, and not for each order.
    with now as materialized (select core.today() as today)
    select core.tenant_id(), md5(concat_ws(':', core.tenant_id(), retailer_id, currency))::uuid,
           row_number() over (order by total - not_due desc, total desc, retailer_id, currency), retailer_id, currency,
           not_due, days_1_to_30, days_31_to_60, days_61_to_90, over_90, total, total - not_due, debt
    from (
        select item.retailer_id, item.currency,
               coalesce(sum(item.amount) filter (where item.days <= 0), 0) as not_due,
               coalesce(sum(item.amount) filter (where item.days between 1 and 30), 0) as days_1_to_30,
               coalesce(sum(item.amount) filter (where item.days between 31 and 60), 0) as days_31_to_60,
               coalesce(sum(item.amount) filter (where item.days between 61 and 90), 0) as days_61_to_90,
               coalesce(sum(item.amount) filter (where item.days > 90), 0) as over_90,
               coalesce(sum(item.amount), 0) as total,
               coalesce(sum(item.debt), 0) as debt
        from (
            -- One of the three is carried out, as the policies have it: who sees a few orders does not read through all.
            select retailer_id, currency, now.today - due_date as days, open_minor * 0.01 as amount, 0 as debt
            from now, trade.order_figures('ALL', null)
            where open_minor > 0 and (core.sees_all() or pg_has_role('countinghouse_analyst', 'usage'))
            union all
            select retailer_id, currency, now.today - due_date, open_minor * 0.01, 0
            from now, trade.order_figures('VENDOR', core.scope_ids())
            where open_minor > 0 and core.role() = 'vendor'
            union all
            select retailer_id, currency, now.today - due_date, open_minor * 0.01, 0
            from now, trade.order_figures('RETAILER', core.scope_ids())
            where open_minor > 0 and core.role() = 'retailer'
            union all
            select retailer_id, currency, null, null, debt from trade.line_figures() where debt <> 0
        ) as item
        group by item.retailer_id, item.currency
    ) as aged
$$;
comment on function trade.ageing() is
    'What each retailer owes today, by how many days past due it is: one line for each, those who are overdue with most first. '
    'The five columns add up to the total, which is what is open of delivered orders. The debt is what the credit lines say: '
    'more, by adjustments, or less, by payments that pay no order yet. A vendor sees what is owed to itself.';

create function trade.totals() returns table (
    tenant_id uuid, id uuid, line bigint, currency text, draft_orders bigint, placed_orders bigint, confirmed_orders bigint,
    shipped_orders bigint, delivered_orders bigint, cancelled_orders bigint, returned_orders bigint, expired_orders bigint,
    debt numeric, held numeric, overdue numeric, low_products bigint, unread_messages bigint
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select core.tenant_id(), md5(concat_ws(':', core.tenant_id(), currency))::uuid, row_number() over (order by currency), currency,
           coalesce(sum(orders) filter (where status = 'DRAFT'), 0)::bigint,
           coalesce(sum(orders) filter (where status = 'PLACED'), 0)::bigint,
           coalesce(sum(orders) filter (where status = 'CONFIRMED'), 0)::bigint,
           coalesce(sum(orders) filter (where status = 'SHIPPED'), 0)::bigint,
           coalesce(sum(orders) filter (where status = 'DELIVERED'), 0)::bigint,
           coalesce(sum(orders) filter (where status = 'CANCELLED'), 0)::bigint,
           coalesce(sum(orders) filter (where status = 'RETURNED'), 0)::bigint,
           coalesce(sum(orders) filter (where status = 'EXPIRED'), 0)::bigint,
           coalesce(sum(debt), 0), coalesce(sum(held), 0), coalesce(sum(overdue_minor), 0) * 0.01, coalesce(sum(low), 0)::bigint,
           (
               select count(*) from trade.messages
               where tenant_id = core.tenant_id() and not is_processed and direction = 'INBOUND'
           )
    from (
        -- One of the three is carried out, as the policies have it: who sees a few orders does not read through all. What is
        -- counted and what is owed stand in two indexes, each of which is read alone.
        select currency, status, count(*) as orders, 0::numeric as overdue_minor, 0::numeric as debt, 0::numeric as held, 0 as low
        from trade.order_figures('ALL', null)
        where core.sees_all() or pg_has_role('countinghouse_analyst', 'usage')
        group by currency, status
        union all
        select currency, null, 0, sum(open_minor), 0, 0, 0
        from trade.order_figures('ALL', null)
        where open_minor > 0 and due_date < core.today() and (core.sees_all() or pg_has_role('countinghouse_analyst', 'usage'))
        group by currency
        union all
        select currency, status, count(*), sum(open_minor) filter (where open_minor > 0 and due_date < core.today()), 0, 0, 0
        from trade.order_figures('VENDOR', core.scope_ids())
        where core.role() = 'vendor'
        group by currency, status
        union all
        select currency, status, count(*), sum(open_minor) filter (where open_minor > 0 and due_date < core.today()), 0, 0, 0
        from trade.order_figures('RETAILER', core.scope_ids())
        where core.role() = 'retailer'
        group by currency, status
        union all
        select currency, null, 0, 0, sum(debt), sum(held), 0 from trade.line_figures() group by currency
        union all
        select currency, null, 0, 0, 0, 0, count(*) from trade.vendor_products
        where tenant_id = core.tenant_id() and is_low
        group by currency
        union all
        select currency, null, 0, 0, 0, 0, 0 from iam.organisation()
    ) as figures
    group by currency
$$;
comment on function trade.totals() is
    'All of trade as it is now: a line for each currency, and one at least in the organisation''s own. Orders by status '
    '(those that are archived count no more), what retailers owe, what orders hold, what is overdue, what runs low. A vendor and a retailer see what is of their own.';

grant execute on function trade.order_figures(text, uuid[]), trade.line_figures(), trade.ageing(), trade.totals()
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
