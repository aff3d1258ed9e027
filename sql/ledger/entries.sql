-- An entry is one side of a transfer: so much on one account. Entries of an account follow one another without a gap.

create table ledger.entries (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    transfer_id uuid not null,
    position integer not null,
    account_id uuid not null,
    seq bigint not null,
    effective_date date not null,
    currency core.currency not null,
    amount core.money not null,
    balance_before core.money not null,
    balance_after core.money not null,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    amount_minor bigint not null generated always as ((amount * 100)::bigint) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, transfer_id) references ledger.transfers on delete restrict on update restrict,
    foreign key (tenant_id, account_id) references ledger.accounts on delete restrict on update restrict,
    constraint entries_position_unique unique (tenant_id, transfer_id, position),
    constraint entries_position_check check (position between 1 and 1000),
    constraint entries_seq_unique unique (tenant_id, account_id, seq),
    constraint entries_seq_check check (seq > 0),
    constraint entries_amount_check check (amount <> 0),
    constraint entries_balance_check check (balance_after = balance_before + amount)
);

comment on table ledger.entries is 'One side of a transfer: so much on one account. Never changed.';
comment on column ledger.entries.tenant_id is 'The organisation.';
comment on column ledger.entries.id is 'The entry''s id.';
comment on column ledger.entries.transfer_id is 'Its transfer.';
comment on column ledger.entries.position is 'Its place in the transfer, from 1.';
comment on column ledger.entries.account_id is 'Its account.';
comment on column ledger.entries.seq is 'Its place among the entries of the account, from 1 and without a gap.';
comment on column ledger.entries.effective_date is 'The day from which it counts: that of its transfer.';
comment on column ledger.entries.currency is 'The currency of the account.';
comment on column ledger.entries.amount is 'How much: a debit is positive, a credit negative.';
comment on column ledger.entries.balance_before is 'The sum of all entries of the account before it.';
comment on column ledger.entries.balance_after is 'The sum of all entries of the account with it.';
comment on column ledger.entries.created_at is 'When it was posted.';
comment on column ledger.entries.created_by is 'Who posted it.';
comment on column ledger.entries.amount_minor is 'The amount in hundredths, by which entries are filtered and ordered.';
comment on constraint entries_position_unique on ledger.entries is
    'POSITION_TAKEN: Two entries of a transfer cannot have the same place.';
comment on constraint entries_position_check on ledger.entries is
    'TOO_MANY_ENTRIES input.entries: A transfer has at most 1000 entries.';
comment on constraint entries_seq_unique on ledger.entries is 'ENTRY_OUT_OF_STEP: Entries of an account follow one another.';
comment on constraint entries_seq_check on ledger.entries is 'ENTRY_OUT_OF_STEP: Entries count from 1.';
comment on constraint entries_amount_check on ledger.entries is
    'ENTRY_ZERO input.entries.amount: An entry moves something: its amount is not zero.';
comment on constraint entries_balance_check on ledger.entries is
    'ENTRY_OUT_OF_STEP: The balance after an entry is the one before and its amount.';

-- What balances as of a day, statements and trial balances add up.
create index entries_effective_date on ledger.entries (tenant_id, account_id, effective_date, seq) include (amount);
create index entries_day on ledger.entries (tenant_id, effective_date, id) include (account_id, amount);
create index entries_created_at on ledger.entries (tenant_id, created_at, id);

alter table ledger.entries enable row level security;
alter table ledger.entries force row level security;

-- The tenant's entries, for those who see all of it.
create policy tenant on ledger.entries to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on ledger.entries for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, transfer_id, position, account_id, seq, effective_date, currency, amount, balance_before, balance_after,
    created_at, created_by, amount_minor
) on ledger.entries to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: entries are posted with their transfer.

create function ledger.entry_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    account ledger.accounts;
begin
    -- Whatever the writer says of them: place, balances and currency are the account's, the day is the transfer's.
    update ledger.accounts set posted = posted + new.amount, version = version + 1
    where tenant_id = new.tenant_id and id = new.account_id
    returning * into account;
    if account.id is null then
        perform core.refuse('NOT_FOUND', 'ACCOUNT_NOT_FOUND', 'There is no account with this id.', 'input.entries.accountId');
    end if;
    if new.currency <> account.currency then
        perform core.refuse(
            'BAD_USER_INPUT', 'CURRENCY_MIXED', format('%s is kept in %s.', account.name, account.currency),
            'input.entries.currency'
        );
    end if;
    new.seq := account.version;
    new.balance_after := account.posted;
    new.balance_before := account.posted - new.amount;
    new.currency := account.currency;
    select effective_date into new.effective_date from ledger.transfers
    where tenant_id = new.tenant_id and id = new.transfer_id;
    return new;
end
$$;
comment on function ledger.entry_keep() is 'Moves the account by the entry, and gives the entry its place and its balances, whoever writes.';

create trigger keep before insert on ledger.entries for each row execute function ledger.entry_keep();
create trigger never_changed before update or delete on ledger.entries
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on ledger.entries
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: entries are the log of the accounts.

-- What must hold when a transaction commits, whoever wrote. With the rights of the owner, so that it is judged alike on
-- every version and through every way in; where the policies show it nothing, nothing stands.

create function ledger.transfer_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted uuid;
    transfer ledger.transfers;
    legs integer;
    is_balanced boolean;
begin
    if tg_table_name = 'transfers' then
        wanted := new.id;
    else
        wanted := new.transfer_id;
    end if;
    select * into transfer from ledger.transfers where tenant_id = new.tenant_id and id = wanted;
    select coalesce(sum(sides.legs), 0), coalesce(bool_and(sides.amount = 0), false) into legs, is_balanced
    from (
        select count(*) as legs, sum(amount) as amount from ledger.entries
        where tenant_id = transfer.tenant_id and transfer_id = transfer.id
        group by currency
    ) as sides;
    if legs < 2 or not is_balanced then
        perform core.refuse(
            'BAD_USER_INPUT', 'TRANSFER_UNBALANCED',
            'A transfer has two entries or more, and in each currency its debits equal its credits.', 'input.entries'
        );
    end if;
    if transfer.reverses_id is not null and exists (
        select from (
            select account_id, sum(amount) as amount from ledger.entries
            where tenant_id = transfer.tenant_id and transfer_id in (transfer.id, transfer.reverses_id)
            group by account_id
        ) as left_over
        where left_over.amount <> 0
    ) then
        perform core.refuse('CONFLICT', 'REVERSAL_NOT_WHOLE', 'A reversal takes back the whole of a transfer, and nothing else.');
    end if;
    if transfer.refunds_id is not null and exists (
        select from ledger.entries
        where tenant_id = transfer.tenant_id and amount > 0 and transfer_id in (
            select transfer.refunds_id
            union all
            select id from ledger.transfers where tenant_id = transfer.tenant_id and refunds_id = transfer.refunds_id
        )
        group by currency
        having sum(case when transfer_id = transfer.refunds_id then amount else - amount end) < 0
    ) then
        perform core.refuse(
            'CONFLICT', 'REFUND_TOO_LARGE', 'The refunds of a transfer never exceed the transfer.', 'input.amount'
        );
    end if;
    return null;
end
$$;
comment on function ledger.transfer_stands() is
    'Refuses a transfer that does not add up to nothing in each currency, a reversal that is not whole, and refunds of more than there was.';

create constraint trigger stands after insert on ledger.transfers
    deferrable initially deferred for each row execute function ledger.transfer_stands();
create constraint trigger stands after insert on ledger.entries
    deferrable initially deferred for each row execute function ledger.transfer_stands();
