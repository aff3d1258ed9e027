-- A payment is money that a client pays: announced, under way, received, failed, or gone back to where it came from.

create table billing.payments (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    method_id uuid not null,
    amount core.money not null,
    currency core.currency not null,
    received_at timestamptz not null default statement_timestamp(),
    received_on date not null,
    reference text,
    request_id text,
    processing_time_ms integer,
    started_at timestamptz,
    confirmed_at timestamptz,
    failed_at timestamptz,
    failure_reason text,
    retry_count integer not null default 0,
    last_retry_at timestamptz,
    reversed_at timestamptz,
    reversal_reason text,
    reconciled_at timestamptz,
    refunded_amount core.money not null default 0,
    applied_amount core.money not null default 0,
    metadata core.json_object not null default '{}',
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    status text not null generated always as (
        case
            when reversed_at is not null then 'REVERSED'
            when refunded_amount = amount then 'REFUNDED'
            when confirmed_at is not null then 'CONFIRMED'
            when failed_at is not null then 'FAILED'
            when started_at is not null then 'PROCESSING'
            else 'PENDING'
        end
    ) stored,
    unapplied_amount core.money not null generated always as (
        case when confirmed_at is not null and reversed_at is null then amount - refunded_amount - applied_amount else 0 end
    ) stored,
    is_reconciled boolean not null generated always as (reconciled_at is not null) stored,
    amount_minor bigint not null generated always as ((amount * 100)::bigint) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id) references billing.clients,
    foreign key (tenant_id, method_id) references billing.payment_methods,
    constraint payments_client_unique unique (tenant_id, client_id, id),
    constraint payments_amount_check check (amount > 0),
    constraint payments_status_check check (
        status in ('PENDING', 'PROCESSING', 'CONFIRMED', 'FAILED', 'REFUNDED', 'REVERSED')
    ),
    constraint payments_received_check check (received_on between '1900-01-01' and '9999-12-31'),
    constraint payments_reference_check check (char_length(btrim(reference)) between 1 and 200),
    constraint payments_request_id_check check (char_length(request_id) between 1 and 200),
    constraint payments_processing_time_check check (processing_time_ms >= 0),
    constraint payments_progress_check check (
        (started_at is not null or (confirmed_at is null and failed_at is null))
        and (confirmed_at is null or failed_at is null)
        and (confirmed_at is not null or (reversed_at is null and reconciled_at is null and refunded_amount = 0))
    ),
    constraint payments_failure_reason_check check (
        (failed_at is null) = (failure_reason is null) and char_length(btrim(failure_reason)) between 1 and 2000
    ),
    constraint payments_retries_check check (retry_count >= 0 and (retry_count = 0) = (last_retry_at is null)),
    constraint payments_reversal_reason_check check (
        (reversed_at is null) = (reversal_reason is null) and char_length(btrim(reversal_reason)) between 1 and 2000
    ),
    constraint payments_reversed_check check (reversed_at is null or (applied_amount = 0 and refunded_amount = 0)),
    constraint payments_applied_check check (
        applied_amount >= 0 and refunded_amount >= 0 and applied_amount + refunded_amount <= amount
    )
);

comment on table billing.payments is 'Money that a client pays. What is not allocated to invoices is the client''s credit.';
comment on column billing.payments.tenant_id is 'The organisation.';
comment on column billing.payments.id is 'The payment''s id.';
comment on column billing.payments.client_id is 'Who pays.';
comment on column billing.payments.method_id is 'How it is paid: one of the organisation''s payment methods.';
comment on column billing.payments.amount is 'How much; more than zero.';
comment on column billing.payments.currency is 'The currency of the amount, by its ISO 4217 code; the client''s unless said otherwise.';
comment on column billing.payments.received_at is 'When the money came, or is expected; now unless said otherwise.';
comment on column billing.payments.received_on is 'The day of that in the organisation''s time zone, from which it counts in the ledger.';
comment on column billing.payments.reference is 'What the payer or the bank calls it. Some methods require one.';
comment on column billing.payments.request_id is 'The id by which the request for it is traced through other systems.';
comment on column billing.payments.processing_time_ms is
    'How many milliseconds its processing took: as given, else from its beginning, or the last retry, to its end.';
comment on column billing.payments.started_at is 'When its processing began, the last time where it was tried again.';
comment on column billing.payments.confirmed_at is 'When the money was confirmed as received.';
comment on column billing.payments.failed_at is 'When it failed; empty again while it is tried anew.';
comment on column billing.payments.failure_reason is 'Why it failed.';
comment on column billing.payments.retry_count is 'How often it was tried again.';
comment on column billing.payments.last_retry_at is 'When it was last tried again.';
comment on column billing.payments.reversed_at is 'When it was taken back whole, as a bounced cheque is.';
comment on column billing.payments.reversal_reason is 'Why it was taken back.';
comment on column billing.payments.reconciled_at is 'When it was found on the bank''s own statement.';
comment on column billing.payments.refunded_amount is 'How much of it was given back.';
comment on column billing.payments.applied_amount is 'How much of it stands on invoices.';
comment on column billing.payments.metadata is 'Facts of your own, as a JSON object.';
comment on column billing.payments.created_at is 'When it was entered.';
comment on column billing.payments.created_by is 'Who entered it.';
comment on column billing.payments.updated_at is 'When it last changed.';
comment on column billing.payments.status is
    'The first that holds: REVERSED, REFUNDED (wholly), CONFIRMED, FAILED, PROCESSING, PENDING.';
comment on column billing.payments.unapplied_amount is 'How much of it is the client''s credit: confirmed, not given back, and on no invoice.';
comment on column billing.payments.is_reconciled is 'Whether it was found on the bank''s own statement.';
comment on column billing.payments.amount_minor is 'The amount in hundredths, by which payments are filtered and ordered.';
comment on constraint payments_client_unique on billing.payments is 'PAYMENT_EXISTS: This payment exists already.';
comment on constraint payments_amount_check on billing.payments is
    'PAYMENT_AMOUNT_INVALID input.amount: A payment is of more than zero.';
comment on constraint payments_status_check on billing.payments is
    'STATUS_UNKNOWN input.status: A payment is PENDING, PROCESSING, CONFIRMED, FAILED, REFUNDED or REVERSED.';
comment on constraint payments_received_check on billing.payments is
    'RECEIVED_AT_RANGE input.receivedAt: A payment is received between 1900-01-01 and 9999-12-31.';
comment on constraint payments_reference_check on billing.payments is
    'REFERENCE_INVALID input.reference: A reference has 1 to 200 characters.';
comment on constraint payments_request_id_check on billing.payments is
    'REQUEST_ID_INVALID input.requestId: A request id has 1 to 200 characters.';
comment on constraint payments_processing_time_check on billing.payments is
    'PROCESSING_TIME_RANGE input.processingTimeMs: Processing takes no less than 0 milliseconds.';
comment on constraint payments_progress_check on billing.payments is
    'PAYMENT_PROGRESS: A payment is processed before it is confirmed or fails, and confirmed before it is given back.';
comment on constraint payments_failure_reason_check on billing.payments is
    'FAILURE_REASON_REQUIRED input.reason: Say in up to 2000 characters why the payment failed.';
comment on constraint payments_retries_check on billing.payments is
    'RETRIES_WRONG: A payment that was tried again says how often, and when last.';
comment on constraint payments_reversal_reason_check on billing.payments is
    'REVERSAL_REASON_REQUIRED input.reason: Say in up to 2000 characters why the payment is reversed.';
comment on constraint payments_reversed_check on billing.payments is
    'PAYMENT_REVERSED input.id: Nothing of a reversed payment stands on an invoice or was given back.';
comment on constraint payments_applied_check on billing.payments is
    'PAYMENT_EXCEEDED input.allocations: More than the payment is left for cannot be allocated or given back.';

create index payments_client on billing.payments (tenant_id, client_id, received_at, id);
create index payments_received_at on billing.payments (tenant_id, received_at, id);
create index payments_received_on on billing.payments (tenant_id, received_on, id)
    include (status, currency, client_id, amount_minor);
create index payments_created_at on billing.payments (tenant_id, created_at, id);
create index payments_amount on billing.payments (tenant_id, amount_minor, id);
-- The credit of clients: few of many years.
create index payments_unapplied on billing.payments (tenant_id, client_id, id) where unapplied_amount > 0;
create index payments_request_id on billing.payments (tenant_id, request_id, received_at, id);
create index payments_reference on billing.payments (tenant_id, reference, received_at, id);
create index payments_retry_count on billing.payments (tenant_id, retry_count, id);
create index payments_method on billing.payments (tenant_id, method_id, received_at, id);
create index payments_status on billing.payments (tenant_id, status, received_at, id);
create index payments_client_status on billing.payments (tenant_id, client_id, status, received_on, id);
create index payments_reconciled on billing.payments (tenant_id, is_reconciled, received_at, id);

alter table billing.payments enable row level security;
alter table billing.payments force row level security;

-- The tenant's payments; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.payments to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.payments for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, method_id, amount, currency, received_at, received_on, reference, request_id,
    processing_time_ms, started_at, confirmed_at, failed_at, failure_reason, retry_count, last_retry_at, reversed_at,
    reversal_reason, reconciled_at, refunded_amount, applied_amount, metadata, created_at, created_by, updated_at, status,
    unapplied_amount, is_reconciled, amount_minor
) on billing.payments to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: payments are written by the functions of payment_changes.sql.

create function billing.credit(client uuid, client_name text, currency text) returns uuid
language sql
set search_path = pg_catalog, pg_temp
return ledger.account(
    'CUSTOMER_CREDIT', currency, 'LIABILITY', left(format('Credit of %s', client_name), 300), 'CLIENT', client
);
comment on function billing.credit(uuid, text, text) is 'The account of what a client has paid, or been credited, and not used yet.';

-- Whoever writes, a payment is what its allocations and refunds make it, and only goes forward.

create function billing.payment_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    method billing.payment_methods;
begin
    if tg_op = 'INSERT' or new.received_at <> old.received_at then
        -- The day as it was when the payment was entered: a later change of time zone moves nothing in the books.
        new.received_on := (new.received_at at time zone (select time_zone from iam.tenants where id = new.tenant_id))::date;
    else
        new.received_on := old.received_on;
    end if;
    if new.confirmed_at is not null and new.received_on > core.today() then
        perform core.refuse(
            'BAD_USER_INPUT', 'RECEIVED_LATER', 'A confirmed payment has been received today or before.', 'input.receivedAt'
        );
    end if;
    if tg_op = 'INSERT' then
        select * into method from billing.payment_methods where tenant_id = new.tenant_id and id = new.method_id;
        if not method.is_active then
            perform core.refuse(
                'CONFLICT', 'PAYMENT_METHOD_INACTIVE',
                format('%s is not in use any more. Choose another method.', method.display_name), 'input.method'
            );
        elsif method.requires_reference and new.reference is null then
            perform core.refuse(
                'BAD_USER_INPUT', 'REFERENCE_REQUIRED',
                format('A payment by %s needs a reference, such as the bank''s.', method.display_name), 'input.reference'
            );
        end if;
        new.refunded_amount := 0;
        new.applied_amount := 0;
        return new;
    end if;
    if (new.tenant_id, new.id, new.client_id, new.method_id, new.amount, new.currency)
        is distinct from (old.tenant_id, old.id, old.client_id, old.method_id, old.amount, old.currency)
        or old.confirmed_at is not null and (new.confirmed_at, new.received_at, new.started_at)
            is distinct from (old.confirmed_at, old.received_at, old.started_at)
    then
        perform core.refuse(
            'CONFLICT', 'PAYMENT_FIXED', 'A payment keeps its client, its method and its amount. Enter another one instead.', 'input.id'
        );
    end if;
    if old.reversed_at is not null and (new.reversed_at, new.reversal_reason) is distinct from (old.reversed_at, old.reversal_reason) then
        perform core.refuse(
            'CONFLICT', 'PAYMENT_REVERSED', 'This payment is reversed already, and nothing has changed.', 'input.id'
        );
    end if;
    select coalesce(sum(amount), 0) into new.refunded_amount from billing.payment_refunds
    where tenant_id = new.tenant_id and payment_id = new.id;
    select coalesce(sum(net), 0) into new.applied_amount from billing.allocations
    where tenant_id = new.tenant_id and payment_id = new.id;
    return new;
end
$$;
comment on function billing.payment_keep() is
    'Keeps a payment''s figures equal to its allocations and refunds, and lets nobody change what was paid, whoever writes.';

create function billing.payment_post() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    client_name text;
    posted uuid;
begin
    if new.confirmed_at is not null and (tg_op = 'INSERT' or old.confirmed_at is null) then
        select name into client_name from billing.clients where tenant_id = new.tenant_id and id = new.client_id;
        perform ledger.post(
            'PAYMENT',
            array[
                (ledger.account('CASH', new.currency, 'ASSET', 'Cash'), new.amount),
                (billing.credit(new.client_id, client_name, new.currency), - new.amount)
            ]::ledger.leg[],
            new.received_on, left(concat_ws(', ', format('Payment by %s', client_name), new.reference), 2000), 'PAYMENT', new.id
        );
    end if;
    if tg_op = 'UPDATE' and new.reversed_at is not null and old.reversed_at is null then
        select id into posted from ledger.transfers
        where tenant_id = new.tenant_id and source_id = new.id and kind = 'PAYMENT';
        perform ledger.reverse(posted, left(format('Reversal: %s', new.reversal_reason), 2000));
    end if;
    return null;
end
$$;
comment on function billing.payment_post() is
    'Posts a payment to the ledger when it is confirmed, as the client''s credit, and takes that back when it is reversed.';

create trigger keep before insert or update on billing.payments for each row execute function billing.payment_keep();
create trigger touch before update on billing.payments for each row execute function core.touch();
create trigger never_deleted before delete on billing.payments for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.payments for each statement execute function core.refuse_change();
create trigger post after insert or update of confirmed_at, reversed_at on billing.payments
    for each row execute function billing.payment_post();
create trigger audit after insert or update on billing.payments
    for each row execute function core.audit('PAYMENT', 'amount_minor,unapplied_amount,is_reconciled,received_on');
