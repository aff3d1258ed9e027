-- An idempotency key is a caller's own name for one request: whoever sends the request again under the same name gets
-- the first answer, and nothing happens a second time. The key, the request and the answer are kept in the transaction
-- of what the request did, so that all of it stands or none.

create table core.idempotency_keys (
    tenant_id uuid not null references iam.tenants,
    user_id uuid not null,
    key text collate "C" not null,
    request_hash text not null,
    answer text,
    created_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, user_id, key),
    constraint idempotency_keys_key_check check (key ~ '^[!-~]{1,255}$'),
    constraint idempotency_keys_request_hash_check check (request_hash ~ '^[0-9a-f]{64}$')
);

comment on table core.idempotency_keys is
    'Requests that their callers gave a name to, and what was answered, so that a repetition changes nothing. Kept for a day.';
comment on column core.idempotency_keys.tenant_id is 'The organisation that the request worked in.';
comment on column core.idempotency_keys.user_id is 'Who sent it. Two people may use the same key for different things.';
comment on column core.idempotency_keys.key is 'The name that they gave to it.';
comment on column core.idempotency_keys.request_hash is 'SHA-256 of what it asked, in hexadecimal: under one key there is one request.';
comment on column core.idempotency_keys.answer is
    'The answer as it went out, character for character; NULL only until the transaction that made it has ended.';
comment on column core.idempotency_keys.created_at is 'When the request was first seen.';
comment on constraint idempotency_keys_key_check on core.idempotency_keys is
    'IDEMPOTENCY_KEY_INVALID: An Idempotency-Key has 1 to 255 visible ASCII characters, such as a uuid, and is sent once.';
comment on constraint idempotency_keys_request_hash_check on core.idempotency_keys is
    'REQUEST_HASH_INVALID: A request is remembered by the SHA-256 of what it asked.';

create index idempotency_keys_created_at on core.idempotency_keys (tenant_id, created_at);

alter table core.idempotency_keys enable row level security;
alter table core.idempotency_keys force row level security;

-- An answer is its caller's, and nobody else's in the organisation.
create policy tenant on core.idempotency_keys to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and user_id = core.user_id())
    with check (tenant_id = core.tenant_id() and user_id = core.user_id());

-- The worker forgets those of everybody that are old enough, without reading what was asked or answered.
create policy worker_looks on core.idempotency_keys for select to countinghouse_worker using (true);
create policy worker_forgets on core.idempotency_keys for delete to countinghouse_worker using (true);
grant select (tenant_id, created_at), delete on core.idempotency_keys to countinghouse_worker;

-- NOTE: no policy for analysts and no grant to anybody: answers hold whatever their callers could read, and are given
-- back by core.idempotency_begin() alone.

-- Only the answer is still missing when a key is written; once it is there, nothing changes until a day has passed.
create trigger append_only before update on core.idempotency_keys
    for each row when (
        old.answer is not null
        or (new.tenant_id, new.user_id, new.key, new.request_hash, new.created_at)
            is distinct from (old.tenant_id, old.user_id, old.key, old.request_hash, old.created_at)
    )
    execute function core.refuse_change();
create trigger not_forgotten before delete on core.idempotency_keys
    for each row when (old.created_at > statement_timestamp() - interval '24 hours')
    execute function core.refuse_change();
create trigger not_emptied before truncate on core.idempotency_keys
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: what the request changed stands in the log already.

create function core.idempotency_begin(wanted_key text, wanted_hash text, permissions text[]) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    known core.idempotency_keys;
begin
    perform core.demand(needed) from unnest(permissions) as needed;
    -- Whoever works under the same key at this moment has entered it; the index makes us wait for the end of that.
    insert into core.idempotency_keys (tenant_id, user_id, key, request_hash)
    values (core.tenant_id(), core.user_id(), wanted_key, wanted_hash)
    on conflict (tenant_id, user_id, key) do nothing;
    if found then
        return null;
    end if;
    select * into known from core.idempotency_keys
    where tenant_id = core.tenant_id() and user_id = core.user_id() and key = wanted_key;
    if known.request_hash is distinct from wanted_hash then
        perform core.refuse(
            'CONFLICT', 'IDEMPOTENCY_KEY_REUSED',
            'Another request was sent under this Idempotency-Key already. Take a new key for each new request.'
        );
    end if;
    -- Where a standby is to have every commit before it is answered, this one waits for it too, as it does with a lock. The
    -- first may have been cut off in its wait: then its answer stands here, and is not yet to be given.
    if current_setting('synchronous_standby_names') <> '' then
        perform from core.idempotency_keys
        where tenant_id = core.tenant_id() and user_id = core.user_id() and key = wanted_key for update;
    end if;
    return known.answer;
end
$$;
comment on function core.idempotency_begin(text, text, text[]) is
    'Enters a key with the hash of its request, first thing in the transaction, and answers NULL; where the key is known, '
    'answers what was answered then, and refuses another request. The permissions are those that the request needs.';

create function core.idempotency_keep(wanted_key text, given_answer text, permissions text[]) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    kept text;
begin
    perform core.demand(needed) from unnest(permissions) as needed;
    update core.idempotency_keys set answer = given_answer
    where tenant_id = core.tenant_id() and user_id = core.user_id() and key = wanted_key and answer is null
    returning key into strict kept;
    return kept;
end
$$;
comment on function core.idempotency_keep(text, text, text[]) is
    'Keeps the answer to the request whose key this transaction has entered, last thing before it commits.';

-- For each tenant by itself, as the index has them.
create function core.idempotency_sweep() returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid;
    swept bigint := 0;
    of_tenant bigint;
begin
    for tenant in
        select distinct tenant_id from core.idempotency_keys
        where created_at <= statement_timestamp() - interval '24 hours' order by tenant_id
    loop
        delete from core.idempotency_keys
        where tenant_id = tenant and created_at <= statement_timestamp() - interval '24 hours';
        get diagnostics of_tenant = row_count;
        swept := swept + of_tenant;
    end loop;
    return swept;
end
$$;
comment on function core.idempotency_sweep() is
    'Forgets the keys that are older than a day, of all organisations, and answers how many. For the worker.';

create function core.idempotency_due() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return exists (
    select from core.idempotency_keys where created_at <= statement_timestamp() - interval '25 hours'
);
comment on function core.idempotency_due() is 'Whether there is an hour''s worth of idempotency keys to forget.';

grant execute on function core.idempotency_begin(text, text, text[]), core.idempotency_keep(text, text, text[])
    to countinghouse_tenant;
grant execute on function core.idempotency_sweep(), core.idempotency_due() to countinghouse_worker;
