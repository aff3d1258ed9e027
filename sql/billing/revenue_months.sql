-- The figures of each month, by currency, reckoned ahead for whoever has very many: sql/core/reports.sql tells how.
-- billing.revenue() counts the same anew.

reset role;

-- The report reads the documents of every organisation, and of each no more than this.
create policy reports on billing.invoices for select to countinghouse_reports using (true);
create policy reports on billing.payments for select to countinghouse_reports using (true);
create policy reports on billing.payment_refunds for select to countinghouse_reports using (true);
create policy reports on billing.credit_notes for select to countinghouse_reports using (true);
grant usage on schema billing to countinghouse_reports;
grant select (tenant_id, currency, issue_date, paid_date, status, total) on billing.invoices to countinghouse_reports;
grant select (tenant_id, id, currency, received_on, status, amount) on billing.payments to countinghouse_reports;
grant select (tenant_id, payment_id, refunded_on, amount) on billing.payment_refunds to countinghouse_reports;
grant select (tenant_id, currency, issue_date, issued_at, total) on billing.credit_notes to countinghouse_reports;

create materialized view reports.revenue_months as
select
    tenant_id,
    currency,
    month,
    coalesce(sum(amount) filter (where figure = 'BILLED'), 0) as billed,
    coalesce(sum(amount) filter (where figure = 'PAID'), 0) as paid,
    coalesce(sum(amount) filter (where figure = 'CASH'), 0) as cash,
    coalesce(sum(amount) filter (where figure = 'REFUNDED'), 0) as refunded,
    coalesce(sum(amount) filter (where figure = 'CREDITED'), 0) as credited
from (
    select 'BILLED', tenant_id, currency::text, issue_date, total::numeric from billing.invoices
    where status not in ('DRAFT', 'CANCELLED')
    union all
    select 'PAID', tenant_id, currency, paid_date, total from billing.invoices
    where paid_date is not null
    union all
    select 'CASH', tenant_id, currency, received_on, amount from billing.payments
    where status in ('CONFIRMED', 'REFUNDED')
    union all
    select 'REFUNDED', refunds.tenant_id, payments.currency, refunds.refunded_on, refunds.amount
    from billing.payment_refunds as refunds
    join billing.payments on payments.tenant_id = refunds.tenant_id and payments.id = refunds.payment_id
    union all
    select 'CREDITED', tenant_id, currency, issue_date, total from billing.credit_notes
    where issued_at is not null
) as figures (figure, tenant_id, currency, day, amount),
    lateral (select date_trunc('month', day::timestamp)::date as month) as calendar
group by tenant_id, currency, month;

comment on materialized view reports.revenue_months is 'What each organisation billed and received in each month, by currency.';
comment on column reports.revenue_months.tenant_id is 'The organisation.';
comment on column reports.revenue_months.currency is 'The currency.';
comment on column reports.revenue_months.month is 'The first day of the month.';
comment on column reports.revenue_months.billed is 'The totals of the invoices that were issued under its days and are not void.';
comment on column reports.revenue_months.paid is 'The totals of the invoices of which on one of its days nothing was left to pay.';
comment on column reports.revenue_months.cash is 'The confirmed payments that were received on its days; neither refunds nor credits are taken off.';
comment on column reports.revenue_months.refunded is 'What was given back of payments on its days.';
comment on column reports.revenue_months.credited is 'The totals of the credit notes of its days.';

-- Refreshing it while it is read needs to know each row.
-- squawk-ignore require-concurrent-index-creation
create unique index revenue_months_key on reports.revenue_months (tenant_id, month, currency);
comment on index reports.revenue_months_key is 'REVENUE_MONTH: A month has one row for each currency.';
alter materialized view reports.revenue_months owner to countinghouse_reports;

-- The rows of the organisation that asks, for those who see all of it.
create view billing.revenue_months with (security_barrier = true) as
select
    tenant_id, currency, month, billed, paid, cash, refunded, credited,
    (select reports.as_of('revenue_months')) as as_of
from reports.revenue_months
where tenant_id = core.tenant_id() and core.sees_all();
alter view billing.revenue_months owner to countinghouse_reports;

comment on view billing.revenue_months is 'What was billed and received in each month, by currency, as of a short while ago.';
comment on column billing.revenue_months.tenant_id is 'The organisation.';
comment on column billing.revenue_months.currency is 'The currency.';
comment on column billing.revenue_months.month is 'The first day of the month.';
comment on column billing.revenue_months.billed is 'The totals of the invoices that were issued under its days and are not void.';
comment on column billing.revenue_months.paid is 'The totals of the invoices of which on one of its days nothing was left to pay.';
comment on column billing.revenue_months.cash is 'The confirmed payments that were received on its days; neither refunds nor credits are taken off.';
comment on column billing.revenue_months.refunded is 'What was given back of payments on its days.';
comment on column billing.revenue_months.credited is 'The totals of the credit notes of its days.';
comment on column billing.revenue_months.as_of is 'As of when that is.';

grant select (tenant_id, currency, month, billed, paid, cash, refunded, credited, as_of) on billing.revenue_months
    to countinghouse_tenant, countinghouse_reader;
-- NOTE: nothing for analysts: no setting of theirs could be believed to be of somebody who sees all. This is theirs, and
-- nobody else's:
create view reporting.revenue_months with (security_barrier = true) as
select
    month, currency, round(billed, 2) as billed, round(paid, 2) as paid, round(cash, 2) as cash,
    round(refunded, 2) as refunded, round(credited, 2) as credited,
    (select refreshed_at from reports.refreshes where report = 'revenue_months') as as_of
from reports.revenue_months
where tenant_id = core.tenant_id();
alter view reporting.revenue_months owner to countinghouse_reports;

comment on view reporting.revenue_months is 'What was billed and received in each month, by currency, as of a short while ago.';
comment on column reporting.revenue_months.month is 'The first day of the month.';
comment on column reporting.revenue_months.currency is 'The currency.';
comment on column reporting.revenue_months.billed is 'The totals of the invoices that were issued under its days and are not void.';
comment on column reporting.revenue_months.paid is 'The totals of the invoices of which on one of its days nothing was left to pay.';
comment on column reporting.revenue_months.cash is 'The confirmed payments that were received on its days; neither refunds nor credits are taken off.';
comment on column reporting.revenue_months.refunded is 'What was given back of payments on its days.';
comment on column reporting.revenue_months.credited is 'The totals of the credit notes of its days.';
comment on column reporting.revenue_months.as_of is 'As of when that is.';

grant select (month, currency, billed, paid, cash, refunded, credited, as_of) on reporting.revenue_months
    to countinghouse_analyst;

insert into reports.refreshes (report, every) values ('revenue_months', '10 minutes');

set local role countinghouse_owner;

create function billing.revenue_reckoned(first_day date, last_day date) returns table (
    tenant_id uuid, id uuid, line bigint, month date, currency text, billed numeric, paid numeric, cash numeric,
    refunded numeric, credited numeric, as_of timestamptz
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant_id, md5(concat_ws(':', tenant_id, month, currency))::uuid, row_number() over (order by month, currency),
           month, currency, billed, paid, cash, refunded, credited, as_of
    from billing.revenue_months
    where tenant_id = core.tenant_id() and month between date_trunc('month', first_day::timestamp)::date and last_day
    order by month, currency
$$;
comment on function billing.revenue_reckoned(date, date) is
    'What revenueByMonth says, reckoned every ten minutes and so as fast for millions of documents as for a few; asOf tells when.';
grant execute on function billing.revenue_reckoned(date, date) to countinghouse_tenant, countinghouse_reader;
