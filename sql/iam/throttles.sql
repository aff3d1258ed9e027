-- A throttle counts what went wrong under a name, an account or an address, and makes each further try wait longer.

create table iam.throttles (
    subject text collate "C" primary key,
    failures integer not null default 0,
    blocked_until timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint throttles_subject_check check (subject ~ '^[0-9a-f]{64}$')
);

comment on table iam.throttles is 'How often it went wrong lately, for whoever tries to come in.';
comment on column iam.throttles.subject is 'What is tried, as a hash: an account from an address, an account, an address.';
comment on column iam.throttles.failures is 'How often it has gone wrong since it last went well, or was quiet for an hour.';
comment on column iam.throttles.blocked_until is 'Until when nothing is tried.';
comment on column iam.throttles.created_at is 'When it was first tried.';
comment on column iam.throttles.created_by is 'Nobody: whoever tries is not known yet.';
comment on column iam.throttles.updated_at is 'When it was last tried.';
comment on constraint throttles_subject_check on iam.throttles is 'THROTTLE_SUBJECT: What is tried is noted as a hash only.';

create index throttles_updated_at on iam.throttles (updated_at);

alter table iam.throttles enable row level security;
alter table iam.throttles force row level security;

-- Whoever comes in belongs to no tenant yet.
create policy auth on iam.throttles to countinghouse_auth using (true) with check (true);
grant select, insert, update, delete on iam.throttles to countinghouse_auth;
-- NOTE: nothing for anybody else: it would tell who tries to come in.

create trigger touch before update on iam.throttles for each row execute function core.touch();

create function iam.throttle(subjects text[], allowances integer[]) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    seconds integer;
begin
    -- Whoever has to wait is told so without a lock and without a write: a flood of tries costs an index look-up each.
    select ceil(extract(epoch from max(blocked_until) - clock_timestamp())) into seconds
    from iam.throttles where subject = any (subjects) and blocked_until > clock_timestamp();
    if seconds is not null then
        return seconds;
    end if;
    -- Counts that a crash loses are a few tries more; nobody waits for the disk for them.
    perform set_config('synchronous_commit', 'off', true);
    insert into iam.throttles (subject)
    select given.subject from unnest(subjects) as given (subject) order by given.subject
    on conflict do nothing;
    -- In order, so that two who try the same things do not wait for one another in a circle. Then once more: somebody else
    -- may have used up what there was.
    perform from iam.throttles where subject = any (subjects) order by subject for update;
    select ceil(extract(epoch from max(blocked_until) - clock_timestamp())) into seconds
    from iam.throttles where subject = any (subjects) and blocked_until > clock_timestamp();
    if seconds is not null then
        return seconds;
    end if;
    -- It counts as a failure until it has gone well: who tries many at once is not faster for it.
    update iam.throttles set
        failures = counted.failures,
        blocked_until = case
            when counted.failures >= counted.allowance
                then clock_timestamp() + least(2 ^ least(counted.failures - counted.allowance, 10), 900) * interval '1 second'
        end
    from (
        select t.subject, given.allowance,
               case when t.updated_at < statement_timestamp() - interval '1 hour' then 0 else t.failures end + 1 as failures
        from iam.throttles as t
        join unnest(subjects, allowances) as given (subject, allowance) on given.subject = t.subject
    ) as counted
    where throttles.subject = counted.subject;
    return 0;
end
$$;
comment on function iam.throttle(text[], integer[]) is
    'Counts a try under each of these names. Answers 0, or how many seconds to wait. Beyond its allowance each failure doubles the wait, up to a quarter of an hour.';

create function iam.throttle_forgive(subjects text[], shared text[]) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    delete from iam.throttles where subject = any (subjects);
    update iam.throttles set failures = failures - 1, blocked_until = null where subject = any (shared) and failures > 0
$$;
comment on function iam.throttle_forgive(text[], text[]) is
    'It went well: forgets the failures of these names, and that it was tried under those that many share.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.throttle(text[], integer[]) owner to countinghouse_auth;
alter function iam.throttle_forgive(text[], text[]) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on function iam.throttle(text[], integer[]), iam.throttle_forgive(text[], text[]) from public;
grant execute on function iam.throttle(text[], integer[]), iam.throttle_forgive(text[], text[]) to countinghouse_api;
set local role countinghouse_owner;
