-- A contact is a person at a client.

create table billing.client_contacts (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    name text not null,
    email text,
    phone text,
    role text,
    is_primary boolean not null default false,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    name_key text collate "C" not null generated always as (lower(name)) stored,
    primary key (tenant_id, id),
    -- A contact has no life without its client.
    foreign key (tenant_id, client_id) references billing.clients on delete cascade,
    constraint client_contacts_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
    constraint client_contacts_email_check check (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' and char_length(email) <= 254),
    constraint client_contacts_text_length_check check (char_length(phone) <= 500 and char_length(role) <= 500)
);

comment on table billing.client_contacts is 'A person at a client.';
comment on column billing.client_contacts.tenant_id is 'The organisation.';
comment on column billing.client_contacts.id is 'The contact''s id.';
comment on column billing.client_contacts.client_id is 'The client they work for.';
comment on column billing.client_contacts.name is 'Their name: 1 to 200 characters.';
comment on column billing.client_contacts.email is 'Their e-mail address.';
comment on column billing.client_contacts.phone is 'Their telephone number.';
comment on column billing.client_contacts.role is 'What they do there, such as "Accounts payable".';
comment on column billing.client_contacts.is_primary is 'Whether they are the first to ask; one contact of a client is, at most.';
comment on column billing.client_contacts.created_at is 'When the contact was entered.';
comment on column billing.client_contacts.created_by is 'Who entered the contact.';
comment on column billing.client_contacts.updated_at is 'When the contact last changed.';
comment on column billing.client_contacts.name_key is 'The name in small letters, by which contacts are ordered and found.';
comment on constraint client_contacts_name_check on billing.client_contacts is
    'NAME_INVALID input.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint client_contacts_email_check on billing.client_contacts is
    'EMAIL_INVALID input.email: An e-mail address looks like name@example.com.';
comment on constraint client_contacts_text_length_check on billing.client_contacts is
    'TEXT_TOO_LONG: Telephone number and role have at most 500 characters.';

create index client_contacts_client on billing.client_contacts (tenant_id, client_id, created_at, id);
create index client_contacts_name on billing.client_contacts (tenant_id, name_key, id);
create index client_contacts_created_at on billing.client_contacts (tenant_id, created_at, id);
create unique index client_contacts_primary on billing.client_contacts (tenant_id, client_id) where is_primary;
comment on index billing.client_contacts_primary is
    'PRIMARY_CONTACT_TAKEN input.isPrimary: The client has a primary contact already. Make that one secondary first.';

alter table billing.client_contacts enable row level security;
alter table billing.client_contacts force row level security;

-- The contacts of the tenant's clients; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.client_contacts to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.client_contacts for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, name, email, phone, role, is_primary, created_at, created_by, updated_at, name_key
) on billing.client_contacts to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: contacts are written by the functions below.

create trigger touch before update on billing.client_contacts for each row execute function core.touch();
create trigger audit after insert or update or delete on billing.client_contacts
    for each row execute function core.audit('CLIENT_CONTACT', 'name_key');

create function billing.client_contact_found(wanted uuid) returns billing.client_contacts
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    contact billing.client_contacts;
begin
    select * into contact from billing.client_contacts where tenant_id = core.tenant_id() and id = wanted for update;
    if contact.id is null then
        perform core.refuse('NOT_FOUND', 'CONTACT_NOT_FOUND', 'There is no contact with this id.', 'input.id');
    end if;
    return contact;
end
$$;
comment on function billing.client_contact_found(uuid) is 'The contact of that id, locked; refuses where there is none.';

create function billing.client_contact_lead(contact uuid, client uuid) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    update billing.client_contacts set is_primary = false
    where tenant_id = core.tenant_id() and client_id = client and is_primary and id is distinct from contact
$$;
comment on function billing.client_contact_lead(uuid, uuid) is 'Makes room for a new primary contact: a client has one.';

create function billing.client_contact_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given billing.client_contacts := jsonb_populate_record(null::billing.client_contacts, input - 'id');
    client billing.clients;
    made uuid;
begin
    perform core.demand('billing:write');
    client := billing.client_found(given.client_id, 'input.clientId');
    if given.is_primary then
        perform billing.client_contact_lead(null, client.id);
    end if;
    insert into billing.client_contacts (tenant_id, client_id, name, email, phone, role, is_primary)
    values (
        core.tenant_id(), client.id, given.name, given.email, given.phone, given.role, coalesce(given.is_primary, false)
    )
    returning id into made;
    return made;
end
$$;
comment on function billing.client_contact_create(jsonb) is 'Enters a contact of a client. A new primary contact takes the place of the old one.';

create function billing.client_contact_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before billing.client_contacts;
    after billing.client_contacts;
begin
    perform core.demand('billing:write');
    before := billing.client_contact_found((input ->> 'id')::uuid);
    after := jsonb_populate_record(before, input);
    if after.is_primary then
        perform billing.client_found(before.client_id);  -- its lock keeps two primaries from being made at once
        perform billing.client_contact_lead(before.id, before.client_id);
    end if;
    update billing.client_contacts set
        name = after.name, email = after.email, phone = after.phone, role = after.role, is_primary = after.is_primary
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function billing.client_contact_update(jsonb) is 'Changes a contact. What is left out stays as it is.';

create function billing.client_contact_delete(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    contact billing.client_contacts;
begin
    perform core.demand('billing:write');
    contact := billing.client_contact_found((input ->> 'id')::uuid);
    delete from billing.client_contacts where tenant_id = core.tenant_id() and id = contact.id;
    return contact.id;
end
$$;
comment on function billing.client_contact_delete(jsonb) is 'Removes a contact.';

grant execute on function
    billing.client_contact_create(jsonb), billing.client_contact_update(jsonb), billing.client_contact_delete(jsonb)
    to countinghouse_tenant;
