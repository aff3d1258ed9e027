-- A credit entry is an entry of a credit line's account, with what its retailer and its vendor may see of it: the ledger's own
-- entries cannot be shown to one of them alone. Written with the ledger, one for one, and never changed. The API shows them as
-- the credit ledger.

create table trade.credit_entries (
    tenant_id uuid not null,
    id uuid not null,
    credit_line_id uuid not null,
    retailer_id uuid not null,
    vendor_id uuid not null,
    order_id uuid,
    ledger_number bigint not null,
    transaction_type text not null,
    effective_date date not null,
    due_date date,
    currency core.currency not null,
    previous_balance core.money not null,
    amount core.money not null,
    running_balance core.money not null,
    description text,
    reverses_id uuid,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    amount_minor bigint not null generated always as ((amount * 100)::bigint) stored,
    primary key (tenant_id, id),
    constraint credit_entries_number_unique unique (tenant_id, credit_line_id, ledger_number),
    constraint credit_entries_reverses_unique unique (tenant_id, reverses_id),
    foreign key (tenant_id, id) references ledger.entries,
    foreign key (tenant_id, credit_line_id, retailer_id, vendor_id, currency)
        references trade.credit_lines (tenant_id, id, retailer_id, vendor_id, currency),
    foreign key (tenant_id, reverses_id) references trade.credit_entries,
    constraint credit_entries_transaction_type_check check (
        transaction_type in (
            'ORDER_CREDIT', 'ADJUSTMENT_CREDIT', 'PAYMENT_DEBIT', 'RETURN_DEBIT', 'ADJUSTMENT_DEBIT', 'WRITE_OFF'
        )
    ),
    constraint credit_entries_amount_check check (
        amount > 0 and running_balance = previous_balance + amount
            * case when transaction_type in ('ORDER_CREDIT', 'ADJUSTMENT_CREDIT') then 1 else -1 end
    )
);

comment on table trade.credit_entries is 'What raised or lowered the debt of a credit line, each with the debt before and after it.';
comment on column trade.credit_entries.tenant_id is 'The organisation.';
comment on column trade.credit_entries.id is 'The id of the ledger''s entry.';
comment on column trade.credit_entries.credit_line_id is 'The credit line.';
comment on column trade.credit_entries.retailer_id is 'The retailer, who owes.';
comment on column trade.credit_entries.vendor_id is 'The vendor, who is owed.';
comment on column trade.credit_entries.order_id is 'The order, where it is of one.';
comment on column trade.credit_entries.ledger_number is 'Its place among the entries of the line, from 1 and without a gap.';
comment on column trade.credit_entries.transaction_type is
    'ORDER_CREDIT and ADJUSTMENT_CREDIT raise the debt; PAYMENT_DEBIT, RETURN_DEBIT, ADJUSTMENT_DEBIT and WRITE_OFF lower it.';
comment on column trade.credit_entries.effective_date is 'The day from which it counts.';
comment on column trade.credit_entries.due_date is 'The day by which it is to be paid, where it is an order''s.';
comment on column trade.credit_entries.currency is 'The currency of the line.';
comment on column trade.credit_entries.previous_balance is 'The debt of the line before it.';
comment on column trade.credit_entries.amount is 'By how much the debt rose or fell: always above zero.';
comment on column trade.credit_entries.running_balance is 'The debt of the line with it; below zero where the retailer has paid too much.';
comment on column trade.credit_entries.description is 'What it was, in words.';
comment on column trade.credit_entries.reverses_id is 'The entry that it takes back.';
comment on column trade.credit_entries.created_at is 'When it was posted.';
comment on column trade.credit_entries.created_by is 'Who posted it.';
comment on column trade.credit_entries.amount_minor is 'The amount in hundredths, by which entries are filtered and ordered.';
comment on constraint credit_entries_number_unique on trade.credit_entries is
    'CREDIT_ENTRY_OUT_OF_STEP: Entries of a line follow one another.';
comment on constraint credit_entries_reverses_unique on trade.credit_entries is
    'CREDIT_ENTRY_REVERSED: This entry is taken back already.';
comment on constraint credit_entries_transaction_type_check on trade.credit_entries is
    'TRANSACTION_TYPE_UNKNOWN: A line moves by orders, payments, returns, adjustments and write-offs.';
comment on constraint credit_entries_amount_check on trade.credit_entries is
    'CREDIT_ENTRY_OUT_OF_STEP: The debt after an entry is the one before, raised or lowered by its amount.';

create index credit_entries_retailer on trade.credit_entries (tenant_id, retailer_id, created_at, id);
create index credit_entries_vendor on trade.credit_entries (tenant_id, vendor_id, created_at, id);
create index credit_entries_order on trade.credit_entries (tenant_id, order_id, created_at, id);
create index credit_entries_due_date on trade.credit_entries (tenant_id, due_date, id);
create index credit_entries_effective_date on trade.credit_entries (tenant_id, effective_date, id);
create index credit_entries_type on trade.credit_entries (tenant_id, transaction_type, created_at, id);
create index credit_entries_line on trade.credit_entries (tenant_id, credit_line_id, created_at, id);
create index credit_entries_created_at on trade.credit_entries (tenant_id, created_at, id);

alter table trade.credit_entries enable row level security;
alter table trade.credit_entries force row level security;

-- Those of the tenant's lines; a vendor and a retailer see those that are theirs.
create policy tenant on trade.credit_entries to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or retailer_id = any (core.scope_ids()))
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.credit_entries for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, credit_line_id, retailer_id, vendor_id, order_id, ledger_number, transaction_type, effective_date, due_date,
    currency, previous_balance, amount, running_balance, description, reverses_id, created_at, created_by, amount_minor
) on trade.credit_entries to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: they are written as the ledger's entries are.

create function trade.credit_entry_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    entry ledger.entries;
    transfer ledger.transfers;
begin
    -- Whatever the writer says: all of it is the ledger's, the line's and the order's.
    select * into entry from ledger.entries where tenant_id = new.tenant_id and id = new.id;
    select * into transfer from ledger.transfers where tenant_id = entry.tenant_id and id = entry.transfer_id;
    select line.id, line.retailer_id, line.vendor_id, line.currency
    into new.credit_line_id, new.retailer_id, new.vendor_id, new.currency
    from trade.credit_lines line where line.tenant_id = entry.tenant_id and line.account_id = entry.account_id;
    if new.credit_line_id is null then
        perform core.refuse('CONFLICT', 'CREDIT_ENTRY_WITHOUT_LINE', 'A credit entry is an entry of a credit line''s account.');
    end if;
    new.ledger_number := entry.seq;
    new.transaction_type := case
        when entry.amount > 0 then case transfer.kind when 'ORDER_DELIVER' then 'ORDER_CREDIT' else 'ADJUSTMENT_CREDIT' end
        else case transfer.kind
            when 'ORDER_RETURN' then 'RETURN_DEBIT'
            when 'RETAILER_PAYMENT' then 'PAYMENT_DEBIT'
            when 'CREDIT_WRITE_OFF' then 'WRITE_OFF'
            else 'ADJUSTMENT_DEBIT'
        end
    end;
    new.effective_date := entry.effective_date;
    new.previous_balance := entry.balance_before;
    new.running_balance := entry.balance_after;
    new.amount := abs(entry.amount);
    new.description := transfer.description;
    new.created_at := entry.created_at;
    new.created_by := entry.created_by;
    new.order_id := case transfer.source_noun when 'ORDER' then transfer.source_id end;
    new.due_date := (
        select due_date from trade.orders
        where tenant_id = new.tenant_id and id = new.order_id and new.transaction_type = 'ORDER_CREDIT'
    );
    new.reverses_id := (
        select id from ledger.entries
        where tenant_id = new.tenant_id and transfer_id = transfer.reverses_id and account_id = entry.account_id and amount = - entry.amount
        order by position limit 1
    );
    return new;
end
$$;
comment on function trade.credit_entry_keep() is 'Has a credit entry say what the ledger says, whoever writes.';

create function trade.credit_entry_write() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into trade.credit_entries (tenant_id, id, credit_line_id, retailer_id, vendor_id, ledger_number, transaction_type,
        effective_date, currency, previous_balance, amount, running_balance)
    select new.tenant_id, new.id, line.id, line.retailer_id, line.vendor_id, new.seq, 'ADJUSTMENT_CREDIT',
        new.effective_date, line.currency, 0, 0, 0  -- the trigger of the table says what
    from trade.credit_lines line
    where line.tenant_id = new.tenant_id and line.account_id = new.account_id;
    return null;
end
$$;
comment on function trade.credit_entry_write() is 'Enters what moves a credit line''s account for its retailer and its vendor, in the same moment.';

create trigger keep before insert on trade.credit_entries for each row execute function trade.credit_entry_keep();
create trigger never_changed before update or delete on trade.credit_entries
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.credit_entries
    for each statement execute function core.refuse_change();
create trigger credit_entries after insert on ledger.entries for each row execute function trade.credit_entry_write();
-- NOTE: no audit trigger: they follow the ledger's entries, which are the log of the accounts.

create function trade.credit_entry_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select from ledger.accounts where tenant_id = new.tenant_id and id = new.account_id and owner_noun = 'CREDIT_LINE'
    ) and not exists (select from trade.credit_entries where tenant_id = new.tenant_id and id = new.id) then
        perform core.refuse('CONFLICT', 'CREDIT_ENTRY_MISSING', 'What moves a credit line''s account stands in its credit ledger too.');
    end if;
    return null;
end
$$;
comment on function trade.credit_entry_stands() is 'Refuses an entry of a credit line''s account that its retailer and its vendor would not see.';

create constraint trigger credit_entry_stands after insert on ledger.entries
    deferrable initially deferred for each row execute function trade.credit_entry_stands();
