-- A retailer payment is money that a retailer pays for what it owes a vendor. It is posted when it is received; a cheque when it
-- is cleared. What must always be true of it stands here; what can be done with it stands in retailer_payment_changes.sql.

create table trade.retailer_payments (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    payment_number text collate "C" not null,
    retailer_id uuid not null,
    vendor_id uuid not null,
    credit_line_id uuid not null,
    method_id uuid not null,
    transaction_id text collate "C",
    amount core.money not null,
    currency core.currency not null,
    received_at timestamptz not null default statement_timestamp(),
    cheque_state text,
    cheque_reason text,
    reverses_id uuid,
    reversal_reason text,
    reversed_at timestamptz,
    transfer_id uuid,
    metadata core.json_object not null default '{}',
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    is_reversed boolean not null generated always as (reversed_at is not null) stored,
    -- Whether it pays: received, cleared where it is a cheque, and not taken back.
    is_effective boolean not null generated always as (
        reverses_id is null and reversed_at is null and (cheque_state is null or cheque_state = 'CLEARED')
    ) stored,
    amount_minor bigint not null generated always as ((amount * 100)::bigint) stored,
    primary key (tenant_id, id),
    -- What its allocations copy from it.
    constraint retailer_payments_parties_unique unique (tenant_id, id, retailer_id, vendor_id, credit_line_id),
    constraint retailer_payments_payment_number_unique unique (tenant_id, payment_number),
    constraint retailer_payments_transaction_unique unique (tenant_id, method_id, transaction_id),
    constraint retailer_payments_reverses_unique unique (tenant_id, reverses_id),
    foreign key (tenant_id, credit_line_id, retailer_id, vendor_id, currency)
        references trade.credit_lines (tenant_id, id, retailer_id, vendor_id, currency),
    foreign key (tenant_id, method_id) references billing.payment_methods,
    foreign key (tenant_id, reverses_id) references trade.retailer_payments,
    foreign key (tenant_id, transfer_id) references ledger.transfers,
    constraint retailer_payments_amount_check check (amount > 0),
    constraint retailer_payments_transaction_id_check check (char_length(btrim(transaction_id)) between 1 and 200),
    constraint retailer_payments_cheque_state_check check (cheque_state in ('PENDING', 'CLEARED', 'BOUNCED')),
    constraint retailer_payments_cheque_reason_check check (
        (cheque_reason is not null) = coalesce(cheque_state = 'BOUNCED', false) and char_length(btrim(cheque_reason)) between 1 and 500
    ),
    constraint retailer_payments_reversal_check check (
        (reverses_id is null) = (reversal_reason is null) and char_length(btrim(reversal_reason)) between 1 and 500
        and (reverses_id is null or cheque_state is null and reversed_at is null)
    )
);

comment on table trade.retailer_payments is 'Money that a retailer pays for what it owes a vendor, or a payment taken back.';
comment on column trade.retailer_payments.tenant_id is 'The organisation.';
comment on column trade.retailer_payments.id is 'The payment''s id.';
comment on column trade.retailer_payments.payment_number is 'Its number, such as RP-000001.';
comment on column trade.retailer_payments.retailer_id is 'Who pays.';
comment on column trade.retailer_payments.vendor_id is 'Whom it is owed.';
comment on column trade.retailer_payments.credit_line_id is 'The line whose debt it lowers.';
comment on column trade.retailer_payments.method_id is 'How it is paid: one of the organisation''s payment methods.';
comment on column trade.retailer_payments.transaction_id is 'Its reference with the bank or the mobile network; unique with the method.';
comment on column trade.retailer_payments.amount is 'How much.';
comment on column trade.retailer_payments.currency is 'The currency of the line.';
comment on column trade.retailer_payments.received_at is
    'When it was received. From that day on it counts in the ledger, a cheque from the day it is cleared.';
comment on column trade.retailer_payments.cheque_state is 'Of a cheque: PENDING until it is CLEARED, or BOUNCED.';
comment on column trade.retailer_payments.cheque_reason is 'Why it bounced.';
comment on column trade.retailer_payments.reverses_id is 'The payment that it takes back, whole.';
comment on column trade.retailer_payments.reversal_reason is 'Why that was taken back.';
comment on column trade.retailer_payments.reversed_at is 'When it was taken back.';
comment on column trade.retailer_payments.transfer_id is 'The transfer of the ledger by which it was posted.';
comment on column trade.retailer_payments.metadata is 'Facts of your own, as a JSON object.';
comment on column trade.retailer_payments.created_at is 'When it was entered.';
comment on column trade.retailer_payments.created_by is 'Who entered it.';
comment on column trade.retailer_payments.updated_at is 'When it last changed.';
comment on column trade.retailer_payments.is_reversed is 'Whether it was taken back.';
comment on column trade.retailer_payments.is_effective is 'Whether it pays: received, cleared where it is a cheque, and not taken back.';
comment on column trade.retailer_payments.amount_minor is 'The amount in hundredths, by which payments are filtered and ordered.';
comment on constraint retailer_payments_parties_unique on trade.retailer_payments is 'PAYMENT_KNOWN: This payment is there already.';
comment on constraint retailer_payments_payment_number_unique on trade.retailer_payments is 'PAYMENT_KNOWN: This payment is there already.';
comment on constraint retailer_payments_transaction_unique on trade.retailer_payments is
    'TRANSACTION_ID_TAKEN input.transactionId: A payment by this method has this reference already.';
comment on constraint retailer_payments_reverses_unique on trade.retailer_payments is
    'PAYMENT_REVERSED input.id: This payment is taken back already.';
comment on constraint retailer_payments_amount_check on trade.retailer_payments is
    'AMOUNT_POSITIVE input.amount: A payment is of more than nothing.';
comment on constraint retailer_payments_transaction_id_check on trade.retailer_payments is
    'TRANSACTION_ID_INVALID input.transactionId: A reference has 1 to 200 characters.';
comment on constraint retailer_payments_cheque_state_check on trade.retailer_payments is
    'CHEQUE_STATE_UNKNOWN: A cheque is PENDING, CLEARED or BOUNCED.';
comment on constraint retailer_payments_cheque_reason_check on trade.retailer_payments is
    'REASON_REQUIRED input.reason: Say in 1 to 500 characters why the cheque bounced.';
comment on constraint retailer_payments_reversal_check on trade.retailer_payments is
    'REASON_REQUIRED input.reason: Say in 1 to 500 characters why the payment is taken back.';

create index retailer_payments_retailer on trade.retailer_payments (tenant_id, retailer_id, created_at, id);
create index retailer_payments_vendor on trade.retailer_payments (tenant_id, vendor_id, created_at, id);
create index retailer_payments_line on trade.retailer_payments (tenant_id, credit_line_id, created_at, id);
create index retailer_payments_method on trade.retailer_payments (tenant_id, method_id, created_at, id);
create index retailer_payments_transaction on trade.retailer_payments (tenant_id, transaction_id, id);
create index retailer_payments_received_at on trade.retailer_payments (tenant_id, received_at, id);
create index retailer_payments_cheque on trade.retailer_payments (tenant_id, cheque_state, created_at, id);
create index retailer_payments_reversed on trade.retailer_payments (tenant_id, is_reversed, created_at, id);
create index retailer_payments_amount on trade.retailer_payments (tenant_id, amount_minor, id);
create index retailer_payments_created_at on trade.retailer_payments (tenant_id, created_at, id);

alter table trade.retailer_payments enable row level security;
alter table trade.retailer_payments force row level security;

-- The tenant's payments; a vendor and a retailer see those that are theirs.
create policy tenant on trade.retailer_payments to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or retailer_id = any (core.scope_ids()))
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.retailer_payments for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, payment_number, retailer_id, vendor_id, credit_line_id, method_id, transaction_id, amount, currency, received_at,
    cheque_state, cheque_reason, reverses_id, reversal_reason, reversed_at, transfer_id, metadata, created_at, created_by,
    updated_at, is_reversed, is_effective, amount_minor
) on trade.retailer_payments to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: payments are written by the functions of retailer_payment_changes.sql.

create function trade.cheque_step(payment trade.retailer_payments, wanted text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce((payment.cheque_state, wanted) not in (('PENDING', 'CLEARED'), ('PENDING', 'BOUNCED'), ('CLEARED', 'BOUNCED')), true)
        or payment.reversed_at is not null
    then
        perform core.refuse(
            'CONFLICT', 'CHEQUE_STATE',
            case
                when payment.cheque_state is null then 'This payment is no cheque.'
                when payment.reversed_at is not null then 'What this cheque paid is taken back already.'
                else format('This cheque is %s already.', lower(payment.cheque_state))
            end,
            'input.id'
        );
    end if;
end
$$;
comment on function trade.cheque_step(trade.retailer_payments, text) is
    'Refuses what cannot become of a cheque: it is pending, then cleared or bounced, and a cleared one may bounce still.';

create function trade.retailer_payment_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    original trade.retailer_payments;
    is_cheque boolean;
begin
    if tg_op = 'UPDATE' then
        if (new.tenant_id, new.id, new.payment_number, new.retailer_id, new.vendor_id, new.credit_line_id, new.method_id,
            new.transaction_id, new.amount, new.currency, new.received_at, new.reverses_id, new.reversal_reason, new.metadata)
            is distinct from (
                old.tenant_id, old.id, old.payment_number, old.retailer_id, old.vendor_id, old.credit_line_id, old.method_id,
                old.transaction_id, old.amount, old.currency, old.received_at, old.reverses_id, old.reversal_reason, old.metadata
            )
        then
            perform core.refuse('CONFLICT', 'PAYMENT_FIXED', 'A payment stays as it was entered. Reverse it, and enter another.', 'input.id');
        elsif new.cheque_state is distinct from old.cheque_state then
            perform trade.cheque_step(old, new.cheque_state);
        end if;
        -- When it was taken back, and by what it was posted, the payments and transfers themselves say.
        new.reversed_at := (
            select created_at from trade.retailer_payments where tenant_id = new.tenant_id and reverses_id = new.id
        );
        new.transfer_id := old.transfer_id;
    else
        new.payment_number := trade.next_number(new.tenant_id, 'RP');
        new.reversed_at := null;
        new.transfer_id := null;
        is_cheque := exists (
            select from billing.payment_methods where tenant_id = new.tenant_id and id = new.method_id and method_name = 'CHEQUE'
        );
        new.cheque_state := case when is_cheque and new.reverses_id is null then 'PENDING' end;
        new.cheque_reason := null;
        if new.reverses_id is not null then
            select * into original from trade.retailer_payments where tenant_id = new.tenant_id and id = new.reverses_id for update;
            if original.reverses_id is not null then
                perform core.refuse('CONFLICT', 'PAYMENT_IS_REVERSAL', 'What takes a payment back is not taken back itself.', 'input.id');
            elsif original.reversed_at is not null then
                perform core.refuse('CONFLICT', 'PAYMENT_REVERSED', 'This payment is taken back already.', 'input.id');
            elsif original.transfer_id is null then
                perform core.refuse('CONFLICT', 'CHEQUE_STATE', 'This cheque was not cleared: there is nothing to take back.', 'input.id');
            elsif (new.credit_line_id, new.method_id, new.amount) is distinct from (original.credit_line_id, original.method_id, original.amount) then
                perform core.refuse('CONFLICT', 'REVERSAL_WHOLE', 'A payment is taken back whole.', 'input.id');
            end if;
        end if;
    end if;
    if new.transfer_id is null and (new.cheque_state is null or new.cheque_state = 'CLEARED') then
        new.transfer_id := trade.retailer_payment_post(new, original);
    end if;
    return new;
end
$$;
comment on function trade.retailer_payment_keep() is
    'Has a payment stay as it was entered, a cheque go its way, and the ledger have what was received, whoever writes.';

create function trade.retailer_payment_post(payment trade.retailer_payments, original trade.retailer_payments) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if original.id is not null then
        return ledger.reverse(original.transfer_id, payment.reversal_reason);
    end if;
    return (
        select ledger.post(
            'RETAILER_PAYMENT',
            array[
                (ledger.account('CASH', line.currency, 'ASSET', 'Cash'), payment.amount),
                (line.account_id, - payment.amount)
            ]::ledger.leg[],
            -- A cheque counts from the day it is cleared, all else from the day it was received.
            case
                when payment.cheque_state is not null then core.today()
                else least(
                    core.today(),
                    (payment.received_at at time zone (select time_zone from iam.tenants where id = payment.tenant_id))::date
                )
            end,
            format('Payment %s of %s', payment.payment_number, retailer.name), 'RETAILER_PAYMENT', payment.id
        )
        from trade.credit_lines as line
        join trade.retailers as retailer on retailer.tenant_id = line.tenant_id and retailer.id = line.retailer_id
        where line.tenant_id = payment.tenant_id and line.id = payment.credit_line_id
    );
end
$$;
comment on function trade.retailer_payment_post(trade.retailer_payments, trade.retailer_payments) is
    'Posts what was received, off the line; or takes back what was posted.';

create function trade.retailer_payment_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.reverses_id is not null then
        update trade.retailer_payments set updated_at = statement_timestamp()
        where tenant_id = new.tenant_id and id = new.reverses_id;
    end if;
    -- A cheque that bounces keeps its retailer from ordering on.
    if tg_op = 'UPDATE' and new.cheque_state = 'BOUNCED' and old.cheque_state <> 'BOUNCED' then
        update trade.credit_lines set
            state = 'SUSPENDED', state_reason = left(format('Cheque %s bounced: %s', new.payment_number, new.cheque_reason), 500)
        where tenant_id = new.tenant_id and id = new.credit_line_id and state = 'ACTIVE';
    end if;
    return null;
end
$$;
comment on function trade.retailer_payment_moved() is 'Has a payment know that it was taken back, and a bounced cheque suspend its line.';

create trigger keep before insert or update on trade.retailer_payments for each row execute function trade.retailer_payment_keep();
create trigger touch before update on trade.retailer_payments for each row execute function core.touch();
create trigger moved after insert or update on trade.retailer_payments for each row execute function trade.retailer_payment_moved();
create trigger never_deleted before delete on trade.retailer_payments for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.retailer_payments for each statement execute function core.refuse_change();
create trigger audit after insert or update on trade.retailer_payments
    for each row execute function core.audit('RETAILER_PAYMENT', 'amount_minor,is_reversed,is_effective');

create function trade.retailer_payment_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A cheque that was cleared and bounced is taken back in the same transaction.
    if exists (
        select from trade.retailer_payments
        where tenant_id = new.tenant_id and id = new.id
          and cheque_state = 'BOUNCED' and transfer_id is not null and reversed_at is null
    ) then
        perform core.refuse('CONFLICT', 'CHEQUE_OUT_OF_STEP', 'What a cheque paid that bounced is taken back with it.');
    end if;
    return null;
end
$$;
comment on function trade.retailer_payment_stands() is 'Refuses a bounced cheque whose money stays on the line.';
create constraint trigger stands after insert or update on trade.retailer_payments
    deferrable initially deferred for each row execute function trade.retailer_payment_stands();
