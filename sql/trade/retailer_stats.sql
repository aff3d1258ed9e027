-- What each retailer has bought, reckoned ahead for whoever has very many orders: sql/core/reports.sql tells how.

reset role;

-- The report reads the orders of every organisation, archived ones too, and of each no more than this.
create policy reports on trade.orders for select to countinghouse_reports using (true);
grant usage on schema trade to countinghouse_reports;
grant select (
    tenant_id, retailer_id, currency, status, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax
) on trade.orders to countinghouse_reports;
create policy reports on trade.archived_orders for select to countinghouse_reports using (true);
grant select (
    tenant_id, retailer_id, currency, status, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax
) on trade.archived_orders to countinghouse_reports;

create materialized view reports.retailer_stats as
select
    tenant_id,
    retailer_id,
    currency::text,
    count(*) as total_orders,
    sum(delivered_subtotal + delivered_tax::numeric - returned_subtotal - returned_tax) as total_spent,
    round(sum(delivered_subtotal + delivered_tax::numeric - returned_subtotal - returned_tax) / count(*), 2) as avg_order_value
from (
    select tenant_id, retailer_id, currency, status, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax from trade.orders
    union all
    select tenant_id, retailer_id, currency, status, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax
    from trade.archived_orders
) as orders
where status = 'DELIVERED'
group by tenant_id, retailer_id, currency;

comment on materialized view reports.retailer_stats is 'How much each retailer has bought, by currency.';
comment on column reports.retailer_stats.tenant_id is 'The organisation.';
comment on column reports.retailer_stats.retailer_id is 'The retailer.';
comment on column reports.retailer_stats.currency is 'The currency.';
comment on column reports.retailer_stats.total_orders is 'Its orders that are DELIVERED. One that came back whole is RETURNED, and is none of them.';
comment on column reports.retailer_stats.total_spent is
    'What was delivered of these orders, with tax, less what came back of it. What was paid beforehand is in it.';
comment on column reports.retailer_stats.avg_order_value is 'The same for an order, rounded to hundredths.';

-- Refreshing it while it is read needs to know each row.
-- squawk-ignore require-concurrent-index-creation
create unique index retailer_stats_key on reports.retailer_stats (tenant_id, retailer_id, currency);
comment on index reports.retailer_stats_key is 'RETAILER_STATS: A retailer has one row for each currency.';
alter materialized view reports.retailer_stats owner to countinghouse_reports;

-- The rows of the organisation that asks; a retailer sees its own.
create view trade.retailer_stats with (security_barrier = true) as
select
    tenant_id, retailer_id, currency, total_orders, total_spent, avg_order_value,
    (select reports.as_of('retailer_stats')) as as_of
from reports.retailer_stats
where tenant_id = core.tenant_id() and (core.sees_all() or retailer_id = any (core.scope_ids()));
alter view trade.retailer_stats owner to countinghouse_reports;

comment on view trade.retailer_stats is 'How much each retailer has bought, as of a short while ago.';
comment on column trade.retailer_stats.tenant_id is 'The organisation.';
comment on column trade.retailer_stats.retailer_id is 'The retailer.';
comment on column trade.retailer_stats.currency is 'The currency.';
comment on column trade.retailer_stats.total_orders is 'Its orders that are DELIVERED. One that came back whole is RETURNED, and is none of them.';
comment on column trade.retailer_stats.total_spent is
    'What was delivered of these orders, with tax, less what came back of it. What was paid beforehand is in it.';
comment on column trade.retailer_stats.avg_order_value is 'The same for an order, rounded to hundredths.';
comment on column trade.retailer_stats.as_of is 'As of when that is.';

grant select (tenant_id, retailer_id, currency, total_orders, total_spent, avg_order_value, as_of) on trade.retailer_stats
    to countinghouse_tenant, countinghouse_reader;
-- NOTE: nothing for analysts: no setting of theirs could be believed to be of somebody who sees all. This is theirs, and
-- nobody else's:
create view reporting.retailer_stats with (security_barrier = true) as
select
    retailer_id, currency, total_orders, round(total_spent, 2) as total_spent, avg_order_value,
    (select refreshed_at from reports.refreshes where report = 'retailer_stats') as as_of
from reports.retailer_stats
where tenant_id = core.tenant_id();
alter view reporting.retailer_stats owner to countinghouse_reports;

comment on view reporting.retailer_stats is 'How much each retailer has bought, as of a short while ago.';
comment on column reporting.retailer_stats.retailer_id is 'The retailer.';
comment on column reporting.retailer_stats.currency is 'The currency.';
comment on column reporting.retailer_stats.total_orders is 'Its orders that are DELIVERED. One that came back whole is RETURNED, and is none of them.';
comment on column reporting.retailer_stats.total_spent is
    'What was delivered of these orders, with tax, less what came back of it. What was paid beforehand is in it.';
comment on column reporting.retailer_stats.avg_order_value is 'The same for an order, rounded to hundredths.';
comment on column reporting.retailer_stats.as_of is 'As of when that is.';

grant select (retailer_id, currency, total_orders, total_spent, avg_order_value, as_of) on reporting.retailer_stats
    to countinghouse_analyst;

insert into reports.refreshes (report, every) values ('retailer_stats', '10 minutes');

set local role countinghouse_owner;

create function trade.retailer_stats_reckoned(retailer uuid) returns table (
    tenant_id uuid, id uuid, line bigint, retailer_id uuid, currency text, total_orders bigint, total_spent numeric,
    avg_order_value numeric, as_of timestamptz
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant_id, md5(concat_ws(':', tenant_id, retailer_id, currency))::uuid,
           row_number() over (order by total_spent desc, retailer_id, currency),
           retailer_id, currency, total_orders, total_spent, avg_order_value, as_of
    from (
        -- One of the two is carried out: of one retailer, no row is read but its own.
        select * from trade.retailer_stats where tenant_id = core.tenant_id() and retailer is null
        union all
        select * from trade.retailer_stats where tenant_id = core.tenant_id() and retailer_id = retailer
    ) as found
    order by total_spent desc, retailer_id, currency
$$;
comment on function trade.retailer_stats_reckoned(uuid) is
    'How much each retailer, or one, has bought in orders that are delivered, those who bought most first. Reckoned every ten '
    'minutes and so as fast for millions of orders as for a few; asOf tells when.';
grant execute on function trade.retailer_stats_reckoned(uuid) to countinghouse_tenant, countinghouse_reader;
