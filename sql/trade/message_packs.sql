-- A pack is what old messages of one conversation say, together: PostgreSQL compresses a value only when its row is long, which
-- a message's hardly ever is. How bodies come here stands in message_packing.sql.

create table trade.message_packs (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    conversation_id text collate "C" not null,
    bodies text[] not null,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    primary key (tenant_id, id),
    -- What its messages copy from it.
    constraint message_packs_conversation_unique unique (tenant_id, id, conversation_id),
    constraint message_packs_bodies_check check (
        array_ndims(bodies) = 1 and array_lower(bodies, 1) = 1 and cardinality(bodies) between 1 and 200
        and array_position(bodies, null) is null
    )
);

comment on table trade.message_packs is 'What messages of one conversation said more than a year ago, together and compressed.';
comment on column trade.message_packs.tenant_id is 'The organisation.';
comment on column trade.message_packs.id is 'The pack''s id.';
comment on column trade.message_packs.conversation_id is 'The conversation of its messages.';
comment on column trade.message_packs.bodies is 'What they say, in the order of their sending: each message knows its place, which counts from 1.';
comment on column trade.message_packs.created_at is 'When it was packed.';
comment on column trade.message_packs.created_by is 'Nobody: the worker packs.';
comment on constraint message_packs_conversation_unique on trade.message_packs is 'PACK_KNOWN: This pack is there already.';
comment on constraint message_packs_bodies_check on trade.message_packs is
    'PACK_INVALID: A pack is a list of 1 to 200 texts, counted from 1, and none of them is missing.';

-- Nobody looks for what is in them; statistics would keep copies of what people wrote.
alter table trade.message_packs alter column bodies set statistics 0;

alter table trade.message_packs enable row level security;
alter table trade.message_packs force row level security;

-- As the messages'.
create policy tenant on trade.message_packs to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.message_packs for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (tenant_id, id, conversation_id, bodies, created_at, created_by) on trade.message_packs
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: packs are made by trade.messages_pack().

create trigger never_changed before update or delete on trade.message_packs
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.message_packs
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: a pack says what its messages said, and nobody has changed anything.
