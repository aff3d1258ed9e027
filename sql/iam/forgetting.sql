-- What was tried and sent is kept for a day; where somebody was signed in for a month after it ended, and so what people
-- were told, and the names of accounts that were closed; the log of the house for half a year.

create function iam.codes_forget() returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    delete from iam.signup_sessions where created_at < statement_timestamp() - interval '1 day';
    delete from iam.codes where created_at < statement_timestamp() - interval '1 day'
        and id not in (select code_id from iam.signup_sessions where code_id is not null)
$$;
comment on function iam.codes_forget() is 'Forgets the sign-ups and codes that are older than a day.';

create function iam.forgettable() returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Whoever is sent a code has been counted as well.
    select exists (select from iam.throttles where updated_at < statement_timestamp() - interval '25 hours')
        or exists (select from iam.sessions where least(ended_at, expires_at) < statement_timestamp() - interval '31 days')
        or exists (select from iam.users where deleted_at < statement_timestamp() - interval '31 days' and name <> 'Closed account')
$$;
comment on function iam.forgettable() is 'Whether there is anything to forget of who came in and who tried. For the worker.';

create function iam.forget() returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from iam.throttles where updated_at < statement_timestamp() - interval '1 day';
    delete from iam.refresh_tokens using iam.sessions
    where sessions.id = refresh_tokens.session_id
      and least(sessions.ended_at, sessions.expires_at) < statement_timestamp() - interval '30 days';
    delete from iam.sessions where least(ended_at, expires_at) < statement_timestamp() - interval '30 days';
    delete from iam.house_log where created_at < statement_timestamp() - interval '181 days';
    perform iam.codes_forget();
    delete from iam.notices where created_at < statement_timestamp() - interval '30 days';
    -- Those of closed accounts, and those that nobody was asked.
    delete from iam.join_requests using iam.users
    where users.id = join_requests.user_id and (
        users.deleted_at < statement_timestamp() - interval '30 days' and users.name <> 'Closed account'
        or join_requests.tenant_id = '00000000-0000-0000-0000-000000000000'
            and join_requests.created_at < statement_timestamp() - interval '90 days'
    );
    perform iam.accounts_forget();
    return false;
end
$$;
comment on function iam.forget() is
    'Forgets what was tried and sent more than a day ago; what people were told, sessions that ended and accounts that were closed more than 30 days ago; and what the log of the house has from half a year ago. For the worker.';

reset role;
grant create on schema iam to countinghouse_auth, countinghouse_accounts;
alter function iam.codes_forget() owner to countinghouse_accounts;
alter function iam.forgettable() owner to countinghouse_auth;
alter function iam.forget() owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth, countinghouse_accounts;
revoke execute on all functions in schema iam from public;
grant execute on function iam.codes_forget() to countinghouse_auth;
grant execute on function iam.forgettable(), iam.forget() to countinghouse_worker;
set local role countinghouse_owner;
