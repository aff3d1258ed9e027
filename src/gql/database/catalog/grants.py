"""Rules for grants: to whom, of what, and never more than reading column by column."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "nothing-to-public",
        reason="PUBLIC is every role there is and every one there will be.",
        remedy="Revoke it from PUBLIC; grant it to the group that needs it.",
        query="""
            select object, format('gives %s to PUBLIC (a %s)', string_agg(privilege, ', ' order by privilege), kind)
            from grants
            where grantee = 'public' and kind <> 'function' and object <> 'schema public'
            group by kind, object
        """,
    ),
    Rule(
        "function-not-public",
        reason="PostgreSQL lets PUBLIC execute every new function, and a definer function has its owner's rights.",
        remedy="Write `revoke execute on function … from public`.",
        query="""
            select object, 'can be executed by PUBLIC' from grants where grantee = 'public' and kind = 'function'
        """,
    ),
    Rule(
        "schema-not-creatable",
        reason="Whoever may create in a schema can put a table or function in the way of ours.",
        remedy="Revoke CREATE from everyone but the owner.",
        query="""
            select object, 'lets ' || grantee || ' create in it' from grants
            where kind = 'schema' and privilege = 'CREATE'
                and (grantee <> 'public' or object = 'schema public')
        """,
    ),
    Rule(
        "grants-to-groups",
        reason="A grant to one tenant's or analyst's role blocks DROP ROLE, and one to a stranger is seen by nobody.",
        remedy="Revoke it; grant to countinghouse_tenant or countinghouse_analyst, which hold for every tenant.",
        # pg_shdepend knows every grant, policy and ownership of a role, in this database and in what databases share.
        query="""
            select distinct pg_describe_object(d.classid, d.objid, d.objsubid), case d.deptype
                when 'a' then 'is granted to ' when 'o' then 'belongs to ' else 'names ' end || r.rolname
            from pg_shdepend d join pg_roles r on d.refclassid = 'pg_authid'::regclass and r.oid = d.refobjid
            where d.dbid in (0, (select oid from pg_database where datname = current_database()))
                and (r.rolname ~ '^(tenant|analyst)_' or d.deptype = 'a' and not r.rolsuper
                    and r.rolname not in (select name from house_roles) and r.rolname !~ '^pg_'
                    and not exists (
                        select from pg_namespace n join exempt_schemas e on e.name = n.nspname
                        where d.classid = 'pg_namespace'::regclass and d.objid = n.oid
                            or d.classid = 'pg_class'::regclass
                                and d.objid in (select oid from pg_class where relnamespace = n.oid)
                            or d.classid = 'pg_proc'::regclass
                                and d.objid in (select oid from pg_proc where pronamespace = n.oid)))
                and not (d.classid = 'pg_auth_members'::regclass)
        """,
    ),
    Rule(
        "no-grant-option",
        reason="Whoever holds a grant option hands the right on, and nobody sees to whom.",
        remedy="Write `revoke grant option for …`.",
        query="""
            select distinct object, format('lets %s pass %s on', grantee, privilege) from grants where is_grantable
        """,
    ),
    Rule(
        "readers-read-columns",
        reason="A grant on the whole table covers the columns that come later, and a secret may be among them.",
        remedy="Grant SELECT by a list of columns.",
        query="""
            select object, format('gives the whole %s to %s', kind, grantee) from grants
            where kind in ('table', 'view') and privilege = 'SELECT' and grantee in (select name from readers)
        """,
    ),
    Rule(
        "readers-never-write",
        reason="A tenant writes through functions alone, and TRUNCATE, REFERENCES and TRIGGER ignore row security.",
        remedy="Revoke it; write a function for the verb.",
        query="""
            select object, format('gives %s to %s', string_agg(privilege, ', ' order by privilege), grantee) from grants
            where kind in ('table', 'view', 'column') and privilege <> 'SELECT'
                and grantee in (select name from readers)
            group by object, grantee
        """,
    ),
    Rule(
        "api-has-no-tables",
        reason="The server's login reads and writes nothing until it has become somebody.",
        remedy="Revoke it from countinghouse_api.",
        query="""
            select distinct object, 'gives ' || privilege || ' to countinghouse_api' from grants
            where grantee = 'countinghouse_api' and kind not in ('function', 'schema', 'type')
        """,
    ),
    Rule(
        "worker-sees-that-it-is-due",
        reason="The worker's login looks among all tenants, so it may see that something is due, and nothing about it.",
        remedy="Revoke it from countinghouse_worker, or, if it tells of no more than that, name it among the worker's"
        " grants of the catalog's house.",
        query="""
            select object, format('gives %s to countinghouse_worker', string_agg(privilege, ', ' order by privilege))
            from grants
            where grantee = 'countinghouse_worker' and kind not in ('function', 'schema', 'type')
                and privilege || ' ' || object not in (select name from worker_grants)
            group by object
        """,
    ),
    Rule(
        "no-grant-on-partitions",
        reason="A partition that is read directly is not behind its parent's policies.",
        remedy="Revoke it; the grant on the parent is enough.",
        query="""
            select distinct object, 'is a partition granted to ' || grantee from grants
            where kind = 'partition' and grantee <> 'public'
            union all
            select distinct g.object, 'is a column of a partition, granted to ' || g.grantee
            from grants g join tables t on t.name = g.relation and t.relispartition
            where g.kind = 'column'
        """,
    ),
    Rule(
        "no-grant-on-materialized-views",
        reason="A materialized view holds the rows of every tenant.",
        remedy="Revoke it; grant the barrier view on top.",
        query="""
            select distinct g.object, 'is a materialized view granted to ' || g.grantee from grants g
            where g.kind = 'materialized view' and g.grantee <> 'public'
            union all
            select distinct g.object, 'is a column of a materialized view, granted to ' || g.grantee
            from grants g join relations r on r.name = g.relation and r.relkind = 'm'
            where g.kind = 'column'
        """,
    ),
    Rule(
        "no-grant-on-sequences",
        reason="A sequence that all tenants share counts their business for each other.",
        remedy="Revoke it; numbers are given by functions, per tenant.",
        query="""
            select distinct object, 'is a sequence granted to ' || grantee from grants
            where kind = 'sequence' and grantee <> 'public'
        """,
    ),
    Rule(
        "secrets-not-granted",
        reason="A hash, a token or a code that can be read can be used or guessed at leisure.",
        remedy="Leave the column out of the grant; if it is no secret, name it among the harmless columns of the"
        " catalog's house.",
        query="""
            select distinct g.object, 'sounds like a secret and is granted to ' || g.grantee
            from grants g join columns c on c.name = g.object
            where g.kind = 'column' and g.privilege = 'SELECT' and g.grantee in (select name from readers)
                and c.attname ~ '(hash|secret|token|password|passphrase|otp|private_key|(^|_)codes?($|_)|(^|_)pin($|_))'
                and not exists (select from harmless_columns where name in (c.attname, g.object))
        """,
    ),
    Rule(
        "reader-equals-tenant",
        reason="The read door must show exactly what the tenant's own role sees: not more, and not an error.",
        remedy="Grant the same columns to countinghouse_tenant and countinghouse_reader.",
        query="""
            select t.object, 'is granted to countinghouse_tenant but not to countinghouse_reader' from grants t
            where t.kind = 'column' and t.privilege = 'SELECT' and t.grantee = 'countinghouse_tenant' and not exists (
                select from grants r where r.kind = 'column' and r.privilege = 'SELECT'
                    and r.grantee = 'countinghouse_reader' and r.object = t.object)
            union all
            select r.object, 'is granted to countinghouse_reader but not to countinghouse_tenant' from grants r
            where r.kind = 'column' and r.privilege = 'SELECT' and r.grantee = 'countinghouse_reader' and not exists (
                select from grants t where t.kind = 'column' and t.privilege = 'SELECT'
                    and t.grantee = 'countinghouse_tenant' and t.object = r.object)
        """,
    ),
    Rule(
        "people-not-granted",
        reason="People belong to no tenant; a tenant sees its own through memberships.",
        remedy="Revoke it.",
        query="""
            select distinct g.object, 'is granted to ' || g.grantee from grants g
            where g.relation in (select name from people union all select name from installation)
                and g.kind in ('table', 'column') and g.grantee in (select name from readers)
        """,
    ),
    Rule(
        "exempt-schemas-closed",
        reason="No rule looks into a library's own schema, so nobody of a tenant may get in.",
        remedy="Revoke it, from PUBLIC too.",
        query="""
            select format('schema %I', n.nspname), format('gives %s to %s', a.privilege_type,
                case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee) end)
            from pg_namespace n cross join aclexplode(n.nspacl) a
            where n.nspname in (select name from exempt_schemas)
                and (a.grantee = 0 or pg_get_userbyid(a.grantee) in (
                    select name from readers union all select 'countinghouse_api'))
            union all
            select format('%I.%I', n.nspname, c.relname), format('gives %s to %s', a.privilege_type,
                case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee) end)
            from pg_namespace n join pg_class c on c.relnamespace = n.oid cross join aclexplode(c.relacl) a
            where n.nspname in (select name from exempt_schemas)
                and (a.grantee = 0 or pg_get_userbyid(a.grantee) in (
                    select name from readers union all select 'countinghouse_api'))
        """,
    ),
    Rule(
        "default-privileges",
        reason="The next function is born executable by everyone unless that default is revoked, and for the whole"
        " database: with IN SCHEMA nothing happens.",
        remedy="Write `alter default privileges for role countinghouse_owner revoke execute on functions from public`,"
        " without IN SCHEMA.",
        query="""
            select 'countinghouse_owner', 'makes functions that everyone may execute'
            where not exists (
                select from pg_default_acl d
                where d.defaclrole = (select oid from pg_roles where rolname = 'countinghouse_owner')
                    and d.defaclnamespace = 0 and d.defaclobjtype = 'f'
                    and not exists (select from aclexplode(d.defaclacl) a where a.grantee = 0))
            union all
            select 'role ' || pg_get_userbyid(d.defaclrole), format('gives %s on everything it makes to %s',
                a.privilege_type, case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee) end)
            from pg_default_acl d cross join aclexplode(d.defaclacl) a
            where a.grantee <> d.defaclrole and not (a.grantee = 0 and d.defaclobjtype = 'T')
        """,
    ),
    Rule(
        "no-temporary-tables",
        reason="A temporary table stands before every other in the search path of whoever forgot pg_temp.",
        # The owner of the materialized views, which nobody can be, needs one to refresh them while they are read.
        remedy="Write `revoke temporary on database … from public`.",
        query="""
            select 'database ' || quote_ident(d.datname), format('gives %s to %s', a.privilege_type,
                case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee) end)
            from pg_database d cross join aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            where d.datname = current_database() and a.privilege_type in ('TEMPORARY', 'CREATE')
                and a.grantee <> d.datdba
                and not (a.privilege_type = 'TEMPORARY' and a.grantee = to_regrole('countinghouse_reports'))
        """,
    ),
    Rule(
        "analysts-connect-here-only",
        reason="In another database of the server nothing is revoked: there an analyst can make temporary tables and"
        " hold advisory locks.",
        remedy="Write `revoke connect on database … from public`, or give that database a server of its own.",
        query="""
            select 'database ' || quote_ident(datname), 'lets analysts connect' from pg_database
            where datallowconn and datname <> current_database()
                and exists (select from pg_roles where rolname = 'countinghouse_analyst')
                and has_database_privilege('countinghouse_analyst', oid, 'connect')
        """,
    ),
    Rule(
        "no-shared-state",
        reason="Advisory locks, large objects and the server's own log know no tenants: one could block another, or"
        " write where only reading is granted. And who else is connected is no tenant's business.",
        remedy="Write `revoke execute on function pg_catalog.… from public`.",
        query=r"""
            select 'pg_catalog.' || p.proname, 'can be executed by ' || string_agg(distinct r.name, ', ')
            from pg_proc p cross join readers r
            where p.pronamespace = 'pg_catalog'::regnamespace
                and p.proname ~ '^(pg_(try_)?advisory_(xact_)?lock(_shared)?|lo_creat|lo_create|lo_from_bytea|lo_put'
                    '|pg_logical_emit_message|pg_stat_get_activity|pg_stat_get_backend_.*)$'
                and exists (select from pg_roles where rolname = r.name)
                and has_function_privilege(r.name, p.oid, 'execute')
            group by p.proname
        """,
    ),
    Rule(
        "no-parameter-grants",
        reason="A granted parameter, such as session_replication_role, can switch triggers and foreign keys off.",
        remedy="Revoke it.",
        query="""
            select 'parameter ' || p.parname, format('may be set by %s',
                case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee) end)
            from pg_parameter_acl p cross join aclexplode(p.paracl) a
            where a.grantee = 0 or not exists (select from pg_roles where oid = a.grantee and rolsuper)
        """,
    ),
)
