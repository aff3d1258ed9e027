"""Bad objects, at least one for every rule of the catalog: what a forgetful author might write.

Each is made beside `SAMPLE`, in which everything is as it should be, and is then the only thing that is wrong.
"""

from dataclasses import dataclass
from typing import Final

STRANGER: Final = "0123456789abcdef0123456789abcdef"

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
    select tenant_id, samples from billing.sample_totals where tenant_id = core.tenant_id();
alter view billing.sample_report owner to countinghouse_reports;
comment on materialized view billing.sample_totals is 'Totals.';
comment on column billing.sample_totals.tenant_id is 'Whose.';
comment on column billing.sample_totals.samples is 'How many.';
comment on view billing.sample_report is 'Totals of the tenant.';
comment on column billing.sample_report.tenant_id is 'Whose.';
comment on column billing.sample_report.samples is 'How many.';
"""


@dataclass(frozen=True, slots=True)
class Bad:
    """SQL that breaks one rule, and the objects that the rule must name (a trailing * stands for the rest)."""

    rule: str
    objects: tuple[str, ...]
    sql: str


def bad(rule: str, *objects_and_sql: str) -> Bad:
    *objects, sql = objects_and_sql
    return Bad(rule, tuple(objects), sql)


def policy(name: str, using: str, to: str = "countinghouse_tenant", command: str = "all", check: str = "") -> str:
    """A policy in place of the sample's own."""
    return f"""
        drop policy tenant on billing.samples;
        create policy {name} on billing.samples for {command} to {to} using ({using}) with check ({check or using})
    """


def function(body: str, options: str = "", returns: str = "int", language: str = "plpgsql") -> str:
    """A function billing.forgotten() without grants."""
    return f"""
        create function billing.forgotten() returns {returns} language {language} {options} as $f${body}$f$;
        alter function billing.forgotten() owner to countinghouse_owner;
        revoke execute on function billing.forgotten() from public
    """


PINNED: Final = "security definer set search_path = pg_catalog, pg_temp"
NOTHING: Final = "begin return 1; end"
OURS: Final = "tenant_id = core.tenant_id()"
TENANT_ROLE: Final = f"create role tenant_{STRANGER} nologin in role countinghouse_tenant"
NEW_TENANT: Final = (
    """iam.tenant_create('{"slug": "sampler", "name": "Sampler", "currency": "EUR", "country": "IE"}'::jsonb)"""
)

TABLES: Final = (
    bad("schema-loaded", "the database", "alter schema iam rename to lost"),
    bad("row-security-enabled", "billing.samples", "alter table billing.samples disable row level security"),
    bad(
        "row-security-enabled",
        "billing.sample_events_2026",
        """create table billing.sample_events_2026 partition of billing.sample_events
            for values from ('2026-01-01') to ('2027-01-01')""",
    ),
    bad("row-security-forced", "billing.samples", "alter table billing.samples no force row level security"),
    bad("ordinary-tables-only", "billing.child", "create table billing.child () inherits (billing.samples)"),
    bad(
        "ordinary-tables-only",
        "billing.far",
        """create foreign data wrapper nowhere; create server far foreign data wrapper nowhere;
            create foreign table billing.far (tenant_id uuid) server far""",
    ),
    bad("no-rewrite-rules", "billing.samples", "create rule quiet as on delete to billing.samples do instead nothing"),
    bad("triggers-enabled", "billing.samples", "alter table billing.samples disable trigger watch"),
    bad("triggers-enabled", "billing.clients", "alter table billing.clients disable trigger all"),
    bad("triggers-enabled", "billing.samples", "alter table billing.samples enable replica trigger watch"),
    bad("default-partition", "billing.sample_events", "drop table billing.sample_events_default"),
    bad("audit-log-partitioned", "core.audit_log", "alter table core.audit_log rename to audit_trail"),
    bad("view-security-invoker", "billing.sample_names", "alter view billing.sample_names reset (security_invoker)"),
    bad(
        "view-security-invoker",
        "billing.sample_names",
        "alter view billing.sample_names set (security_invoker = false, security_barrier = true)",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"{REPORT}; alter view billing.sample_report reset (security_barrier)",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"{REPORT}; alter view billing.sample_report owner to countinghouse_owner",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"""{REPORT}; create or replace view billing.sample_report with (security_barrier = true) as
            select tenant_id, samples from billing.sample_totals where tenant_id = core.tenant_id() or samples > 0""",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"""{REPORT}; create or replace view billing.sample_report with (security_barrier = true) as
            select t.tenant_id, t.samples from billing.sample_totals t join billing.samples s using (tenant_id)
            where t.tenant_id = core.tenant_id()""",
    ),
    bad("owner", "billing.samples", "alter table billing.samples owner to current_user"),
    bad("owner", "billing.samples", "alter table billing.samples owner to countinghouse_reader"),
    bad(
        "owner",
        "billing.sample_totals",
        f"{REPORT}; alter materialized view billing.sample_totals owner to current_user",
    ),
    bad("owner", "billing.word", "create domain billing.word as text"),
    bad("owner", "schema annex", "create schema annex"),
    bad("public-schema-empty", "public.notes", "create table public.notes (id int)"),
    bad("public-schema-empty", "public.one()", "create function public.one() returns int language sql return 1"),
)

COLUMNS: Final = (
    bad("tenant-column", "billing.loose", "create table billing.loose (id uuid primary key)"),
    bad("tenant-column", "billing.loose", "create table billing.loose (tenant_id text not null)"),
    bad("tenant-column", "billing.loose", "create table billing.loose (tenant_id uuid)"),
    bad(
        "no-enum",
        "billing.mood",
        "billing.samples.mood",
        "create type billing.mood as enum ('GOOD', 'BAD'); alter table billing.samples add mood billing.mood",
    ),
    bad("status-checked", "billing.samples.email_status", "alter table billing.samples add email_status text"),
    bad(
        "status-checked",
        "billing.samples.email_status",
        "alter table billing.samples add email_status int check (email_status in (1, 2))",
    ),
    bad("no-inexact-numbers", "billing.samples.rate", "alter table billing.samples add rate double precision"),
    bad("no-inexact-numbers", "billing.samples.price", "alter table billing.samples add price money"),
    bad("minor-units-generated", "billing.samples.fee_minor", "alter table billing.samples add fee_minor bigint"),
    bad(
        "id-default",
        "billing.samples.id",
        "alter table billing.samples alter id set default gen_random_uuid()",
    ),
    bad(
        "id-default",
        "billing.samples.number",
        "alter table billing.samples add number bigint generated always as identity",
    ),
    bad("no-serial", "billing.samples.number", "alter table billing.samples add number bigserial"),
)

KEYS: Final = (
    bad("primary-key", "billing.samples", "alter table billing.samples drop constraint samples_pkey"),
    bad(
        "key-starts-with-tenant",
        "billing.samples.samples_pkey",
        "alter table billing.samples drop constraint samples_pkey, add constraint samples_pkey primary key (id)",
    ),
    bad(
        "key-starts-with-tenant",
        "billing.samples.samples_name_key",
        """alter table billing.samples drop constraint samples_name_key,
            add constraint samples_name_key unique (name, tenant_id)""",
    ),
    bad("key-starts-with-tenant", "billing.taken", "create unique index taken on billing.samples (lower(name))"),
    bad(
        "key-starts-with-tenant",
        "billing.samples.apart",
        "alter table billing.samples add constraint apart exclude (name with =)",
    ),
    bad(
        "foreign-key-starts-with-tenant",
        "billing.samples.parent_fkey",
        """alter table billing.samples add constraint samples_id_key unique (id), add parent uuid,
            add constraint parent_fkey foreign key (parent) references billing.samples (id)""",
    ),
    bad(
        "foreign-key-starts-with-tenant",
        "billing.samples.person_fkey",
        """alter table billing.samples add person uuid,
            add constraint person_fkey foreign key (person) references iam.users (id)""",
    ),
    bad(
        "foreign-key-restricts",
        "billing.samples.parent_fkey",
        """alter table billing.samples add parent uuid, add constraint parent_fkey
            foreign key (tenant_id, parent) references billing.samples (tenant_id, id) on delete cascade""",
    ),
    bad(
        "foreign-key-restricts",
        "billing.samples.parent_fkey",
        """alter table billing.samples add parent uuid, add constraint parent_fkey
            foreign key (tenant_id, parent) references billing.samples (tenant_id, id) on update cascade""",
    ),
    bad(
        "foreign-key-restricts",
        "billing.samples.parent_fkey",
        """alter table billing.samples add parent uuid, add constraint parent_fkey
            foreign key (tenant_id, parent) references billing.samples (tenant_id, id) on delete set null""",
    ),
    bad(
        "constraint-validated",
        "billing.samples.later",
        "alter table billing.samples add constraint later check (name <> '') not valid",
    ),
    bad("index-starts-with-tenant", "billing.by_name", "create index by_name on billing.samples (name)"),
    bad(
        "index-leakproof",
        "billing.by_amount",
        "create index by_amount on billing.samples (tenant_id, amount)",
    ),
    bad(
        "index-leakproof",
        "billing.by_metadata",
        "create index by_metadata on billing.samples (tenant_id, (metadata -> 'a'))",
    ),
    bad(
        "index-valid",
        "billing.samples_status",
        "update pg_index set indisvalid = false where indexrelid = 'billing.samples_status'::regclass",
    ),
)

POLICIES: Final = (
    bad("policy-for-tenant-owner-reader", "billing.samples", "drop policy tenant on billing.samples"),
    bad(
        "policy-for-tenant-owner-reader",
        "billing.samples",
        policy("tenant", f"{OURS} and core.sees_all()", "countinghouse_tenant, countinghouse_reader"),
    ),
    bad(
        "policy-for-tenant-owner-reader",
        "billing.samples",
        f"""drop policy tenant on billing.samples;
            create policy narrow on billing.samples as restrictive to countinghouse_tenant, countinghouse_owner,
            countinghouse_reader using ({OURS}) with check ({OURS})""",
    ),
    bad("policy-for-analyst", "billing.samples", "drop policy analyst on billing.samples"),
    bad(
        "policy-both-clauses",
        "billing.samples policy tenant",
        f"""drop policy tenant on billing.samples;
            create policy tenant on billing.samples to countinghouse_tenant using ({OURS})""",
    ),
    bad(
        "policy-both-clauses",
        "billing.samples policy tenant",
        f"""drop policy tenant on billing.samples;
            create policy tenant on billing.samples for update to countinghouse_tenant with check ({OURS})""",
    ),
    bad("policy-to-groups", "billing.samples policy tenant", policy("tenant", OURS, "public")),
    bad(
        "policy-to-groups",
        "billing.samples policy tenant",
        f"{TENANT_ROLE}; {policy('tenant', OURS, f'tenant_{STRANGER}')}",
    ),
    bad("policy-compares-tenant", "billing.samples policy tenant", policy("tenant", "core.sees_all()")),
    bad(
        "policy-compares-tenant",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and core.sees_all() or status = 'OPEN'"),
    ),
    bad("policy-compares-tenant", "billing.samples policy tenant", policy("tenant", f"not ({OURS})")),
    bad("policy-compares-tenant", "billing.samples policy tenant", policy("tenant", OURS, check="name <> ''")),
    bad(
        "policy-compares-tenant",
        "billing.samples policy tenant",
        policy("tenant", "tenant_id = current_setting('app.tenant_id')::uuid"),
    ),
    bad(
        "policy-scoped",
        "billing.samples policy tenant",
        f"alter table billing.samples add client_id uuid; {policy('tenant', OURS)}",
    ),
    bad("policy-true", "billing.samples policy tenant", policy("tenant", "true")),
    bad("policy-true", "billing.samples policy tenant", policy("tenant", OURS, check="true")),
    bad(
        "policy-true",
        "billing.samples policy door",
        "create policy door on billing.samples for select to countinghouse_auth using (true)",
    ),
    bad(
        "policy-true",
        "core.audit_log policy door",
        "create policy door on core.audit_log for select to countinghouse_auth using (true)",
    ),
    bad(
        "policy-compares-tenant",
        "billing.samples policy door",
        """create policy door on billing.samples for insert to countinghouse_auth with check (status = 'OPEN')""",
    ),
    bad(
        "people-closed",
        "iam.users policy everyone",
        "create policy everyone on iam.users for select to countinghouse_tenant using (email is not null)",
    ),
    bad(
        "policy-alike",
        "billing.samples",
        policy("tenant", f"{OURS} and core.sees_all()", "countinghouse_tenant, countinghouse_reader")
        + f"; create policy owner on billing.samples to countinghouse_owner using ({OURS}) with check ({OURS})",
    ),
    bad(
        "policy-alike",
        "billing.samples",
        policy("tenant", f"{OURS} and core.sees_all()")
        + f"""; create policy reader on billing.samples for select to countinghouse_reader using ({OURS})""",
    ),
    bad(
        "policy-single",
        "billing.samples",
        f"""create policy wider on billing.samples for select to countinghouse_tenant
            using ({OURS} and status = 'OPEN')""",
    ),
    bad(
        "policy-no-subselect",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and id in (select user_id from iam.memberships)"),
    ),
    bad(
        "policy-no-subselect",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and exists (select from iam.memberships m where m.tenant_id = core.tenant_id())"),
    ),
    bad(
        "policy-functions",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and current_setting('app.role', true) = 'owner'"),
    ),
    bad(
        "policy-functions",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and current_user = 'countinghouse_tenant'"),
    ),
    bad(
        "policy-functions",
        "billing.samples policy tenant",
        function("begin return true; end", "stable", "boolean")
        + ";"
        + policy("tenant", f"{OURS} and billing.forgotten()"),
    ),
    bad(
        "policy-functions",
        "billing.samples policy tenant",
        f"""create function billing.same(text, text) returns boolean language sql immutable as 'select true';
            create operator billing.=== (leftarg = text, rightarg = text, function = billing.same);
            {policy("tenant", f"{OURS} and name operator(billing.===) 'a'")}""",
    ),
    bad("policy-no-json", "billing.samples policy tenant", policy("tenant", f"{OURS} and metadata ? 'open'")),
    bad(
        "policy-of-analyst",
        "billing.samples policy analyst",
        f"alter policy analyst on billing.samples using ({OURS} and core.sees_all())",
    ),
    bad(
        "policy-of-analyst",
        "billing.samples policy analyst",
        f"""drop policy analyst on billing.samples; create policy analyst on billing.samples to countinghouse_analyst
            using ({OURS}) with check ({OURS})""",
    ),
)

GRANTS: Final = (
    bad("nothing-to-public", "billing.samples", "grant select on billing.samples to public"),
    bad("nothing-to-public", "billing.samples.name", "grant select (name) on billing.samples to public"),
    bad(
        "nothing-to-public",
        "billing.word",
        "create domain billing.word as text; grant usage on type billing.word to public",
    ),
    bad("nothing-to-public", "schema billing", "grant usage on schema billing to public"),
    bad(
        "function-not-public",
        "billing.sample_close(input jsonb)",
        "grant execute on function billing.sample_close(jsonb) to public",
    ),
    bad(
        "function-not-public",
        "billing.forgotten()",
        "create function billing.forgotten() returns int language sql return 1;"
        " grant execute on function billing.forgotten() to public",
    ),
    bad("schema-not-creatable", "schema public", "grant create on schema public to public"),
    bad("schema-not-creatable", "schema billing", "grant create on schema billing to countinghouse_tenant"),
    bad(
        "grants-to-groups",
        "column name of table billing.samples",
        f"{TENANT_ROLE}; grant select (name) on billing.samples to tenant_{STRANGER}",
    ),
    bad("grants-to-groups", "schema billing", "create role passer_by; grant usage on schema billing to passer_by"),
    bad(
        "grants-to-groups",
        "table billing.samples",
        f"{TENANT_ROLE}; alter table billing.samples owner to tenant_{STRANGER}",
    ),
    bad(
        "no-grant-option",
        "billing.samples.name",
        "grant select (name) on billing.samples to countinghouse_tenant with grant option",
    ),
    bad("readers-read-columns", "billing.samples", "grant select on billing.samples to countinghouse_analyst"),
    bad("readers-never-write", "billing.samples", "grant insert on billing.samples to countinghouse_tenant"),
    bad("readers-never-write", "billing.samples", "grant truncate on billing.samples to countinghouse_reader"),
    bad("readers-never-write", "billing.samples", "grant references on billing.samples to countinghouse_analyst"),
    bad(
        "readers-never-write", "billing.samples.name", "grant update (name) on billing.samples to countinghouse_tenant"
    ),
    bad("api-has-no-tables", "billing.samples.name", "grant select (name) on billing.samples to countinghouse_api"),
    bad(
        "no-grant-on-partitions",
        "billing.sample_events_default",
        "grant select on billing.sample_events_default to countinghouse_tenant",
    ),
    bad(
        "no-grant-on-partitions",
        "billing.sample_events_default.id",
        "grant select (id) on billing.sample_events_default to countinghouse_analyst",
    ),
    bad(
        "no-grant-on-materialized-views",
        "billing.sample_totals",
        f"{REPORT}; grant select on billing.sample_totals to countinghouse_analyst",
    ),
    bad(
        "no-grant-on-materialized-views",
        "billing.sample_totals.samples",
        f"{REPORT}; grant select (samples) on billing.sample_totals to countinghouse_tenant",
    ),
    bad(
        "no-grant-on-sequences",
        "billing.numbers",
        "create sequence billing.numbers; grant usage on sequence billing.numbers to countinghouse_tenant",
    ),
    bad(
        "secrets-not-granted",
        "billing.samples.secret_hash",
        "grant select (secret_hash) on billing.samples to countinghouse_analyst",
    ),
    bad(
        "secrets-not-granted",
        "billing.samples.recovery_codes",
        """alter table billing.samples add recovery_codes text;
            grant select (recovery_codes) on billing.samples to countinghouse_tenant""",
    ),
    bad(
        "reader-equals-tenant",
        "billing.samples.metadata",
        "grant select (metadata) on billing.samples to countinghouse_reader",
    ),
    bad(
        "reader-equals-tenant",
        "billing.samples.name",
        "revoke select (name) on billing.samples from countinghouse_reader",
    ),
    bad("people-not-granted", "iam.users.email", "grant select (email) on iam.users to countinghouse_analyst"),
    bad(
        "exempt-schemas-closed",
        "schema pgqueuer",
        "create schema pgqueuer; grant usage on schema pgqueuer to countinghouse_tenant",
    ),
    bad(
        "exempt-schemas-closed",
        "pgqueuer.jobs",
        "create schema pgqueuer; create table pgqueuer.jobs (id int); grant select on pgqueuer.jobs to public",
    ),
    bad(
        "default-privileges",
        "countinghouse_owner",
        "role countinghouse_owner",
        "alter default privileges for role countinghouse_owner grant execute on functions to public;"
        " alter default privileges for role countinghouse_owner grant select on tables to countinghouse_tenant",
    ),
    bad(
        "no-temporary-tables",
        "database *",
        "do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$",
    ),
    bad(
        "no-temporary-tables",
        "database *",
        "do $$ begin execute format('grant create on database %I to countinghouse_tenant', current_database()); end $$",
    ),
    bad(
        "no-shared-state",
        "pg_catalog.pg_advisory_lock",
        "grant execute on function pg_advisory_lock(bigint) to countinghouse_analyst",
    ),
    bad(
        "no-parameter-grants",
        "parameter session_replication_role",
        "grant set on parameter session_replication_role to countinghouse_api",
    ),
)

FUNCTIONS: Final = (
    bad(
        "function-language",
        "billing.forgotten()",
        "create function billing.forgotten() returns int language internal as 'pg_backend_pid'",
    ),
    bad(
        "function-owner",
        "billing.sample_close(input jsonb)",
        "alter function billing.sample_close owner to current_user",
    ),
    bad(
        "function-owner",
        "billing.sample_close(input jsonb)",
        "alter function billing.sample_close owner to countinghouse_reader",
    ),
    bad(
        "function-owner",
        "billing.sample_close(input jsonb)",
        "alter function billing.sample_close owner to countinghouse_auth",
    ),
    bad(
        "function-owner",
        "billing.sample_close(input jsonb)",
        "alter function billing.sample_close owner to countinghouse_provisioner",
    ),
    bad(
        "function-owner",
        "core.read(statement text, arguments text[])",
        "alter function core.read owner to countinghouse_owner",
    ),
    bad("definer-search-path", "billing.forgotten()", function(NOTHING, "security definer")),
    bad(
        "definer-search-path",
        "billing.forgotten()",
        function(NOTHING, "security definer set search_path = pg_catalog"),
    ),
    bad(
        "definer-search-path",
        "billing.forgotten()",
        function(NOTHING, "security definer set search_path = billing, pg_catalog, pg_temp"),
    ),
    bad(
        "no-dynamic-sql",
        "billing.forgotten()",
        function("declare n int; begin execute 'select 1' into n; return n; end"),
    ),
    bad(
        "no-dynamic-sql",
        "billing.forgotten()",
        function("begin return query execute 'select 1'; end", returns="setof int"),
    ),
    bad(
        "no-dynamic-sql",
        "billing.forgotten()",
        function("select query_to_xml('select 1', true, true, '')", returns="xml", language="sql"),
    ),
    bad(
        "no-dynamic-sql",
        "billing.forgotten()",
        function(r"""declare one text := E'\''; n int; begin execute one into n; return n + length('x'); end"""),
    ),
    bad(
        "definer-demands",
        "billing.forgotten()",
        function(NOTHING, PINNED) + "; grant execute on function billing.forgotten() to countinghouse_tenant",
    ),
    bad(
        "definer-demands",
        "billing.forgotten()",
        function("begin delete from billing.samples; perform core.demand('billing:write'); return 1; end", PINNED)
        + "; grant execute on function billing.forgotten() to countinghouse_tenant",
    ),
    bad(
        "definer-demands",
        "billing.forgotten()",
        function("begin /* perform core.demand('x'); */ return 1; end", PINNED)
        + "; grant execute on function billing.forgotten() to countinghouse_tenant",
    ),
    bad(
        "definer-demands",
        "billing.forgotten()",
        function("select 1 from iam.tenants where id = core.tenant_id()", f"stable {PINNED}", language="sql")
        + "; grant execute on function billing.forgotten() to countinghouse_tenant",
    ),
    bad(
        "readers-call-nothing-that-writes",
        "billing.forgotten()",
        function("select 1 from iam.tenants where core.permits('iam:read')", f"stable {PINNED}", language="sql")
        + "; grant execute on function billing.forgotten() to countinghouse_reader, countinghouse_analyst",
    ),
    bad(
        "trigger-function-closed",
        "billing.sample_watch()",
        "grant execute on function billing.sample_watch() to countinghouse_tenant",
    ),
    bad(
        "constraint-trigger-definer",
        "billing.sample_watch()",
        "alter function billing.sample_watch() security invoker",
    ),
    bad("context-inlined", "core.sees_all()", "alter function core.sees_all() set jit = off"),
    bad("context-inlined", "core.tenant_id()", "alter function core.tenant_id() volatile"),
    bad("context-inlined", "core.tenant_id()", "alter function core.tenant_id() security definer"),
    bad("context-complete", "core.scope_ids()", "alter function core.scope_ids() rename to scopes"),
    bad(
        "tenant-from-role",
        "core.tenant_id()",
        """create or replace function core.tenant_id() returns uuid language sql stable as
            $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$""",
    ),
    bad(
        "no-leakproof-functions",
        "billing.sample_close(input jsonb)",
        "alter function billing.sample_close(jsonb) leakproof",
    ),
    bad(
        "no-own-operators",
        "billing.=(text,integer)",
        """create function billing.same(text, int) returns boolean language sql immutable as 'select true';
            create operator billing.= (leftarg = text, rightarg = int, function = billing.same)""",
    ),
    bad(
        "no-own-operators",
        "cast from text to uuid",
        """create function billing.to_uuid(text) returns uuid language sql immutable as 'select null::uuid';
            create cast (text as uuid) with function billing.to_uuid(text) as implicit""",
    ),
    bad(
        "readers-call-nothing-that-writes",
        "billing.sample_close(input jsonb)",
        "grant execute on function billing.sample_close to countinghouse_analyst",
    ),
    bad(
        "readers-call-nothing-that-writes",
        "billing.forgotten()",
        function(NOTHING) + "; grant execute on function billing.forgotten() to countinghouse_reader",
    ),
    bad(
        "unbound-functions-closed",
        "iam.everyone()",
        f"""create function iam.everyone() returns setof text language sql {PINNED} as 'select email from iam.users';
            alter function iam.everyone() owner to countinghouse_auth;
            revoke execute on function iam.everyone() from public;
            grant execute on function iam.everyone() to countinghouse_tenant""",
    ),
    bad(
        "unbound-functions-closed",
        "iam.role_maker()",
        f"""create function iam.role_maker() returns void language plpgsql {PINNED} as 'begin end';
            alter function iam.role_maker() owner to countinghouse_provisioner;
            revoke execute on function iam.role_maker() from public;
            grant execute on function iam.role_maker() to countinghouse_api""",
    ),
    bad(
        "api-calls-sign-in-only",
        "billing.sample_close(input jsonb)",
        "grant execute on function billing.sample_close to countinghouse_api",
    ),
)

ROLES: Final = (
    bad("roles-exist", "role countinghouse_reader", "alter role countinghouse_reader rename to reader_no_more"),
    bad("roles-have-no-powers", "role countinghouse_owner", "alter role countinghouse_owner bypassrls"),
    bad("roles-have-no-powers", "role countinghouse_api", "alter role countinghouse_api superuser"),
    bad("roles-have-no-powers", "role countinghouse_api", "alter role countinghouse_api createrole"),
    bad("roles-have-no-powers", f"role tenant_{STRANGER}", f"{TENANT_ROLE}; alter role tenant_{STRANGER} replication"),
    bad("roles-log-in", "role countinghouse_owner", "alter role countinghouse_owner login"),
    bad("roles-log-in", f"role tenant_{STRANGER}", f"{TENANT_ROLE}; alter role tenant_{STRANGER} login"),
    bad("api-does-not-inherit", "role countinghouse_api", "alter role countinghouse_api inherit"),
    bad(
        "api-becomes-tenants-only",
        "role countinghouse_api",
        "grant countinghouse_owner to countinghouse_api",
    ),
    bad(
        "api-becomes-tenants-only",
        "role countinghouse_api",
        f"{TENANT_ROLE}; grant tenant_{STRANGER} to countinghouse_api with admin option",
    ),
    bad(
        "rights-have-no-members",
        "role passer_by",
        "create role passer_by login in role countinghouse_owner",
    ),
    bad("rights-have-no-members", "role countinghouse_api", "grant countinghouse_tenant to countinghouse_api"),
    bad("tenant-in-its-group-only", f"role tenant_{STRANGER}", f"create role tenant_{STRANGER}"),
    bad(
        "tenant-in-its-group-only",
        f"role tenant_{STRANGER}",
        f"{TENANT_ROLE}; grant pg_read_all_data to tenant_{STRANGER}",
    ),
    bad(
        "tenant-has-no-members",
        "role passer_by",
        f"{TENANT_ROLE}; create role passer_by login in role tenant_{STRANGER}",
    ),
    bad(
        "tenant-has-no-members",
        "role countinghouse_provisioner",
        f"{TENANT_ROLE}; grant tenant_{STRANGER} to countinghouse_provisioner",
    ),
    bad("tenant-names", "role tenant_acme", "create role tenant_acme"),
    bad("role-settings", "role countinghouse_api", "alter role countinghouse_api set row_security = off"),
    bad("role-settings", "role countinghouse_api", "alter role countinghouse_api set app.role = 'owner'"),
    bad(
        "role-settings",
        "database *",
        "do $$ begin execute format('alter database %I set search_path = public', current_database()); end $$",
    ),
    bad("role-has-tenant", f"role tenant_{STRANGER}", TENANT_ROLE),
    bad(
        "role-has-tenant",
        f"role analyst_bi_{STRANGER}",
        f"create role analyst_bi_{STRANGER} login in role countinghouse_analyst",
    ),
    bad(
        "tenant-has-role",
        "tenant *",
        f"do $$ begin execute 'drop role tenant_' || replace({NEW_TENANT}::text, '-', ''); end $$",
    ),
    bad(
        "tenant-has-role",
        "tenant *",
        f"""do $$ declare made constant uuid := {NEW_TENANT}; begin
            delete from pg_auth_members where member = 'countinghouse_api'::regrole
                and roleid = ('tenant_' || replace(made::text, '-', ''))::regrole; end $$""",
    ),
)

COMMENTS: Final = (
    bad("object-comment", "billing.samples", "comment on table billing.samples is null"),
    bad("object-comment", "billing.samples.name", "comment on column billing.samples.name is null"),
    bad("object-comment", "billing.sample_names", "comment on view billing.sample_names is null"),
    bad("object-comment", "billing.sample_close(input jsonb)", "comment on function billing.sample_close is null"),
    bad("object-comment", "schema billing", "comment on schema billing is null"),
    bad(
        "constraint-comment",
        "billing.samples.samples_status_check",
        "comment on constraint samples_status_check on billing.samples is null",
    ),
    bad(
        "constraint-comment",
        "billing.samples.samples_name_key",
        "comment on constraint samples_name_key on billing.samples is 'There is a sample of this name.'",
    ),
    bad(
        "constraint-comment",
        "billing.samples.samples_name_key",
        "comment on constraint samples_name_key on billing.samples is 'SAMPLE_EXISTS input.Name: Taken.'",
    ),
    bad("constraint-comment", "billing.taken", "create unique index taken on billing.samples (tenant_id, lower(name))"),
    bad(
        "constraint-comment",
        "billing.word.word_check",
        "create domain billing.word as text constraint word_check check (value <> '')",
    ),
)

SERVER: Final = (bad("row-security-on", "the server", "set local row_security = off"),)

EXAMPLES: Final = (*TABLES, *COLUMNS, *KEYS, *POLICIES, *GRANTS, *FUNCTIONS, *ROLES, *COMMENTS, *SERVER)
