-- An account is a place where money stands: what a client owes, what is in the bank, what was earned.

reset role;
create schema ledger authorization countinghouse_owner;
comment on schema ledger is 'The double-entry ledger under every domain: accounts, transfers, entries and holds.';
grant usage on schema ledger to countinghouse_api, countinghouse_tenant, countinghouse_analyst, countinghouse_reader,
    countinghouse_worker;
set local role countinghouse_owner;

create table ledger.accounts (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    code text not null,
    name text not null,
    kind text not null,
    currency core.currency not null,
    owner_noun text,
    owner_id uuid,
    scope_ids uuid[] not null default '{}',
    floor core.money,
    ceiling core.money,
    posted core.money not null default 0,
    held_up core.money not null default 0,
    held_down core.money not null default 0,
    version bigint not null default 0,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    code_key text collate "C" not null generated always as (lower(code)) stored,
    normal_side text not null generated always as (case when kind in ('ASSET', 'EXPENSE') then 'DEBIT' else 'CREDIT' end) stored,
    balance core.money not null generated always as (
        case when kind in ('ASSET', 'EXPENSE') then posted::numeric else - posted end
    ) stored,
    balance_minor bigint not null generated always as (
        case when kind in ('ASSET', 'EXPENSE') then (posted * 100)::bigint else (- posted * 100)::bigint end
    ) stored,
    primary key (tenant_id, id),
    constraint accounts_code_unique unique (tenant_id, code, currency),
    constraint accounts_code_check check (code ~ '^[A-Z][A-Z0-9_]{0,49}(:[0-9a-f-]{36})?$'),
    constraint accounts_name_check check (char_length(btrim(name)) between 1 and 300),
    constraint accounts_kind_check check (kind in ('ASSET', 'LIABILITY', 'EQUITY', 'INCOME', 'EXPENSE')),
    constraint accounts_normal_side_check check (normal_side in ('DEBIT', 'CREDIT')),
    constraint accounts_owner_check check (
        (owner_noun is null) = (owner_id is null) and owner_noun ~ '^[A-Z][A-Z_]{1,49}$'
    ),
    constraint accounts_held_check check (held_up >= 0 and held_down >= 0),
    constraint accounts_version_check check (version >= 0),
    -- Infinitely wide where there is no limit. Exactly at the limit is allowed.
    constraint accounts_ceiling_check check (balance + held_up <= ceiling),
    constraint accounts_floor_check check (balance - held_down >= floor)
);

comment on table ledger.accounts is 'A place where money stands. Its balance is the sum of its entries, and only entries change it.';
comment on column ledger.accounts.tenant_id is 'The organisation.';
comment on column ledger.accounts.id is 'The account''s id.';
comment on column ledger.accounts.code is 'Its short name, such as REVENUE; unique with its currency. An account of somebody carries their id.';
comment on column ledger.accounts.name is 'Its name in words.';
comment on column ledger.accounts.kind is 'ASSET, LIABILITY, EQUITY, INCOME or EXPENSE.';
comment on column ledger.accounts.currency is 'The currency of all its entries, by its ISO 4217 code.';
comment on column ledger.accounts.owner_noun is 'What kind of thing it is kept for, such as CLIENT; empty for an account of the organisation itself.';
comment on column ledger.accounts.owner_id is 'The id of the thing that it is kept for.';
comment on column ledger.accounts.scope_ids is 'The scopes that may see it, such as its client.';
comment on column ledger.accounts.floor is 'What its balance, less what is held down, never falls below; empty for no limit.';
comment on column ledger.accounts.ceiling is 'What its balance and what is held up never exceed, such as a credit limit; empty for no limit.';
comment on column ledger.accounts.posted is 'The sum of its entries: debits positive, credits negative.';
comment on column ledger.accounts.held_up is 'What pending holds may still add to its balance.';
comment on column ledger.accounts.held_down is 'What pending holds may still take from its balance.';
comment on column ledger.accounts.version is 'How many entries it has: the sequence number of the last one.';
comment on column ledger.accounts.created_at is 'When it was opened.';
comment on column ledger.accounts.created_by is 'Who opened it.';
comment on column ledger.accounts.updated_at is 'When it last changed.';
comment on column ledger.accounts.code_key is 'The code in small letters, by which accounts are ordered and found.';
comment on column ledger.accounts.normal_side is 'The side on which its balance grows: DEBIT of assets and expenses, CREDIT of the others.';
comment on column ledger.accounts.balance is 'What stands on it, by its normal side: positive where it is on that side.';
comment on column ledger.accounts.balance_minor is 'The balance in hundredths, by which accounts are filtered and ordered.';
comment on constraint accounts_code_unique on ledger.accounts is
    'ACCOUNT_CODE_TAKEN input.code: Another account has this code and currency already.';
comment on constraint accounts_code_check on ledger.accounts is
    'ACCOUNT_CODE_INVALID input.code: An account''s code has 1 to 50 capital letters, digits and underscores, and begins with a letter.';
comment on constraint accounts_name_check on ledger.accounts is
    'ACCOUNT_NAME_INVALID input.name: An account''s name has 1 to 300 characters.';
comment on constraint accounts_kind_check on ledger.accounts is
    'ACCOUNT_KIND_UNKNOWN input.kind: An account is ASSET, LIABILITY, EQUITY, INCOME or EXPENSE.';
comment on constraint accounts_normal_side_check on ledger.accounts is
    'NORMAL_SIDE_UNKNOWN: A normal side is DEBIT or CREDIT.';
comment on constraint accounts_owner_check on ledger.accounts is
    'ACCOUNT_OWNER_INVALID: An account''s owner is a kind of thing and its id, or neither.';
comment on constraint accounts_held_check on ledger.accounts is 'HELD_NEGATIVE: What is held is zero or more.';
comment on constraint accounts_version_check on ledger.accounts is 'VERSION_NEGATIVE: Entries count from 1.';
comment on constraint accounts_ceiling_check on ledger.accounts is
    'CEILING_EXCEEDED: This would take the balance of an account above its ceiling.';
comment on constraint accounts_floor_check on ledger.accounts is
    'FLOOR_EXCEEDED: This would take the balance of an account below its floor.';

create index accounts_code on ledger.accounts (tenant_id, code_key, id);
create index accounts_kind on ledger.accounts (tenant_id, kind, code_key, id);
create index accounts_currency on ledger.accounts (tenant_id, currency, code_key, id);
create index accounts_balance on ledger.accounts (tenant_id, balance_minor, id);
create index accounts_created_at on ledger.accounts (tenant_id, created_at, id);
create index accounts_owner on ledger.accounts (tenant_id, owner_id, code);

alter table ledger.accounts enable row level security;
alter table ledger.accounts force row level security;

-- The tenant's accounts; a scoped person sees those that are kept for them.
create policy tenant on ledger.accounts to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or scope_ids && core.scope_ids()))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or scope_ids && core.scope_ids()));
create policy analyst on ledger.accounts for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, code, name, kind, currency, owner_noun, owner_id, scope_ids, floor, ceiling, posted, held_up, held_down,
    version, created_at, created_by, updated_at, code_key, normal_side, balance, balance_minor
) on ledger.accounts to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: accounts change by entries and holds.

create function ledger.account_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        if (new.posted, new.held_up, new.held_down, new.version) is distinct from (0, 0, 0, 0) then
            perform core.refuse('CONFLICT', 'ACCOUNT_STARTS_EMPTY', 'An account begins without a balance. Post a transfer to it.');
        end if;
        return new;
    end if;
    if (new.tenant_id, new.id, new.kind, new.currency, new.owner_noun, new.owner_id)
        is distinct from (old.tenant_id, old.id, old.kind, old.currency, old.owner_noun, old.owner_id)
    then
        perform core.refuse(
            'CONFLICT', 'ACCOUNT_FIXED', 'An account keeps its kind, its currency and its owner. Open a new one instead.', 'input.id'
        );
    end if;
    -- By the trigger that counts holds, and by nobody else. To add the pending ones up at each commit would take as long as
    -- there are many.
    if (new.held_up, new.held_down) is distinct from (old.held_up, old.held_down) and pg_trigger_depth() = 1 then
        perform core.refuse('CONFLICT', 'ACCOUNT_OUT_OF_STEP', 'What is held changes by holds alone.');
    end if;
    if new.version not between old.version and old.version + 1 then
        perform core.refuse('CONFLICT', 'ACCOUNT_OUT_OF_STEP', 'An account moves by one entry at a time.');
    end if;
    return new;
end
$$;
comment on function ledger.account_keep() is 'Has an account begin empty, stay what it is, and move by one entry at a time.';

create trigger keep before insert or update on ledger.accounts for each row execute function ledger.account_keep();
create trigger touch before update on ledger.accounts for each row execute function core.touch();
create trigger never_deleted before delete on ledger.accounts for each row execute function core.refuse_change();
create trigger never_emptied before truncate on ledger.accounts for each statement execute function core.refuse_change();
create trigger audit after insert or update of code, name, floor, ceiling, scope_ids on ledger.accounts
    for each row execute function core.audit('LEDGER_ACCOUNT', 'code_key,balance_minor,balance,posted,held_up,held_down,version');
-- NOTE: no audit of balances: the entries are their log.

create function ledger.account(
    wanted_code text, wanted_currency text, wanted_kind text, wanted_name text, noun text default null,
    whose uuid default null
) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted_id uuid;
    full_code constant text := wanted_code || coalesce(':' || whose, '');
begin
    select id into wanted_id from ledger.accounts
    where tenant_id = core.tenant_id() and code = full_code and currency = wanted_currency;
    if wanted_id is null then
        insert into ledger.accounts (tenant_id, code, name, kind, currency, owner_noun, owner_id, scope_ids)
        values (
            core.tenant_id(), full_code, wanted_name, wanted_kind, wanted_currency, noun, whose,
            array_remove(array[whose], null)
        )
        on conflict (tenant_id, code, currency) do nothing;
        -- Made by this statement, or by another transaction a moment ago.
        select id into wanted_id from ledger.accounts
        where tenant_id = core.tenant_id() and code = full_code and currency = wanted_currency;
    end if;
    return wanted_id;
end
$$;
comment on function ledger.account(text, text, text, text, text, uuid) is
    'The account of that code and currency, of somebody where an id is given; opened when it is asked for the first time.';
