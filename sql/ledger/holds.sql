-- A hold keeps room on an account for what is expected: up to its ceiling, or down to its floor.

create table ledger.holds (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    account_id uuid not null,
    direction text not null,
    amount core.money not null,
    state text not null default 'PENDING',
    expires_at timestamptz,
    source_noun text,
    source_id uuid,
    transfer_id uuid,
    ended_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    foreign key (tenant_id, account_id) references ledger.accounts on delete restrict on update restrict,
    -- Deferred, because the room is given back before the transfer takes it.
    foreign key (tenant_id, transfer_id) references ledger.transfers deferrable initially deferred,
    constraint holds_direction_check check (direction in ('UP', 'DOWN')),
    constraint holds_amount_check check (amount > 0),
    constraint holds_state_check check (state in ('PENDING', 'POSTED', 'VOIDED', 'EXPIRED')),
    constraint holds_source_check check (
        (source_noun is null) = (source_id is null) and source_noun ~ '^[A-Z][A-Z_]{1,49}$'
    ),
    constraint holds_ended_check check (
        (state = 'PENDING') = (ended_at is null) and (state = 'POSTED') = (transfer_id is not null)
    )
);

comment on table ledger.holds is 'Room that is kept on an account for what is expected, until it is posted, voided or expires.';
comment on column ledger.holds.tenant_id is 'The organisation.';
comment on column ledger.holds.id is 'The hold''s id.';
comment on column ledger.holds.account_id is 'The account.';
comment on column ledger.holds.direction is 'UP where the balance is expected to grow, DOWN where it is expected to fall.';
comment on column ledger.holds.amount is 'By how much at most.';
comment on column ledger.holds.state is 'PENDING while it holds, then POSTED, VOIDED or EXPIRED.';
comment on column ledger.holds.expires_at is 'When it ends by itself; empty for never.';
comment on column ledger.holds.source_noun is 'What kind of thing it is for, such as ORDER.';
comment on column ledger.holds.source_id is 'The id of the thing that it is for.';
comment on column ledger.holds.transfer_id is 'The transfer that it became.';
comment on column ledger.holds.ended_at is 'When it stopped holding.';
comment on column ledger.holds.created_at is 'When it was made.';
comment on column ledger.holds.created_by is 'Who made it.';
comment on column ledger.holds.updated_at is 'When it last changed.';
comment on constraint holds_direction_check on ledger.holds is 'HOLD_DIRECTION_UNKNOWN: A hold goes UP or DOWN.';
comment on constraint holds_amount_check on ledger.holds is 'HOLD_AMOUNT input.amount: A hold is for more than nothing.';
comment on constraint holds_state_check on ledger.holds is
    'HOLD_STATE_UNKNOWN: A hold is PENDING, POSTED, VOIDED or EXPIRED.';
comment on constraint holds_source_check on ledger.holds is
    'HOLD_SOURCE_INVALID: A hold''s source is a kind of thing and its id, or neither.';
comment on constraint holds_ended_check on ledger.holds is
    'HOLD_ENDED_INVALID: A hold that does not hold any more says when it ended, and a posted one by which transfer.';

create index holds_account on ledger.holds (tenant_id, account_id, id) include (direction, amount) where state = 'PENDING';
create index holds_source on ledger.holds (tenant_id, source_id, id);
create index holds_expires_at on ledger.holds (tenant_id, expires_at) where state = 'PENDING';

alter table ledger.holds enable row level security;
alter table ledger.holds force row level security;

-- The tenant's holds, for those who see all of it.
create policy tenant on ledger.holds to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on ledger.holds for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- The worker sees in which organisations a hold may have expired.
create policy worker on ledger.holds for select to countinghouse_worker using (state = 'PENDING');
grant select (tenant_id, state, expires_at) on ledger.holds to countinghouse_worker;

grant select (
    tenant_id, id, account_id, direction, amount, state, expires_at, source_noun, source_id, transfer_id, ended_at,
    created_at, created_by, updated_at
) on ledger.holds to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: holds are made and ended by the functions below.

create function ledger.hold_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'INSERT' and new.state <> 'PENDING' then
        perform core.refuse('CONFLICT', 'HOLD_STARTS_PENDING', 'A hold begins by holding.');
    elsif tg_op = 'UPDATE' then
        if old.state <> 'PENDING' then
            perform core.refuse(
                'CONFLICT', 'HOLD_ENDED', format('This hold is %s and never changes again.', lower(old.state)), 'input.id'
            );
        elsif (new.tenant_id, new.id, new.account_id, new.direction, new.amount, new.source_noun, new.source_id)
            is distinct from (old.tenant_id, old.id, old.account_id, old.direction, old.amount, old.source_noun, old.source_id)
        then
            perform core.refuse('CONFLICT', 'HOLD_FIXED', 'A hold keeps its account and its amount. Void it and make a new one.', 'input.id');
        end if;
        new.ended_at := case when new.state <> 'PENDING' then statement_timestamp() end;
    end if;
    return new;
end
$$;
comment on function ledger.hold_keep() is 'Has a hold begin by holding, keep its account and amount, and stay as it ended.';

create function ledger.hold_count() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- What the hold adds to what is held, or gives back.
    change constant numeric := case when tg_op = 'INSERT' then new.amount when new.state <> 'PENDING' then - new.amount else 0 end;
begin
    update ledger.accounts set
        held_up = held_up + case new.direction when 'UP' then change else 0 end,
        held_down = held_down + case new.direction when 'DOWN' then change else 0 end
    where tenant_id = new.tenant_id and id = new.account_id and change <> 0;
    return null;
end
$$;
comment on function ledger.hold_count() is 'Keeps what is held on an account equal to its pending holds.';

create trigger keep before insert or update on ledger.holds for each row execute function ledger.hold_keep();
create trigger count after insert or update of state on ledger.holds for each row execute function ledger.hold_count();
create trigger touch before update on ledger.holds for each row execute function core.touch();
create trigger never_deleted before delete on ledger.holds for each row execute function core.refuse_change();
create trigger never_emptied before truncate on ledger.holds for each statement execute function core.refuse_change();
create trigger audit after insert or update on ledger.holds for each row execute function core.audit('LEDGER_HOLD', '');

create function ledger.account_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    entered numeric;
begin
    if new.version > 0 then
        select balance_after into entered from ledger.entries
        where tenant_id = new.tenant_id and account_id = new.id and seq = new.version;
        if entered is distinct from new.posted then
            perform core.refuse('CONFLICT', 'ACCOUNT_OUT_OF_STEP', 'A balance changes by entries alone.');
        end if;
    end if;
    return null;
end
$$;
comment on function ledger.account_stands() is 'Refuses a balance that no entry made.';

create constraint trigger stands after update of posted, version on ledger.accounts
    deferrable initially deferred for each row execute function ledger.account_stands();
