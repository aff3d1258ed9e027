-- An allocation is the part of a retailer's payment that pays an order. It is never changed: with a payment that is taken back,
-- it stops counting.

create table trade.retailer_payment_allocations (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    payment_id uuid not null,
    order_id uuid not null,
    retailer_id uuid not null,
    vendor_id uuid not null,
    credit_line_id uuid not null,
    amount core.money not null,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id, payment_id, retailer_id, vendor_id, credit_line_id)
        references trade.retailer_payments (tenant_id, id, retailer_id, vendor_id, credit_line_id),
    constraint retailer_payment_allocations_order_unique unique (tenant_id, payment_id, order_id),
    constraint retailer_payment_allocations_amount_check check (amount > 0)
);

comment on table trade.retailer_payment_allocations is 'The part of a retailer''s payment that pays an order.';
comment on column trade.retailer_payment_allocations.tenant_id is 'The organisation.';
comment on column trade.retailer_payment_allocations.id is 'The allocation''s id.';
comment on column trade.retailer_payment_allocations.payment_id is 'The payment.';
comment on column trade.retailer_payment_allocations.order_id is 'The order that it pays.';
comment on column trade.retailer_payment_allocations.retailer_id is 'Who pays.';
comment on column trade.retailer_payment_allocations.vendor_id is 'Whom it is owed.';
comment on column trade.retailer_payment_allocations.credit_line_id is 'The line of both.';
comment on column trade.retailer_payment_allocations.amount is 'How much of the payment.';
comment on column trade.retailer_payment_allocations.created_at is 'When it was allocated.';
comment on column trade.retailer_payment_allocations.created_by is 'Who allocated it.';
comment on constraint retailer_payment_allocations_order_unique on trade.retailer_payment_allocations is
    'ALLOCATION_TWICE input.allocations: A payment pays an order once.';
comment on constraint retailer_payment_allocations_amount_check on trade.retailer_payment_allocations is
    'AMOUNT_POSITIVE input.allocations: An allocation is of more than nothing.';

create index retailer_payment_allocations_payment on trade.retailer_payment_allocations (tenant_id, payment_id, created_at, id);
create index retailer_payment_allocations_order on trade.retailer_payment_allocations (tenant_id, order_id, created_at, id);
create index retailer_payment_allocations_created_at on trade.retailer_payment_allocations (tenant_id, created_at, id);
create index retailer_payment_allocations_retailer on trade.retailer_payment_allocations (tenant_id, retailer_id, created_at, id);
create index retailer_payment_allocations_vendor on trade.retailer_payment_allocations (tenant_id, vendor_id, created_at, id);

alter table trade.retailer_payment_allocations enable row level security;
alter table trade.retailer_payment_allocations force row level security;

-- Those of the tenant's payments; a vendor and a retailer see those that are theirs.
create policy tenant on trade.retailer_payment_allocations to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or retailer_id = any (core.scope_ids()))
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.retailer_payment_allocations for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, payment_id, order_id, retailer_id, vendor_id, credit_line_id, amount, created_at, created_by
) on trade.retailer_payment_allocations to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: allocations are written by the functions of retailer_payment_changes.sql.

create function trade.order_paid(tenant uuid, wanted uuid) returns numeric
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(sum(allocation.amount), 0)
    from trade.retailer_payment_allocations as allocation
    join trade.retailer_payments as payment
        on payment.tenant_id = allocation.tenant_id and payment.id = allocation.payment_id and payment.is_effective
    where allocation.tenant_id = tenant and allocation.order_id = wanted
$$;
comment on function trade.order_paid(uuid, uuid) is 'What payments that count have paid of an order.';

create function trade.orders_paid_anew() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- In the order of their ids, as whoever pays has locked them.
    if tg_table_name = 'retailer_payment_allocations' then
        perform trade.refuse_archived(array[new.order_id]);
        update trade.orders set updated_at = statement_timestamp() where tenant_id = new.tenant_id and id = new.order_id;
    else
        perform trade.refuse_archived(array(
            select order_id from trade.retailer_payment_allocations where tenant_id = new.tenant_id and payment_id = new.id
        ));
        perform from trade.orders
        where tenant_id = new.tenant_id and id in (
            select order_id from trade.retailer_payment_allocations where tenant_id = new.tenant_id and payment_id = new.id
        )
        order by id for no key update;
        update trade.orders set updated_at = statement_timestamp()
        where tenant_id = new.tenant_id and id in (
            select order_id from trade.retailer_payment_allocations where tenant_id = new.tenant_id and payment_id = new.id
        );
    end if;
    return null;
end
$$;
comment on function trade.orders_paid_anew() is 'Has an order count again what was paid of it.';

create trigger never_changed before update or delete on trade.retailer_payment_allocations
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.retailer_payment_allocations
    for each statement execute function core.refuse_change();
create trigger audit after insert on trade.retailer_payment_allocations
    for each row execute function core.audit('RETAILER_PAYMENT_ALLOCATION', '');
create trigger paid after insert on trade.retailer_payment_allocations
    for each row execute function trade.orders_paid_anew();
create trigger paid after update on trade.retailer_payments
    for each row when (new.is_effective <> old.is_effective) execute function trade.orders_paid_anew();

create function trade.retailer_payment_allocation_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment trade.retailer_payments;
    o trade.orders;
begin
    select * into payment from trade.retailer_payments where tenant_id = new.tenant_id and id = new.payment_id;
    select * into o from trade.orders where tenant_id = new.tenant_id and id = new.order_id;
    if payment.amount < (
        select sum(amount) from trade.retailer_payment_allocations where tenant_id = new.tenant_id and payment_id = new.payment_id
    ) then
        perform core.refuse(
            'BAD_USER_INPUT', 'OVER_ALLOCATED', format('The payment is of %s. No more than that can be allocated.', round(payment.amount, 2)),
            'input.allocations'
        );
    elsif payment.reverses_id is not null then
        perform core.refuse('CONFLICT', 'PAYMENT_IS_REVERSAL', 'What takes a payment back pays nothing.', 'input.id');
    elsif o.credit_line_id <> new.credit_line_id then
        perform core.refuse('CONFLICT', 'ORDER_OF_ANOTHER_LINE', 'A payment pays orders of its own line.', 'input.allocations');
    end if;
    return null;
end
$$;
comment on function trade.retailer_payment_allocation_stands() is 'Refuses allocations of more than the payment, or of another line.';
create constraint trigger stands after insert on trade.retailer_payment_allocations
    deferrable initially deferred for each row execute function trade.retailer_payment_allocation_stands();
