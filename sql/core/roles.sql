-- Roles: who owns, who serves, who reads. They belong to the whole server, so each is made only where it is missing.

do $$
declare
    wanted record;
begin
    for wanted in
        select * from (values
            ('countinghouse_owner',       'nologin',                  'owns tables and functions; bound by the same policies'),
            ('countinghouse_api',         'login noinherit',          'what the server connects as; has no rights of its own, may become a tenant'),
            ('countinghouse_tenant',      'nologin',                  'the group of all tenant roles: what a tenant may read and call'),
            ('countinghouse_analyst',     'nologin',                  'the group of all analyst logins: what an analyst may read'),
            ('countinghouse_reader',      'nologin',                  'owner of the read door; reads what a tenant reads'),
            ('countinghouse_auth',        'nologin',                  'owner of the sign-in look-ups'),
            ('countinghouse_accounts',    'nologin',                  'owner of the functions by which people make and change their accounts'),
            ('countinghouse_provisioner', 'nologin createrole',       'owner of the functions that make and drop tenant roles'),
            ('countinghouse_worker',      'login noinherit',          'what the worker connects as; sees that something is due, becomes a tenant to do it'),
            ('countinghouse_reports',     'nologin',                  'owner of the materialized views; reads what they are made of'),
            ('countinghouse_watcher',     'nologin',                  'owner of the functions that end connections of analysts'),
            ('countinghouse_search',      'nologin',                  'owner of the functions that find names by a part; reads those and whose they are')
        ) as roles (name, options, meaning)
    loop
        if not exists (select from pg_roles where rolname = wanted.name) then
            execute format('create role %I %s', wanted.name, wanted.options);
        end if;
        execute format('comment on role %I is %L', wanted.name, wanted.meaning);
    end loop;
end
$$;

-- Whoever waits for a lock looks for a deadlock after this long. PostgreSQL's own second is long for transactions that take
-- milliseconds: of those who cross each other in turn, one has its way in each of them.
alter role countinghouse_api set deadlock_timeout = '100ms';
alter role countinghouse_worker set deadlock_timeout = '100ms';

-- The provisioner puts new roles into their groups, and is no member of them: it reads nothing. On 15, CREATEROLE alone
-- lets it. The watcher sees since when others are at work, and may end it.
do $$
begin
    if current_setting('server_version_num')::int >= 160000 then
        execute 'grant countinghouse_tenant, countinghouse_analyst to countinghouse_provisioner'
            ' with admin true, inherit false, set false';
        execute 'grant pg_signal_backend, pg_read_all_stats to countinghouse_watcher with inherit true, set false';
    else
        grant pg_signal_backend, pg_read_all_stats to countinghouse_watcher;
    end if;
end
$$;

-- Nobody gets anything by default. Without IN SCHEMA: with it, nothing would be revoked.
alter default privileges revoke execute on functions from public;
alter default privileges revoke usage on types from public;
alter default privileges for role countinghouse_owner revoke execute on functions from public;
alter default privileges for role countinghouse_owner revoke usage on types from public;

revoke create on schema public from public;

do $$
declare
    shared regprocedure;
    elsewhere name;
begin
    -- Advisory locks and large objects know no tenant: one could block another, or leave something for them. And there is
    -- a function that writes to the log of all without writing to any table.
    for shared in
        select oid from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace
          and proname ~ '^(pg_(try_)?advisory_(xact_)?lock(_shared)?|lo_creat|lo_create|lo_from_bytea|lo_put|pg_logical_emit_message)$'
    loop
        execute format('revoke execute on function %s from public', shared);
    end loop;
    -- Who else is connected, since when and as what is for whoever watches the server.
    for shared in
        select oid from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^pg_stat_get_(activity|backend_.*)$'
    loop
        execute format('revoke execute on function %s from public', shared);
        execute format('grant execute on function %s to pg_read_all_stats', shared);
    end loop;
    -- The two databases that every server has besides ours: there, whoever may log in could do what is refused here.
    for elsewhere in select datname from pg_database where datname in ('postgres', 'template1') and datname <> current_database() loop
        execute format('revoke connect, temporary on database %I from public', elsewhere);
    end loop;
    -- TEMP objects could shadow ours, and an analyst could fill the disk with them.
    execute format('revoke temporary on database %I from public', current_database());
    execute format('revoke connect on database %I from public', current_database());
    execute format(
        'grant connect on database %I to countinghouse_api, countinghouse_worker, countinghouse_analyst', current_database()
    );
    -- Refreshing a materialized view while others read it goes by way of a temporary table of its owner's.
    execute format('grant temporary on database %I to countinghouse_reports', current_database());
end
$$;

create schema core authorization countinghouse_owner;
comment on schema core is 'What every domain shares: the context of a statement, money, ids, refusals, the audit log.';
grant usage on schema core to countinghouse_api, countinghouse_tenant, countinghouse_analyst, countinghouse_reader,
    countinghouse_auth, countinghouse_accounts, countinghouse_provisioner, countinghouse_worker, countinghouse_reports,
    countinghouse_watcher;

-- From here on everything belongs to the owner, who is bound by the policies like everybody else.
set local role countinghouse_owner;
