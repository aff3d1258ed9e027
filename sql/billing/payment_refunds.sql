-- A refund is money of a payment that goes back to the client.

create table billing.payment_refunds (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    payment_id uuid not null,
    amount core.money not null,
    refunded_on date not null default core.today(),
    reason text not null,
    reference text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id, payment_id) references billing.payments (tenant_id, client_id, id),
    constraint payment_refunds_amount_check check (amount > 0),
    constraint payment_refunds_reason_check check (char_length(btrim(reason)) between 1 and 2000),
    constraint payment_refunds_reference_check check (char_length(btrim(reference)) between 1 and 200)
);

comment on table billing.payment_refunds is 'Money of a payment that went back to the client. Never changed.';
comment on column billing.payment_refunds.tenant_id is 'The organisation.';
comment on column billing.payment_refunds.id is 'The refund''s id.';
comment on column billing.payment_refunds.client_id is 'Whose payment it was.';
comment on column billing.payment_refunds.payment_id is 'The payment.';
comment on column billing.payment_refunds.amount is 'How much went back.';
comment on column billing.payment_refunds.refunded_on is 'The day on which it went back.';
comment on column billing.payment_refunds.reason is 'Why: 1 to 2000 characters.';
comment on column billing.payment_refunds.reference is 'What the bank calls it.';
comment on column billing.payment_refunds.created_at is 'When it was entered.';
comment on column billing.payment_refunds.created_by is 'Who entered it.';
comment on constraint payment_refunds_amount_check on billing.payment_refunds is
    'REFUND_AMOUNT_INVALID input.amount: A refund is of more than zero.';
comment on constraint payment_refunds_reason_check on billing.payment_refunds is
    'REFUND_REASON_REQUIRED input.reason: Say in up to 2000 characters why the money goes back.';
comment on constraint payment_refunds_reference_check on billing.payment_refunds is
    'REFERENCE_INVALID input.reference: A reference has 1 to 200 characters.';

create index payment_refunds_payment on billing.payment_refunds (tenant_id, payment_id, created_at, id);
create index payment_refunds_client on billing.payment_refunds (tenant_id, client_id, created_at, id);
create index payment_refunds_day on billing.payment_refunds (tenant_id, refunded_on, id) include (amount, client_id, payment_id);

alter table billing.payment_refunds enable row level security;
alter table billing.payment_refunds force row level security;

-- Those of the tenant's clients; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.payment_refunds to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
create policy analyst on billing.payment_refunds for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, payment_id, amount, refunded_on, reason, reference, created_at, created_by
) on billing.payment_refunds to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: refunds are written by paymentRefund.

create function billing.payment_refund_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
    missing numeric;
    taken record;
begin
    select * into payment from billing.payments where tenant_id = new.tenant_id and id = new.payment_id for update;
    if payment.confirmed_at is null then
        perform core.refuse(
            'CONFLICT', 'PAYMENT_NOT_CONFIRMED', 'Only a confirmed payment can be given back.', 'input.id'
        );
    elsif payment.reversed_at is not null then
        perform core.refuse('CONFLICT', 'PAYMENT_REVERSED', 'This payment is reversed: there is nothing to give back.', 'input.id');
    elsif new.amount > payment.amount - payment.refunded_amount then
        perform core.refuse(
            'BAD_USER_INPUT', 'REFUND_TOO_LARGE',
            format('%s %s of this payment can be given back at most.', payment.currency, payment.amount - payment.refunded_amount),
            'input.amount'
        );
    elsif new.refunded_on not between payment.received_on and core.today() then
        perform core.refuse(
            'BAD_USER_INPUT', 'REFUND_DATE_RANGE',
            format('Money goes back between the day of the payment, %s, and today.', payment.received_on), 'input.refundedOn'
        );
    end if;
    -- Credit first; then from the invoices, the last one paid first. They are open again by as much.
    missing := new.amount - payment.unapplied_amount;
    for taken in
        select id, net from billing.allocations
        where tenant_id = new.tenant_id and payment_id = new.payment_id and net > 0
        order by applied_at desc, created_at desc, id desc
    loop
        exit when missing <= 0;
        update billing.allocations set refunded = refunded + least(missing, taken.net)
        where tenant_id = new.tenant_id and id = taken.id;
        missing := missing - least(missing, taken.net);
    end loop;
    return new;
end
$$;
comment on function billing.payment_refund_keep() is
    'Gives back no more than there is, credit first and then from invoices, the last one paid first, whoever writes.';

create function billing.payment_refund_post() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment billing.payments;
    client_name text;
    posted uuid;
begin
    select * into payment from billing.payments where tenant_id = new.tenant_id and id = new.payment_id;
    select name into client_name from billing.clients where tenant_id = new.tenant_id and id = new.client_id;
    select id into posted from ledger.transfers
    where tenant_id = new.tenant_id and source_id = new.payment_id and kind = 'PAYMENT';
    perform ledger.post(
        'REFUND',
        array[
            (billing.credit(new.client_id, client_name, payment.currency), new.amount),
            (ledger.account('CASH', payment.currency, 'ASSET', 'Cash'), - new.amount)
        ]::ledger.leg[],
        new.refunded_on, left(format('Refund to %s: %s', client_name, new.reason), 2000), 'PAYMENT', new.payment_id,
        refunded => posted
    );
    update billing.payments set updated_at = statement_timestamp() where tenant_id = new.tenant_id and id = new.payment_id;
    return null;
end
$$;
comment on function billing.payment_refund_post() is 'Posts a refund, and has the payment''s figures made again.';

create trigger keep before insert on billing.payment_refunds for each row execute function billing.payment_refund_keep();
create trigger never_changed before update or delete on billing.payment_refunds
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.payment_refunds
    for each statement execute function core.refuse_change();
create trigger post after insert on billing.payment_refunds for each row execute function billing.payment_refund_post();
create trigger audit after insert on billing.payment_refunds for each row execute function core.audit('PAYMENT_REFUND');
