"""Bad functions."""

from typing import Final

from tests.database.bad.example import NOTHING, PINNED, bad, function

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
        "billing.sample_close(input jsonb)",
        "alter function billing.sample_close owner to countinghouse_accounts",
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
        "iam.password_of(person uuid)",
        "grant execute on function iam.password_of(uuid) to countinghouse_tenant",
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
        "unbound-functions-closed",
        "reports.refresh(wanted text)",
        "grant execute on function reports.refresh(text) to countinghouse_tenant",
    ),
    bad(
        "unbound-functions-closed",
        "iam.analyst_backends_end()",
        "grant execute on function iam.analyst_backends_end() to countinghouse_tenant",
    ),
    bad(
        "unbound-functions-closed",
        "iam.analyst_role_drop(login text)",
        "grant execute on function iam.analyst_role_drop(text) to countinghouse_api",
    ),
    bad(
        "function-owner",
        "iam.analyst_backends_end()",
        "alter function iam.analyst_backends_end() owner to countinghouse_owner",
    ),
    bad(
        "api-calls-sign-in-only",
        "billing.sample_close(input jsonb)",
        "grant execute on function billing.sample_close to countinghouse_api",
    ),
)
