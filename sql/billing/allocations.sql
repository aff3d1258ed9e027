-- An allocation is how much of a payment or a credit note stands on an invoice. It waits while its payment does.

create table billing.allocations (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    invoice_id uuid not null,
    payment_id uuid,
    credit_note_id uuid,
    amount core.money not null,
    refunded core.money not null default 0,
    effective_date date not null,
    position integer,
    applied_at timestamptz,
    released_at timestamptz,
    -- To the moment, not the statement: one statement enters many, and their order matters.
    created_at timestamptz not null default clock_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    net core.money not null generated always as (
        case when applied_at is not null and released_at is null then amount - refunded else 0 end
    ) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id, invoice_id) references billing.invoices (tenant_id, client_id, id),
    foreign key (tenant_id, client_id, payment_id) references billing.payments (tenant_id, client_id, id),
    foreign key (tenant_id, client_id, credit_note_id) references billing.credit_notes (tenant_id, client_id, id),
    constraint allocations_position_unique unique (tenant_id, invoice_id, position),
    constraint allocations_source_check check ((payment_id is null) <> (credit_note_id is null)),
    constraint allocations_amount_check check (amount > 0),
    constraint allocations_refunded_check check (refunded between 0 and amount and (refunded = 0 or applied_at is not null)),
    constraint allocations_position_check check (position > 0 and (position is null) = (applied_at is null))
);

comment on table billing.allocations is 'How much of a payment or of a credit note stands on an invoice.';
comment on column billing.allocations.tenant_id is 'The organisation.';
comment on column billing.allocations.id is 'The allocation''s id.';
comment on column billing.allocations.client_id is 'Whose payment and invoice they are.';
comment on column billing.allocations.invoice_id is 'The invoice.';
comment on column billing.allocations.payment_id is 'The payment, where it is one that pays.';
comment on column billing.allocations.credit_note_id is 'The credit note, where it is one that credits.';
comment on column billing.allocations.amount is 'How much was allocated; of a payment that is not confirmed yet, how much is to be.';
comment on column billing.allocations.refunded is 'How much of it a refund has given back since.';
comment on column billing.allocations.effective_date is 'The day from which it counts: not before the payment, nor before the invoice.';
comment on column billing.allocations.position is 'Its place among all that was ever allocated to the invoice, from 1; empty while it waits.';
comment on column billing.allocations.applied_at is 'When it took effect; empty while its payment is not confirmed.';
comment on column billing.allocations.released_at is 'When it was taken back; the money is the client''s credit again.';
comment on column billing.allocations.created_at is 'When it was entered.';
comment on column billing.allocations.created_by is 'Who entered it.';
comment on column billing.allocations.updated_at is 'When it last changed.';
comment on column billing.allocations.net is 'How much of it stands on the invoice now.';
comment on constraint allocations_position_unique on billing.allocations is
    'POSITION_TAKEN: Two allocations of an invoice cannot have the same place.';
comment on constraint allocations_source_check on billing.allocations is
    'ALLOCATION_SOURCE_INVALID: An allocation is of a payment or of a credit note.';
comment on constraint allocations_amount_check on billing.allocations is
    'ALLOCATION_AMOUNT_INVALID input.allocations.amount: More than zero can be allocated.';
comment on constraint allocations_refunded_check on billing.allocations is
    'REFUND_TOO_LARGE input.amount: No more than was allocated can be given back.';
comment on constraint allocations_position_check on billing.allocations is
    'ALLOCATION_PLACE_INVALID: An allocation that counts has its place.';

create index allocations_invoice on billing.allocations (tenant_id, invoice_id, created_at, id);
create index allocations_payment on billing.allocations (tenant_id, payment_id, created_at, id);
create index allocations_credit_note on billing.allocations (tenant_id, credit_note_id, created_at, id);
create index allocations_client on billing.allocations (tenant_id, client_id, created_at, id);
create index allocations_created_at on billing.allocations (tenant_id, created_at, id);

alter table billing.allocations enable row level security;
alter table billing.allocations force row level security;

-- Those of the tenant's clients; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.allocations to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
create policy analyst on billing.allocations for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, invoice_id, payment_id, credit_note_id, amount, refunded, effective_date, position, applied_at,
    released_at, created_at, created_by, updated_at, net
) on billing.allocations to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: allocations are written by the functions below.

create function billing.allocation_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
    source record;
begin
    if tg_op = 'UPDATE' then
        if (new.tenant_id, new.id, new.client_id, new.invoice_id, new.payment_id, new.credit_note_id)
            is distinct from (old.tenant_id, old.id, old.client_id, old.invoice_id, old.payment_id, old.credit_note_id)
            or old.applied_at is not null and (new.applied_at, new.amount, new.effective_date)
                is distinct from (old.applied_at, old.amount, old.effective_date)
            or old.released_at is not null and (new.released_at, new.refunded) is distinct from (old.released_at, old.refunded)
            or new.refunded < old.refunded
        then
            perform core.refuse(
                'CONFLICT', 'ALLOCATION_FIXED', 'An allocation never changes. Take it back and make a new one.', 'input.id'
            );
        end if;
        new.position := old.position;
        if old.applied_at is not null or new.applied_at is null then
            return new;
        end if;
    end if;
    select * into invoice from billing.invoices where tenant_id = new.tenant_id and id = new.invoice_id for update;
    select currency, starts_on, is_sound into source
    from (
        select currency, received_on as starts_on, confirmed_at is not null and reversed_at is null as is_sound
        from billing.payments where tenant_id = new.tenant_id and id = new.payment_id
        union all
        select currency, issue_date, issued_at is not null
        from billing.credit_notes where tenant_id = new.tenant_id and id = new.credit_note_id
    ) as either;
    if source.currency <> invoice.currency then
        perform core.refuse(
            'BAD_USER_INPUT', 'CURRENCY_MIXED',
            format('Invoice %s is in %s, and this is in %s.', invoice.number, invoice.currency, source.currency),
            'input.allocations.invoiceId'
        );
    elsif invoice.issued_at is null then
        perform core.refuse(
            'CONFLICT', 'INVOICE_DRAFT', 'A draft cannot be paid. Issue it first.', 'input.allocations.invoiceId'
        );
    elsif invoice.voided_at is not null or invoice.written_off > 0 then
        perform core.refuse(
            'CONFLICT', 'INVOICE_NOT_OPEN',
            format('Invoice %s is %s: nothing is to be paid.', invoice.number,
                case when invoice.voided_at is not null then 'void' else 'written off' end),
            'input.allocations.invoiceId'
        );
    elsif new.amount > invoice.balance then
        perform core.refuse(
            'BAD_USER_INPUT', 'ALLOCATION_TOO_LARGE',
            format('%s %s are left to pay of invoice %s. Allocate that much at most; the rest stays the client''s credit.',
                invoice.currency, invoice.balance, invoice.number),
            'input.allocations.amount'
        );
    elsif new.effective_date < invoice.issue_date then
        perform core.refuse(
            'BAD_USER_INPUT', 'EFFECTIVE_DATE_EARLY',
            format('Invoice %s was issued on %s, and nothing counts for it before. Record what came earlier as the client''s '
                'credit, and allocate it from that day on.', invoice.number, invoice.issue_date),
            'input.allocations.invoiceId'
        );
    elsif new.effective_date < source.starts_on then
        perform core.refuse(
            'BAD_USER_INPUT', 'EFFECTIVE_DATE_EARLY',
            format('This money came on %s, and counts from that day or later.', source.starts_on), 'input.effectiveDate'
        );
    end if;
    if new.applied_at is not null then
        if not source.is_sound then
            perform core.refuse(
                'CONFLICT', 'PAYMENT_NOT_CONFIRMED', 'Only the money of a confirmed payment can be allocated.', 'input.id'
            );
        end if;
        select coalesce(max(position), 0) + 1 into new.position from billing.allocations
        where tenant_id = new.tenant_id and invoice_id = new.invoice_id;
    end if;
    return new;
end
$$;
comment on function billing.allocation_keep() is
    'Lets nothing be allocated but to open invoices of the same client and currency, no more than they have left, whoever writes.';

create function billing.allocation_post() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    moved constant numeric := new.net - case when tg_op = 'UPDATE' then old.net else 0 end;
    client_name text;
    invoice billing.invoices;
begin
    if moved = 0 then
        return null;
    end if;
    select name into client_name from billing.clients where tenant_id = new.tenant_id and id = new.client_id;
    select * into invoice from billing.invoices where tenant_id = new.tenant_id and id = new.invoice_id;
    perform ledger.post(
        case when moved > 0 then 'ALLOCATION' else 'UNALLOCATION' end,
        array[
            (billing.credit(new.client_id, client_name, invoice.currency), moved),
            (billing.receivable(new.client_id, client_name, invoice.currency), - moved)
        ]::ledger.leg[],
        case when moved > 0 then new.effective_date else greatest(core.today(), new.effective_date) end,
        format('%s to invoice %s', case when moved > 0 then 'Allocated' else 'No longer allocated' end, invoice.number),
        'ALLOCATION', new.id
    );
    -- Made again from what stands now, so that both are true before anybody else can look.
    update billing.invoices set updated_at = statement_timestamp() where tenant_id = new.tenant_id and id = new.invoice_id;
    if new.payment_id is not null then
        update billing.payments set updated_at = statement_timestamp() where tenant_id = new.tenant_id and id = new.payment_id;
    else
        update billing.credit_notes set updated_at = statement_timestamp()
        where tenant_id = new.tenant_id and id = new.credit_note_id;
    end if;
    return null;
end
$$;
comment on function billing.allocation_post() is
    'Moves what is allocated from the client''s credit to what it owes, or back, and has the figures of both ends made again.';

create trigger keep before insert or update on billing.allocations for each row execute function billing.allocation_keep();
create trigger touch before update on billing.allocations for each row execute function core.touch();
create trigger never_deleted before delete on billing.allocations for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.allocations for each statement execute function core.refuse_change();
create trigger post after insert or update on billing.allocations for each row execute function billing.allocation_post();
create trigger audit after insert or update on billing.allocations
    for each row execute function core.audit('ALLOCATION', 'net');

-- Who allocates has locked the client first, so that the open invoices stay as they are found.

create function billing.allocate(
    input jsonb, client uuid, currency text, starts_on date, available numeric, payment uuid, credit_note uuid, is_applied boolean
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted record;
    share numeric;
    given_day constant date := input ->> 'effective_date';
    given_lines constant jsonb := case when jsonb_typeof(input -> 'allocations') = 'array' then input -> 'allocations' else '[]' end;
begin
    if given_lines <> '[]' and (input ->> 'oldest_first')::boolean then
        perform core.refuse(
            'BAD_USER_INPUT', 'ALLOCATION_AMBIGUOUS', 'Name the invoices, or ask for the oldest first; not both.', 'input.oldestFirst'
        );
    end if;
    for wanted in
        select invoice.id, (given.line ->> 'amount')::numeric as amount, given.line ->> 'invoice_id' as named
        from jsonb_array_elements(given_lines) with ordinality as given (line, place)
        left join billing.invoices as invoice
            on invoice.tenant_id = core.tenant_id() and invoice.client_id = client and invoice.id = (given.line ->> 'invoice_id')::uuid
        order by given.place
    loop
        if wanted.id is null then
            perform core.refuse(
                'NOT_FOUND', 'INVOICE_NOT_FOUND', 'This client has no invoice with this id.', 'input.allocations.invoiceId'
            );
        elsif wanted.amount > available then
            perform core.refuse(
                'BAD_USER_INPUT', 'PAYMENT_EXCEEDED', format('%s %s are left to allocate.', currency, available), 'input.allocations.amount'
            );
        end if;
        insert into billing.allocations (tenant_id, client_id, invoice_id, payment_id, credit_note_id, amount, effective_date, applied_at)
        values (
            core.tenant_id(), client, wanted.id, payment, credit_note, wanted.amount,
            coalesce(given_day, starts_on), case when is_applied then statement_timestamp() end
        );
        available := available - wanted.amount;
    end loop;
    if (input ->> 'oldest_first')::boolean then
        for wanted in
            select id, issue_date, balance from billing.invoices as invoice
            where tenant_id = core.tenant_id() and client_id = client and invoice.currency = allocate.currency
              and issued_at is not null and balance > 0 and written_off = 0
            order by due_date, issued_at, id
        loop
            exit when available <= 0;
            share := least(available, wanted.balance);
            insert into billing.allocations (tenant_id, client_id, invoice_id, payment_id, credit_note_id, amount, effective_date, applied_at)
            values (
                core.tenant_id(), client, wanted.id, payment, credit_note, share,
                greatest(given_day, starts_on, wanted.issue_date), case when is_applied then statement_timestamp() end
            );
            available := available - share;
        end loop;
    end if;
end
$$;
comment on function billing.allocate(jsonb, uuid, text, date, numeric, uuid, uuid, boolean) is
    'Allocates what is available as the input says: to the invoices that it names, or to all that are open, the one due first at first.';
