-- A credit note takes back a part of an issued invoice, or all of it: an issued invoice itself never changes. One without an
-- invoice takes back what was charged elsewhere, as before the books were kept here.

create table billing.credit_notes (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    invoice_id uuid,
    series text not null default 'CN',
    number text,
    issue_date date not null,
    currency core.currency not null,
    reason text not null,
    subtotal core.money not null default 0,
    tax_amount core.money not null default 0,
    total core.money not null default 0,
    applied_amount core.money not null default 0,
    issued_at timestamptz,
    metadata core.json_object not null default '{}',
    external_ref text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    number_key text collate "C" not null generated always as (lower(coalesce(number, ''))) stored,
    unapplied_amount core.money not null generated always as (total - applied_amount) stored,
    total_minor bigint not null generated always as ((total * 100)::bigint) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id) references billing.clients,
    foreign key (tenant_id, client_id, invoice_id) references billing.invoices (tenant_id, client_id, id),
    constraint credit_notes_client_unique unique (tenant_id, client_id, id),
    constraint credit_notes_number_unique unique (tenant_id, number),
    constraint credit_notes_external_ref_unique unique (tenant_id, external_ref),
    constraint credit_notes_series_check check (series ~ '^[A-Z]{1,10}$'),
    constraint credit_notes_issue_date_check check (issue_date between '1900-01-01' and '9999-12-31'),
    constraint credit_notes_reason_check check (char_length(btrim(reason)) between 1 and 2000),
    constraint credit_notes_issued_check check ((issued_at is null) = (number is null)),
    constraint credit_notes_total_check check (total = subtotal + tax_amount and (total > 0 or issued_at is null)),
    constraint credit_notes_applied_check check (applied_amount between 0 and total),
    constraint credit_notes_external_ref_check check (char_length(external_ref) between 1 and 200)
);

comment on table billing.credit_notes is 'What is taken back of an issued invoice, or of what was charged elsewhere. Issued at once, and never changed.';
comment on column billing.credit_notes.tenant_id is 'The organisation.';
comment on column billing.credit_notes.id is 'The credit note''s id.';
comment on column billing.credit_notes.client_id is 'Whose credit it is: the client of the invoice.';
comment on column billing.credit_notes.invoice_id is 'The invoice that it corrects; empty where that is not in these books.';
comment on column billing.credit_notes.series is 'The letters that its number begins with; CN.';
comment on column billing.credit_notes.number is 'Its number, such as CN-000007, without gaps in its series.';
comment on column billing.credit_notes.issue_date is 'The day from which it counts; not before the invoice.';
comment on column billing.credit_notes.currency is 'The currency of the invoice; without one, the client''s unless said otherwise.';
comment on column billing.credit_notes.reason is 'Why: 1 to 2000 characters.';
comment on column billing.credit_notes.subtotal is 'The sum of its lines before tax.';
comment on column billing.credit_notes.tax_amount is 'The tax that is taken back.';
comment on column billing.credit_notes.total is 'Subtotal and tax.';
comment on column billing.credit_notes.applied_amount is 'How much of it stands on invoices.';
comment on column billing.credit_notes.issued_at is 'When it was issued.';
comment on column billing.credit_notes.metadata is 'Facts of your own, as a JSON object.';
comment on column billing.credit_notes.external_ref is 'Its id in another system; unique in the organisation.';
comment on column billing.credit_notes.created_at is 'When it was entered.';
comment on column billing.credit_notes.created_by is 'Who entered it.';
comment on column billing.credit_notes.updated_at is 'When it last changed.';
comment on column billing.credit_notes.number_key is 'The number in small letters, by which credit notes are ordered and found.';
comment on column billing.credit_notes.unapplied_amount is 'How much of it is the client''s credit.';
comment on column billing.credit_notes.total_minor is 'The total in hundredths, by which credit notes are filtered and ordered.';
comment on constraint credit_notes_client_unique on billing.credit_notes is 'CREDIT_NOTE_EXISTS: This credit note exists already.';
comment on constraint credit_notes_number_unique on billing.credit_notes is
    'NUMBER_TAKEN: Another credit note has this number already.';
comment on constraint credit_notes_external_ref_unique on billing.credit_notes is
    'EXTERNAL_REF_TAKEN input.externalRef: Another credit note has this external reference already.';
comment on constraint credit_notes_series_check on billing.credit_notes is
    'SERIES_INVALID: A series of numbers is named by 1 to 10 capital letters.';
comment on constraint credit_notes_issue_date_check on billing.credit_notes is
    'ISSUE_DATE_RANGE input.issueDate: An issue date lies between 1900-01-01 and 9999-12-31.';
comment on constraint credit_notes_reason_check on billing.credit_notes is
    'CREDIT_REASON_REQUIRED input.reason: Say in up to 2000 characters why the invoice is credited.';
comment on constraint credit_notes_issued_check on billing.credit_notes is
    'ISSUE_INCOMPLETE: An issued credit note has a number.';
comment on constraint credit_notes_total_check on billing.credit_notes is
    'CREDIT_EMPTY input.lines: A credit note takes back more than zero.';
comment on constraint credit_notes_applied_check on billing.credit_notes is
    'CREDIT_EXCEEDED input.allocations: More than is left of a credit note cannot be allocated.';
comment on constraint credit_notes_external_ref_check on billing.credit_notes is
    'EXTERNAL_REF_INVALID input.externalRef: An external reference has 1 to 200 characters.';

create index credit_notes_invoice on billing.credit_notes (tenant_id, invoice_id, created_at, id);
create index credit_notes_client on billing.credit_notes (tenant_id, client_id, issue_date, id);
create index credit_notes_number on billing.credit_notes (tenant_id, number_key, id);
create index credit_notes_issue_date on billing.credit_notes (tenant_id, issue_date, id)
    include (currency, client_id, total_minor);
create index credit_notes_total on billing.credit_notes (tenant_id, total_minor, id);
create index credit_notes_unapplied on billing.credit_notes (tenant_id, client_id, id) where unapplied_amount > 0;
create index credit_notes_created_at on billing.credit_notes (tenant_id, created_at, id);

alter table billing.credit_notes enable row level security;
alter table billing.credit_notes force row level security;

-- Those of the tenant's clients; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.credit_notes to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
create policy analyst on billing.credit_notes for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, invoice_id, series, number, issue_date, currency, reason, subtotal, tax_amount, total,
    applied_amount, issued_at, metadata, external_ref, created_at, created_by, updated_at, number_key, unapplied_amount,
    total_minor
) on billing.credit_notes to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: credit notes are written by the functions of crediting.sql.

create function billing.credit_note_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
begin
    if tg_op = 'INSERT' then
        if new.issued_at is not null then
            perform core.refuse('CONFLICT', 'CREDIT_NOTE_STARTS_EMPTY', 'A credit note is issued when its lines are there.');
        end if;
        select * into invoice from billing.invoices where tenant_id = new.tenant_id and id = new.invoice_id for update;
        if new.invoice_id is not null
            and (invoice.issued_at is null or invoice.voided_at is not null or invoice.written_off > 0)
        then
            perform core.refuse(
                'CONFLICT', 'INVOICE_NOT_OPEN',
                'Only an issued invoice that is neither void nor written off can be credited.', 'input.id'
            );
        elsif new.issue_date < invoice.issue_date then
            perform core.refuse(
                'BAD_USER_INPUT', 'ISSUE_DATE_EARLY',
                format('A credit note counts from the day of its invoice, %s, or later.', invoice.issue_date), 'input.issueDate'
            );
        end if;
        new.client_id := coalesce(invoice.client_id, new.client_id);
        new.currency := coalesce(invoice.currency, new.currency);
        new.number := null;
        new.subtotal := 0;
        new.tax_amount := 0;
        new.total := 0;
        new.applied_amount := 0;
        return new;
    end if;
    if old.issued_at is null then
        select coalesce(sum(amount), 0), coalesce(sum(tax_amount), 0) into new.subtotal, new.tax_amount
        from billing.credit_note_lines where tenant_id = new.tenant_id and credit_note_id = new.id;
        new.total := new.subtotal + new.tax_amount;
        if new.issued_at is not null then
            -- Rate by rate, so that no more tax is taken back than was charged.
            if new.invoice_id is not null and exists (
                select from (
                    select tax_rate, sum(amount) as net, sum(tax_amount) as tax from billing.credit_note_lines
                    where tenant_id = new.tenant_id and credit_note_id = new.id
                    group by tax_rate
                ) as taken
                left join billing.credit_left(new.tenant_id, new.invoice_id) as rest on rest.tax_rate = taken.tax_rate
                where taken.net > coalesce(rest.net, 0) or taken.tax > coalesce(rest.tax, 0)
            ) then
                perform core.refuse(
                    'BAD_USER_INPUT', 'CREDIT_TOO_LARGE',
                    'No more can be taken back of an invoice than it charged, at each tax rate.', 'input.lines'
                );
            end if;
            new.number := billing.invoice_number(new.tenant_id, new.series);
        end if;
    elsif (
        new.tenant_id, new.id, new.client_id, new.invoice_id, new.series, new.number, new.issue_date, new.currency, new.reason,
        new.subtotal, new.tax_amount, new.total, new.issued_at, new.external_ref
    ) is distinct from (
        old.tenant_id, old.id, old.client_id, old.invoice_id, old.series, old.number, old.issue_date, old.currency, old.reason,
        old.subtotal, old.tax_amount, old.total, old.issued_at, old.external_ref
    ) then
        perform core.refuse(
            'CONFLICT', 'CREDIT_NOTE_ISSUED', format('Credit note %s is issued and never changes.', old.number), 'input.id'
        );
    end if;
    select coalesce(sum(net), 0) into new.applied_amount from billing.allocations
    where tenant_id = new.tenant_id and credit_note_id = new.id;
    return new;
end
$$;
comment on function billing.credit_note_keep() is
    'Keeps a credit note''s figures equal to its lines and allocations, no larger than its invoice, and fixed, whoever writes.';

create function billing.credit_note_post() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    client_name text;
begin
    select name into client_name from billing.clients where tenant_id = new.tenant_id and id = new.client_id;
    perform ledger.post(
        'CREDIT_NOTE',
        array(
            select leg from unnest(array[
                (ledger.account('REVENUE', new.currency, 'INCOME', 'Revenue'), new.subtotal),
                (ledger.account('TAX_PAYABLE', new.currency, 'LIABILITY', 'Tax payable'), new.tax_amount),
                (billing.credit(new.client_id, client_name, new.currency), - new.total)
            ]::ledger.leg[]) as leg
            where leg.amount <> 0
        ),
        new.issue_date, left(format('Credit note %s to %s: %s', new.number, client_name, new.reason), 2000), 'CREDIT_NOTE', new.id
    );
    return null;
end
$$;
comment on function billing.credit_note_post() is 'Posts a credit note to the ledger when it is issued: the total is the client''s credit.';

create function billing.credit_note_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from billing.credit_notes where tenant_id = new.tenant_id and id = new.id and issued_at is null) then
        perform core.refuse('CONFLICT', 'CREDIT_NOTE_UNISSUED', 'A credit note is issued as soon as it is written.');
    end if;
    return null;
end
$$;
comment on function billing.credit_note_stands() is 'Lets no credit note be left without its number.';

create trigger keep before insert or update on billing.credit_notes for each row execute function billing.credit_note_keep();
create trigger touch before update on billing.credit_notes for each row execute function core.touch();
create trigger never_deleted before delete on billing.credit_notes for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.credit_notes for each statement execute function core.refuse_change();
create trigger post after update of issued_at on billing.credit_notes
    for each row when (old.issued_at is null and new.issued_at is not null) execute function billing.credit_note_post();
create trigger audit after insert or update on billing.credit_notes
    for each row execute function core.audit('CREDIT_NOTE', 'number_key,total_minor,unapplied_amount');
create constraint trigger stands after insert on billing.credit_notes
    deferrable initially deferred for each row execute function billing.credit_note_stands();
