-- A number series is how far the invoice numbers that begin with the same letters have come.

create table billing.number_series (
    tenant_id uuid not null references iam.tenants,
    series text not null,
    last_number bigint not null,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, series),
    constraint number_series_series_check check (series ~ '^[A-Z]{1,10}$'),
    constraint number_series_last_number_check check (last_number > 0)
);

comment on table billing.number_series is 'How far each series of invoice numbers has come. Its row lock keeps numbers gapless.';
comment on column billing.number_series.tenant_id is 'The organisation.';
comment on column billing.number_series.series is 'The letters that its numbers begin with.';
comment on column billing.number_series.last_number is 'The number given last.';
comment on column billing.number_series.created_at is 'When the first number of the series was given.';
comment on column billing.number_series.created_by is 'Who issued the first invoice of the series.';
comment on column billing.number_series.updated_at is 'When the last number was given.';
comment on constraint number_series_series_check on billing.number_series is
    'SERIES_INVALID input.series: A series of numbers is named by 1 to 10 capital letters.';
comment on constraint number_series_last_number_check on billing.number_series is 'NUMBER_INVALID: Invoice numbers count from 1.';

alter table billing.number_series enable row level security;
alter table billing.number_series force row level security;
-- Counted in the tenant's own row.
create policy tenant on billing.number_series to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id()) with check (tenant_id = core.tenant_id());
create policy analyst on billing.number_series for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- NOTE: no grant to anybody: numbers are given by the trigger that issues an invoice.

create trigger touch before update on billing.number_series for each row execute function core.touch();
create trigger never_deleted before delete on billing.number_series for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.number_series
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: each number stands in the entry of the invoice that it was given to.

create function billing.number_text(series text, number bigint) returns text
language sql immutable parallel safe
return series || '-' || lpad(number::text, greatest(6, length(number::text)), '0');
comment on function billing.number_text(text, bigint) is 'How a number is written: the letters of its series and six digits or more, such as INV-000042.';

create function billing.invoice_number(tenant uuid, wanted_series text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
    -- The row stays locked until the transaction ends: the next number waits to see whether this one stands.
    insert into billing.number_series as known (tenant_id, series, last_number)
    values (tenant, wanted_series, 1)
    on conflict (tenant_id, series) do update set last_number = known.last_number + 1
    returning billing.number_text(series, last_number)
$$;
comment on function billing.invoice_number(uuid, text) is 'The next number of a series, taken for good when the transaction commits.';

create function billing.number_series_keep() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before constant bigint := case when tg_op = 'UPDATE' then old.last_number else 0 end;
begin
    if new.last_number is distinct from before + 1 or not exists (
        select from billing.invoices
        where tenant_id = new.tenant_id and number = billing.number_text(new.series, new.last_number)
        union all
        select from billing.credit_notes
        where tenant_id = new.tenant_id and number = billing.number_text(new.series, new.last_number)
    ) then
        perform core.refuse('CONFLICT', 'NUMBER_SKIPPED', 'Numbers follow one another, and each is an invoice''s or a credit note''s.');
    end if;
    return null;
end
$$;
comment on function billing.number_series_keep() is 'Keeps numbers gapless, whoever writes: one step at a time, and none without its invoice.';

create constraint trigger keep after insert or update on billing.number_series
    deferrable initially deferred for each row execute function billing.number_series_keep();
