-- A transfer moves money between accounts: two entries or more, which add up to nothing. It is never changed.

create table ledger.transfers (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    kind text not null,
    effective_date date not null,
    posted_at timestamptz not null default statement_timestamp(),
    description text,
    source_noun text,
    source_id uuid,
    request_id text default nullif(current_setting('app.request_id', true), ''),
    metadata core.json_object not null default '{}',
    reverses_id uuid,
    refunds_id uuid,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id) references iam.tenants on delete restrict,
    foreign key (tenant_id, reverses_id) references ledger.transfers on delete restrict on update restrict,
    foreign key (tenant_id, refunds_id) references ledger.transfers on delete restrict on update restrict,
    constraint transfers_reverses_unique unique (tenant_id, reverses_id),
    constraint transfers_kind_check check (kind ~ '^[A-Z][A-Z_]{1,49}$'),
    constraint transfers_effective_date_check check (effective_date between '1900-01-01' and '9999-12-31'),
    constraint transfers_description_check check (char_length(description) between 1 and 2000),
    constraint transfers_source_check check (
        (source_noun is null) = (source_id is null) and source_noun ~ '^[A-Z][A-Z_]{1,49}$'
    ),
    constraint transfers_undoes_check check (reverses_id is null or refunds_id is null)
);

comment on table ledger.transfers is 'A movement of money between accounts. Never changed: what was wrong is reversed.';
comment on column ledger.transfers.tenant_id is 'The organisation.';
comment on column ledger.transfers.id is 'The transfer''s id.';
comment on column ledger.transfers.kind is 'What it was, such as INVOICE_ISSUE or JOURNAL.';
comment on column ledger.transfers.effective_date is 'The day from which it counts. It may lie before the day of posting.';
comment on column ledger.transfers.posted_at is 'When it was posted.';
comment on column ledger.transfers.description is 'What it was, in words.';
comment on column ledger.transfers.source_noun is 'What kind of thing it came from, such as INVOICE; empty for a manual journal.';
comment on column ledger.transfers.source_id is 'The id of the thing that it came from.';
comment on column ledger.transfers.request_id is 'The id of the request that posted it, as in the answer and the logs.';
comment on column ledger.transfers.metadata is 'Facts of the caller''s own, as a JSON object.';
comment on column ledger.transfers.reverses_id is 'The transfer that it takes back whole.';
comment on column ledger.transfers.refunds_id is 'The transfer of which it gives back a part.';
comment on column ledger.transfers.created_at is 'When it was entered.';
comment on column ledger.transfers.created_by is 'Who posted it.';
comment on constraint transfers_reverses_unique on ledger.transfers is
    'TRANSFER_REVERSED input.id: This transfer is reversed already.';
comment on constraint transfers_kind_check on ledger.transfers is
    'TRANSFER_KIND_INVALID: A kind of transfer is named by capital letters and underscores.';
comment on constraint transfers_effective_date_check on ledger.transfers is
    'EFFECTIVE_DATE_RANGE input.effectiveDate: An effective date lies between 1900-01-01 and 9999-12-31.';
comment on constraint transfers_description_check on ledger.transfers is
    'REASON_REQUIRED input.reason: Say in 1 to 2000 characters what the transfer is for.';
comment on constraint transfers_source_check on ledger.transfers is
    'TRANSFER_SOURCE_INVALID: A transfer''s source is a kind of thing and its id, or neither.';
comment on constraint transfers_undoes_check on ledger.transfers is
    'TRANSFER_UNDOES_ONE: A transfer reverses another or refunds it, not both.';

create index transfers_effective_date on ledger.transfers (tenant_id, effective_date, id);
create index transfers_posted_at on ledger.transfers (tenant_id, posted_at, id);
create index transfers_kind on ledger.transfers (tenant_id, kind, effective_date, id);
create index transfers_source on ledger.transfers (tenant_id, source_id, id);
create index transfers_refunds on ledger.transfers (tenant_id, refunds_id, id) where refunds_id is not null;

alter table ledger.transfers enable row level security;
alter table ledger.transfers force row level security;

-- The tenant's transfers, for those who see all of it: a transfer has a side that is no scope's.
create policy tenant on ledger.transfers to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on ledger.transfers for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, kind, effective_date, posted_at, description, source_noun, source_id, request_id, metadata, reverses_id,
    refunds_id, created_at, created_by
) on ledger.transfers to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: transfers are posted by the functions of the ledger.

create function ledger.transfer_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    original ledger.transfers;
begin
    -- Locked until the transaction ends: a reversal and a refund of the same transfer come one after the other.
    select * into original from ledger.transfers
    where tenant_id = new.tenant_id and id = coalesce(new.reverses_id, new.refunds_id)
    for update;
    if original.id is null then
        return new;  -- the foreign key refuses it
    elsif original.reverses_id is not null or original.refunds_id is not null then
        perform core.refuse(
            'CONFLICT', 'TRANSFER_UNDOES', 'A reversal or refund is not taken back. Post what is to be instead.', 'input.id'
        );
    elsif exists (select from ledger.transfers where tenant_id = new.tenant_id and reverses_id = original.id) then
        perform core.refuse('CONFLICT', 'TRANSFER_REVERSED', 'This transfer is reversed already, and nothing has changed.', 'input.id');
    elsif new.reverses_id is not null
        and exists (select from ledger.transfers where tenant_id = new.tenant_id and refunds_id = original.id)
    then
        perform core.refuse('CONFLICT', 'TRANSFER_REFUNDED', 'A part of this transfer is refunded. Refund the rest instead.', 'input.id');
    elsif new.effective_date < original.effective_date then
        perform core.refuse(
            'BAD_USER_INPUT', 'EFFECTIVE_DATE_EARLY',
            format('What takes a transfer back counts from %s or later, as the transfer does.', original.effective_date),
            'input.effectiveDate'
        );
    end if;
    return new;
end
$$;
comment on function ledger.transfer_keep() is
    'Lets a transfer be reversed once or refunded, not both; what takes back is not taken back itself.';

create trigger keep before insert on ledger.transfers
    for each row when (coalesce(new.reverses_id, new.refunds_id) is not null) execute function ledger.transfer_keep();
create trigger never_changed before update or delete on ledger.transfers
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on ledger.transfers
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: a transfer says itself who posted it, when and why, and is never changed.
