-- A recurring invoice is an invoice that is made again every week, month, quarter or year. Each period has one invoice,
-- issued under the period's first day, however late the worker comes to it.

create function billing.recurrence_date(anchor date, frequency text, period integer) returns date
language sql immutable parallel safe
return cast(
    case frequency
        when 'WEEKLY' then anchor + pg_catalog.make_interval(weeks => period)
        when 'MONTHLY' then anchor + pg_catalog.make_interval(months => period)
        when 'QUARTERLY' then anchor + pg_catalog.make_interval(months => 3 * period)
        when 'YEARLY' then anchor + pg_catalog.make_interval(years => period)
    end as date
);
comment on function billing.recurrence_date(date, text, integer) is
    'The first day of a period, counted from 0. Reckoned from the first of all each time, so that a month that is too short '
    'for its day does not shorten those after it: 31 January, 28 February, 31 March.';

create table billing.recurring_invoices (
    tenant_id uuid not null,
    id uuid not null,
    client_id uuid not null,
    status text not null default 'ACTIVE',
    frequency text not null,
    anchor_date date not null,
    period integer not null default 0,
    end_date date,
    pause_reason text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    enabled boolean not null generated always as (status = 'ACTIVE') stored,
    next_date date generated always as (
        case when status = 'ACTIVE' then billing.recurrence_date(anchor_date, frequency, period) end
    ) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id, id) references billing.invoices (tenant_id, client_id, id),
    constraint recurring_invoices_client_unique unique (tenant_id, client_id, id),
    constraint recurring_invoices_status_check check (status in ('ACTIVE', 'PAUSED', 'ENDED')),
    constraint recurring_invoices_frequency_check check (frequency in ('WEEKLY', 'MONTHLY', 'QUARTERLY', 'YEARLY')),
    constraint recurring_invoices_anchor_date_check check (anchor_date between '1900-01-01' and '9999-12-31'),
    constraint recurring_invoices_period_check check (period between 0 and 100000),
    constraint recurring_invoices_end_date_check check (end_date >= anchor_date),
    constraint recurring_invoices_pause_reason_check check (
        (status = 'PAUSED') = (pause_reason is not null) and char_length(btrim(pause_reason)) between 1 and 2000
    )
);

comment on table billing.recurring_invoices is 'An invoice that is made again in each of its periods, and issued at once.';
comment on column billing.recurring_invoices.tenant_id is 'The organisation.';
comment on column billing.recurring_invoices.id is 'The id of the invoice that is made again; its lines are copied as they are then.';
comment on column billing.recurring_invoices.client_id is 'The client it is for.';
comment on column billing.recurring_invoices.status is
    'ACTIVE; PAUSED until it is set again, with the reason; ENDED after its last day, or when it was stopped.';
comment on column billing.recurring_invoices.frequency is 'WEEKLY, MONTHLY, QUARTERLY or YEARLY.';
comment on column billing.recurring_invoices.anchor_date is 'The first day of the first period; its day of the month is kept.';
comment on column billing.recurring_invoices.period is 'How many periods have passed: the next one, counted from 0.';
comment on column billing.recurring_invoices.end_date is 'The last day on which a period may begin; empty for no end.';
comment on column billing.recurring_invoices.pause_reason is 'Why it is paused.';
comment on column billing.recurring_invoices.created_at is 'When it was first set.';
comment on column billing.recurring_invoices.created_by is 'Who first set it.';
comment on column billing.recurring_invoices.updated_at is 'When it last changed.';
comment on column billing.recurring_invoices.enabled is 'Whether it is active.';
comment on column billing.recurring_invoices.next_date is
    'The day of the next invoice, in the organisation''s time zone; empty while it is not active.';
comment on constraint recurring_invoices_client_unique on billing.recurring_invoices is
    'RECURRENCE_EXISTS: This invoice recurs already.';
comment on constraint recurring_invoices_status_check on billing.recurring_invoices is
    'RECURRENCE_STATUS_UNKNOWN: A recurring invoice is ACTIVE, PAUSED or ENDED.';
comment on constraint recurring_invoices_frequency_check on billing.recurring_invoices is
    'FREQUENCY_UNKNOWN input.frequency: A frequency is WEEKLY, MONTHLY, QUARTERLY or YEARLY.';
comment on constraint recurring_invoices_anchor_date_check on billing.recurring_invoices is
    'NEXT_DATE_RANGE input.nextDate: A date lies between 1900-01-01 and 9999-12-31.';
comment on constraint recurring_invoices_period_check on billing.recurring_invoices is
    'PERIOD_RANGE: A recurring invoice has at most 100000 periods.';
comment on constraint recurring_invoices_end_date_check on billing.recurring_invoices is
    'END_DATE_TOO_EARLY input.endDate: The last day cannot lie before the next invoice''s.';
comment on constraint recurring_invoices_pause_reason_check on billing.recurring_invoices is
    'PAUSE_REASON_REQUIRED input.reason: Say in up to 2000 characters why it is paused.';

create index recurring_invoices_client on billing.recurring_invoices (tenant_id, client_id, id);
create index recurring_invoices_status on billing.recurring_invoices (tenant_id, status, created_at, id);
create index recurring_invoices_next_date on billing.recurring_invoices (tenant_id, next_date, id);
create index recurring_invoices_created_at on billing.recurring_invoices (tenant_id, created_at, id);
-- The worker looks among all organisations; nobody else's statement says `enabled`, and finds itself here.
create index recurring_invoices_due on billing.recurring_invoices (next_date) where enabled;

alter table billing.recurring_invoices enable row level security;
alter table billing.recurring_invoices force row level security;

-- Those of the tenant; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.recurring_invoices to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.recurring_invoices for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- The worker sees which are due, and when.
create policy worker on billing.recurring_invoices for select to countinghouse_worker using (enabled);

grant select (
    tenant_id, id, client_id, status, frequency, anchor_date, period, end_date, pause_reason, created_at, created_by,
    updated_at, enabled, next_date
) on billing.recurring_invoices to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select (tenant_id, id, enabled, next_date) on billing.recurring_invoices to countinghouse_worker;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: they are written by the functions below.

create function billing.recurring_invoice_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' and (new.tenant_id, new.id, new.client_id) is distinct from (old.tenant_id, old.id, old.client_id) then
        perform core.refuse('CONFLICT', 'RECURRENCE_INVOICE_FIXED', 'It stays with its invoice. Have another invoice recur instead.');
    end if;
    if new.status = 'ACTIVE' and billing.recurrence_date(new.anchor_date, new.frequency, new.period) > new.end_date then
        new.status := 'ENDED';
    end if;
    if new.status <> 'PAUSED' then
        new.pause_reason := null;
    end if;
    return new;
end
$$;
comment on function billing.recurring_invoice_keep() is
    'Keeps a recurring invoice with its invoice, and ends it after its last day, whoever writes.';

create trigger keep before insert or update on billing.recurring_invoices
    for each row execute function billing.recurring_invoice_keep();
create trigger touch before update on billing.recurring_invoices for each row execute function core.touch();
create trigger never_deleted before delete on billing.recurring_invoices for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.recurring_invoices
    for each statement execute function core.refuse_change();
create trigger wake after insert or update of anchor_date on billing.recurring_invoices
    for each statement execute function core.wake_worker();
create trigger audit after insert or update on billing.recurring_invoices
    for each row execute function core.audit('RECURRING_INVOICE', 'client_id,enabled,next_date');

-- Transitions

create function billing.recurring_invoice_found(wanted uuid) returns billing.recurring_invoices
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    recurrence billing.recurring_invoices;
begin
    perform billing.client_locked(client_id) from billing.recurring_invoices where tenant_id = core.tenant_id() and id = wanted;
    select * into recurrence from billing.recurring_invoices where tenant_id = core.tenant_id() and id = wanted for update;
    return recurrence;
end
$$;
comment on function billing.recurring_invoice_found(uuid) is
    'The recurring invoice of that id, locked after its client; empty where the invoice does not recur.';

create function billing.recurrence_period(anchor date, frequency text, day date) returns integer
language sql immutable parallel safe
return (
    with guess (period) as (
        select case frequency
            when 'WEEKLY' then (day - anchor) / 7
            else (12 * (extract(year from day) - extract(year from anchor)) + extract(month from day) - extract(month from anchor))::integer
                / case frequency when 'MONTHLY' then 1 when 'QUARTERLY' then 3 when 'YEARLY' then 12 end
        end
    )
    select coalesce(min(period), 0)
    from (select generate_series(greatest(guess.period - 1, 0), guess.period + 1) as period from guess) as near
    where billing.recurrence_date(anchor, frequency, period) >= day
);
comment on function billing.recurrence_period(date, text, date) is 'The first period that begins on this day or later, counted from 0.';

create function billing.recurring_invoice_set(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
    client billing.clients;
    before billing.recurring_invoices;
    after billing.recurring_invoices;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    client := billing.client_locked(invoice.client_id);
    before := billing.recurring_invoice_found(invoice.id);
    if invoice.voided_at is not null then
        perform core.refuse('CONFLICT', 'INVOICE_VOID', 'This invoice is void and cannot be made again.', 'input.id');
    elsif client.status = 'ARCHIVED' or client.deleted_at is not null then
        perform core.refuse(
            'CONFLICT', 'CLIENT_ARCHIVED', format('%s is archived. Restore the client before you invoice it.', client.name), 'input.id'
        );
    elsif exists (select from billing.recurring_invoice_periods where tenant_id = core.tenant_id() and id = invoice.id) then
        perform core.refuse(
            'CONFLICT', 'INVOICE_OF_RECURRENCE', 'This invoice was made by a recurring one. Set that instead.', 'input.id'
        );
    end if;
    after := jsonb_populate_record(before, input - array['anchor_date', 'period']);
    if input ->> 'next_date' is not null then
        if (input ->> 'next_date')::date < core.today() then
            perform core.refuse('BAD_USER_INPUT', 'NEXT_DATE_PAST', 'The next invoice cannot lie in the past.', 'input.nextDate');
        end if;
        after.anchor_date := (input ->> 'next_date')::date;
        after.period := 0;
    elsif before.id is null then
        -- The invoice itself is of its first period.
        after.anchor_date := invoice.issue_date;
        after.period := greatest(1, billing.recurrence_period(invoice.issue_date, after.frequency, core.today()));
    elsif after.frequency is distinct from before.frequency then
        perform core.refuse(
            'BAD_USER_INPUT', 'NEXT_DATE_REQUIRED', 'Say on which day the new frequency begins.', 'input.nextDate'
        );
    elsif before.status <> 'ACTIVE' then
        -- What would have been due meanwhile is not made up for.
        after.period := greatest(before.period, billing.recurrence_period(before.anchor_date, before.frequency, core.today()));
    end if;
    if billing.recurrence_date(after.anchor_date, after.frequency, after.period) > after.end_date then
        perform core.refuse(
            'BAD_USER_INPUT', 'END_DATE_TOO_EARLY', 'The last day cannot lie before the next invoice''s.', 'input.endDate'
        );
    end if;
    insert into billing.recurring_invoices (tenant_id, id, client_id, frequency, anchor_date, period, end_date)
    values (
        core.tenant_id(), invoice.id, invoice.client_id, after.frequency, after.anchor_date, after.period, after.end_date
    )
    on conflict (tenant_id, id) do update set
        status = 'ACTIVE', frequency = after.frequency, anchor_date = after.anchor_date, period = after.period,
        end_date = after.end_date;
    return invoice.id;
end
$$;
comment on function billing.recurring_invoice_set(jsonb) is
    'Has an invoice be made again in each period, or changes how, or goes on with it after a pause. Without a next date the first '
    'one is a period after the invoice''s own, or the next that has not passed.';

create function billing.recurring_invoice_pause(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    recurrence billing.recurring_invoices;
begin
    perform core.demand('billing:write');
    recurrence := billing.recurring_invoice_found((input ->> 'id')::uuid);
    if recurrence.id is null then
        perform core.refuse('NOT_FOUND', 'RECURRENCE_NOT_FOUND', 'There is no recurring invoice with this id.', 'input.id');
    elsif recurrence.status <> 'ACTIVE' then
        perform core.refuse('CONFLICT', 'RECURRENCE_NOT_ACTIVE', 'This recurring invoice is not active.', 'input.id');
    end if;
    update billing.recurring_invoices set status = 'PAUSED', pause_reason = coalesce(btrim(input ->> 'reason'), '')
    where tenant_id = core.tenant_id() and id = recurrence.id;
    return recurrence.id;
end
$$;
comment on function billing.recurring_invoice_pause(jsonb) is
    'Makes no more invoices until it is set again. Periods that begin meanwhile are passed over.';

create function billing.recurring_invoice_stop(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    recurrence billing.recurring_invoices;
begin
    perform core.demand('billing:write');
    recurrence := billing.recurring_invoice_found((input ->> 'id')::uuid);
    if recurrence.id is null then
        perform core.refuse('NOT_FOUND', 'RECURRENCE_NOT_FOUND', 'There is no recurring invoice with this id.', 'input.id');
    elsif recurrence.status = 'ENDED' then
        perform core.refuse('CONFLICT', 'RECURRENCE_ENDED', 'This recurring invoice has ended already.', 'input.id');
    end if;
    update billing.recurring_invoices set status = 'ENDED' where tenant_id = core.tenant_id() and id = recurrence.id;
    return recurrence.id;
end
$$;
comment on function billing.recurring_invoice_stop(jsonb) is 'Ends it: no more invoices are made. Those that were made stay.';

create function billing.recurring_invoices_due() returns table (tenant_id uuid, id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    -- Nowhere is it later than a day after today in UTC; the day itself is the organisation's.
    select r.tenant_id, r.id
    from billing.recurring_invoices r
    join iam.tenants t on t.id = r.tenant_id
    where r.enabled and r.next_date <= current_date + 1
      and r.next_date <= timezone(t.time_zone, statement_timestamp())::date
      and t.suspended_at is null
    order by r.next_date
$$;
comment on function billing.recurring_invoices_due() is
    'The recurring invoices of which one is to be made, of all organisations that work at present. For the worker.';

grant execute on function
    billing.recurring_invoice_set(jsonb), billing.recurring_invoice_pause(jsonb), billing.recurring_invoice_stop(jsonb)
    to countinghouse_tenant;
grant execute on function billing.recurring_invoices_due() to countinghouse_worker;
