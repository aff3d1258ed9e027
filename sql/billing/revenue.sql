-- What came in and what was asked for in each month, and how well it was collected. Read with the rights of whoever asks.
-- A month is half-open, and the days that lie in it are days in the organisation's time zone.

create function billing.revenue(first_day date, last_day date) returns table (
    tenant_id uuid, id uuid, line bigint, month date, currency text, billed numeric, paid numeric, cash numeric,
    refunded numeric, credited numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with bounds as materialized (
        select date_trunc('month', first_day::timestamp)::date as opens,
               (date_trunc('month', last_day::timestamp) + interval '1 month')::date as ends
    )
    select core.tenant_id(), md5(concat_ws(':', core.tenant_id(), month, currency))::uuid,
           row_number() over (order by month, currency), month, currency,
           coalesce(sum(minor) filter (where figure = 'BILLED'), 0) / 100, coalesce(sum(minor) filter (where figure = 'PAID'), 0) / 100,
           coalesce(sum(minor) filter (where figure = 'CASH'), 0) / 100,
           coalesce(sum(minor) filter (where figure = 'REFUNDED'), 0) / 100,
           coalesce(sum(minor) filter (where figure = 'CREDITED'), 0) / 100
    from (
        -- By the day first: that is found from an index, and leaves few months to work out.
        select 'BILLED', issue_date, currency::text, sum(total_minor)
        from billing.invoices
        where tenant_id = core.tenant_id() and status not in ('DRAFT', 'CANCELLED')
          and issue_date >= (select opens from bounds) and issue_date < (select ends from bounds)
        group by 2, 3
        union all
        select 'PAID', paid_date, currency, sum(total_minor)
        from billing.invoices
        where tenant_id = core.tenant_id()
          and paid_date >= (select opens from bounds) and paid_date < (select ends from bounds)
        group by 2, 3
        union all
        select 'CASH', received_on, currency, sum(amount_minor)
        from billing.payments
        where tenant_id = core.tenant_id() and status in ('CONFIRMED', 'REFUNDED')
          and received_on >= (select opens from bounds) and received_on < (select ends from bounds)
        group by 2, 3
        union all
        select 'REFUNDED', refunds.refunded_on, payments.currency, sum(refunds.amount) * 100
        from billing.payment_refunds as refunds
        join billing.payments on payments.tenant_id = core.tenant_id() and payments.id = refunds.payment_id
        where refunds.tenant_id = core.tenant_id()
          and refunds.refunded_on >= (select opens from bounds) and refunds.refunded_on < (select ends from bounds)
        group by 2, 3
        union all
        select 'CREDITED', issue_date, currency, sum(total_minor)
        from billing.credit_notes
        where tenant_id = core.tenant_id() and issued_at is not null
          and issue_date >= (select opens from bounds) and issue_date < (select ends from bounds)
        group by 2, 3
    ) as figures (figure, day, currency, minor),
        lateral (select date_trunc('month', day::timestamp)::date as month) as calendar
    group by month, currency
    order by month, currency
$$;
comment on function billing.revenue(date, date) is
    'What was billed, paid and received in each month and currency in which there was any, from the month of a day to the month '
    'of another. The three are different figures and need not agree.';

create function billing.collections(first_day date, last_day date) returns table (
    tenant_id uuid, id uuid, line bigint, month date, currency text, billed numeric, collected numeric, collection_rate numeric,
    receivable numeric, days integer, days_sales_outstanding numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with figures as materialized (
        select revenue.*,
               -- The running month is judged by its days so far.
               case when month > core.today() then month_end else least(month_end, core.today()) end as closes_on
        from billing.revenue(first_day, last_day) as revenue,
            lateral (select (month + interval '1 month' - interval '1 day')::date as month_end) as calendar
    ),
    -- From today backwards, as ageing.
    owed as materialized (
        select currency::text, sum(balance_minor) / 100 as amount from billing.invoices
        where tenant_id = core.tenant_id() and balance_minor > 0 and issued_at is not null
        group by currency
    ),
    later as materialized (
        select currency::text, effective_date, sum(amount) as amount from billing.client_entries
        where tenant_id = core.tenant_id() and invoice_id is not null
          and effective_date >= date_trunc('month', first_day::timestamp)::date
        group by currency, effective_date
    )
    select figures.tenant_id, figures.id, figures.line, figures.month, figures.currency, figures.billed, figures.cash,
           round(figures.cash / nullif(figures.billed, 0), 4), standing.amount, standing.days,
           round(standing.amount * standing.days / nullif(figures.billed, 0), 2)
    from figures
    cross join lateral (
        select coalesce((select owed.amount from owed where owed.currency = figures.currency), 0)
               - coalesce((
                   select sum(later.amount) from later
                   where later.currency = figures.currency and later.effective_date > figures.closes_on
               ), 0) as amount,
               figures.closes_on - figures.month + 1 as days
    ) as standing
    order by figures.line
$$;
comment on function billing.collections(date, date) is
    'How well was collected in each month and currency in which anything was billed or received: what came in beside what was '
    'billed, and days sales outstanding.';

create function billing.processing_times(first_day date, last_day date) returns table (
    tenant_id uuid, id uuid, line bigint, method_id uuid, payment_count integer, failed_count integer, p50 numeric, p95 numeric,
    p99 numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select core.tenant_id(), md5(concat_ws(':', core.tenant_id(), method_id, first_day, last_day))::uuid,
           row_number() over (order by payment_count desc, method_id), method_id, payment_count, failed_count,
           round(spans[1]::numeric, 2), round(spans[2]::numeric, 2), round(spans[3]::numeric, 2)
    from (
        select method_id, count(*)::integer as payment_count, (count(*) filter (where status = 'FAILED'))::integer as failed_count,
               percentile_cont(array[0.5, 0.95, 0.99]) within group (order by processing_time_ms) as spans
        from billing.payments
        where tenant_id = core.tenant_id() and received_on between first_day and last_day
          and status not in ('PENDING', 'PROCESSING') and processing_time_ms is not null
        group by method_id
    ) as measured
    order by payment_count desc, method_id
$$;
comment on function billing.processing_times(date, date) is
    'How long payments of each method took from beginning to end, those of a span of days, whether they were confirmed or '
    'failed. Percentiles are continuous (percentile_cont): between two payments they lie in proportion.';

grant execute on function
    billing.revenue(date, date), billing.collections(date, date), billing.processing_times(date, date)
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
