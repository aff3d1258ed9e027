-- An order number series is how far the numbers of orders, or of their invoices, have come.

create table trade.order_numbers (
    tenant_id uuid not null references iam.tenants,
    series text not null,
    last_number bigint not null,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, series),
    constraint order_numbers_series_check check (series in ('ORD', 'TI', 'RP')),
    constraint order_numbers_last_number_check check (last_number > 0)
);

comment on table trade.order_numbers is 'How far the numbers of orders, of their invoices and of payments have come. Its row lock keeps them gapless.';
comment on column trade.order_numbers.tenant_id is 'The organisation.';
comment on column trade.order_numbers.series is 'ORD of orders, TI of the invoices that they get at delivery, RP of retailers'' payments.';
comment on column trade.order_numbers.last_number is 'The number given last.';
comment on column trade.order_numbers.created_at is 'When the first number was given.';
comment on column trade.order_numbers.created_by is 'Who made what has the first number.';
comment on column trade.order_numbers.updated_at is 'When the last number was given.';
comment on constraint order_numbers_series_check on trade.order_numbers is
    'ORDER_SERIES_UNKNOWN: Orders are numbered ORD, their invoices TI, payments RP.';
comment on constraint order_numbers_last_number_check on trade.order_numbers is 'NUMBER_INVALID: Numbers count from 1.';

alter table trade.order_numbers enable row level security;
alter table trade.order_numbers force row level security;
-- Counted in the tenant's own row.
create policy tenant on trade.order_numbers to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id()) with check (tenant_id = core.tenant_id());
create policy analyst on trade.order_numbers for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- NOTE: no grant to anybody: numbers are given by the trigger of the orders.

create trigger touch before update on trade.order_numbers for each row execute function core.touch();
create trigger never_deleted before delete on trade.order_numbers for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.order_numbers
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: each number stands in the entry of the order that it was given to.

create function trade.next_number(tenant uuid, wanted_series text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
    -- The row stays locked until the transaction ends: the next number waits to see whether this one stands.
    insert into trade.order_numbers as known (tenant_id, series, last_number)
    values (tenant, wanted_series, 1)
    on conflict (tenant_id, series) do update set last_number = known.last_number + 1
    returning billing.number_text(series, last_number)
$$;
comment on function trade.next_number(uuid, text) is 'The next number of an order or its invoice, taken for good when the transaction commits.';

create function trade.order_numbers_keep() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before constant bigint := case when tg_op = 'UPDATE' then old.last_number else 0 end;
    given constant text := billing.number_text(new.series, new.last_number);
begin
    if new.last_number is distinct from before + 1 or not exists (
        select from trade.orders where tenant_id = new.tenant_id and order_number = given and new.series = 'ORD'
        union all
        select from trade.orders where tenant_id = new.tenant_id and invoice_number = given and new.series = 'TI'
        union all
        select from trade.retailer_payments where tenant_id = new.tenant_id and payment_number = given and new.series = 'RP'
    ) then
        perform core.refuse('CONFLICT', 'NUMBER_SKIPPED', 'Numbers follow one another, and each is an order''s or a payment''s.');
    end if;
    return null;
end
$$;
comment on function trade.order_numbers_keep() is 'Keeps numbers gapless, whoever writes: one step at a time, and none without its order.';

create constraint trigger keep after insert or update on trade.order_numbers
    deferrable initially deferred for each row execute function trade.order_numbers_keep();
