-- A credit note line is one thing that is taken back, with the tax that was charged for it.

create table billing.credit_note_lines (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    credit_note_id uuid not null,
    position integer not null,
    description text not null,
    quantity core.quantity not null default 1,
    unit_price core.money not null,
    tax_rate core.tax_rate not null,
    tax_amount core.money not null,
    amount core.money not null generated always as (round(quantity * unit_price, 2)) stored,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id, credit_note_id) references billing.credit_notes (tenant_id, client_id, id),
    constraint credit_note_lines_position_unique unique (tenant_id, credit_note_id, position),
    constraint credit_note_lines_position_check check (position between 1 and 1000),
    constraint credit_note_lines_description_check check (char_length(btrim(description)) between 1 and 2000),
    constraint credit_note_lines_amount_check check (unit_price >= 0 and tax_amount >= 0)
);

comment on table billing.credit_note_lines is 'One thing that a credit note takes back.';
comment on column billing.credit_note_lines.tenant_id is 'The organisation.';
comment on column billing.credit_note_lines.id is 'The line''s id.';
comment on column billing.credit_note_lines.client_id is 'The client of its credit note.';
comment on column billing.credit_note_lines.credit_note_id is 'Its credit note.';
comment on column billing.credit_note_lines.position is 'Its place on the credit note, from 1.';
comment on column billing.credit_note_lines.description is 'What is taken back: 1 to 2000 characters.';
comment on column billing.credit_note_lines.quantity is 'How many, or how much: three decimals at most.';
comment on column billing.credit_note_lines.unit_price is 'The price of one, before tax.';
comment on column billing.credit_note_lines.tax_rate is 'The tax rate in percent that the invoice charged.';
comment on column billing.credit_note_lines.tax_amount is
    'Its tax: that of all lines of one rate is rounded once and falls on them by largest remainder.';
comment on column billing.credit_note_lines.amount is 'Quantity times unit price, rounded half away from zero to two decimals.';
comment on column billing.credit_note_lines.created_at is 'When it was entered.';
comment on column billing.credit_note_lines.created_by is 'Who entered it.';
comment on constraint credit_note_lines_position_unique on billing.credit_note_lines is
    'POSITION_TAKEN input.lines: Two lines of a credit note cannot have the same place.';
comment on constraint credit_note_lines_position_check on billing.credit_note_lines is
    'TOO_MANY_LINES input.lines: A credit note has at most 1000 lines.';
comment on constraint credit_note_lines_description_check on billing.credit_note_lines is
    'DESCRIPTION_INVALID input.lines.description: A line says in 1 to 2000 characters what is taken back.';
comment on constraint credit_note_lines_amount_check on billing.credit_note_lines is
    'UNIT_PRICE_NEGATIVE input.lines.unitPrice: A price is zero or more.';

alter table billing.credit_note_lines enable row level security;
alter table billing.credit_note_lines force row level security;

-- Those of the tenant's clients; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.credit_note_lines to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
create policy analyst on billing.credit_note_lines for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, credit_note_id, position, description, quantity, unit_price, tax_rate, tax_amount, amount,
    created_at, created_by
) on billing.credit_note_lines to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: lines are written with their credit note.

create function billing.credit_note_line_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from billing.credit_notes
        where tenant_id = new.tenant_id and id = new.credit_note_id and issued_at is null
        for update
    ) then
        perform core.refuse('CONFLICT', 'CREDIT_NOTE_ISSUED', 'The lines of an issued credit note never change.', 'input.lines');
    end if;
    return new;
end
$$;
comment on function billing.credit_note_line_keep() is 'Lets lines be written with their credit note only.';

create trigger keep before insert on billing.credit_note_lines
    for each row execute function billing.credit_note_line_keep();
create trigger never_changed before update or delete on billing.credit_note_lines
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.credit_note_lines
    for each statement execute function core.refuse_change();
create trigger audit after insert on billing.credit_note_lines
    for each row execute function core.audit('CREDIT_NOTE_LINE', 'client_id');

-- What is left of an invoice to take back, by rate. The discount of the invoice is in it.

create function billing.credit_left(tenant uuid, invoice uuid)
returns table (tax_rate numeric, net numeric, tax numeric)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select charged.tax_rate, charged.net - coalesce(credited.net, 0), charged.tax - coalesce(credited.tax, 0)
    from billing.invoices
    cross join lateral billing.invoice_rates(tenant, invoice, invoices.discount) as charged
    left join lateral (
        select sum(line.amount) as net, sum(line.tax_amount) as tax
        from billing.credit_notes as note
        join billing.credit_note_lines as line on line.tenant_id = note.tenant_id and line.credit_note_id = note.id
        where note.tenant_id = tenant and note.invoice_id = invoice and note.issued_at is not null
          and line.tax_rate = charged.tax_rate
    ) as credited on true
    where invoices.tenant_id = tenant and invoices.id = invoice
$$;
comment on function billing.credit_left(uuid, uuid) is 'What is left of an invoice to take back, for each tax rate.';
