-- A client entry is an entry of a client's account, beside the document on which it stands. What was open on any day is read
-- from these: documents know what stands on them now, and the ledger's own entries cannot be shown to one client alone.

create table billing.client_entries (
    tenant_id uuid not null,
    id uuid not null,
    client_id uuid not null,
    invoice_id uuid,
    payment_id uuid,
    credit_note_id uuid,
    kind text not null,
    effective_date date not null,
    ages_from date not null,
    currency core.currency not null,
    amount core.money not null,
    description text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id, id) references ledger.entries,
    foreign key (tenant_id, client_id) references billing.clients,
    foreign key (tenant_id, client_id, invoice_id) references billing.invoices (tenant_id, client_id, id),
    foreign key (tenant_id, client_id, payment_id) references billing.payments (tenant_id, client_id, id),
    foreign key (tenant_id, client_id, credit_note_id) references billing.credit_notes (tenant_id, client_id, id),
    constraint client_entries_document_check check (num_nonnulls(invoice_id, payment_id, credit_note_id) = 1),
    constraint client_entries_kind_check check (
        kind in (
            'INVOICE', 'VOID', 'WRITE_OFF', 'CREDIT_NOTE', 'PAYMENT', 'REFUND', 'REVERSAL', 'ALLOCATION', 'UNALLOCATION'
        )
    )
);

comment on table billing.client_entries is
    'The entries of clients'' accounts, each with the document on which it stands. Written with the ledger, and never changed.';
comment on column billing.client_entries.tenant_id is 'The organisation.';
comment on column billing.client_entries.id is 'The id of the ledger''s entry.';
comment on column billing.client_entries.client_id is 'Whose account it is.';
comment on column billing.client_entries.invoice_id is 'The invoice, where it changes what is to be paid of one.';
comment on column billing.client_entries.payment_id is 'The payment, where it changes how much of one is the client''s credit.';
comment on column billing.client_entries.credit_note_id is 'The credit note, where it changes how much of one is the client''s credit.';
comment on column billing.client_entries.kind is 'What happened: INVOICE, VOID, WRITE_OFF, CREDIT_NOTE, PAYMENT, REFUND, REVERSAL, ALLOCATION, UNALLOCATION.';
comment on column billing.client_entries.effective_date is 'The day from which it counts.';
comment on column billing.client_entries.ages_from is
    'The day from which its document ages: the due date of an invoice, the day of a payment or credit note.';
comment on column billing.client_entries.currency is 'The currency of the account.';
comment on column billing.client_entries.amount is 'By how much the client owes more; negative where it owes less.';
comment on column billing.client_entries.description is 'What happened, in words.';
comment on column billing.client_entries.created_at is 'When it was posted.';
comment on column billing.client_entries.created_by is 'Who posted it.';
comment on constraint client_entries_document_check on billing.client_entries is
    'CLIENT_ENTRY_WITHOUT_DOCUMENT: A client''s account moves by its invoices, payments and credit notes alone.';
comment on constraint client_entries_kind_check on billing.client_entries is
    'CLIENT_ENTRY_KIND_UNKNOWN: A client''s account moves by its invoices, payments and credit notes alone.';

-- With what reports add up, so that what happened after a day is found without its rows.
create index client_entries_day on billing.client_entries (tenant_id, effective_date)
    include (client_id, invoice_id, ages_from, currency, amount);
create index client_entries_client on billing.client_entries (tenant_id, client_id, effective_date);
create index client_entries_invoice on billing.client_entries (tenant_id, invoice_id) where invoice_id is not null;
create index client_entries_payment on billing.client_entries (tenant_id, payment_id) where payment_id is not null;
create index client_entries_credit_note on billing.client_entries (tenant_id, credit_note_id) where credit_note_id is not null;

alter table billing.client_entries enable row level security;
alter table billing.client_entries force row level security;

-- Those of the tenant's clients; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.client_entries to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
create policy analyst on billing.client_entries for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, invoice_id, payment_id, credit_note_id, kind, effective_date, ages_from, currency, amount,
    description, created_at, created_by
) on billing.client_entries to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: they are written as the ledger's entries are.

create function billing.client_entry_write() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account ledger.accounts;
    transfer ledger.transfers;
    allocation billing.allocations;
begin
    select * into account from ledger.accounts where tenant_id = new.tenant_id and id = new.account_id;
    if account.owner_noun is distinct from 'CLIENT' then
        return null;
    end if;
    select * into transfer from ledger.transfers where tenant_id = new.tenant_id and id = new.transfer_id;
    if transfer.source_noun = 'ALLOCATION' then
        select * into allocation from billing.allocations where tenant_id = new.tenant_id and id = transfer.source_id;
    end if;
    insert into billing.client_entries (
        tenant_id, id, client_id, invoice_id, payment_id, credit_note_id, kind, effective_date, ages_from, currency, amount,
        description, created_at
    )
    select new.tenant_id, new.id, account.owner_id, document.invoice_id, document.payment_id, document.credit_note_id,
           case
               when transfer.kind = 'INVOICE_ISSUE' then 'INVOICE'
               when transfer.kind = 'REVERSAL' and transfer.source_noun = 'INVOICE' then 'VOID'
               else transfer.kind
           end,
           new.effective_date,
           coalesce(
               (select due_date from billing.invoices where tenant_id = new.tenant_id and id = document.invoice_id),
               (select received_on from billing.payments where tenant_id = new.tenant_id and id = document.payment_id),
               (select issue_date from billing.credit_notes where tenant_id = new.tenant_id and id = document.credit_note_id),
               new.effective_date
           ),
           new.currency, new.amount, transfer.description, new.created_at
    from (
        -- An allocation has an entry on each of two documents: what is to be paid is an asset, the credit a liability.
        select case
                   when transfer.source_noun = 'INVOICE' then transfer.source_id
                   when account.kind = 'ASSET' then allocation.invoice_id
               end as invoice_id,
               case
                   when transfer.source_noun = 'PAYMENT' then transfer.source_id
                   when account.kind = 'LIABILITY' then allocation.payment_id
               end as payment_id,
               case
                   when transfer.source_noun = 'CREDIT_NOTE' then transfer.source_id
                   when account.kind = 'LIABILITY' then allocation.credit_note_id
               end as credit_note_id
    ) as document;
    return null;
end
$$;
comment on function billing.client_entry_write() is
    'Enters what moves a client''s account under the document on which it stands, in the same moment.';

create trigger client_entries after insert on ledger.entries for each row execute function billing.client_entry_write();
create trigger never_changed before update or delete on billing.client_entries
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.client_entries
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: they follow the ledger's entries, which are the log of the accounts.
