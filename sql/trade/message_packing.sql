-- How bodies leave messages for packs: none leaves that does not stand in a pack of its conversation, word for word and at the
-- place that the message then names, whoever writes. So trade.messages_pack() has no power that its owner lacks, and no other way
-- loses anything.

create function trade.message_is_old(message trade.messages) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return (message.is_processed or message.direction = 'OUTBOUND') and message.sent_at < statement_timestamp() - interval '1 year';
comment on function trade.message_is_old(trade.messages) is
    'Whether a message was sent more than a year ago and waits for nobody to read it: whether its body may be packed.';

create function trade.message_pack_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moved constant text[] := array['body', 'pack_id', 'pack_place'];
begin
    -- A foreign key sees to it that the pack is of the same organisation and conversation.
    if tg_op = 'INSERT' or old.pack_id is not null or new.body is not null or not trade.message_is_old(old)
        or to_jsonb(new) - moved <> to_jsonb(old) - moved
        or not exists (
            select from trade.message_packs as pack
            where pack.tenant_id = new.tenant_id and pack.id = new.pack_id and pack.bodies[new.pack_place] = old.body
        )
        -- At commit every place of a pack has its message, and nobody else sees it before: so no two can take one at once.
        or exists (
            select from trade.messages as other
            where other.tenant_id = new.tenant_id and other.pack_id = new.pack_id and other.pack_place = new.pack_place
        )
    then
        perform core.refuse(
            'CONFLICT', 'NOT_TO_BE_PACKED',
            'A body leaves a message once, a year after it was sent and when it has been read, for a place of its own in a pack that says the same.'
        );
    end if;
    return new;
end
$$;
comment on function trade.message_pack_keep() is
    'Lets no body leave its message but for the place in a pack where the same stands, and nothing else change with it, whoever writes.';
create trigger pack_keep before update on trade.messages
    for each row when (old.pack_id is distinct from new.pack_id) execute function trade.message_pack_keep();
create trigger pack_born before insert on trade.messages
    for each row when (new.pack_id is not null) execute function trade.message_pack_keep();

create function trade.message_pack_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if array(
        select pack_place from trade.messages where tenant_id = new.tenant_id and pack_id = new.id order by sent_at, id
    ) <> array(select generate_series(1, cardinality(new.bodies))) then
        perform core.refuse(
            'CONFLICT', 'PACK_OF_NOTHING', 'A pack holds the bodies of its messages in the order of their sending, and nothing else.'
        );
    end if;
    return null;
end
$$;
comment on function trade.message_pack_stands() is
    'Refuses a pack with a text that is no message''s any more, or with texts out of order: nobody has anything said that was not.';
create constraint trigger stands after insert on trade.message_packs
    deferrable initially deferred for each row execute function trade.message_pack_stands();

create function trade.messages_pack_due() returns table (tenant_id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant.id from iam.tenants as tenant
    where tenant.suspended_at is null and exists (
        select from trade.messages as message
        where message.tenant_id = tenant.id and message.pack_id is null
          and message.sent_at < statement_timestamp() - interval '1 year'
          and (message.is_processed or message.direction = 'OUTBOUND')
    )
$$;
comment on function trade.messages_pack_due() is
    'The organisations with messages that may be packed. The worker sees neither texts nor conversations: whether they are enough for '
    'a pack is found out there. For the worker.';

create function trade.conversation_pack(conversation text, since timestamptz, enough integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    ids uuid[];
    said text[];
    octets bigint;
    made uuid;
begin
    -- Another worker that packs the same conversation has these messages: then there is nothing to do.
    select array_agg(id order by place), array_agg(body order by place), sum(octet_length(body)) into ids, said, octets
    from (
        select id, body, row_number() over sending as place, sum(octet_length(body)) over sending as so_far
        from (
            select id, body, sent_at from trade.messages
            where tenant_id = core.tenant_id() and conversation_id = conversation and created_at >= since
              and pack_id is null and body is not null and sent_at < statement_timestamp() - interval '1 year'
              and trade.message_is_old(messages)
            order by sent_at, id limit 200 for update skip locked
        ) as found
        window sending as (order by sent_at, id)
    ) as numbered
    -- Whoever reads one message unpacks the whole, so that long ones are fewer.
    where so_far <= 65536;
    if ids is null or cardinality(ids) < 200 and octets < enough then
        return false;
    end if;
    insert into trade.message_packs (tenant_id, conversation_id, bodies)
    values (core.tenant_id(), conversation, said) returning id into made;
    update trade.messages as message set body = null, pack_id = made, pack_place = each.place
    from unnest(ids) with ordinality as each (id, place)
    where message.tenant_id = core.tenant_id() and message.id = each.id;
    return true;
end
$$;
comment on function trade.conversation_pack(text, timestamptz, integer) is
    'Packs the oldest messages of a conversation, of those that came since then: up to 200 of them, or 64 KiB. Answers whether they '
    'were enough.';

create function trade.messages_pack(enough integer default 4096) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    at_a_time constant integer := 20;
    packs integer := 0;
    found record;
begin
    perform core.demand('core:work');
    for found in
        select message.conversation_id, min(message.created_at) as since from trade.messages as message
        where message.tenant_id = core.tenant_id() and message.pack_id is null and message.body is not null
          and message.sent_at < statement_timestamp() - interval '1 year' and trade.message_is_old(message)
        group by message.conversation_id
        having count(*) >= 200 or sum(octet_length(message.body)) >= enough
        order by message.conversation_id limit at_a_time
    loop
        while packs < at_a_time and trade.conversation_pack(found.conversation_id, found.since, enough) loop
            packs := packs + 1;
        end loop;
    end loop;
    return packs = at_a_time;
end
$$;
comment on function trade.messages_pack(integer) is
    'Packs what messages said that were sent more than a year ago, where those of a conversation are 200, or together so many bytes '
    'that it saves something. For the worker; true while there may be more.';

grant execute on function trade.messages_pack_due() to countinghouse_worker;
grant execute on function trade.messages_pack(integer) to countinghouse_tenant;
