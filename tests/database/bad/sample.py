"""A noun in which everything is as it should be, with all that belongs to one, and a report behind its barrier."""

from typing import Final

# A noun with all that belongs to one: table, partitions, policies, grants, function, comments.
SAMPLE: Final = """
create table billing.samples (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    name text not null,
    status text not null,
    amount numeric not null,
    amount_minor bigint not null generated always as ((amount * 100)::bigint) stored,
    secret_hash text,
    metadata jsonb,
    constraint samples_pkey primary key (tenant_id, id),
    constraint samples_name_key unique (tenant_id, name),
    constraint samples_status_check check (status in ('OPEN', 'CLOSED'))
);
create index samples_status on billing.samples (tenant_id, status, amount_minor, id);
create table billing.sample_events (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    created_at timestamptz not null,
    constraint sample_events_pkey primary key (tenant_id, id, created_at)
) partition by range (created_at);
create table billing.sample_events_default partition of billing.sample_events default;
create view billing.sample_names with (security_invoker = true) as select tenant_id, id, name from billing.samples;
create function billing.sample_close(input jsonb) returns uuid language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
declare
    closed uuid;
begin
    perform core.demand('billing:write');
    -- To execute means something else here: 'execute'.
    update billing.samples set status = 'CLOSED'
    where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid
    returning id into closed;
    return closed;
end $$;
create function billing.sample_watch() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$ begin return new; end $$;
create constraint trigger watch after insert on billing.samples deferrable initially deferred
    for each row execute function billing.sample_watch();
revoke execute on function billing.sample_close(jsonb), billing.sample_watch() from public;
grant execute on function billing.sample_close(jsonb) to countinghouse_tenant;
grant select (tenant_id, id, name, status, amount, amount_minor) on billing.samples
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select (tenant_id, id, name) on billing.sample_names
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;

do $$
declare
    item record;
begin
    for item in select oid::regclass as name from pg_catalog.pg_class
        where relname like 'sample%' and relkind in ('r', 'p') and relnamespace = 'billing'::regnamespace
    loop
        execute format('alter table %s enable row level security, force row level security', item.name);
    end loop;
    foreach item.name in array array['billing.samples', 'billing.sample_events']::regclass[] loop
        execute format('create policy tenant on %s to countinghouse_tenant, countinghouse_owner, countinghouse_reader'
            ' using (tenant_id = core.tenant_id() and core.sees_all())'
            ' with check (tenant_id = core.tenant_id() and core.sees_all())', item.name);
        execute format('create policy analyst on %s for select to countinghouse_analyst'
            ' using (tenant_id = core.tenant_id())', item.name);
    end loop;
    for item in select oid::regclass as name, relkind from pg_catalog.pg_class
        where relname like 'sample%' and relkind in ('r', 'p', 'v') and relnamespace = 'billing'::regnamespace
    loop
        execute format('alter table %s owner to countinghouse_owner', item.name);
        execute format('comment on %s %s is %L', case item.relkind when 'v' then 'view' else 'table' end,
            item.name, 'A sample.');
    end loop;
    for item in select attrelid::regclass as name, attname from pg_catalog.pg_attribute
        where attnum > 0 and attrelid in (select oid from pg_catalog.pg_class where relname like 'sample%'
            and relkind in ('r', 'p', 'v') and relnamespace = 'billing'::regnamespace)
    loop
        execute format('comment on column %s.%I is %L', item.name, item.attname, 'A column.');
    end loop;
    for item in select oid::regprocedure as name from pg_catalog.pg_proc where proname like 'sample%' loop
        execute format('alter function %s owner to countinghouse_owner', item.name);
        execute format('comment on function %s is %L', item.name, 'A function.');
    end loop;
end $$;
comment on constraint samples_name_key on billing.samples is 'SAMPLE_EXISTS input.name: There is one of this name.';
comment on constraint samples_status_check on billing.samples is 'SAMPLE_STATUS_UNKNOWN: Choose OPEN or CLOSED.';
"""

# A materialized view as the design has it: private, of _reports, behind a barrier.
REPORT: Final = """
do $$ begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'countinghouse_reports') then
        create role countinghouse_reports nologin;
    end if;
end $$;
create materialized view billing.sample_totals as
    select tenant_id, count(*) as samples from billing.samples group by tenant_id;
alter materialized view billing.sample_totals owner to countinghouse_reports;
create view billing.sample_report with (security_barrier = true) as
    select tenant_id, samples from billing.sample_totals where tenant_id = core.tenant_id() and core.sees_all();
alter view billing.sample_report owner to countinghouse_reports;
comment on materialized view billing.sample_totals is 'Totals.';
comment on column billing.sample_totals.tenant_id is 'Whose.';
comment on column billing.sample_totals.samples is 'How many.';
comment on view billing.sample_report is 'Totals of the tenant.';
comment on column billing.sample_report.tenant_id is 'Whose.';
comment on column billing.sample_report.samples is 'How many.';
"""
