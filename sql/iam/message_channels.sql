-- A message channel is a number of the organisation's at a messenger, whose house signs what it brings us with a secret.

create table iam.message_channels (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    phone_number text not null,
    encrypted_secret text not null,
    verify_hash bytea not null,
    is_active boolean not null default true,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    constraint message_channels_phone_number_unique unique (tenant_id, phone_number),
    constraint message_channels_phone_number_check check (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    constraint message_channels_encrypted_secret_check check (char_length(encrypted_secret) between 1 and 2000),
    constraint message_channels_verify_hash_check check (octet_length(verify_hash) = 32)
);

comment on table iam.message_channels is 'A number of the organisation''s at a messenger (WhatsApp), and how what comes from there is known to be genuine.';
comment on column iam.message_channels.tenant_id is 'The organisation.';
comment on column iam.message_channels.id is 'The channel''s id, which stands in the address that messages are sent to.';
comment on column iam.message_channels.phone_number is 'The organisation''s number there, in the form +254712345678 (E.164).';
comment on column iam.message_channels.encrypted_secret is 'The secret with which the messenger signs, encrypted by the house.';
comment on column iam.message_channels.verify_hash is 'The hash of the token by which the messenger shows that it was told to send here.';
comment on column iam.message_channels.is_active is 'Whether what comes is taken.';
comment on column iam.message_channels.created_at is 'When it was entered.';
comment on column iam.message_channels.created_by is 'Who entered it.';
comment on column iam.message_channels.updated_at is 'When it last changed.';
comment on constraint message_channels_phone_number_unique on iam.message_channels is
    'CHANNEL_TAKEN input.phoneNumber: Your organisation has a channel of this number already.';
comment on constraint message_channels_phone_number_check on iam.message_channels is
    'PHONE_INVALID input.phoneNumber: A telephone number begins with + and the country, such as +254712345678.';
comment on constraint message_channels_encrypted_secret_check on iam.message_channels is
    'SECRET_INVALID input.appSecret: A secret has 16 to 200 letters and digits.';
comment on constraint message_channels_verify_hash_check on iam.message_channels is 'VERIFY_TOKEN_INVALID: A token is kept as its SHA-256.';

create index message_channels_created_at on iam.message_channels (tenant_id, created_at, id);
-- Whoever brings a message names the channel alone.
create index message_channels_id on iam.message_channels (id);

alter table iam.message_channels enable row level security;
alter table iam.message_channels force row level security;

-- The tenant's channels, for those who see all of it.
create policy tenant on iam.message_channels to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on iam.message_channels for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- Whoever brings a message is nobody yet.
create policy auth on iam.message_channels for select to countinghouse_auth using (true);

grant select (tenant_id, id, phone_number, is_active, created_at, created_by, updated_at)
    on iam.message_channels to countinghouse_tenant, countinghouse_reader;
grant select on iam.message_channels to countinghouse_auth;
-- NOTE: no secret and no hash for anybody; no INSERT, UPDATE or DELETE: channels are written by the functions below.

create trigger touch before update on iam.message_channels for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.message_channels
    for each row execute function core.audit('MESSAGE_CHANNEL', 'encrypted_secret,verify_hash');

create function iam.message_channel_found(wanted uuid) returns iam.message_channels
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    channel iam.message_channels;
begin
    select * into channel from iam.message_channels where tenant_id = core.tenant_id() and id = wanted for update;
    if channel.id is null then
        perform core.refuse('NOT_FOUND', 'CHANNEL_NOT_FOUND', 'There is no message channel with this id.', 'input.id');
    end if;
    return channel;
end
$$;
comment on function iam.message_channel_found(uuid) is 'The channel of that id, locked; refuses where there is none.';

create function iam.message_channel_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    made uuid;
begin
    perform core.demand('iam:write');
    insert into iam.message_channels (tenant_id, phone_number, encrypted_secret, verify_hash)
    values (
        core.tenant_id(), input ->> 'phone_number', input ->> 'encrypted_secret', decode(input ->> 'verify_hash', 'hex')
    )
    returning id into made;
    return made;
end
$$;
comment on function iam.message_channel_create(jsonb) is
    'Enters a number at a messenger. The answer has the token and the address that its settings ask for; the token is shown once.';

create function iam.message_channel_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    channel iam.message_channels;
begin
    perform core.demand('iam:write');
    channel := iam.message_channel_found((input ->> 'id')::uuid);
    update iam.message_channels set
        encrypted_secret = coalesce(input ->> 'encrypted_secret', encrypted_secret),
        is_active = coalesce((input ->> 'is_active')::boolean, is_active)
    where tenant_id = core.tenant_id() and id = channel.id;
    return channel.id;
end
$$;
comment on function iam.message_channel_update(jsonb) is 'Gives a channel another secret, or has it take nothing, or take messages again.';

grant execute on function iam.message_channel_create(jsonb), iam.message_channel_update(jsonb) to countinghouse_tenant;

create function iam.message_channel_of(channel uuid)
returns table (tenant_id uuid, phone_number text, encrypted_secret text, verify_hash bytea)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select c.tenant_id, c.phone_number, c.encrypted_secret, c.verify_hash
    from iam.message_channels as c join iam.tenants as t on t.id = c.tenant_id
    where c.id = message_channel_of.channel and c.is_active and t.suspended_at is null
$$;
comment on function iam.message_channel_of(uuid) is
    'By what a message to this channel is known to be genuine. No row where there is none, or nothing is taken.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.message_channel_of(uuid) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function iam.message_channel_of(uuid) to countinghouse_api;
set local role countinghouse_owner;
