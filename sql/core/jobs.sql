-- Jobs: what the worker has found to be due. The tables are pgqueuer's; the loader has the library make them, in a schema
-- of their own, just before this file. They say which duty is due for which organisation, and no more: whoever runs a job
-- looks into our own tables whether it is still due, so that a job too many or too few changes nothing.

comment on schema pgqueuer is 'The queue of the worker, made and kept by the library pgqueuer.';

grant usage on schema pgqueuer to countinghouse_worker;
grant select, insert, update, delete on all tables in schema pgqueuer to countinghouse_worker;
grant usage on all sequences in schema pgqueuer to countinghouse_worker;
-- NOTE: nothing for tenants, analysts, the reader or the server: nobody asks for a job, jobs are found.

create function core.wake_worker() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_notify('countinghouse_work', '');
    return null;
end
$$;
comment on function core.wake_worker() is
    'Has the worker look now instead of within a minute. For tables that change seldom: commits that notify wait for one another.';

create function core.jobs_forget() returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
    with forgotten as (
        delete from pgqueuer.pgqueuer_log where created < statement_timestamp() - interval '7 days' returning 1
    )
    select count(*) from forgotten
$$;
comment on function core.jobs_forget() is
    'Forgets what the queue remembers of jobs that ended more than a week ago, and answers how many lines. For the worker.';

create function core.jobs_forgettable() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return exists (select from pgqueuer.pgqueuer_log where created < statement_timestamp() - interval '8 days');
comment on function core.jobs_forgettable() is 'Whether there is a day''s worth to forget in the queue.';

grant execute on function core.jobs_forget(), core.jobs_forgettable() to countinghouse_worker;

create function core.workers_connected() returns setof uuid
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select substring(application_name from '^countinghouse worker ([0-9a-f-]{36})$')::uuid
    from pg_stat_activity
    where usename = session_user and application_name ~ '^countinghouse worker [0-9a-f-]{36}$'
$$;
comment on function core.workers_connected() is
    'The workers that are connected, as they call themselves: a job in the hands of another one was left by it. For the worker, which sees nothing else of who is connected.';

reset role;
grant create on schema core to countinghouse_watcher;
alter function core.workers_connected() owner to countinghouse_watcher;
revoke create on schema core from countinghouse_watcher;
revoke execute on function core.workers_connected() from public;
grant execute on function core.workers_connected() to countinghouse_worker;
set local role countinghouse_owner;
