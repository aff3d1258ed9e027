-- A credit adjustment raises or lowers the debt of a line otherwise than by orders and payments. Whoever asks for one does not
-- decide on it.

create table trade.credit_adjustments (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    credit_line_id uuid not null,
    retailer_id uuid not null,
    vendor_id uuid not null,
    kind text not null,
    amount core.money not null,
    currency core.currency not null,
    reason text not null,
    state text not null default 'REQUESTED',
    decided_at timestamptz,
    decided_by uuid,
    transfer_id uuid,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    foreign key (tenant_id, credit_line_id, retailer_id, vendor_id, currency)
        references trade.credit_lines (tenant_id, id, retailer_id, vendor_id, currency),
    foreign key (tenant_id, transfer_id) references ledger.transfers,
    constraint credit_adjustments_kind_check check (kind in ('CREDIT', 'DEBIT', 'WRITE_OFF')),
    constraint credit_adjustments_amount_check check (amount > 0),
    constraint credit_adjustments_reason_check check (char_length(btrim(reason)) between 1 and 500),
    constraint credit_adjustments_state_check check (state in ('REQUESTED', 'APPROVED', 'DECLINED')),
    constraint credit_adjustments_decided_check check (
        (state = 'REQUESTED') = (decided_at is null) and (state = 'APPROVED') = (transfer_id is not null)
    ),
    constraint credit_adjustments_second_check check (decided_by is distinct from created_by or decided_by is null)
);

comment on table trade.credit_adjustments is 'A change of a line''s debt that is no order''s and no payment''s, asked for by one person and decided by another.';
comment on column trade.credit_adjustments.tenant_id is 'The organisation.';
comment on column trade.credit_adjustments.id is 'The adjustment''s id.';
comment on column trade.credit_adjustments.credit_line_id is 'The line.';
comment on column trade.credit_adjustments.retailer_id is 'Who owes.';
comment on column trade.credit_adjustments.vendor_id is 'Whom it is owed.';
comment on column trade.credit_adjustments.kind is 'CREDIT raises the debt, DEBIT lowers it, WRITE_OFF lowers it because it will not be paid.';
comment on column trade.credit_adjustments.amount is 'By how much.';
comment on column trade.credit_adjustments.currency is 'The currency of the line.';
comment on column trade.credit_adjustments.reason is 'Why, in 1 to 500 characters.';
comment on column trade.credit_adjustments.state is 'REQUESTED until another person has APPROVED or DECLINED it.';
comment on column trade.credit_adjustments.decided_at is 'When it was decided.';
comment on column trade.credit_adjustments.decided_by is 'Who decided.';
comment on column trade.credit_adjustments.transfer_id is 'The transfer of the ledger by which it was posted.';
comment on column trade.credit_adjustments.created_at is 'When it was asked for.';
comment on column trade.credit_adjustments.created_by is 'Who asked for it.';
comment on column trade.credit_adjustments.updated_at is 'When it last changed.';
comment on constraint credit_adjustments_kind_check on trade.credit_adjustments is
    'ADJUSTMENT_KIND_UNKNOWN input.kind: An adjustment is a CREDIT, a DEBIT or a WRITE_OFF.';
comment on constraint credit_adjustments_amount_check on trade.credit_adjustments is
    'AMOUNT_POSITIVE input.amount: An adjustment is of more than nothing.';
comment on constraint credit_adjustments_reason_check on trade.credit_adjustments is
    'REASON_REQUIRED input.reason: Say why in 1 to 500 characters.';
comment on constraint credit_adjustments_state_check on trade.credit_adjustments is
    'ADJUSTMENT_STATE_UNKNOWN: An adjustment is REQUESTED, APPROVED or DECLINED.';
comment on constraint credit_adjustments_decided_check on trade.credit_adjustments is
    'ADJUSTMENT_DECIDED: What is decided says when, and what is approved is posted.';
comment on constraint credit_adjustments_second_check on trade.credit_adjustments is
    'SECOND_PERSON_REQUIRED input.id: Whoever asked for an adjustment does not decide on it. Ask somebody else.';

create index credit_adjustments_line on trade.credit_adjustments (tenant_id, credit_line_id, created_at, id);
create index credit_adjustments_retailer on trade.credit_adjustments (tenant_id, retailer_id, created_at, id);
create index credit_adjustments_vendor on trade.credit_adjustments (tenant_id, vendor_id, created_at, id);
create index credit_adjustments_state on trade.credit_adjustments (tenant_id, state, created_at, id);
create index credit_adjustments_created_at on trade.credit_adjustments (tenant_id, created_at, id);

alter table trade.credit_adjustments enable row level security;
alter table trade.credit_adjustments force row level security;

-- Those of the tenant, for those who see all of it: what comes of one stands in the credit ledger.
create policy tenant on trade.credit_adjustments to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.credit_adjustments for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, credit_line_id, retailer_id, vendor_id, kind, amount, currency, reason, state, decided_at, decided_by,
    transfer_id, created_at, created_by, updated_at
) on trade.credit_adjustments to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: adjustments are written by the functions below.

create function trade.credit_adjustment_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        new.state := 'REQUESTED';
        new.created_by := core.user_id();
        select null, null, null into new.decided_at, new.decided_by, new.transfer_id;
        return new;
    end if;
    if (new.tenant_id, new.id, new.credit_line_id, new.kind, new.amount, new.reason, new.created_by, new.created_at)
        is distinct from (old.tenant_id, old.id, old.credit_line_id, old.kind, old.amount, old.reason, old.created_by, old.created_at)
    then
        perform core.refuse('CONFLICT', 'ADJUSTMENT_FIXED', 'An adjustment stays as it was asked for. Decline it, and ask for another.', 'input.id');
    elsif old.state <> 'REQUESTED' then
        perform core.refuse('CONFLICT', 'ADJUSTMENT_DECIDED', format('This adjustment is %s already.', lower(old.state)), 'input.id');
    end if;
    new.decided_at := statement_timestamp();
    new.decided_by := core.user_id();
    if new.decided_by is null or new.decided_by = old.created_by then
        perform core.refuse(
            'CONFLICT', 'SECOND_PERSON_REQUIRED', 'Whoever asked for an adjustment does not decide on it. Ask somebody else.', 'input.id'
        );
    end if;
    new.transfer_id := case when new.state = 'APPROVED' then trade.credit_adjustment_post(new) end;
    return new;
end
$$;
comment on function trade.credit_adjustment_keep() is 'Has an adjustment stay as it was asked for, and another person decide on it once, whoever writes.';

create function trade.credit_adjustment_post(adjustment trade.credit_adjustments) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    line constant trade.credit_lines := trade.credit_line_found(adjustment.credit_line_id, 'input.id');
    raised constant numeric := adjustment.amount * case adjustment.kind when 'CREDIT' then 1 else -1 end;
begin
    if adjustment.kind = 'CREDIT' and line.debt + line.held::numeric + adjustment.amount > line.credit_limit then
        perform core.refuse(
            'CONFLICT', 'CREDIT_LIMIT_EXCEEDED',
            format(
                'The limit is %s; %s is owed, %s held, and %s asked for.', round(line.credit_limit, 2), round(line.debt, 2),
                round(line.held, 2), round(adjustment.amount, 2)
            ),
            'input.id'
        );
    elsif adjustment.kind = 'WRITE_OFF' and adjustment.amount > line.debt then
        perform core.refuse(
            'CONFLICT', 'WRITE_OFF_RANGE', format('The line owes %s. No more than that can be written off.', round(line.debt, 2)), 'input.id'
        );
    end if;
    return ledger.post(
        case adjustment.kind when 'WRITE_OFF' then 'CREDIT_WRITE_OFF' else 'CREDIT_ADJUSTMENT' end,
        array[
            (line.account_id, raised),
            (
                case adjustment.kind
                    when 'WRITE_OFF' then ledger.account('BAD_DEBT', line.currency, 'EXPENSE', 'Bad debt')
                    else ledger.account('TRADE_ADJUSTMENTS', line.currency, 'EXPENSE', 'Adjustments of trade')
                end,
                - raised
            )
        ]::ledger.leg[],
        core.today(), adjustment.reason, 'CREDIT_ADJUSTMENT', adjustment.id
    );
end
$$;
comment on function trade.credit_adjustment_post(trade.credit_adjustments) is 'Posts an adjustment, within the limit and the debt of its line.';

create trigger keep before insert or update on trade.credit_adjustments for each row execute function trade.credit_adjustment_keep();
create trigger touch before update on trade.credit_adjustments for each row execute function core.touch();
create trigger never_deleted before delete on trade.credit_adjustments for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.credit_adjustments for each statement execute function core.refuse_change();
create trigger audit after insert or update on trade.credit_adjustments for each row execute function core.audit('CREDIT_ADJUSTMENT', '');

create function trade.credit_adjustment_ask(input jsonb, wanted_kind text) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    given trade.credit_adjustments := jsonb_populate_record(null::trade.credit_adjustments, input - '{id,currency}'::text[]);
    line trade.credit_lines;
    made uuid;
begin
    select * into line from trade.credit_lines where tenant_id = core.tenant_id() and id = given.credit_line_id;
    if line.id is null then
        perform core.refuse('NOT_FOUND', 'CREDIT_LINE_NOT_FOUND', 'There is no credit line with this id.', 'input.creditLineId');
    end if;
    insert into trade.credit_adjustments (tenant_id, credit_line_id, retailer_id, vendor_id, kind, amount, currency, reason)
    values (core.tenant_id(), line.id, line.retailer_id, line.vendor_id, wanted_kind, given.amount, line.currency, given.reason)
    returning id into made;
    return made;
end
$$;
comment on function trade.credit_adjustment_ask(jsonb, text) is 'Enters what is asked for, to be decided by another person.';

create function trade.credit_adjust(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    if input ->> 'kind' = 'WRITE_OFF' then
        perform core.refuse('BAD_USER_INPUT', 'ADJUSTMENT_KIND_UNKNOWN', 'A debt is written off by creditWriteOff.', 'input.kind');
    end if;
    return trade.credit_adjustment_ask(input, input ->> 'kind');
end
$$;
comment on function trade.credit_adjust(jsonb) is
    'Asks that the debt of a line be raised or lowered. It changes when another person has approved it.';

create function trade.credit_write_off(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.credit_adjustment_ask(input, 'WRITE_OFF');
end
$$;
comment on function trade.credit_write_off(jsonb) is
    'Asks that debt which will not be paid be written off. It is when another person has approved it.';

create function trade.credit_adjustment_decide(input jsonb, wanted_state text) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted constant uuid := (input ->> 'id')::uuid;
begin
    perform from trade.credit_adjustments where tenant_id = core.tenant_id() and id = wanted for update;
    if not found then
        perform core.refuse('NOT_FOUND', 'ADJUSTMENT_NOT_FOUND', 'There is no adjustment with this id.', 'input.id');
    end if;
    update trade.credit_adjustments set state = wanted_state where tenant_id = core.tenant_id() and id = wanted;
    return wanted;
end
$$;
comment on function trade.credit_adjustment_decide(jsonb, text) is 'Decides on what another person asked for.';

create function trade.credit_adjustment_approve(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.credit_adjustment_decide(input, 'APPROVED');
end
$$;
comment on function trade.credit_adjustment_approve(jsonb) is 'Approves what another person asked for, and posts it.';

create function trade.credit_adjustment_decline(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.credit_adjustment_decide(input, 'DECLINED');
end
$$;
comment on function trade.credit_adjustment_decline(jsonb) is 'Declines what another person asked for.';

grant execute on function
    trade.credit_adjust(jsonb), trade.credit_write_off(jsonb), trade.credit_adjustment_approve(jsonb),
    trade.credit_adjustment_decline(jsonb)
    to countinghouse_tenant;
