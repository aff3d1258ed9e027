-- A note is what the organisation's own people remember about a client. Clients never see it.

create table billing.client_notes (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    content text not null,
    type text not null default 'GENERAL',
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    -- A note has no life without its client.
    foreign key (tenant_id, client_id) references billing.clients on delete cascade,
    constraint client_notes_content_check check (char_length(btrim(content)) between 1 and 20000),
    constraint client_notes_type_check check (type in ('GENERAL', 'FOLLOW_UP', 'ISSUE', 'COMPLIMENT'))
);

comment on table billing.client_notes is 'What the organisation''s own people remember about a client.';
comment on column billing.client_notes.tenant_id is 'The organisation.';
comment on column billing.client_notes.id is 'The note''s id.';
comment on column billing.client_notes.client_id is 'The client it is about.';
comment on column billing.client_notes.content is 'The note: 1 to 20000 characters.';
comment on column billing.client_notes.type is 'What kind of note it is.';
comment on column billing.client_notes.created_at is 'When it was written.';
comment on column billing.client_notes.created_by is 'Who wrote it.';
comment on column billing.client_notes.updated_at is 'When it last changed.';
comment on constraint client_notes_content_check on billing.client_notes is
    'CONTENT_INVALID input.content: A note has 1 to 20000 characters.';
comment on constraint client_notes_type_check on billing.client_notes is
    'TYPE_UNKNOWN input.type: A note is GENERAL, FOLLOW_UP, ISSUE or COMPLIMENT.';

create index client_notes_client on billing.client_notes (tenant_id, client_id, created_at, id);
create index client_notes_created_at on billing.client_notes (tenant_id, created_at, id);

alter table billing.client_notes enable row level security;
alter table billing.client_notes force row level security;

-- Notes are internal: for those who see all of the tenant.
create policy tenant on billing.client_notes to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all())
    with check (tenant_id = core.tenant_id() and core.sees_all());
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.client_notes for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (tenant_id, id, client_id, content, type, created_at, created_by, updated_at)
    on billing.client_notes to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: notes are written by the functions below.

create trigger touch before update on billing.client_notes for each row execute function core.touch();
create trigger audit after insert or update or delete on billing.client_notes
    for each row execute function core.audit('CLIENT_NOTE', '');

create function billing.client_note_found(wanted uuid) returns billing.client_notes
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    note billing.client_notes;
begin
    select * into note from billing.client_notes where tenant_id = core.tenant_id() and id = wanted for update;
    if note.id is null then
        perform core.refuse('NOT_FOUND', 'NOTE_NOT_FOUND', 'There is no note with this id.', 'input.id');
    end if;
    return note;
end
$$;
comment on function billing.client_note_found(uuid) is 'The note of that id, locked; refuses where there is none.';

create function billing.client_note_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    client billing.clients;
    made uuid;
begin
    perform core.demand('billing:write');
    client := billing.client_found((input ->> 'client_id')::uuid, 'input.clientId');
    insert into billing.client_notes (tenant_id, client_id, content, type)
    values (core.tenant_id(), client.id, input ->> 'content', coalesce(input ->> 'type', 'GENERAL'))
    returning id into made;
    return made;
end
$$;
comment on function billing.client_note_create(jsonb) is 'Writes a note about a client.';

create function billing.client_note_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before billing.client_notes;
    after billing.client_notes;
begin
    perform core.demand('billing:write');
    before := billing.client_note_found((input ->> 'id')::uuid);
    after := jsonb_populate_record(before, input);
    update billing.client_notes set content = after.content, type = after.type
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function billing.client_note_update(jsonb) is 'Changes a note. What is left out stays as it is.';

create function billing.client_note_delete(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    note billing.client_notes;
begin
    perform core.demand('billing:write');
    note := billing.client_note_found((input ->> 'id')::uuid);
    delete from billing.client_notes where tenant_id = core.tenant_id() and id = note.id;
    return note.id;
end
$$;
comment on function billing.client_note_delete(jsonb) is 'Removes a note.';

grant execute on function
    billing.client_note_create(jsonb), billing.client_note_update(jsonb), billing.client_note_delete(jsonb)
    to countinghouse_tenant;
