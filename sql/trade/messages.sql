-- A message is what somebody wrote to the organisation at a messenger, or it to them. It comes in once however often it is
-- brought, and what it asks for is read later: bringing it costs next to nothing.

create table trade.messages (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    message_id text collate "C" not null,
    conversation_id text collate "C" not null,
    from_number text collate "C" not null,
    to_number text collate "C" not null,
    direction text not null,
    body text,
    media core.json_object not null default '{}',
    sent_at timestamptz not null default statement_timestamp(),
    is_processed boolean not null default false,
    processed_at timestamptz,
    outcome text,
    outcome_text text,
    retailer_id uuid,
    order_id uuid,
    pack_id uuid,
    pack_place integer,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    foreign key (tenant_id, retailer_id) references trade.retailers,
    foreign key (tenant_id, pack_id, conversation_id) references trade.message_packs (tenant_id, id, conversation_id),
    constraint messages_message_id_unique unique (tenant_id, message_id),
    constraint messages_message_id_check check (char_length(message_id) between 1 and 200),
    constraint messages_conversation_id_check check (char_length(conversation_id) between 1 and 200),
    constraint messages_from_number_check check (from_number ~ '^\+[1-9][0-9]{6,14}$'),
    constraint messages_to_number_check check (to_number ~ '^\+[1-9][0-9]{6,14}$'),
    constraint messages_direction_check check (direction in ('INBOUND', 'OUTBOUND')),
    constraint messages_body_check check (char_length(body) <= 4096),
    constraint messages_media_check check (octet_length(media::text) <= 20000),
    constraint messages_outcome_check check (outcome in ('ORDER', 'NOT_UNDERSTOOD', 'NO_REQUEST', 'BY_HAND')),
    constraint messages_outcome_text_check check (char_length(outcome_text) <= 2000),
    constraint messages_processed_check check (
        is_processed = (processed_at is not null) and is_processed = (outcome is not null)
        and (order_id is not null) = coalesce(outcome = 'ORDER', false)
    ),
    constraint messages_pack_check check (
        (pack_id is null) = (pack_place is null)
        and (pack_id is null or body is null and (is_processed or direction = 'OUTBOUND'))
    )
);

comment on table trade.messages is 'What somebody wrote to the organisation at a messenger (WhatsApp), or it to them.';
comment on column trade.messages.tenant_id is 'The organisation.';
comment on column trade.messages.id is 'The message''s id here.';
comment on column trade.messages.message_id is 'Its id at the messenger, by which it is taken once.';
comment on column trade.messages.conversation_id is 'With whom: the number at the other end, unless the messenger says otherwise.';
comment on column trade.messages.from_number is 'Who wrote, in the form +254712345678.';
comment on column trade.messages.to_number is 'To whom.';
comment on column trade.messages.direction is 'INBOUND to the organisation, or OUTBOUND.';
comment on column trade.messages.body is 'What it says: at most 4096 characters.';
comment on column trade.messages.media is 'What came along, as the messenger describes it.';
comment on column trade.messages.sent_at is 'When it was sent, as the messenger says.';
comment on column trade.messages.is_processed is 'Whether it was read: by the worker, or by a person.';
comment on column trade.messages.processed_at is 'When it was read.';
comment on column trade.messages.outcome is
    'What came of it: ORDER (a draft for a person to confirm), NOT_UNDERSTOOD, NO_REQUEST (it asked for nothing), BY_HAND.';
comment on column trade.messages.outcome_text is 'What was not understood, or what a person noted.';
comment on column trade.messages.retailer_id is 'The retailer of whose number it came.';
comment on column trade.messages.order_id is 'The order that it became.';
comment on column trade.messages.pack_id is 'The pack where its body stands, a year after it was sent at the earliest; the body is empty then.';
comment on column trade.messages.pack_place is 'At which place there, counted from 1.';
comment on column trade.messages.created_at is 'When it came.';
comment on column trade.messages.created_by is 'Who entered it; empty where the messenger brought it.';
comment on column trade.messages.updated_at is 'When it last changed.';
comment on constraint messages_message_id_unique on trade.messages is 'MESSAGE_KNOWN input.messageId: This message is there already.';
comment on constraint messages_message_id_check on trade.messages is
    'MESSAGE_ID_INVALID input.messageId: The id of a message has 1 to 200 characters.';
comment on constraint messages_conversation_id_check on trade.messages is
    'CONVERSATION_ID_INVALID input.conversationId: The id of a conversation has 1 to 200 characters.';
comment on constraint messages_from_number_check on trade.messages is
    'PHONE_INVALID input.fromNumber: A telephone number begins with + and the country, such as +254712345678.';
comment on constraint messages_to_number_check on trade.messages is
    'PHONE_INVALID input.toNumber: A telephone number begins with + and the country, such as +254712345678.';
comment on constraint messages_direction_check on trade.messages is 'DIRECTION_UNKNOWN input.direction: A message is INBOUND or OUTBOUND.';
comment on constraint messages_body_check on trade.messages is 'TEXT_TOO_LONG input.body: A message has at most 4096 characters.';
comment on constraint messages_media_check on trade.messages is
    'MEDIA_TOO_LONG input.media: What came along is described in at most 20000 bytes.';
comment on constraint messages_outcome_check on trade.messages is
    'MESSAGE_OUTCOME_UNKNOWN: What came of a message is ORDER, NOT_UNDERSTOOD, NO_REQUEST or BY_HAND.';
comment on constraint messages_outcome_text_check on trade.messages is 'TEXT_TOO_LONG input.note: A note has at most 2000 characters.';
comment on constraint messages_processed_check on trade.messages is
    'MESSAGE_PROCESSED: A message that was read says when, and what came of it.';
comment on constraint messages_pack_check on trade.messages is
    'MESSAGE_PACKED: What a message says stands in it or at one place of a pack, and nowhere else before it is read.';

create index messages_from_number on trade.messages (tenant_id, from_number, created_at desc, id);
create index messages_conversation on trade.messages (tenant_id, conversation_id, created_at, id);
create index messages_unprocessed on trade.messages (tenant_id, is_processed, created_at, id);
create index messages_direction on trade.messages (tenant_id, direction, created_at, id);
-- What waits to be read: what was sent out is never read, and there are very many of those.
create index messages_queue on trade.messages (tenant_id, direction, is_processed, created_at, id);
create index messages_outcome on trade.messages (tenant_id, outcome, created_at, id);
create index messages_created_at on trade.messages (tenant_id, created_at, id);
create index messages_retailer on trade.messages (tenant_id, retailer_id, created_at, id);
create index messages_order on trade.messages (tenant_id, order_id, id);
-- Which messages a pack has. Without their places, so that it takes a few bytes a message: more would eat up what packs save.
create index messages_pack on trade.messages (tenant_id, pack_id) where pack_id is not null;
-- What is old and may be packed.
create index messages_unpacked on trade.messages (tenant_id, sent_at) where pack_id is null;
-- The worker looks among all organisations.
create index messages_due on trade.messages (created_at) where not is_processed and direction = 'INBOUND';

alter table trade.messages enable row level security;
alter table trade.messages force row level security;

-- The tenant's messages, for those who see all of it: what people write is not only about themselves.
create policy tenant on trade.messages to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.messages for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- The worker sees in which organisations there is something to read, or to pack.
create policy worker on trade.messages for select to countinghouse_worker using (
    not is_processed and direction = 'INBOUND'
    or pack_id is null and sent_at < statement_timestamp() - interval '1 year'
);
grant select (tenant_id, id, is_processed, direction, sent_at, pack_id, created_at) on trade.messages to countinghouse_worker;

grant select (
    tenant_id, id, message_id, conversation_id, from_number, to_number, direction, body, media, sent_at, is_processed,
    processed_at, outcome, outcome_text, retailer_id, order_id, pack_id, pack_place, created_at, created_by, updated_at
) on trade.messages to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: messages are written by the functions below.

create function trade.message_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if old.is_processed or (
        new.tenant_id, new.id, new.message_id, new.conversation_id, new.from_number, new.to_number, new.direction, new.body,
        new.media, new.sent_at, new.retailer_id, new.pack_place
    ) is distinct from (
        old.tenant_id, old.id, old.message_id, old.conversation_id, old.from_number, old.to_number, old.direction, old.body,
        old.media, old.sent_at, old.retailer_id, old.pack_place
    ) then
        perform core.refuse('CONFLICT', 'MESSAGE_FIXED', 'A message stays as it came, and is read once.', 'input.id');
    end if;
    return new;
end
$$;
comment on function trade.message_keep() is 'Keeps a message as it came, whoever writes, and what came of it.';

-- Where its body goes into a pack, the rule of message_packing.sql holds. Nobody changes the message by that: neither updated_at
-- nor the audit log says that somebody did.
create trigger keep before update on trade.messages
    for each row when (old.pack_id is not distinct from new.pack_id) execute function trade.message_keep();
create trigger touch before update on trade.messages
    for each row when (old.pack_id is not distinct from new.pack_id) execute function core.touch();
create trigger never_deleted before delete on trade.messages for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.messages for each statement execute function core.refuse_change();
create trigger wake after insert on trade.messages for each statement execute function core.wake_worker();
create trigger audit after update on trade.messages for each row execute function core.audit('MESSAGE', 'body,media,pack_id,pack_place');
-- NOTE: no audit of what comes in: a message says itself when and from whom, and is never changed.

create function trade.message_take(input jsonb) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    given trade.messages := jsonb_populate_record(null::trade.messages, input - 'id');
    senders uuid[];
    taken uuid;
begin
    -- A number that several retailers have tells nobody which of them wrote.
    if given.direction = 'INBOUND' then
        senders := array(
            select id from trade.retailers
            where tenant_id = core.tenant_id() and phone = given.from_number and deleted_at is null limit 2
        );
    end if;
    insert into trade.messages (
        tenant_id, message_id, conversation_id, from_number, to_number, direction, body, media, sent_at, retailer_id
    ) values (
        core.tenant_id(), given.message_id,
        coalesce(given.conversation_id, case given.direction when 'OUTBOUND' then given.to_number else given.from_number end),
        given.from_number, given.to_number, given.direction, given.body, coalesce(given.media, '{}'),
        coalesce(given.sent_at, statement_timestamp()), case when cardinality(senders) = 1 then senders[1] end
    )
    on conflict (tenant_id, message_id) do nothing
    returning id into taken;
    return coalesce(
        taken, (select id from trade.messages where tenant_id = core.tenant_id() and message_id = given.message_id)
    );
end
$$;
comment on function trade.message_take(jsonb) is 'Takes a message, once however often it is brought, and answers its id.';

create function trade.message_ingest(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.message_take(input);
end
$$;
comment on function trade.message_ingest(jsonb) is
    'Enters a message, once however often it is sent: a second time the first is answered, and nothing changes.';

create function trade.messages_receive(messages jsonb) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('core:work');
    perform trade.message_take(each) from jsonb_array_elements(messages) as each;
    return jsonb_array_length(messages);
end
$$;
comment on function trade.messages_receive(jsonb) is 'Takes what a messenger has brought and signed. For the server.';

create function trade.message_process(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    message trade.messages;
begin
    perform core.demand('trade:write');
    select * into message from trade.messages
    where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid for update;
    if message.id is null then
        perform core.refuse('NOT_FOUND', 'MESSAGE_NOT_FOUND', 'There is no message with this id.', 'input.id');
    elsif message.is_processed then
        perform core.refuse('CONFLICT', 'MESSAGE_PROCESSED', 'This message has been read already.', 'input.id');
    end if;
    update trade.messages set
        is_processed = true, processed_at = statement_timestamp(), outcome = 'BY_HAND', outcome_text = input ->> 'note'
    where tenant_id = core.tenant_id() and id = message.id;
    return message.id;
end
$$;
comment on function trade.message_process(jsonb) is 'Notes that a person has read a message and seen to it.';

grant execute on function
    trade.message_ingest(jsonb), trade.messages_receive(jsonb), trade.message_process(jsonb)
    to countinghouse_tenant;
