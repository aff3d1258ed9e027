"""Rules for tables and views as a whole: row security, owners, partitions, what a view may be."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "row-security-enabled",
        reason="Without row security a grant shows the rows of every tenant; on a partition it counts by itself.",
        remedy="Write `alter table … enable row level security`, for each partition too.",
        query="""
            select name, 'has row security switched off' from tables where not relrowsecurity
        """,
    ),
    Rule(
        "row-security-forced",
        reason="An owner passes by policies that are not forced, and every definer function runs as the owner.",
        remedy="Write `alter table … force row level security`, for each partition too.",
        query="""
            select name, 'does not force row security on its owner' from tables where not relforcerowsecurity
        """,
    ),
    Rule(
        "ordinary-tables-only",
        reason="A foreign table has no row security, and a child by inheritance can be read past its parent's.",
        remedy="Make it an ordinary table, or a partition of one.",
        query="""
            select name, 'is a foreign table' from relations where relkind = 'f'
            union all
            select name, 'inherits from ' || inhparent::regclass
            from tables join pg_inherits on inhrelid = oid where not relispartition
        """,
    ),
    Rule(
        "no-rewrite-rules",
        reason="A rewrite rule runs with its table owner's rights and turns one statement into another.",
        remedy="Drop the rule and write a trigger.",
        query="""
            select relations.name, format('has the rewrite rule %I', rulename)
            from relations join pg_rewrite on ev_class = relations.oid where rulename <> '_RETURN'
        """,
    ),
    Rule(
        "triggers-enabled",
        reason="Triggers keep the audit log, the figures and the foreign keys; one that is switched off keeps nothing.",
        remedy="Write `alter table … enable trigger all`.",
        query="""
            select distinct relations.name, 'has a trigger that is switched off: '
                || case when tgisinternal then 'a foreign key' else tgname end
            from relations join pg_trigger on tgrelid = relations.oid where tgenabled not in ('O', 'A')
        """,
    ),
    Rule(
        "default-partition",
        reason="A row that no partition takes is refused; with a DEFAULT partition a late worker loses nothing.",
        remedy="Create a partition `default`.",
        query="""
            select name, 'has no DEFAULT partition'
            from tables join pg_partitioned_table on partrelid = oid where partdefid = 0
        """,
    ),
    Rule(
        "audit-log-partitioned",
        reason="The audit log is kept by the month, so that old months can be sealed and moved as a whole.",
        remedy="Create core.audit_log partitioned by range of created_at.",
        query="""
            select 'core.audit_log', 'is not a partitioned table'
            where not exists (select from tables where name = 'core.audit_log' and relkind = 'p')
        """,
    ),
    Rule(
        "view-security-invoker",
        reason="A view reads with its owner's rights, so with the owner's policies, unless it is security_invoker.",
        remedy="Create it `with (security_invoker = true)`.",
        # The exception is the wrapper of a materialized view; the next rule looks after it.
        query="""
            select name, 'is not security_invoker' from relations
            where relkind = 'v'
                and not coalesce(reloptions, '{}') && array['security_invoker=true', 'security_invoker=on']
                and not exists (
                    select from pg_rewrite w
                    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
                    join pg_class m on d.refclassid = 'pg_class'::regclass and m.oid = d.refobjid and m.relkind = 'm'
                    where w.ev_class = relations.oid)
        """,
    ),
    Rule(
        "materialized-view-wrapper",
        reason="A materialized view cannot have row security and holds every tenant's rows; its wrapper is the policy.",
        remedy="Create it `with (security_barrier = true)`, owned by countinghouse_reports, over that materialized view"
        " alone, with `where tenant_id = core.tenant_id() and core.sees_all()`, or for the last `(core.sees_all() or"
        " <the scope's id> = any (core.scope_ids()))`; for analysts, who see all, with the tenant alone in the schema"
        " reporting, and granted to nobody else.",
        query=r"""
            with sources as (
                select distinct r.oid, r.name, r.schema, r.owner, coalesce(r.reloptions, '{}') as options,
                    c.relkind as source
                from relations r join pg_rewrite w on w.ev_class = r.oid
                join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
                join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid and c.oid <> r.oid
                where r.relkind = 'v' and c.oid <> coalesce(to_regclass('reports.refreshes'), 0)
            ), wrappers as (
                select oid, name, schema, owner, options, array_agg(source::text) as kinds from sources
                group by oid, name, schema, owner, options having 'm' = any (array_agg(source::text))
            )
            select name, 'reads a materialized view without being its barrier' from wrappers
            where not options && array['security_barrier=true', 'security_barrier=on']
                or owner <> 'countinghouse_reports'
                or kinds <> array['m']
                or pg_get_viewdef(oid) !~ case schema
                    when 'reporting' then 'WHERE \((\w+\.)?tenant_id = core\.tenant_id\(\)\);?$'
                    else 'WHERE \(\((\w+\.)?tenant_id = core\.tenant_id\(\)\) AND '
                        '(core\.sees_all\(\)|\(core\.sees_all\(\) OR \((\w+\.)?('
                        || (select string_agg(name, '|') from scope_columns)
                        || ') = ANY \(core\.scope_ids\(\)\)\)\))\);?$' end
                or schema = 'reporting' and exists (
                    select from grants g where g.relation = wrappers.name and g.grantee <> 'countinghouse_analyst')
        """,
    ),
    Rule(
        "owner",
        reason="An owner's policies bind its functions and foreign-key checks; a superuser is bound by none.",
        remedy="Write `alter … owner to countinghouse_owner` (countinghouse_reports for a materialized view).",
        query="""
            select name, 'belongs to ' || owner from relations
            where relkind in ('r', 'p', 'v', 'f', 'S')
                and owner <> 'countinghouse_owner'
                and not (relkind = 'v' and owner = 'countinghouse_reports')
            union all
            select name, 'belongs to ' || owner from relations
            where relkind = 'm' and owner <> 'countinghouse_reports'
            union all
            select name, 'belongs to ' || pg_get_userbyid(typowner) from types
            where pg_get_userbyid(typowner) <> 'countinghouse_owner'
            union all
            select 'schema ' || name, 'belongs to ' || pg_get_userbyid(nspowner) from schemas
            where pg_get_userbyid(nspowner) <> 'countinghouse_owner' and name <> 'public'
        """,
    ),
    Rule(
        "public-schema-empty",
        reason="What lies in public is found by every search path that was not thought about.",
        remedy="Move it to the schema of its domain.",
        query="""
            select relations.name, 'lies in the schema public' from relations where schema = 'public'
            union all
            select functions.name, 'lies in the schema public' from functions where schema = 'public'
            union all
            select types.name, 'lies in the schema public' from types join schemas on schemas.oid = typnamespace
            where schemas.name = 'public'
        """,
    ),
)
