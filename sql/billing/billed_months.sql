-- What was billed in each month, by currency: reckoned ahead, as sql/core/reports.sql tells.

reset role;

-- The report reads the invoices of every organisation, and of each no more than this.
create policy reports on billing.invoices for select to countinghouse_reports using (true);
grant usage on schema billing to countinghouse_reports;
grant select (tenant_id, currency, issue_date, issued_at, voided_at, total) on billing.invoices to countinghouse_reports;

create materialized view reports.billed_months as
select
    tenant_id,
    currency::text as currency,
    date_trunc('month', issue_date::timestamp)::date as month,
    count(*)::integer as invoice_count,
    sum(total) as billed
from billing.invoices
where issued_at is not null and voided_at is null
group by tenant_id, currency, date_trunc('month', issue_date::timestamp);

comment on materialized view reports.billed_months is 'What each organisation billed in each month, by currency.';
comment on column reports.billed_months.tenant_id is 'The organisation.';
comment on column reports.billed_months.currency is 'The currency.';
comment on column reports.billed_months.month is 'The first day of the month.';
comment on column reports.billed_months.invoice_count is 'How many invoices were issued under a day of the month and are not void.';
comment on column reports.billed_months.billed is 'The sum of their totals.';

-- Refreshing it while it is read needs to know each row.
-- squawk-ignore require-concurrent-index-creation
create unique index billed_months_key on reports.billed_months (tenant_id, month, currency);
comment on index reports.billed_months_key is 'BILLED_MONTH: A month has one row for each currency.';
alter materialized view reports.billed_months owner to countinghouse_reports;

-- The rows of the organisation that asks, for those who see all of it.
create view billing.billed_months with (security_barrier = true) as
select tenant_id, currency, month, invoice_count, billed, (select reports.as_of('billed_months')) as as_of
from reports.billed_months
where tenant_id = core.tenant_id() and core.sees_all();
alter view billing.billed_months owner to countinghouse_reports;

comment on view billing.billed_months is 'What was billed in each month, by currency, as of a short while ago.';
comment on column billing.billed_months.tenant_id is 'The organisation.';
comment on column billing.billed_months.currency is 'The currency.';
comment on column billing.billed_months.month is 'The first day of the month.';
comment on column billing.billed_months.invoice_count is 'How many invoices were issued under a day of the month and are not void.';
comment on column billing.billed_months.billed is 'The sum of their totals.';
comment on column billing.billed_months.as_of is 'As of when that is.';

grant select (tenant_id, currency, month, invoice_count, billed, as_of) on billing.billed_months
    to countinghouse_tenant, countinghouse_reader;
-- NOTE: nothing for analysts, who see the invoices: no setting of theirs could be believed to be of somebody who sees all.

insert into reports.refreshes (report, every) values ('billed_months', '10 minutes');

set local role countinghouse_owner;

create function billing.months_billed(first_day date, last_day date) returns table (
    tenant_id uuid, id uuid, line bigint, month date, currency text, invoice_count integer, billed numeric,
    as_of timestamptz
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant_id, md5(concat_ws(':', tenant_id, month, currency))::uuid, row_number() over (order by month, currency),
           month, currency, invoice_count, billed, as_of
    from billing.billed_months
    where tenant_id = core.tenant_id() and month between date_trunc('month', first_day::timestamp)::date and last_day
    order by month, currency
$$;
comment on function billing.months_billed(date, date) is
    'What was billed in each month, by currency: the totals of the invoices that were issued under its days and are not void. '
    'Reckoned every ten minutes; asOf tells when.';
grant execute on function billing.months_billed(date, date) to countinghouse_tenant, countinghouse_reader;
