"""Rules that compare the roles of the server with the rows of iam.tenants and iam.analysts."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "tenant-has-role",
        reason="Without its role a tenant cannot sign in; a dump of the database does not carry roles.",
        remedy="Run `countinghouse migrate`, which makes missing roles.",
        query="""
            select format('tenant %s', id), 'has no role' from iam.tenants
            where 'tenant_' || replace(id::text, '-', '') not in (select rolname from pg_roles)
            union all
            select format('tenant %s', id), format('has a role that %s may not become', b.name) from iam.tenants
            join pg_roles on rolname = 'tenant_' || replace(id::text, '-', '')
            cross join becoming_roles b
            where not exists (select from memberships where granted = rolname and member = b.name)
        """,
    ),
    Rule(
        "role-has-tenant",
        reason="A role that outlives its tenant would see the rows of the next one with that id.",
        remedy="Drop the role, or restore the tenant. If it belongs to another database of this server, give that"
        " database a server of its own: roles are shared.",
        query="""
            select 'role ' || rolname, 'belongs to no tenant of this database' from roles
            where (is_tenant or is_analyst)
                and right(rolname, 32) not in (select replace(id::text, '-', '') from iam.tenants)
        """,
    ),
    Rule(
        "analyst-has-role",
        reason="An analyst without a role, or without a secret, cannot come in: a dump carries neither.",
        remedy="Run `countinghouse migrate`, which makes missing roles, then rotate the secret: it stands nowhere.",
        query="""
            select format('analyst %s', login),
                case when rolname is null then 'has no role' else 'has no secret' end
            from iam.analysts left join pg_authid on rolname = login
            where revoked_at is null and rolpassword is null
        """,
    ),
    Rule(
        "role-has-analyst",
        reason="A login that no analyst is entered for is one that nobody can rotate or revoke, and no worker ends.",
        remedy="Drop the role, and make the analyst by analystCreate.",
        query="""
            select 'role ' || rolname, 'belongs to no analyst of this database' from roles
            where is_analyst and rolname not in (select login from iam.analysts where revoked_at is null)
        """,
    ),
    Rule(
        "analyst-settings",
        reason="A login may change its own settings. Nothing hangs on them, but an honest one fares better with ours.",
        remedy="Rotate the analyst's secret, which gives it its settings anew, and ask who changed them.",
        query="""
            select 'role ' || rolname, 'has not the settings that it was given' from roles
            where is_analyst and array(select split_part(each, '=', 1) from unnest(rolconfig) as each order by 1)
                is distinct from array(select name from analyst_settings order by 1)
                and rolname in (select login from iam.analysts where revoked_at is null)
        """,
    ),
)
