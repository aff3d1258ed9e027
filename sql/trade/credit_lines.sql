-- A credit line is how much a retailer may owe one vendor, and by when it pays. Its ledger account carries debt and holds.

create table trade.credit_lines (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    retailer_id uuid not null,
    vendor_id uuid not null,
    account_id uuid not null,
    currency core.currency not null,
    terms_days integer not null default 30,
    state text not null default 'ACTIVE',
    state_reason text,
    credit_limit core.money not null default 0,
    debt core.money not null default 0,
    held core.money not null default 0,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    available core.money not null generated always as (credit_limit - debt::numeric - held::numeric) stored,
    debt_minor bigint not null generated always as ((debt * 100)::bigint) stored,
    available_minor bigint not null generated always as (((credit_limit - debt::numeric - held::numeric) * 100)::bigint) stored,
    primary key (tenant_id, id),
    -- What its orders, payments and entries copy from it.
    constraint credit_lines_parties_unique unique (tenant_id, id, retailer_id, vendor_id, currency),
    constraint credit_lines_retailer_vendor_unique unique (tenant_id, retailer_id, vendor_id),
    constraint credit_lines_account_unique unique (tenant_id, account_id),
    foreign key (tenant_id, retailer_id, currency) references trade.retailers (tenant_id, id, currency),
    foreign key (tenant_id, vendor_id, currency) references trade.vendors (tenant_id, id, currency),
    foreign key (tenant_id, account_id) references ledger.accounts,
    constraint credit_lines_terms_days_check check (terms_days between 0 and 365),
    constraint credit_lines_state_check check (state in ('ACTIVE', 'SUSPENDED')),
    constraint credit_lines_state_reason_check check (
        (state = 'SUSPENDED') = (state_reason is not null) and char_length(btrim(state_reason)) between 1 and 500
    )
);

comment on table trade.credit_lines is 'How much a retailer may owe a vendor at most, and within how many days it pays.';
comment on column trade.credit_lines.tenant_id is 'The organisation.';
comment on column trade.credit_lines.id is 'The line''s id.';
comment on column trade.credit_lines.retailer_id is 'Who buys on it.';
comment on column trade.credit_lines.vendor_id is 'Who sells on it.';
comment on column trade.credit_lines.account_id is 'Its ledger account: the balance is the debt, the ceiling the limit.';
comment on column trade.credit_lines.currency is 'The currency of the line: the retailer''s and the vendor''s.';
comment on column trade.credit_lines.terms_days is 'How many days after delivery an order is due: 0 to 365.';
comment on column trade.credit_lines.state is 'ACTIVE; SUSPENDED while no new orders may be placed on it.';
comment on column trade.credit_lines.state_reason is 'Why it was suspended.';
comment on column trade.credit_lines.credit_limit is 'What debt and holds may come to together.';
comment on column trade.credit_lines.debt is 'What the retailer owes: the balance of its account. Negative where it has paid too much.';
comment on column trade.credit_lines.held is 'What orders hold that are placed and not delivered.';
comment on column trade.credit_lines.created_at is 'When it was opened.';
comment on column trade.credit_lines.created_by is 'Who opened it.';
comment on column trade.credit_lines.updated_at is 'When it last changed.';
comment on column trade.credit_lines.available is 'What there is room for: the limit less debt and holds.';
comment on column trade.credit_lines.debt_minor is 'The debt in hundredths, by which lines are filtered and ordered.';
comment on column trade.credit_lines.available_minor is 'The room in hundredths, by which lines are filtered and ordered.';
comment on constraint credit_lines_parties_unique on trade.credit_lines is 'CREDIT_LINE_KNOWN: This line is there already.';
comment on constraint credit_lines_retailer_vendor_unique on trade.credit_lines is
    'CREDIT_LINE_TAKEN input.retailerId: This retailer has a line with this vendor already.';
comment on constraint credit_lines_account_unique on trade.credit_lines is 'CREDIT_LINE_ACCOUNT: Each line has an account of its own.';
comment on constraint credit_lines_terms_days_check on trade.credit_lines is
    'TERMS_RANGE input.termsDays: Terms are 0 to 365 days.';
comment on constraint credit_lines_state_check on trade.credit_lines is 'LINE_STATE_UNKNOWN: A line is ACTIVE or SUSPENDED.';
comment on constraint credit_lines_state_reason_check on trade.credit_lines is
    'REASON_REQUIRED input.reason: Say in 1 to 500 characters why the line is suspended.';

create index credit_lines_vendor on trade.credit_lines (tenant_id, vendor_id, created_at, id);
create index credit_lines_retailer on trade.credit_lines (tenant_id, retailer_id, created_at, id);
create index credit_lines_state on trade.credit_lines (tenant_id, state, created_at, id);
create index credit_lines_debt on trade.credit_lines (tenant_id, debt_minor, id);
create index credit_lines_available on trade.credit_lines (tenant_id, available_minor, id);
create index credit_lines_created_at on trade.credit_lines (tenant_id, created_at, id);

alter table trade.credit_lines enable row level security;
alter table trade.credit_lines force row level security;

-- The tenant's lines; a vendor and a retailer see those that are theirs.
create policy tenant on trade.credit_lines to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or retailer_id = any (core.scope_ids()))
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.credit_lines for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, retailer_id, vendor_id, account_id, currency, terms_days, state, state_reason, credit_limit, debt, held,
    created_at, created_by, updated_at, available, debt_minor, available_minor
) on trade.credit_lines to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: lines are written by the functions below.

create function trade.credit_line_figures() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    select ceiling, balance, held_up into new.credit_limit, new.debt, new.held
    from ledger.accounts where tenant_id = new.tenant_id and id = new.account_id;
    return new;
end
$$;
comment on function trade.credit_line_figures() is 'Has a line''s limit, debt and holds be those of its account, whatever somebody writes.';

create function trade.credit_line_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if (new.id, new.retailer_id, new.vendor_id, new.account_id, new.currency)
        is distinct from (old.id, old.retailer_id, old.vendor_id, old.account_id, old.currency)
    then
        perform core.refuse('CONFLICT', 'LINE_FIXED', 'A line keeps its retailer, its vendor and its account.', 'input.id');
    end if;
    return new;
end
$$;
comment on function trade.credit_line_keep() is 'Has a line keep whose it is.';

create function trade.credit_line_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update trade.retailers set updated_at = statement_timestamp() where tenant_id = new.tenant_id and id = new.retailer_id;
    return null;
end
$$;
comment on function trade.credit_line_moved() is 'Has a retailer''s debt and credit added up again when a line of it has changed.';

create function trade.credit_account_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update trade.credit_lines set updated_at = statement_timestamp() where tenant_id = new.tenant_id and account_id = new.id;
    return null;
end
$$;
comment on function trade.credit_account_moved() is 'Has a line''s figures read again when its account has moved.';

create trigger figures before insert or update on trade.credit_lines for each row execute function trade.credit_line_figures();
create trigger keep before update on trade.credit_lines for each row execute function trade.credit_line_keep();
create trigger touch before update on trade.credit_lines for each row execute function core.touch();
create trigger never_deleted before delete on trade.credit_lines for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.credit_lines for each statement execute function core.refuse_change();
create trigger moved after insert or update on trade.credit_lines for each row execute function trade.credit_line_moved();
create trigger audit after insert or update on trade.credit_lines
    for each row execute function core.audit('CREDIT_LINE', 'debt,held,available,debt_minor,available_minor');
-- NOTE: no audit of debt and holds: the entries and holds of its account are their log.

-- Accounts first, then the line, then its retailer: whoever changes a line takes them in this order.
create trigger credit_line after update of posted, held_up, ceiling on ledger.accounts
    for each row when (new.owner_noun = 'CREDIT_LINE') execute function trade.credit_account_moved();

create function trade.credit_line_found(wanted uuid, field text default 'input.id') returns trade.credit_lines
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    line trade.credit_lines;
begin
    perform from ledger.accounts
    where tenant_id = core.tenant_id() and owner_id = wanted and owner_noun = 'CREDIT_LINE'
    for no key update;
    select * into line from trade.credit_lines where tenant_id = core.tenant_id() and id = wanted for no key update;
    if line.id is null then
        perform core.refuse('NOT_FOUND', 'CREDIT_LINE_NOT_FOUND', 'There is no credit line with this id.', field);
    end if;
    return line;
end
$$;
comment on function trade.credit_line_found(uuid, text) is 'The line of that id, locked with its account; refuses where there is none.';

create function trade.credit_line_open(retailer trade.retailers, vendor trade.vendors, given trade.credit_lines) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    made constant uuid := core.new_id();
    account uuid;
begin
    if retailer.currency <> vendor.currency then
        perform core.refuse(
            'BAD_USER_INPUT', 'CURRENCY_MISMATCH',
            format('The vendor sells in %s, the retailer''s lines are in %s.', vendor.currency, retailer.currency), 'input.vendorId'
        );
    end if;
    account := ledger.account(
        'CREDIT_LINE', retailer.currency, 'ASSET', left(retailer.name || ' with ' || vendor.name, 300), 'CREDIT_LINE', made
    );
    update ledger.accounts set
        ceiling = coalesce(given.credit_limit, vendor.credit_limit), scope_ids = array[retailer.id, vendor.id]
    where tenant_id = core.tenant_id() and id = account;
    insert into trade.credit_lines (tenant_id, id, retailer_id, vendor_id, account_id, currency, terms_days)
    values (core.tenant_id(), made, retailer.id, vendor.id, account, retailer.currency, coalesce(given.terms_days, 30));
    return made;
end
$$;
comment on function trade.credit_line_open(trade.retailers, trade.vendors, trade.credit_lines) is
    'Opens a line with an account of its own.';

create function trade.credit_line_set(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given trade.credit_lines := jsonb_populate_record(null::trade.credit_lines, input - array['id', 'currency']);
    line_id uuid;
    line trade.credit_lines;
begin
    perform core.demand('trade:write');
    if given.credit_limit < 0 then
        perform core.refuse('BAD_USER_INPUT', 'CREDIT_LIMIT_NEGATIVE', 'A credit limit is zero or more.', 'input.creditLimit');
    end if;
    select id into line_id from trade.credit_lines
    where tenant_id = core.tenant_id() and retailer_id = given.retailer_id and vendor_id = given.vendor_id;
    if line_id is null then
        return trade.credit_line_open(
            trade.retailer_known(given.retailer_id, 'input.retailerId'), trade.vendor_known(given.vendor_id, 'input.vendorId'), given
        );
    end if;
    line := trade.credit_line_found(line_id);
    if given.credit_limit < line.debt + line.held::numeric then
        perform core.refuse(
            'CONFLICT', 'CREDIT_LIMIT_EXCEEDED',
            format(
                'The line owes %s and holds %s: its limit cannot be less than that.', round(line.debt, 2), round(line.held, 2)
            ),
            'input.creditLimit'
        );
    end if;
    update ledger.accounts set ceiling = given.credit_limit
    where tenant_id = core.tenant_id() and id = line.account_id and given.credit_limit is not null;
    update trade.credit_lines set terms_days = coalesce(given.terms_days, terms_days)
    where tenant_id = core.tenant_id() and id = line.id;
    return line.id;
end
$$;
comment on function trade.credit_line_set(jsonb) is
    'Opens the line of a retailer with a vendor, or changes its limit and terms. Orders that are placed keep what they hold.';

create function trade.credit_line_suspend(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    line trade.credit_lines;
begin
    perform core.demand('trade:write');
    line := trade.credit_line_found((input ->> 'id')::uuid);
    if line.state = 'SUSPENDED' then
        perform core.refuse('CONFLICT', 'CREDIT_LINE_SUSPENDED', 'This line is suspended already.', 'input.id');
    end if;
    update trade.credit_lines set state = 'SUSPENDED', state_reason = coalesce(input ->> 'reason', '')
    where tenant_id = core.tenant_id() and id = line.id;
    return line.id;
end
$$;
comment on function trade.credit_line_suspend(jsonb) is 'Keeps new orders from a line. Orders that are placed go on, and payments lower its debt.';

create function trade.credit_line_resume(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    line trade.credit_lines;
begin
    perform core.demand('trade:write');
    line := trade.credit_line_found((input ->> 'id')::uuid);
    if line.state = 'ACTIVE' then
        perform core.refuse('CONFLICT', 'CREDIT_LINE_ACTIVE', 'This line is active already.', 'input.id');
    end if;
    update trade.credit_lines set state = 'ACTIVE', state_reason = null where tenant_id = core.tenant_id() and id = line.id;
    return line.id;
end
$$;
comment on function trade.credit_line_resume(jsonb) is 'Lets orders be placed on a suspended line again.';

grant execute on function
    trade.credit_line_set(jsonb), trade.credit_line_suspend(jsonb), trade.credit_line_resume(jsonb)
    to countinghouse_tenant;
