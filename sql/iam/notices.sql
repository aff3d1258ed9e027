-- A notice tells somebody what happened to them in an organisation. It is written down with the change that it tells of,
-- and the worker carries it to the mail server: nothing is sent that was rolled back, nothing is lost that was promised.

create table iam.notices (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    recipient text collate "C" not null,
    subject text not null,
    text text not null,
    attempts integer not null default 0,
    next_try_at timestamptz not null default statement_timestamp(),
    sent_at timestamptz,
    failed_at timestamptz,
    failure text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    constraint notices_recipient_check check (iam.is_address(recipient)),
    constraint notices_subject_check check (subject !~ '[[:cntrl:]]' and char_length(subject) between 1 and 500),
    constraint notices_attempts_check check (attempts between 0 and 30),
    constraint notices_failure_check check ((failed_at is null) = (failure is null) and (failed_at is null or sent_at is null))
);

comment on table iam.notices is 'What people were told by e-mail or SMS: that they are invited, that somebody asks to join, what became of it.';
comment on column iam.notices.tenant_id is 'The organisation that it is about.';
comment on column iam.notices.id is 'The notice''s id.';
comment on column iam.notices.recipient is 'The address that it goes to.';
comment on column iam.notices.subject is 'Its subject.';
comment on column iam.notices.text is 'What it says.';
comment on column iam.notices.attempts is 'How often it was carried to the mail server: 30 times at most, for about a day.';
comment on column iam.notices.next_try_at is 'While it waits: when it is carried to the mail server next.';
comment on column iam.notices.sent_at is 'When the mail server took it.';
comment on column iam.notices.failed_at is 'When it was given up.';
comment on column iam.notices.failure is 'Why it was given up.';
comment on column iam.notices.created_at is 'When it was written.';
comment on column iam.notices.created_by is 'Whose doing it tells of.';
comment on column iam.notices.updated_at is 'When it last changed.';
comment on constraint notices_recipient_check on iam.notices is 'ADDRESS_INVALID: A notice goes to one e-mail address or telephone number.';
comment on constraint notices_subject_check on iam.notices is 'SUBJECT_INVALID: A subject has 1 to 500 characters on one line.';
comment on constraint notices_attempts_check on iam.notices is 'MESSAGE_ATTEMPTS: A message is carried 30 times at most.';
comment on constraint notices_failure_check on iam.notices is 'MESSAGE_FAILURE: A message that was given up has a reason, and was not sent.';

-- The worker looks among all organisations, and so does whoever counts how often an address is written to.
create index notices_due on iam.notices (next_try_at) where sent_at is null and failed_at is null;
create index notices_recipient on iam.notices (recipient, created_at);

alter table iam.notices enable row level security;
alter table iam.notices force row level security;

-- Those of the tenant, for what runs as the tenant.
create policy tenant on iam.notices to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
-- An address is written to by several organisations, and all of them count.
create policy auth on iam.notices to countinghouse_auth using (true) with check (true);
grant select, insert, delete on iam.notices to countinghouse_auth;
-- The worker sees which are due.
create policy worker on iam.notices for select to countinghouse_worker using (sent_at is null and failed_at is null);
grant select (tenant_id, id, next_try_at, sent_at, failed_at) on iam.notices to countinghouse_worker;
-- NOTE: no policy for analysts and no grant to anybody else: what people are told is between them and the house.

create trigger touch before update on iam.notices for each row execute function core.touch();
create trigger wake after insert on iam.notices for each statement execute function core.wake_worker();
-- NOTE: no audit trigger: what a notice tells of stands in the log already.

create function iam.notify(organisation_id uuid, address text, subject text, text text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    most_a_day constant integer := 10;
    turn constant text := encode(sha256(convert_to('notice ' || address, 'UTF8')), 'hex');
begin
    if not coalesce(iam.is_address(address), false) then
        return false;
    end if;
    -- One after the other, or many at once would each be the tenth.
    insert into iam.throttles (subject) values (turn) on conflict do nothing;
    perform from iam.throttles where throttles.subject = turn for update;
    if (
        select count(*) from iam.notices
        where recipient = address and created_at > statement_timestamp() - interval '1 day'
    ) >= most_a_day then
        return false;
    end if;
    insert into iam.notices (tenant_id, recipient, subject, text)
    values (
        organisation_id, address, left(regexp_replace(notify.subject, '[[:cntrl:]]+', ' ', 'g'), 500), notify.text
    );
    return true;
end
$$;
comment on function iam.notify(uuid, text, text, text) is
    'Has an address told something. By all organisations together it is told ten things a day at most; of more it is told nothing, and nobody learns that.';

-- What the worker does: as with an invoice's e-mail it commits that it takes a notice before it carries it.

create function iam.notice_take(wanted uuid) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    notice iam.notices;
begin
    perform core.demand('core:work');
    select * into notice from iam.notices where tenant_id = core.tenant_id() and id = wanted for update;
    if notice.id is null or notice.sent_at is not null or notice.failed_at is not null
        or notice.next_try_at > statement_timestamp()
    then
        return null;
    elsif notice.attempts >= 30 then
        perform iam.notice_failed(wanted, 'It could not be sent for a day.', true);
        return null;
    end if;
    update iam.notices set
        attempts = attempts + 1,
        next_try_at = statement_timestamp() + least(interval '1 minute' * power(2, attempts), interval '1 hour')
    where tenant_id = core.tenant_id() and id = wanted;
    return jsonb_build_object('id', notice.id, 'to', notice.recipient, 'subject', notice.subject, 'text', notice.text);
end
$$;
comment on function iam.notice_take(uuid) is
    'A notice that is to be carried now, counted as an attempt: the next is a minute later, then two, four, up to an hour. NULL where '
    'there is nothing to do. For the worker.';

create function iam.notice_sent(wanted uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('core:work');
    update iam.notices set sent_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = wanted and sent_at is null and failed_at is null;
    return found;
end
$$;
comment on function iam.notice_sent(uuid) is 'Notes that the mail server took a notice. For the worker.';

create function iam.notice_failed(wanted uuid, reason text, is_final boolean) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('core:work');
    update iam.notices set failed_at = statement_timestamp(), failure = reason
    where tenant_id = core.tenant_id() and id = wanted and sent_at is null and failed_at is null
      and (is_final or attempts >= 30);
    return found;
end
$$;
comment on function iam.notice_failed(uuid, text, boolean) is
    'Gives a notice up that the mail server will never take, or that was tried often enough, and answers whether. Any other waits for '
    'its next time. For the worker.';

create function iam.notices_due() returns table (tenant_id uuid, id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select n.tenant_id, n.id
    from iam.notices n
    join iam.tenants t on t.id = n.tenant_id
    where n.sent_at is null and n.failed_at is null and n.next_try_at <= statement_timestamp() and t.suspended_at is null
    order by n.next_try_at
$$;
comment on function iam.notices_due() is
    'The notices that are to be carried now, of all organisations that work at present. For the worker.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.notify(uuid, text, text, text) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function iam.notify(uuid, text, text, text) to countinghouse_owner;
grant execute on function iam.notice_take(uuid), iam.notice_sent(uuid), iam.notice_failed(uuid, text, boolean)
    to countinghouse_tenant;
grant execute on function iam.notices_due() to countinghouse_worker;
set local role countinghouse_owner;
