"""Rules for row security policies: who has one, what it compares, what it may read."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "policy-for-tenant-owner-reader",
        reason="Forced row security blinds whoever has no policy: the tenant, its definer functions, the read door.",
        remedy="Write the policies of countinghouse_tenant, countinghouse_owner and countinghouse_reader.",
        query="""
            select t.name, 'has no permissive policy for ' || b.name
            from tenant_tables t cross join bound_alike b
            where not t.relispartition and not exists (
                select from policy_roles p where p.relation = t.name and p.role = b.name and p.polpermissive)
        """,
    ),
    Rule(
        "policy-for-analyst",
        reason="A grant without a policy shows an analyst an empty table, which looks like an answer.",
        remedy="Write a policy for countinghouse_analyst: `for select using (tenant_id = core.tenant_id())`.",
        query="""
            select distinct g.relation, 'is granted to countinghouse_analyst but has no policy for it'
            from grants g join tables t on t.name = g.relation
            where g.grantee = 'countinghouse_analyst' and not exists (
                select from policy_roles p where p.relation = g.relation and p.role = 'countinghouse_analyst')
        """,
    ),
    Rule(
        "policy-both-clauses",
        reason="Without WITH CHECK a row can be moved to another tenant; written out, nobody has to know the default.",
        remedy="Write both USING and WITH CHECK.",
        query="""
            select name, case when polcmd in ('*', 'r', 'w', 'd') and qual is null then 'has no USING'
                else 'has no WITH CHECK' end
            from policies
            where polcmd in ('*', 'r', 'w', 'd') and qual is null or polcmd in ('*', 'a', 'w') and checked is null
        """,
    ),
    Rule(
        "policy-to-groups",
        reason="A policy that names one tenant's role blocks DROP ROLE, and one TO PUBLIC binds whoever comes next.",
        remedy="Write it to a group role of ours.",
        query="""
            select name, 'is written to ' || role from policy_roles where role not in (select name from house_roles)
        """,
    ),
    Rule(
        "policy-compares-tenant",
        reason="This comparison is lock one; everything else in a policy may only narrow it.",
        remedy="Write `tenant_id = core.tenant_id()`, and the scope after it with AND.",
        # The deparsed text starts with two parentheses only where AND is the outermost operator.
        query=r"""
            select distinct p.name, format('does not begin with tenant_id = core.tenant_id() (for %s)', p.role)
            from policy_roles p join tenant_tables t on t.name = p.relation
            cross join unnest(array[p.qual, p.checked]) as e (expression)
            where p.polpermissive and not p.is_open and e.expression is not null and e.expression <> 'true'
                and e.expression <> '(tenant_id = core.tenant_id())'
                and not starts_with(e.expression, '((tenant_id = core.tenant_id()) AND ')
        """,
    ),
    Rule(
        "policy-scoped",
        reason="A row that carries the id of a scope is not for everybody in the organisation.",
        remedy="Write `and (core.sees_all() or <the scope's id> = any (core.scope_ids()))`, or core.sees_all() alone.",
        query="""
            select distinct p.name,
                format('does not ask for the scope (for %s), though rows carry %I', p.role, c.attname)
            from policy_roles p
            join columns c on c.relation = p.relation and c.attname in (select name from scope_columns)
            where p.polpermissive and p.role in (select name from bound_alike)
                and coalesce(p.qual, p.checked) !~ 'core\\.(sees_all|scope_ids)\\(\\)'
        """,
    ),
    Rule(
        "policy-true",
        reason="USING (true) shows the rows of every tenant.",
        remedy="Compare the tenant, or name the role and table among the open policies of the catalog's house.",
        query="""
            select p.name, format('is true for %s', p.role) from policy_roles p
            where p.polpermissive and 'true' in (p.qual, p.checked) and not p.is_open
        """,
    ),
    Rule(
        "people-closed",
        reason="People belong to no tenant, so a policy for a tenant's own roles can only be about that one row.",
        remedy="Compare the id with core.tenant_id() or core.user_id(), or reach it by a function of _auth.",
        query=r"""
            select p.name, format('lets %s see people of others', p.role)
            from policy_roles p join people on people.name = p.relation
            cross join unnest(array[p.qual, p.checked]) as e (expression)
            where p.polpermissive and p.role in (select name from bound_alike union select name from readers)
                and e.expression is not null
                and e.expression !~ '^\(+id = core\.(tenant_id|user_id)\(\)\)( AND |$)'
        """,
    ),
    Rule(
        "policy-alike",
        reason="A door, a definer function and a foreign-key check must see what the tenant sees, no more.",
        remedy="Write one policy TO all three, or the same words three times.",
        query="""
            select p.relation, format('has %s policies that differ between countinghouse_tenant and %s',
                upper(p.command), p.role)
            from policy_roles p
            join policy_roles t on t.relation = p.relation and t.polpermissive = p.polpermissive
                and (t.polcmd = p.polcmd or '*' in (t.polcmd, p.polcmd)) and t.role = 'countinghouse_tenant'
            where p.role in ('countinghouse_owner', 'countinghouse_reader')
                and (p.qual <> t.qual or p.checked <> t.checked)
        """,
    ),
    Rule(
        "policy-single",
        reason="Permissive policies are OR-ed, so a second one can only widen what the first allows.",
        remedy="Keep one, or make the other `as restrictive`.",
        query="""
            select distinct a.relation, format('has two permissive policies for %s: %I and %I',
                a.role, a.polname, b.polname)
            from policy_roles a join policy_roles b on b.relation = a.relation and b.role = a.role
                and b.polname > a.polname and (a.polcmd = b.polcmd or '*' in (a.polcmd, b.polcmd))
            where a.polpermissive and b.polpermissive
        """,
    ),
    Rule(
        "policy-no-subselect",
        reason="A sub-select is run per row, sees rows as they were before a change beside it, and breaks Citus.",
        remedy="Keep the scope's id in the row itself.",
        query="""
            select name, 'contains a sub-select' from policies where tree ~ '\\{(SUBLINK|SUBPLAN|QUERY) '
        """,
    ),
    Rule(
        "policy-functions",
        reason="A policy's functions run for every row and decide over every row; these few were looked at.",
        remedy="Read only the row and the context functions of core.",
        query="""
            select distinct p.name, 'calls ' || f.oid::regprocedure
            from policies p
            cross join regexp_matches(p.tree, ':funcid (\\d+)', 'g') as m (found)
            join pg_proc f on f.oid = m.found[1]::oid join pg_namespace s on s.oid = f.pronamespace
            where s.nspname || '.' || f.proname not in (select name from context_functions union select name from clock)
            union all
            select name, 'reads current_user, which is the definer inside a definer function' from policies
            where tree ~ 'SQLVALUEFUNCTION'
            union all
            select distinct p.name, 'uses the operator ' || o.oid::regoperator
            from policies p
            cross join regexp_matches(p.tree, ':opno (\\d+)', 'g') as m (found)
            join pg_operator o on o.oid = m.found[1]::oid
            where o.oprnamespace <> 'pg_catalog'::regnamespace
        """,
    ),
    Rule(
        "policy-no-json",
        reason="Taking JSON apart for each row costs more than the row.",
        remedy="Keep what the policy needs in a column.",
        query="""
            select name, 'reads JSON' from policies
            where tree ~ ':(vartype|consttype|funcresulttype|opresulttype|resulttype) (114|3802) '
        """,
    ),
    Rule(
        "policy-of-analyst",
        reason="An analyst holds the connection and can set every app.* setting that a context function reads.",
        remedy="Write `for select using (tenant_id = core.tenant_id())` and nothing more.",
        query="""
            select name, 'gives analysts something other than the rows of their tenant' from policy_roles
            where role = 'countinghouse_analyst' and polpermissive
                and (polcmd <> 'r' or qual is distinct from '(tenant_id = core.tenant_id())')
        """,
    ),
)
