"""Rules that compare the roles of the server with the rows of iam.tenants."""

from typing import Final

from gql.database.catalog.roles import SUSPENDED
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
        "suspended-has-no-rights",
        reason="A suspended organisation is refused by its roles having no rights, whatever a server remembers.",
        remedy="Run `countinghouse tenant resume` and `tenant suspend` again, or `countinghouse migrate`.",
        query=f"""
            select 'role ' || rolname, 'is of a suspended organisation and has the rights of ' || granted
            from roles join memberships on member = rolname
            where (is_tenant or is_analyst and rolcanlogin) and right(rolname, 32) in ({SUSPENDED})
            union all
            select 'role ' || rolname, 'is of a suspended organisation and may log in' from roles
            where is_analyst and rolcanlogin and right(rolname, 32) in ({SUSPENDED})
        """,
    ),
)
