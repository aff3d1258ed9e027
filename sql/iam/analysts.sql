-- An analyst is a login for psql and BI tools. It reads, and what it reads is its organisation's.
--
-- Who holds a login holds the connection: what it must not do hangs on grants and policies, and on the worker, which
-- ends what takes too long. No setting of the login is relied upon.

create table iam.analysts (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    label text not null,
    login text not null generated always as (
        'analyst_' || right(replace(id::text, '-', ''), 16) || '_' || replace(tenant_id::text, '-', '')
    ) stored,
    connection_limit integer not null default 5,
    statement_timeout_ms integer not null default 30000,
    valid_until timestamptz,
    rotated_at timestamptz not null default statement_timestamp(),
    revoked_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    constraint analysts_login_unique unique (tenant_id, login),
    constraint analysts_label_check check (label = btrim(label) and char_length(label) between 1 and 100),
    constraint analysts_connection_limit_check check (connection_limit between 1 and 20),
    constraint analysts_statement_timeout_check check (statement_timeout_ms between 100 and 900000),
    constraint analysts_valid_until_check check (valid_until > rotated_at)
);

comment on table iam.analysts is 'A login that reads the organisation''s figures with psql or a BI tool.';
comment on column iam.analysts.tenant_id is 'The organisation.';
comment on column iam.analysts.id is 'The analyst''s id.';
comment on column iam.analysts.label is 'Whose login it is, or what it is for: 1 to 100 characters.';
comment on column iam.analysts.login is
    'The user name. It tells nothing but ids, because whoever is connected to the database can see it.';
comment on column iam.analysts.connection_limit is 'How many connections it may have at a time: 1 to 20; 5 unless said otherwise.';
comment on column iam.analysts.statement_timeout_ms is
    'How many milliseconds a statement may take, and ten times as many a transaction: 100 to 900000; 30000 unless said otherwise.';
comment on column iam.analysts.valid_until is 'Until when it may come in; empty where that has no end.';
comment on column iam.analysts.rotated_at is 'Since when its present secret holds.';
comment on column iam.analysts.revoked_at is 'Since when it is gone.';
comment on column iam.analysts.created_at is 'When it was made.';
comment on column iam.analysts.created_by is 'Who made it.';
comment on column iam.analysts.updated_at is 'When it last changed.';
comment on constraint analysts_login_unique on iam.analysts is 'ANALYST_LOGIN_TAKEN: There is a login of this name.';
comment on constraint analysts_label_check on iam.analysts is
    'LABEL_INVALID input.label: A label has 1 to 100 characters, without blanks around them.';
comment on constraint analysts_connection_limit_check on iam.analysts is
    'CONNECTION_LIMIT input.connectionLimit: An analyst has 1 to 20 connections.';
comment on constraint analysts_statement_timeout_check on iam.analysts is
    'STATEMENT_TIMEOUT_RANGE input.statementTimeoutMs: A statement may take 100 to 900000 milliseconds.';
comment on constraint analysts_valid_until_check on iam.analysts is
    'VALID_UNTIL_PAST input.validUntil: This lies in the past. Choose a moment to come, or none.';

-- squawk-ignore require-concurrent-index-creation
create unique index analysts_label_unique on iam.analysts (tenant_id, label) where revoked_at is null;
comment on index iam.analysts_label_unique is
    'LABEL_TAKEN input.label: There is an analyst with this label. Choose another, or rotate the secret of that one.';
create index analysts_created_at on iam.analysts (tenant_id, created_at, id);

alter table iam.analysts enable row level security;
alter table iam.analysts force row level security;

-- Logins are of the organisation as a whole.
create policy tenant on iam.analysts to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all())
    with check (tenant_id = core.tenant_id() and core.sees_all());
-- Whoever ends connections looks up what each login may.
create policy watcher on iam.analysts for select to countinghouse_watcher using (true);

grant select (
    tenant_id, id, label, login, connection_limit, statement_timeout_ms, valid_until, rotated_at, revoked_at, created_at,
    created_by, updated_at
) on iam.analysts to countinghouse_tenant, countinghouse_reader;
grant select (tenant_id, login, statement_timeout_ms, valid_until, rotated_at, revoked_at) on iam.analysts to countinghouse_watcher;
-- NOTE: nothing for analysts: who else may look is the administrators' business.

create trigger touch before update on iam.analysts for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.analysts
    for each row execute function core.audit('ANALYST', 'login');
-- So that connections end at once that may no longer be.
create trigger wake after update on iam.analysts for each statement execute function core.wake_worker();

create function iam.analyst_room() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One after the other, or two could take the last room.
    perform from iam.tenants where id = new.tenant_id for no key update;
    if (select sum(connection_limit) from iam.analysts where tenant_id = new.tenant_id and revoked_at is null) > 20 then
        perform core.refuse(
            'CONFLICT', 'ANALYST_CONNECTIONS',
            'All analysts together may have 20 connections. Revoke one that is not needed, or make this one smaller.',
            'input.connectionLimit'
        );
    end if;
    return null;
end
$$;
comment on function iam.analyst_room() is 'Keeps one organisation from taking all connections of the server.';
create trigger room after insert on iam.analysts for each row execute function iam.analyst_room();

-- Roles of analysts: made, changed and dropped by these two functions and nobody else.

create function iam.analyst_role_put(
    login text, verifier text, connection_limit integer, statement_timeout_ms integer, valid_until timestamptz, may_log_in boolean
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if login !~ '^analyst_[0-9a-f]{16}_[0-9a-f]{32}$' then
        raise exception 'This is no name of an analyst''s login.';
    end if;
    -- PostgreSQL takes anything else for the password itself, which must never come here.
    if verifier !~ '^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$' then
        raise exception 'This is no SCRAM-SHA-256 verifier.';
    end if;
    if not exists (select from pg_roles where rolname = login) then
        execute format('create role %I', login);
        -- Where the organisation is suspended, it comes into its group when that is over: iam.tenant_roles_settle().
        if may_log_in then
            execute format('grant countinghouse_analyst to %I', login);
        end if;
    end if;
    if verifier is not null then
        execute format('alter role %I password %L', login, verifier);
    end if;
    execute format(
        'alter role %I %s connection limit %s valid until %L', login, case when may_log_in then 'login' else 'nologin' end,
        connection_limit, coalesce(valid_until, 'infinity')
    );
    -- Everything anew: a login may change its own settings, and its own password.
    execute format('alter role %I reset all', login);
    execute format('alter role %I set default_transaction_read_only = on', login);
    execute format('alter role %I set statement_timeout = %s', login, statement_timeout_ms);
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', login, '5min');
    execute format('alter role %I set idle_session_timeout = %L', login, '1h');
    execute format('alter role %I set search_path = reporting', login);
end
$$;
comment on function iam.analyst_role_put(text, text, integer, integer, timestamptz, boolean) is
    'Makes the database role of an analyst if it is missing, and gives it its settings, and a new secret where there is one.';

create function iam.analyst_role_drop(login text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if login !~ '^analyst_[0-9a-f]{16}_[0-9a-f]{32}$' then
        raise exception 'This is no name of an analyst''s login.';
    end if;
    if exists (select from pg_roles where rolname = login) then
        -- A login can hold on to itself by default privileges of its own, which only whoever is a member may take.
        execute format('grant %I to countinghouse_provisioner', login);
        execute format('drop owned by %I', login);
        execute format('drop role %I', login);
    end if;
end
$$;
comment on function iam.analyst_role_drop(text) is
    'Drops the database role of an analyst. Whoever is connected as it can read nothing more from then on.';

reset role;
grant create on schema iam to countinghouse_provisioner;
alter function iam.analyst_role_put(text, text, integer, integer, timestamptz, boolean) owner to countinghouse_provisioner;
alter function iam.analyst_role_drop(text) owner to countinghouse_provisioner;
revoke create on schema iam from countinghouse_provisioner;
revoke execute on function
    iam.analyst_role_put(text, text, integer, integer, timestamptz, boolean), iam.analyst_role_drop(text) from public;
grant execute on function
    iam.analyst_role_put(text, text, integer, integer, timestamptz, boolean), iam.analyst_role_drop(text)
    to countinghouse_owner;
set local role countinghouse_owner;

create function iam.analyst_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    made iam.analysts;
begin
    perform core.demand('iam:write');
    insert into iam.analysts (tenant_id, label, connection_limit, statement_timeout_ms, valid_until)
    values (
        core.tenant_id(), input ->> 'label', coalesce((input ->> 'connection_limit')::integer, 5),
        coalesce((input ->> 'statement_timeout_ms')::integer, 30000), (input ->> 'valid_until')::timestamptz
    )
    returning * into made;
    perform iam.analyst_role_put(
        made.login, input ->> 'verifier', made.connection_limit, made.statement_timeout_ms, made.valid_until, true
    );
    return made.id;
end
$$;
comment on function iam.analyst_create(jsonb) is
    'Makes a login that reads the organisation''s figures. What comes in is the verifier of its secret, never the secret.';

create function iam.analyst_of(input jsonb) returns iam.analysts
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted iam.analysts;
begin
    select * into wanted from iam.analysts where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid for update;
    if wanted.id is null then
        perform core.refuse('NOT_FOUND', 'ANALYST_NOT_FOUND', 'There is no analyst with this id.', 'input.id');
    end if;
    if wanted.revoked_at is not null then
        perform core.refuse('CONFLICT', 'ANALYST_REVOKED', 'This analyst was revoked. Make another one.', 'input.id');
    end if;
    return wanted;
end
$$;
comment on function iam.analyst_of(jsonb) is 'The analyst that is meant, locked. Refuses one that was revoked.';

create function iam.analyst_secret_rotate(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted iam.analysts;
begin
    perform core.demand('iam:write');
    wanted := iam.analyst_of(input);
    update iam.analysts
    set rotated_at = statement_timestamp(),
        valid_until = case when input ? 'valid_until' then (input ->> 'valid_until')::timestamptz else valid_until end
    where tenant_id = core.tenant_id() and id = wanted.id
    returning * into wanted;
    perform iam.analyst_role_put(
        wanted.login, input ->> 'verifier', wanted.connection_limit, wanted.statement_timeout_ms, wanted.valid_until, true
    );
    return wanted.id;
end
$$;
comment on function iam.analyst_secret_rotate(jsonb) is
    'Gives an analyst another secret, and all its settings anew. The old one is good no more, and its connections end within seconds.';

create function iam.analyst_revoke(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted iam.analysts;
begin
    perform core.demand('iam:write');
    wanted := iam.analyst_of(input);
    update iam.analysts set revoked_at = statement_timestamp() where tenant_id = core.tenant_id() and id = wanted.id;
    perform iam.analyst_role_drop(wanted.login);
    return wanted.id;
end
$$;
comment on function iam.analyst_revoke(jsonb) is
    'Takes an analyst''s login away. Whoever is connected can read nothing more, and is cut off within seconds.';

grant execute on function iam.analyst_create(jsonb), iam.analyst_secret_rotate(jsonb), iam.analyst_revoke(jsonb)
    to countinghouse_tenant;

create function iam.analyst_roles_restore() returns integer
language sql
set search_path = pg_catalog, pg_temp
as $$
    select count(*)::integer
    from (
        select iam.analyst_role_put(
            analysts.login, null, connection_limit, statement_timeout_ms, valid_until, tenants.suspended_at is null
        )
        from iam.analysts
        join iam.tenants on tenants.id = analysts.tenant_id
        where revoked_at is null and not exists (select from pg_roles where rolname = analysts.login)
    ) as restored
$$;
comment on function iam.analyst_roles_restore() is
    'Makes the roles of analysts that are missing, as after a restore. They have no secret, which stands nowhere: each is to be rotated.';

-- What the worker ends. Its login sees process ids, and nothing of what they do.

create function iam.analyst_backends_overdue() returns table (pid integer)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with connected as materialized (
        select activity.pid, activity.usename, activity.datid, activity.backend_start,
               statement_timestamp() - activity.query_start as at_work, activity.state = 'active' as is_at_work,
               statement_timestamp() - activity.xact_start as in_transaction,
               roles.rolcanlogin
        from pg_stat_activity as activity
        left join pg_roles as roles on roles.oid = activity.usesysid
        where activity.backend_type = 'client backend' and activity.usesysid is not null
          and (roles.rolname is null or roles.rolname ~ '^analyst_[0-9a-f]{16}_[0-9a-f]{32}$')
    )
    -- A login that is gone.
    select connected.pid from connected
    where connected.rolcanlogin is null and connected.datid = (select oid from pg_database where datname = current_database())
    union all
    select connected.pid
    from connected
    join iam.analysts on analysts.tenant_id = right(connected.usename, 32)::uuid and analysts.login = connected.usename
    where not connected.rolcanlogin
       or analysts.revoked_at is not null
       or analysts.valid_until <= statement_timestamp()
       or connected.backend_start < analysts.rotated_at
       or connected.is_at_work and connected.at_work > analysts.statement_timeout_ms * interval '1 millisecond'
       or connected.in_transaction > analysts.statement_timeout_ms * interval '10 milliseconds'
$$;
comment on function iam.analyst_backends_overdue() is
    'The connections of analysts that are to end: of a login that is revoked, expired, suspended or has another secret by now, '
    'with a statement that takes longer than it may, or with a transaction that takes ten times as long. For the worker.';

create function iam.analyst_backends_end() returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_terminate_backend(overdue.pid) from iam.analyst_backends_overdue() as overdue;
    return false;
end
$$;
comment on function iam.analyst_backends_end() is 'Ends the connections of analysts that are to end. For the worker.';

reset role;
grant create on schema iam to countinghouse_watcher;
alter function iam.analyst_backends_overdue() owner to countinghouse_watcher;
alter function iam.analyst_backends_end() owner to countinghouse_watcher;
revoke create on schema iam from countinghouse_watcher;
revoke execute on function iam.analyst_backends_overdue(), iam.analyst_backends_end() from public;
grant execute on function iam.analyst_backends_overdue(), iam.analyst_backends_end() to countinghouse_worker;
set local role countinghouse_owner;
