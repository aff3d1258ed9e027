"""The vocabulary of the rules: pg_catalog with our names, as common table expressions.

PostgreSQL plans only those that a query names, so every rule can have all of them in front.
"""

from dataclasses import fields

from gql.database.catalog.house import House

VOCABULARY = r"""
schemas as (
    select oid, nspname as name, nspowner, nspacl
    from pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema' and nspname not in (select name from exempt_schemas)
),
relations as (
    select c.*, format('%I.%I', s.name, c.relname) as name, s.name as schema, pg_get_userbyid(c.relowner) as owner
    from pg_class c join schemas s on s.oid = c.relnamespace
),
tables as (
    select * from relations where relkind in ('r', 'p')
),
-- Rows of tenants, partitions included.
tenant_tables as (
    select * from tables
    where name not in (select name from people) and name not in (select name from installation)
),
columns as (
    select a.*, r.name as relation, r.relkind, r.relispartition, r.name || '.' || quote_ident(a.attname) as name
    from pg_attribute a join relations r on r.oid = a.attrelid
    where a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'p', 'v', 'm', 'f')
),
indexes as (
    select i.*, r.name, t.name as relation
    from pg_index i join relations r on r.oid = i.indexrelid join tenant_tables t on t.oid = i.indrelid
),
-- One row for each key column of an index, in its order.
index_columns as (
    select i.name, i.relation, i.indrelid, k.position, i.indkey[k.position - 1] as attnum,
        i.indclass[k.position - 1] as opclass
    from indexes i cross join generate_series(1, i.indnkeyatts) as k (position)
),
constraints as (
    select c.*, coalesce(r.name, t.name) as relation, coalesce(r.name, t.name) || '.' || quote_ident(c.conname) as name,
        coalesce(r.relispartition, false) as of_partition
    from pg_constraint c
    left join relations r on r.oid = c.conrelid and c.conrelid <> 0
    left join types t on t.oid = c.contypid and c.contypid <> 0
    where r.oid is not null or t.oid is not null
),
types as (
    select t.*, format('%I.%I', s.name, t.typname) as name
    from pg_type t join schemas s on s.oid = t.typnamespace
    where t.typtype in ('d', 'e', 'r', 'm')
        or t.typtype = 'c' and exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c')
),
policies as (
    select p.polname, p.polcmd, case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
            when 'd' then 'delete' else 'all' end as command,
        p.polpermissive, p.polqual, p.polwithcheck, t.name as relation, t.schema,
        t.relispartition, format('%s policy %I', t.name, p.polname) as name,
        pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as checked,
        concat(p.polqual::text, p.polwithcheck::text) as tree,
        array(select case when o = 0 then 'public' else pg_get_userbyid(o) end from unnest(p.polroles) as o) as roles
    from pg_policy p join tables t on t.oid = p.polrelid
),
-- One row for each role that a policy is written to.
policy_roles as (
    select p.*, r.role, exists (
        select from open_policies o
        cross join unnest(array[p.relation, p.schema || '.*', '*.*']) as place (name)
        cross join unnest(array[p.command, '*']) as verb (name)
        where o.name = concat_ws(' ', r.role, place.name, verb.name)) as is_open
    from policies p cross join unnest(p.roles) as r (role)
),
-- The body is the source without its comments, string literals and quoted names, in which words mean nothing.
functions as (
    select p.*, s.name as schema, format('%I.%I', s.name, p.proname) as short,
        format('%I.%I(%s)', s.name, p.proname, pg_get_function_identity_arguments(p.oid)) as name,
        pg_get_userbyid(p.proowner) as owner, l.lanname as language,
        regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
            $re$\m[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"[^"]*"|--[^\n]*|/\*(?:[^*]|\*+[^*/])*\*+/$re$,
            ' ', 'g') as body
    from pg_proc p join schemas s on s.oid = p.pronamespace join pg_language l on l.oid = p.prolang
),
-- Every privilege on our objects that somebody other than its owner holds. Grantee `public` is everyone.
grants as (
    select g.kind, g.object, g.relation, a.privilege_type as privilege, a.is_grantable,
        case when a.grantee = 0 then 'public' else pg_get_userbyid(a.grantee) end as grantee
    from (
        select case when relkind = 'S' then 'sequence' when relkind = 'm' then 'materialized view'
                when relispartition then 'partition' when relkind = 'v' then 'view' else 'table' end as kind,
            name as object, name as relation, relowner as owner,
            coalesce(relacl, acldefault(case when relkind = 'S' then 's' else 'r' end::"char", relowner)) as acl
        from relations where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        union all
        select 'column', c.name, c.relation, r.relowner, c.attacl
        from columns c join relations r on r.oid = c.attrelid where c.attacl is not null
        union all
        select 'function', name, null, proowner, coalesce(proacl, acldefault('f', proowner)) from functions
        union all
        select 'schema', 'schema ' || quote_ident(name), null, nspowner, coalesce(nspacl, acldefault('n', nspowner))
        from schemas
        union all
        select 'type', name, null, typowner, coalesce(typacl, acldefault('T', typowner)) from types
    ) as g
    cross join aclexplode(g.acl) as a
    where a.grantee <> g.owner
),
roles as (
    select r.*,
        r.rolname ~ '^tenant_[0-9a-f]{32}$' as is_tenant, r.rolname ~ '^analyst_.+_[0-9a-f]{32}$' as is_analyst
    from pg_roles r
    where r.rolname in (select name from house_roles) or r.rolname ~ '^(tenant|analyst|countinghouse)_'
),
-- Since 16 each membership says whether it inherits and whether SET ROLE is allowed; before, the member did.
memberships as (
    select g.rolname as granted, r.rolname as member, m.admin_option,
        coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit) as inherits,
        coalesce((to_jsonb(m) ->> 'set_option')::boolean, true) as becomes
    from pg_auth_members m join pg_roles g on g.oid = m.roleid join pg_roles r on r.oid = m.member
)
"""


def prelude(house: House) -> str:
    """The WITH clause that goes in front of every rule's query."""
    names = [
        f"{field.name} as (select unnest({_array(getattr(house, field.name))}) as name)" for field in fields(house)
    ]
    return f"with recursive {', '.join(names)},{VOCABULARY}"


def _array(names: tuple[str, ...]) -> str:
    literals = ("'" + name.replace("'", "''") + "'" for name in names)
    return f"array[{', '.join(literals)}]::text[]"
