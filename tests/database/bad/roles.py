"""Bad roles, and roles that fit no tenant."""

from typing import Final

from tests.database.bad.example import LOGIN, NEW_ANALYST, NEW_TENANT, STRANGER, TENANT_ROLE, bad, of_the_analyst

ROLES: Final = (
    bad("roles-exist", "role countinghouse_reader", "alter role countinghouse_reader rename to reader_no_more"),
    bad("roles-have-no-powers", "role countinghouse_owner", "alter role countinghouse_owner bypassrls"),
    bad("roles-have-no-powers", "role countinghouse_api", "alter role countinghouse_api superuser"),
    bad("roles-have-no-powers", "role countinghouse_api", "alter role countinghouse_api createrole"),
    bad("roles-have-no-powers", f"role tenant_{STRANGER}", f"{TENANT_ROLE}; alter role tenant_{STRANGER} replication"),
    bad("roles-log-in", "role countinghouse_owner", "alter role countinghouse_owner login"),
    bad("roles-log-in", f"role tenant_{STRANGER}", f"{TENANT_ROLE}; alter role tenant_{STRANGER} login"),
    bad("api-does-not-inherit", "role countinghouse_api", "alter role countinghouse_api inherit"),
    bad("api-does-not-inherit", "role countinghouse_worker", "alter role countinghouse_worker inherit"),
    bad(
        "api-becomes-tenants-only",
        "role countinghouse_api",
        "grant countinghouse_owner to countinghouse_api",
    ),
    bad("api-becomes-tenants-only", "role countinghouse_worker", "grant countinghouse_reports to countinghouse_worker"),
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
    bad(
        "no-predefined-powers",
        "role countinghouse_owner",
        "grant pg_read_all_data to countinghouse_owner",
    ),
    bad("no-predefined-powers", "role countinghouse_watcher", "grant pg_monitor to countinghouse_watcher"),
    bad(
        "roles-log-in",
        "role analyst_*",
        of_the_analyst("alter role %1$I nologin"),
    ),
    bad("role-settings", "role analyst_*", of_the_analyst("alter role %1$I set search_path = public")),
    bad("analyst-settings", "role analyst_*", of_the_analyst("alter role %1$I reset statement_timeout")),
    bad("analyst-settings", "role analyst_*", of_the_analyst("alter role %1$I set work_mem = ''64GB''")),
    bad("analyst-has-role", "analyst analyst_*", of_the_analyst("drop role %1$I")),
    bad("analyst-has-role", "analyst analyst_*", of_the_analyst("alter role %1$I password null")),
    bad("role-has-analyst", f"role {LOGIN}", f"create role {LOGIN} login in role countinghouse_analyst"),
    bad("role-has-analyst", "role analyst_*", f"{NEW_ANALYST}; update iam.analysts set revoked_at = now()"),
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
    *(
        bad(
            "tenant-has-role",
            "tenant *",
            f"""do $$ declare made constant uuid := {NEW_TENANT}; begin
                delete from pg_auth_members where member = '{login}'::regrole
                    and roleid = ('tenant_' || replace(made::text, '-', ''))::regrole; end $$""",
        )
        for login in ("countinghouse_api", "countinghouse_worker")
    ),
    *(
        bad(
            "suspended-has-no-rights",
            f"role {kind}*",
            f"""do $$ declare made constant uuid := {NEW_TENANT}; begin
                update iam.tenants set suspended_at = now() where id = made;
                execute replace('{harm}', '<hex>', replace(made::text, '-', '')); end $$""",
        )
        for kind, harm in (
            ("tenant_", "grant countinghouse_tenant to tenant_<hex>"),
            ("analyst_", "create role analyst_bi_<hex> login"),
        )
    ),
)
