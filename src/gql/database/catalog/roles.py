"""Rules for roles: what each may be, and who may become whom."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "roles-exist",
        reason="Grants and policies are written to these.",
        remedy="Run `countinghouse migrate`, which makes missing roles.",
        query="""
            select 'role ' || name, 'does not exist' from required_roles
            where name not in (select rolname from pg_roles)
        """,
    ),
    Rule(
        "roles-have-no-powers",
        reason="A superuser and BYPASSRLS pass by every policy, REPLICATION reads all, CREATEROLE makes members.",
        remedy="Write `alter role … nosuperuser nobypassrls nocreaterole nocreatedb noreplication`.",
        query="""
            select 'role ' || rolname, 'is ' || concat_ws(', ', case when rolsuper then 'superuser' end,
                case when rolbypassrls then 'BYPASSRLS' end, case when rolreplication then 'REPLICATION' end,
                case when rolcreatedb then 'CREATEDB' end,
                case when rolcreaterole and rolname <> 'countinghouse_provisioner' then 'CREATEROLE' end)
            from roles
            where rolsuper or rolbypassrls or rolreplication or rolcreatedb
                or rolcreaterole and rolname <> 'countinghouse_provisioner'
        """,
    ),
    Rule(
        "roles-log-in",
        reason="Only the server, the worker, the operator and analysts are people or programs; the rest are rights.",
        remedy="Write `alter role … nologin` (login for countinghouse_api, countinghouse_worker and analysts, unless"
        " their organisation is suspended).",
        query="""
            select 'role ' || rolname, case when rolcanlogin then 'may log in' else 'may not log in' end from roles
            where rolcanlogin <> (rolname in (select name from login_roles) or is_analyst and not exists (
                select from iam.tenants
                where replace(id::text, '-', '') = right(rolname, 32) and suspended_at is not null))
        """,
    ),
    Rule(
        "api-does-not-inherit",
        reason="A login that inherits has the rows of all its tenants at once.",
        remedy="Write `alter role … noinherit`, and on 16 or newer grant tenants WITH INHERIT FALSE.",
        query="""
            select 'role ' || rolname, 'inherits the rights of its roles' from roles
            where rolname in (select name from becoming_roles) and rolinherit
            union all
            select 'role ' || member, 'inherits the rights of ' || granted from memberships
            where member in (select name from becoming_roles) and inherits
        """,
    ),
    Rule(
        "api-becomes-tenants-only",
        reason="Whatever the login of the server or the worker can become, a mistake in them can become.",
        remedy="Revoke the membership.",
        query="""
            select 'role ' || member, format('is a member of %s%s', granted,
                case when admin_option then ' with ADMIN OPTION' else '' end)
            from memberships
            where member in (select name from becoming_roles) and (granted !~ '^tenant_[0-9a-f]{32}$' or admin_option)
        """,
    ),
    Rule(
        "rights-have-no-members",
        reason="These roles are the rights that functions and tables are made of; nobody should be able to wear them.",
        remedy="Revoke the membership.",
        # On 16 and newer whoever makes or hands out a role needs ADMIN OPTION on it; without SET and INHERIT it wears
        # nothing. On 15 CREATEROLE needs no membership.
        query="""
            select 'role ' || member, 'is a member of ' || granted from memberships
            where granted in (select name from house_roles) and not (
                granted = 'countinghouse_tenant' and member ~ '^tenant_[0-9a-f]{32}$'
                or granted = 'countinghouse_analyst' and member ~ '^analyst_.+_[0-9a-f]{32}$'
                or granted in ('countinghouse_tenant', 'countinghouse_analyst', 'countinghouse_api')
                    and member = 'countinghouse_provisioner'
                    and not inherits and not becomes)
        """,
    ),
    Rule(
        "no-predefined-powers",
        reason="PostgreSQL's own roles (pg_read_all_data, pg_signal_backend …) reach past every policy.",
        remedy="Revoke it; what is needed by a function of ours, name in the catalog's house.",
        query="""
            select 'role ' || member, 'is a member of ' || granted from memberships
            where granted ~ '^pg_' and member in (select rolname from roles)
                and member || ' ' || granted not in (select name from predefined_roles)
        """,
    ),
    Rule(
        "tenant-in-its-group-only",
        reason="A tenant's role has its rights from the group, and no others.",
        remedy="Grant countinghouse_tenant (countinghouse_analyst for an analyst), and revoke the rest.",
        query="""
            select 'role ' || rolname, 'is not a member of its group' from roles
            where (is_tenant or is_analyst) and not exists (
                select from memberships where member = rolname
                    and granted = case when is_tenant then 'countinghouse_tenant' else 'countinghouse_analyst' end)
            union all
            select 'role ' || member, 'is a member of ' || granted from memberships
            where member ~ '^tenant_' and granted <> 'countinghouse_tenant'
                or member ~ '^analyst_' and granted <> 'countinghouse_analyst'
        """,
    ),
    Rule(
        "tenant-has-no-members",
        reason="Whoever is a member of a tenant's role can become that tenant.",
        remedy="Revoke the membership; only countinghouse_api and countinghouse_worker become a tenant.",
        query="""
            select 'role ' || member, 'is a member of ' || granted from memberships
            where (granted ~ '^tenant_' or granted ~ '^analyst_')
                and member not in (select name from becoming_roles union all select 'countinghouse_provisioner')
            union all
            select 'role ' || member, 'may become ' || granted from memberships
            where (granted ~ '^tenant_' or granted ~ '^analyst_') and member = 'countinghouse_provisioner'
                and (inherits or becomes)
        """,
    ),
    Rule(
        "tenant-names",
        reason="The tenant is the last 32 characters of the role's name, so that a name of another kind has no tenant.",
        remedy="Name it tenant_<32 hex> or analyst_<label>_<32 hex>.",
        query="""
            select 'role ' || rolname, 'has no tenant in its name' from roles
            where rolname ~ '^(tenant|analyst)_' and not is_tenant and not is_analyst
        """,
    ),
    Rule(
        "role-settings",
        reason="A setting that comes with the login, such as row_security = off, is in force where nobody looks.",
        remedy="Write `alter role … reset …`.",
        query="""
            select case when setrole <> 0 then 'role ' || pg_get_userbyid(setrole)
                else 'database ' || current_database() end, 'sets ' || setting
            from pg_db_role_setting cross join unnest(setconfig) as s (setting)
            where setdatabase in (0, (select oid from pg_database where datname = current_database()))
                and setting ~* '^(row_security|role|session_(replication_role|authorization)|search_path|app\\..*)='
                and (setrole = 0 or not exists (select from pg_roles where oid = setrole and rolsuper))
                and not exists (
                    select from roles where oid = setrole and is_analyst and setting = 'search_path=reporting')
        """,
    ),
)
