-- An invoice is what a client owes: a draft that can still change, then an issued document that never does.

create table billing.invoices (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    series text not null default 'INV',
    number text,
    bill_from core.json_object,
    bill_to core.json_object,
    issue_date date not null,
    due_date date not null,
    currency core.currency not null,
    tax_rate core.tax_rate not null default 0,
    subtotal core.money not null default 0,
    discount core.money not null default 0,
    tax_amount core.money not null default 0,
    total core.money not null default 0,
    issued_at timestamptz,
    email_status text not null default 'NOT_SENT',
    viewed_at timestamptz,
    voided_at timestamptz,
    void_reason text,
    disputed_at timestamptz,
    dispute_reason text,
    written_off core.money not null default 0,
    written_off_at timestamptz,
    write_off_reason text,
    paid_amount core.money not null default 0,
    credited core.money not null default 0,
    payment_count integer not null default 0,
    partial_payment_count integer not null default 0,
    last_payment_date date,
    settled_on date,
    notes text,
    terms text,
    payment_method_id uuid,
    payment_link text,
    template text not null default 'modern',
    branding core.json_object not null default '{}',
    metadata core.json_object not null default '{}',
    external_ref text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    number_key text collate "C" not null generated always as (lower(coalesce(number, ''))) stored,
    status text not null generated always as (
        case
            when voided_at is not null then 'CANCELLED'
            when issued_at is null then 'DRAFT'
            when written_off > 0 then 'WRITTEN_OFF'
            when disputed_at is not null then 'DISPUTED'
            when total = paid_amount + credited then 'PAID'
            when paid_amount > 0 then 'PARTIALLY_PAID'
            when viewed_at is not null then 'VIEWED'
            else 'SENT'
        end
    ) stored,
    balance core.money not null generated always as (
        case when voided_at is null then total - paid_amount - credited - written_off else 0 end
    ) stored,
    paid_date date generated always as (
        case when issued_at is not null and voided_at is null and total = paid_amount + credited
            then coalesce(settled_on, issue_date) end
    ) stored,
    total_minor bigint not null generated always as ((total * 100)::bigint) stored,
    balance_minor bigint not null generated always as (
        case when voided_at is null then ((total - paid_amount - credited - written_off) * 100)::bigint else 0 end
    ) stored,
    paid_minor bigint not null generated always as ((paid_amount * 100)::bigint) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id) references billing.clients,
    foreign key (tenant_id, payment_method_id) references billing.payment_methods,
    constraint invoices_client_unique unique (tenant_id, client_id, id),
    constraint invoices_number_unique unique (tenant_id, number),
    constraint invoices_external_ref_unique unique (tenant_id, external_ref),
    constraint invoices_status_check check (
        status in ('DRAFT', 'SENT', 'VIEWED', 'PARTIALLY_PAID', 'PAID', 'DISPUTED', 'WRITTEN_OFF', 'CANCELLED')
    ),
    constraint invoices_email_status_check check (email_status in ('NOT_SENT', 'SENT', 'DELIVERED', 'OPENED', 'BOUNCED')),
    constraint invoices_series_check check (series ~ '^[A-Z]{1,10}$'),
    constraint invoices_due_date_check check (due_date between issue_date and '9999-12-31'),
    constraint invoices_issue_date_check check (issue_date between '1900-01-01' and '9999-12-31'),
    constraint invoices_discount_check check (discount between 0 and subtotal),
    constraint invoices_total_check check (total = subtotal - discount + tax_amount and total >= 0),
    constraint invoices_issued_check check (
        (issued_at is null) = (number is null)
        and (issued_at is null) = (bill_from is null)
        and (issued_at is null) = (bill_to is null)
        and (viewed_at is null or issued_at is not null)
    ),
    constraint invoices_void_reason_check check (
        (voided_at is null) = (void_reason is null) and char_length(btrim(void_reason)) between 1 and 2000
    ),
    constraint invoices_balance_check check (
        issued_at is null or (balance >= 0 and paid_amount >= 0 and credited >= 0 and written_off >= 0)
    ),
    constraint invoices_settled_check check (
        issued_at is not null and voided_at is null or (paid_amount = 0 and credited = 0 and written_off = 0)
    ),
    constraint invoices_dispute_reason_check check (
        (disputed_at is null) = (dispute_reason is null) and char_length(btrim(dispute_reason)) between 1 and 2000
    ),
    constraint invoices_write_off_reason_check check (
        (written_off_at is null) = (write_off_reason is null) and char_length(btrim(write_off_reason)) between 1 and 2000
    ),
    constraint invoices_payment_link_check check (payment_link ~* '^https?://[^[:space:]]+$' and char_length(payment_link) <= 2000),
    constraint invoices_template_check check (template ~ '^[a-z][a-z0-9-]{0,49}$'),
    constraint invoices_branding_check check (branding - array['logo', 'primaryColor', 'accentColor', 'fontFamily'] = '{}'),
    constraint invoices_external_ref_check check (char_length(external_ref) between 1 and 200),
    constraint invoices_text_length_check check (char_length(notes) <= 20000 and char_length(terms) <= 20000)
);

comment on table billing.invoices is 'What a client is asked to pay: a draft while it can still change, a fixed document once it is issued.';
comment on column billing.invoices.tenant_id is 'The organisation.';
comment on column billing.invoices.id is 'The invoice''s id.';
comment on column billing.invoices.client_id is 'The client it is for.';
comment on column billing.invoices.series is 'The letters that its number begins with; INV unless said otherwise.';
comment on column billing.invoices.number is 'Its number, such as INV-000042: given at issue, without gaps in its series. A draft has none.';
comment on column billing.invoices.bill_from is 'Who issued it: the organisation''s profile as it was then.';
comment on column billing.invoices.bill_to is 'Whom it was issued to: the client as it was then.';
comment on column billing.invoices.issue_date is 'The day of its issue; of a draft, the day that is planned.';
comment on column billing.invoices.due_date is 'The day by which it is to be paid; by the client''s payment terms unless said otherwise.';
comment on column billing.invoices.currency is 'The currency of all its amounts, by its ISO 4217 code.';
comment on column billing.invoices.tax_rate is 'The tax rate in percent of lines that name none.';
comment on column billing.invoices.subtotal is 'The sum of its lines'' amounts.';
comment on column billing.invoices.discount is 'What is taken off the subtotal before tax.';
comment on column billing.invoices.tax_amount is 'The tax: for each rate once, on the lines of that rate after their share of the discount, rounded to two decimals (EN 16931).';
comment on column billing.invoices.total is 'Subtotal less discount plus tax.';
comment on column billing.invoices.issued_at is 'When it was issued.';
comment on column billing.invoices.email_status is
    'How far the last e-mail came that it was sent by: NOT_SENT, SENT, DELIVERED, OPENED, or BOUNCED where it came back or was given up.';
comment on column billing.invoices.viewed_at is 'When the client first saw it.';
comment on column billing.invoices.voided_at is 'When it was voided, or when the draft was discarded.';
comment on column billing.invoices.void_reason is 'Why it was voided.';
comment on column billing.invoices.disputed_at is 'When the client disputed it; empty again when that was resolved.';
comment on column billing.invoices.dispute_reason is 'Why the client disputes it.';
comment on column billing.invoices.written_off is 'What was given up of it.';
comment on column billing.invoices.written_off_at is 'When the rest of it was given up.';
comment on column billing.invoices.write_off_reason is 'Why it was given up.';
comment on column billing.invoices.paid_amount is 'What confirmed payments have paid of it, less what was given back.';
comment on column billing.invoices.credited is 'What credit notes have taken off it.';
comment on column billing.invoices.payment_count is 'How many confirmed payments are allocated to it.';
comment on column billing.invoices.partial_payment_count is 'After how many of those something was still to be paid.';
comment on column billing.invoices.last_payment_date is 'The day on which the last of those was received.';
comment on column billing.invoices.settled_on is 'The day from which the last of what was allocated to it counts.';
comment on column billing.invoices.notes is 'A note to the client.';
comment on column billing.invoices.terms is 'Terms of payment in words.';
comment on column billing.invoices.payment_method_id is 'How the client had best pay it.';
comment on column billing.invoices.payment_link is 'Where the client can pay.';
comment on column billing.invoices.template is 'The look of the document.';
comment on column billing.invoices.branding is 'The look''s details: logo, primaryColor, accentColor, fontFamily.';
comment on column billing.invoices.metadata is 'Facts of your own, as a JSON object.';
comment on column billing.invoices.external_ref is 'The invoice''s id in another system; unique in the organisation.';
comment on column billing.invoices.created_at is 'When it was entered.';
comment on column billing.invoices.created_by is 'Who entered it.';
comment on column billing.invoices.updated_at is 'When it last changed.';
comment on column billing.invoices.number_key is 'The number in small letters, by which invoices are ordered and found; drafts come first.';
comment on column billing.invoices.status is
    'The first that holds: CANCELLED (void), WRITTEN_OFF, DISPUTED, PAID (issued and nothing left to pay), PARTIALLY_PAID, VIEWED, '
    'SENT, DRAFT. A partial credit alone does not make it PARTIALLY_PAID. Overdue is no status: see isOverdue.';
comment on column billing.invoices.balance is
    'What is still to be paid: the total less what was paid, credited and written off; nothing of a void invoice.';
comment on column billing.invoices.paid_date is 'The day on which nothing was left to pay.';
comment on column billing.invoices.paid_minor is 'What was paid in hundredths, by which invoices are filtered and ordered.';
comment on column billing.invoices.total_minor is 'The total in hundredths, by which invoices are filtered and ordered.';
comment on column billing.invoices.balance_minor is 'The balance in hundredths, by which invoices are filtered and ordered.';
comment on constraint invoices_client_unique on billing.invoices is 'INVOICE_EXISTS: This invoice exists already.';
comment on constraint invoices_number_unique on billing.invoices is 'NUMBER_TAKEN: Another invoice has this number already.';
comment on constraint invoices_external_ref_unique on billing.invoices is
    'EXTERNAL_REF_TAKEN input.externalRef: Another invoice has this external reference already.';
comment on constraint invoices_status_check on billing.invoices is
    'STATUS_UNKNOWN: An invoice is DRAFT, SENT, VIEWED, PARTIALLY_PAID, PAID, DISPUTED, WRITTEN_OFF or CANCELLED.';
comment on constraint invoices_email_status_check on billing.invoices is
    'EMAIL_STATUS_UNKNOWN: An e-mail is NOT_SENT, SENT, DELIVERED, OPENED or BOUNCED.';
comment on constraint invoices_series_check on billing.invoices is
    'SERIES_INVALID input.series: A series of numbers is named by 1 to 10 capital letters.';
comment on constraint invoices_due_date_check on billing.invoices is
    'DUE_DATE_RANGE input.dueDate: An invoice is due on its issue date or later, by 9999-12-31.';
comment on constraint invoices_issue_date_check on billing.invoices is
    'ISSUE_DATE_RANGE input.issueDate: An issue date lies between 1900-01-01 and 9999-12-31.';
comment on constraint invoices_discount_check on billing.invoices is
    'DISCOUNT_RANGE input.discount: A discount lies between zero and the subtotal.';
comment on constraint invoices_total_check on billing.invoices is
    'TOTAL_WRONG: The total is the subtotal less the discount plus the tax, and never negative.';
comment on constraint invoices_issued_check on billing.invoices is
    'ISSUE_INCOMPLETE: An issued invoice has a number and says whom it is from and to; a draft has none of these.';
comment on constraint invoices_void_reason_check on billing.invoices is
    'VOID_REASON_REQUIRED input.reason: Say in up to 2000 characters why the invoice is voided.';
comment on constraint invoices_balance_check on billing.invoices is
    'ALLOCATION_TOO_LARGE input.allocations.amount: More than is left to pay of an invoice cannot be allocated to it.';
comment on constraint invoices_settled_check on billing.invoices is
    'INVOICE_NOT_OPEN: Only an issued invoice that is not void is paid, credited or written off.';
comment on constraint invoices_dispute_reason_check on billing.invoices is
    'DISPUTE_REASON_REQUIRED input.reason: Say in up to 2000 characters what the client disputes.';
comment on constraint invoices_write_off_reason_check on billing.invoices is
    'WRITE_OFF_REASON_REQUIRED input.reason: Say in up to 2000 characters why the invoice is given up.';
comment on constraint invoices_payment_link_check on billing.invoices is
    'PAYMENT_LINK_INVALID input.paymentLink: A payment link begins with http:// or https://.';
comment on constraint invoices_template_check on billing.invoices is
    'TEMPLATE_INVALID input.template: A template is named by small letters, digits and hyphens.';
comment on constraint invoices_branding_check on billing.invoices is
    'BRANDING_INVALID input.branding: Branding has logo, primaryColor, accentColor and fontFamily, nothing else.';
comment on constraint invoices_external_ref_check on billing.invoices is
    'EXTERNAL_REF_INVALID input.externalRef: An external reference has 1 to 200 characters.';
comment on constraint invoices_text_length_check on billing.invoices is
    'TEXT_TOO_LONG: Notes and terms have at most 20000 characters.';

create index invoices_client on billing.invoices (tenant_id, client_id, issue_date, id);
-- With what reports by month add up, so that they need not visit rows that lie scattered over the years.
create index invoices_issue_date on billing.invoices (tenant_id, issue_date, id)
    include (status, currency, client_id, total_minor, balance_minor);
-- Reports by month take its groups in the order in which they stand here, and work no month out.
create index invoices_issue_date_month on billing.invoices
    (tenant_id, (date_trunc('month', issue_date::timestamp)::date), status, currency)
    include (issue_date, client_id, total_minor, balance_minor);
create index invoices_due_date on billing.invoices (tenant_id, due_date, id);
create index invoices_number on billing.invoices (tenant_id, number_key, id);
create index invoices_client_status on billing.invoices (tenant_id, client_id, status, issue_date, id);
create index invoices_status on billing.invoices (tenant_id, status, issue_date, id);
-- What can be overdue: a small part of many years.
create index invoices_open_due_date on billing.invoices (tenant_id, due_date, id)
    where status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and balance_minor > 0;
-- With what ageing adds up, client by client, so that it visits no row.
create index invoices_client_open on billing.invoices (tenant_id, client_id, due_date, id) include (currency, balance_minor)
    where status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and balance_minor > 0;
-- Disputed, or written off in part: a payment of one that was written off may be taken back.
create index invoices_owed_otherwise on billing.invoices (tenant_id, client_id, due_date, id) include (currency, balance_minor)
    where status in ('DISPUTED', 'WRITTEN_OFF') and balance_minor > 0;
create index invoices_paid on billing.invoices (tenant_id, paid_minor, id);
create index invoices_paid_date on billing.invoices (tenant_id, paid_date, id) include (currency, client_id, total_minor);
create index invoices_total on billing.invoices (tenant_id, total_minor, id);
create index invoices_balance on billing.invoices (tenant_id, balance_minor, id);
create index invoices_payment_method on billing.invoices (tenant_id, payment_method_id, id) where payment_method_id is not null;
create index invoices_created_at on billing.invoices (tenant_id, created_at, id);

alter table billing.invoices enable row level security;
alter table billing.invoices force row level security;

-- The tenant's invoices; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.invoices to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.invoices for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, series, number, bill_from, bill_to, issue_date, due_date, currency, tax_rate, subtotal,
    discount, tax_amount, total, issued_at, email_status, viewed_at, voided_at, void_reason, disputed_at, dispute_reason, written_off,
    written_off_at, write_off_reason, paid_amount, credited, payment_count, partial_payment_count, last_payment_date, notes,
    terms, payment_method_id, payment_link, template, branding, metadata, external_ref, created_at, created_by, updated_at,
    number_key, status, balance, paid_date, total_minor, balance_minor, paid_minor
) on billing.invoices to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: invoices are written by the functions of invoice_changes.sql.

create function billing.receivable(client uuid, client_name text, currency text) returns uuid
language sql
set search_path = pg_catalog, pg_temp
return ledger.account('RECEIVABLE', currency, 'ASSET', left(format('Receivable from %s', client_name), 300), 'CLIENT', client);
comment on function billing.receivable(uuid, text, text) is 'The account of what a client owes in a currency.';

-- Figures are always made from the lines (invoice_figures), so that nobody can set them; nor can anybody choose a number.

create function billing.invoice_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'INSERT' and new.issued_at is not null then
        perform core.refuse('CONFLICT', 'INVOICE_STARTS_AS_DRAFT', 'An invoice begins as a draft. Issue it when its lines are there.');
    end if;
    if tg_op = 'UPDATE' then
        if (new.tenant_id, new.id, new.client_id) is distinct from (old.tenant_id, old.id, old.client_id) then
            perform core.refuse('CONFLICT', 'INVOICE_CLIENT_FIXED', 'An invoice stays with its client. Make a new one instead.');
        end if;
        if old.voided_at is not null and new is distinct from old then
            perform core.refuse('CONFLICT', 'INVOICE_VOID', 'This invoice is void and cannot change any more.', 'input.id');
        end if;
        if old.issued_at is not null then
            if (
                new.series, new.number, new.bill_from, new.bill_to, new.issue_date, new.due_date, new.currency,
                new.tax_rate, new.subtotal, new.discount, new.tax_amount, new.total, new.issued_at, new.notes, new.terms,
                new.payment_method_id, new.template, new.branding, new.external_ref
            ) is distinct from (
                old.series, old.number, old.bill_from, old.bill_to, old.issue_date, old.due_date, old.currency,
                old.tax_rate, old.subtotal, old.discount, old.tax_amount, old.total, old.issued_at, old.notes, old.terms,
                old.payment_method_id, old.template, old.branding, old.external_ref
            ) or new.written_off < old.written_off then
                perform core.refuse(
                    'CONFLICT', 'INVOICE_ISSUED', format('Invoice %s is issued and cannot change any more.', old.number), 'input.id'
                );
            end if;
            if new.voided_at is not null and old.paid_amount + old.credited + old.written_off > 0 then
                perform core.refuse(
                    'CONFLICT', 'INVOICE_PAID',
                    format('Invoice %s is paid, credited or written off in part or whole. Only an unpaid one can be void; make a credit note.', old.number),
                    'input.id'
                );
            end if;
            select * into new.paid_amount, new.credited, new.payment_count, new.partial_payment_count, new.last_payment_date, new.settled_on
            from billing.invoice_settlement(new.tenant_id, new.id, new.total);
            return new;
        end if;
    end if;
    new.paid_amount := 0;
    new.credited := 0;
    new.written_off := 0;
    new.payment_count := 0;
    new.partial_payment_count := 0;
    new.last_payment_date := null;
    new.settled_on := null;
    if tg_op = 'INSERT' then
        new.subtotal := 0;  -- no line can be there before its invoice
        new.tax_amount := 0;
    else
        select figures.subtotal, figures.tax_amount into new.subtotal, new.tax_amount
        from billing.invoice_figures(new.tenant_id, new.id, new.discount) as figures;
    end if;
    new.total := new.subtotal - new.discount + new.tax_amount;
    if new.issued_at is not null then
        if not exists (select from billing.invoice_lines where tenant_id = new.tenant_id and invoice_id = new.id) then
            perform core.refuse(
                'CONFLICT', 'INVOICE_EMPTY', 'The invoice has no lines. Add what is charged for first.', 'input.id'
            );
        end if;
        new.number := billing.invoice_number(new.tenant_id, new.series);
    end if;
    return new;
end
$$;
comment on function billing.invoice_keep() is
    'Keeps a draft''s figures equal to its lines, gives the number at issue, and keeps an issued invoice as it was issued, whoever writes.';

create trigger keep before insert or update on billing.invoices for each row execute function billing.invoice_keep();
create trigger touch before update on billing.invoices for each row execute function core.touch();
create trigger never_deleted before delete on billing.invoices for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.invoices for each statement execute function core.refuse_change();

create function billing.invoice_post() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    client_name text;
    issued ledger.transfers;
begin
    if new.issued_at is not null and old.issued_at is null and new.total > 0 then
        select name into client_name from billing.clients where tenant_id = new.tenant_id and id = new.client_id;
        perform ledger.post(
            'INVOICE_ISSUE',
            array(
                select leg from unnest(array[
                    (billing.receivable(new.client_id, client_name, new.currency), new.total),
                    (ledger.account('REVENUE', new.currency, 'INCOME', 'Revenue'), new.discount - new.subtotal),
                    (ledger.account('TAX_PAYABLE', new.currency, 'LIABILITY', 'Tax payable'), - new.tax_amount)
                ]::ledger.leg[]) as leg
                where leg.amount <> 0
            ),
            new.issue_date, format('Invoice %s to %s', new.number, client_name), 'INVOICE', new.id
        );
    elsif new.voided_at is not null and old.voided_at is null and new.issued_at is not null and new.total > 0 then
        select * into issued from ledger.transfers
        where tenant_id = new.tenant_id and source_id = new.id and kind = 'INVOICE_ISSUE';
        perform ledger.reverse(issued.id, format('Void: %s', left(new.void_reason, 1900)));
    end if;
    if new.written_off <> old.written_off then
        select name into client_name from billing.clients where tenant_id = new.tenant_id and id = new.client_id;
        perform ledger.post(
            'WRITE_OFF',
            array[
                (ledger.account('BAD_DEBT', new.currency, 'EXPENSE', 'Bad debt'), new.written_off - old.written_off),
                (billing.receivable(new.client_id, client_name, new.currency), old.written_off - new.written_off)
            ]::ledger.leg[],
            greatest(core.today(), new.issue_date),
            left(format('Write-off of invoice %s: %s', new.number, new.write_off_reason), 2000), 'INVOICE', new.id
        );
    end if;
    return null;
end
$$;
comment on function billing.invoice_post() is
    'Posts an invoice to the ledger when it is issued, takes that back when it is voided, and posts what is written off, whoever writes.';

create trigger post after update of issued_at, voided_at, written_off on billing.invoices
    for each row execute function billing.invoice_post();
create trigger audit after insert or update or delete on billing.invoices
    for each row execute function core.audit('INVOICE', 'number_key,total_minor,balance_minor,paid_minor,settled_on');
