-- A user is a person. People belong to no tenant: memberships say where they work.

create function iam.is_address(address text) returns boolean
language sql immutable parallel safe
return address ~ '^\+[1-9][0-9]{6,14}$'
    or address = lower(address) and char_length(address) <= 254
        and address ~ '^[^[:space:][:cntrl:]@,;:<>()"\\]+@[^[:space:][:cntrl:]@,;:<>()"\\]+$';
comment on function iam.is_address(text) is
    'Whether this is one e-mail address in small letters, or one telephone number such as +447911123456, and nothing else.';
grant execute on function iam.is_address(text) to countinghouse_auth, countinghouse_accounts;

create table iam.users (
    id uuid primary key default core.new_id(),
    email text collate "C",
    phone text collate "C",
    name text not null,
    password_hash text,
    google_sub text collate "C",
    email_verified_at timestamptz,
    phone_verified_at timestamptz,
    image text,
    settings core.json_object not null default '{}',
    is_active boolean not null default true,
    last_login_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint users_email_unique unique (email),
    constraint users_phone_unique unique (phone),
    constraint users_google_sub_unique unique (google_sub),
    constraint users_google_sub_check check (char_length(google_sub) between 1 and 255),
    constraint users_address_check check (email is not null or phone is not null or deleted_at is not null),
    constraint users_phone_check check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    constraint users_email_check check (email = lower(email) and email ~ '^[^[:space:]@]+@[^[:space:]@]+$' and char_length(email) <= 254),
    constraint users_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
    constraint users_image_check check (image ~ '^https://[^[:space:][:cntrl:]]+$' and char_length(image) <= 2000),
    constraint users_settings_check check (octet_length(settings::text) <= 20000),
    constraint users_password_hash_check check (password_hash like '$argon2id$%')
);

comment on table iam.users is 'A person who can sign in.';
comment on column iam.users.id is 'The person''s id.';
comment on column iam.users.email is 'The e-mail address that they sign in with, in small letters; unique over the whole house.';
comment on column iam.users.phone is 'The telephone number that they sign in with, as +447911123456; unique over the whole house.';
comment on column iam.users.email_verified_at is 'When they showed that the e-mail address is theirs.';
comment on column iam.users.phone_verified_at is 'When they showed that the telephone number is theirs.';
comment on column iam.users.name is 'Their name.';
comment on column iam.users.password_hash is 'The argon2id hash of their password; empty where they sign in otherwise.';
comment on column iam.users.image is 'The address of a picture of them.';
comment on column iam.users.settings is 'Preferences of their own, for whichever program they use.';
comment on column iam.users.google_sub is 'The Google account that they sign in with, by its `sub`; unique over the whole house.';
comment on column iam.users.is_active is 'Whether they may sign in.';
comment on column iam.users.last_login_at is 'When they last signed in.';
comment on column iam.users.deleted_at is 'When they closed their account. Their addresses went then, and a month later goes their name.';
comment on column iam.users.created_at is 'When the account was made.';
comment on column iam.users.created_by is 'Who made it; empty for the operator of the house.';
comment on column iam.users.updated_at is 'When it last changed.';
comment on constraint users_email_unique on iam.users is
    'EMAIL_TAKEN input.email: There is an account with this e-mail address already.';
comment on constraint users_phone_unique on iam.users is
    'PHONE_TAKEN input.phone: There is an account with this telephone number already.';
comment on constraint users_google_sub_unique on iam.users is
    'GOOGLE_ACCOUNT_TAKEN: There is an account with this Google account already.';
comment on constraint users_google_sub_check on iam.users is
    'GOOGLE_ACCOUNT_INVALID: A Google account is named in 1 to 255 characters.';
comment on constraint users_address_check on iam.users is
    'ADDRESS_REQUIRED input.email: An account has an e-mail address or a telephone number.';
comment on constraint users_phone_check on iam.users is
    'PHONE_INVALID input.phone: A telephone number begins with + and the country, such as +447911123456.';
comment on constraint users_email_check on iam.users is
    'EMAIL_INVALID input.email: An e-mail address looks like name@example.com.';
comment on constraint users_name_check on iam.users is
    'NAME_INVALID input.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint users_image_check on iam.users is
    'IMAGE_INVALID input.image: A picture is named by an address that begins with https:// and has at most 2000 characters.';
comment on constraint users_settings_check on iam.users is
    'SETTINGS_TOO_LONG input.settings: Preferences take at most 20000 bytes.';
comment on constraint users_password_hash_check on iam.users is
    'PASSWORD_HASH_INVALID: A password is kept as an argon2id hash only.';

create index users_deleted_at on iam.users (deleted_at) where deleted_at is not null;

alter table iam.users enable row level security;
alter table iam.users force row level security;

-- Signing in looks among all people, and notes when they came.
create policy auth on iam.users to countinghouse_auth using (true) with check (true);
grant select, update (last_login_at, updated_at) on iam.users to countinghouse_auth;
-- People make their accounts, and change their passwords, by functions of their own.
create policy accounts on iam.users to countinghouse_accounts using (true) with check (true);
grant select (
        id, email, phone, name, password_hash, google_sub, email_verified_at, phone_verified_at, image, settings, is_active, deleted_at
    ),
    insert (email, phone, name, password_hash, google_sub, email_verified_at, phone_verified_at),
    update (
        email, phone, name, password_hash, google_sub, email_verified_at, phone_verified_at, image, settings, deleted_at,
        updated_at
    )
    on iam.users to countinghouse_accounts;

-- NOTE: no policy for the owner, no grant to tenants, analysts or the reader: people belong to no tenant.

-- NOTE: no audit trigger: an entry belongs to a tenant, and a person to none. What concerns a tenant is recorded there:
-- their sign-ins, their memberships, and a new name or address in each.
create trigger touch before update on iam.users for each row execute function core.touch();

create function iam.user_create(input jsonb) returns uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into iam.users (email, name, password_hash)
    values (lower(btrim(input ->> 'email')), input ->> 'name', input ->> 'password_hash')
    returning id
$$;
comment on function iam.user_create(jsonb) is 'Makes a person''s account. For the operator of the house.';
