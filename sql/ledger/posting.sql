-- Posting: the only functions by which balances change. They run inside the verbs of the domains, as the owner.

create type ledger.leg as (account_id uuid, amount numeric);
comment on type ledger.leg is 'One side of a transfer that is to be posted: a debit is positive, a credit negative.';

create function ledger.post(
    kind text, legs ledger.leg[], effective_on date, reason text, noun text default null, source uuid default null,
    facts jsonb default '{}', taken_back uuid default null, refunded uuid default null, transfer uuid default core.new_id()
) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- What is taken back comes first, then the accounts in the order of their ids, so that two transfers never wait for one
    -- another.
    if coalesce(taken_back, refunded) is not null then
        perform from ledger.transfers
        where tenant_id = core.tenant_id() and id = coalesce(taken_back, refunded)
        for update;
    end if;
    perform from ledger.accounts
    where tenant_id = core.tenant_id() and id = any (array(select account_id from unnest(legs)))
    order by id
    for no key update;
    insert into ledger.transfers (
        tenant_id, id, kind, effective_date, description, source_noun, source_id, metadata, reverses_id, refunds_id
    ) values (
        core.tenant_id(), transfer, kind, coalesce(effective_on, core.today()), reason, noun, source, facts, taken_back, refunded
    );
    insert into ledger.entries (tenant_id, transfer_id, position, account_id, currency, amount)
    select core.tenant_id(), transfer, leg.place, leg.account_id, account.currency, leg.amount
    from unnest(legs) with ordinality as leg (account_id, amount, place)
    left join ledger.accounts as account on account.tenant_id = core.tenant_id() and account.id = leg.account_id
    order by leg.place;
    return transfer;
end
$$;
comment on function ledger.post(text, ledger.leg[], date, text, text, uuid, jsonb, uuid, uuid, uuid) is
    'Posts a transfer of these legs and answers its id. That it balances is judged when the transaction commits.';

create function ledger.reverse(wanted uuid, reason text, effective_on date default null) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    original ledger.transfers;
begin
    select * into original from ledger.transfers where tenant_id = core.tenant_id() and id = wanted for update;
    if original.id is null then
        perform core.refuse('NOT_FOUND', 'TRANSFER_NOT_FOUND', 'There is no transfer with this id.', 'input.id');
    end if;
    return ledger.post(
        'REVERSAL',
        (
            select array_agg((account_id, - amount)::ledger.leg order by position) from ledger.entries
            where tenant_id = core.tenant_id() and transfer_id = original.id
        ),
        coalesce(effective_on, greatest(core.today(), original.effective_date)), reason, original.source_noun, original.source_id,
        taken_back => original.id
    );
end
$$;
comment on function ledger.reverse(uuid, text, date) is
    'Takes a transfer back, whole, by another one. A second time it is refused, and nothing changes.';

create function ledger.hold(
    account uuid, direction text, amount numeric, noun text default null, source uuid default null,
    until timestamptz default null
) returns uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into ledger.holds (tenant_id, account_id, direction, amount, source_noun, source_id, expires_at)
    values (core.tenant_id(), account, direction, amount, noun, source, until)
    returning id
$$;
comment on function ledger.hold(uuid, text, numeric, text, uuid, timestamptz) is
    'Keeps room on an account, if there is any: its limits are judged with what is held.';

create function ledger.hold_found(wanted uuid) returns ledger.holds
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_hold ledger.holds;
begin
    select * into found_hold from ledger.holds where tenant_id = core.tenant_id() and id = wanted for update;
    if found_hold.id is null then
        perform core.refuse('NOT_FOUND', 'HOLD_NOT_FOUND', 'There is no hold with this id.', 'input.id');
    elsif found_hold.state <> 'PENDING' then
        perform core.refuse(
            'CONFLICT', 'HOLD_ENDED', format('This hold is %s and never changes again.', lower(found_hold.state)), 'input.id'
        );
    end if;
    return found_hold;
end
$$;
comment on function ledger.hold_found(uuid) is 'The pending hold of that id, locked; refuses where there is none.';

create function ledger.post_hold_against(
    wanted uuid, contra ledger.leg[], kind text, reason text, effective_on date default null
) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    held ledger.holds := ledger.hold_found(wanted);
    account ledger.accounts;
    debit constant numeric := - (select coalesce(sum(leg.amount), 0) from unnest(contra) as leg);
    amount numeric;
    made constant uuid := core.new_id();
begin
    select * into account from ledger.accounts where tenant_id = core.tenant_id() and id = held.account_id;
    -- On which side the balance grows, and whether it is to grow.
    amount := debit * case account.normal_side when 'DEBIT' then 1 else -1 end * case held.direction when 'UP' then 1 else -1 end;
    if held.expires_at <= statement_timestamp() then
        perform core.refuse('CONFLICT', 'HOLD_EXPIRED', 'This hold has expired. Make a new one.', 'input.id');
    elsif amount > held.amount then
        perform core.refuse(
            'BAD_USER_INPUT', 'HOLD_EXCEEDED', format('This hold is for %s at most.', held.amount), 'input.amount'
        );
    end if;
    perform from ledger.accounts
    where tenant_id = core.tenant_id() and id in (select account.id union all select leg.account_id from unnest(contra) as leg)
    order by id
    for no key update;
    -- The room is given back first, then taken: together they never need more than the hold had.
    update ledger.holds set state = 'POSTED', transfer_id = made where tenant_id = core.tenant_id() and id = held.id;
    return ledger.post(
        kind, (account.id, debit)::ledger.leg || contra, effective_on, reason, held.source_noun, held.source_id, transfer => made
    );
end
$$;
comment on function ledger.post_hold_against(uuid, ledger.leg[], text, text, date) is
    'Turns a hold into a transfer against these legs: on its account comes what they come to, its amount or less; the rest is given back.';

create function ledger.post_hold(
    wanted uuid, amount numeric, contra uuid, kind text, reason text, effective_on date default null
) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    held ledger.holds := ledger.hold_found(wanted);
    side text;
begin
    select normal_side into side from ledger.accounts where tenant_id = core.tenant_id() and id = held.account_id;
    return ledger.post_hold_against(
        wanted,
        array[(contra, amount * case when (side = 'DEBIT') = (held.direction = 'UP') then -1 else 1 end)]::ledger.leg[],
        kind, reason, effective_on
    );
end
$$;
comment on function ledger.post_hold(uuid, numeric, uuid, text, text, date) is
    'Turns a hold into a transfer of its amount or less, against another account; the rest is given back.';

create function ledger.void_hold(wanted uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    held ledger.holds := ledger.hold_found(wanted);
begin
    update ledger.holds set state = 'VOIDED' where tenant_id = core.tenant_id() and id = held.id;
    return held.id;
end
$$;
comment on function ledger.void_hold(uuid) is 'Gives back what a hold holds.';

create function ledger.holds_due() returns table (tenant_id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select distinct tenant_id from ledger.holds where state = 'PENDING' and expires_at <= statement_timestamp()
$$;
comment on function ledger.holds_due() is 'The organisations in which a hold has expired. For the worker.';
grant execute on function ledger.holds_due() to countinghouse_worker;

create function ledger.expire_holds() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    due uuid[];
begin
    perform core.demand('core:work');
    -- Holds before accounts, as in post_hold(); what somebody else is ending at this moment is left to them.
    due := array(
        select id from ledger.holds
        where tenant_id = core.tenant_id() and state = 'PENDING' and expires_at <= statement_timestamp()
        order by id for update skip locked
    );
    perform from ledger.accounts
    where tenant_id = core.tenant_id() and id in (
        select account_id from ledger.holds where tenant_id = core.tenant_id() and id = any (due)
    )
    order by id for no key update;
    update ledger.holds set state = 'EXPIRED' where tenant_id = core.tenant_id() and id = any (due);
    return cardinality(due);
end
$$;
comment on function ledger.expire_holds() is
    'Ends the holds whose time has come, and answers how many there were. For the worker.';
grant execute on function ledger.expire_holds() to countinghouse_tenant;
