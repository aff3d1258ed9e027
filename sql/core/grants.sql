-- Last of all: what every function of ours has in common.

reset role;

-- Default privileges have kept EXECUTE from PUBLIC already; this holds if somebody changes them.
do $$
begin
    execute (
        select string_agg(format('revoke execute on all functions in schema %I from public', nspname), '; ')
        from pg_namespace where nspname in ('core', 'iam', 'ledger', 'reports', 'reporting', 'billing', 'trade')
    );
end
$$;

grant execute on function core.read(text, text[]) to countinghouse_tenant;
