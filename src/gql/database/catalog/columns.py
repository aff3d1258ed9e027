"""Rules for columns and their types: the tenant's own column, statuses, ids, what a type may be."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "tenant-column",
        reason="Every policy, key and statement of ours begins with the tenant a row belongs to.",
        remedy="Give it `tenant_id uuid not null`, or, if it holds no tenant's data, name it with its reason in the"
        " catalog's house.",
        query="""
            select t.name, case when a.attnum is null then 'has no column tenant_id'
                when a.atttypid <> 'uuid'::regtype then 'has a tenant_id that is no uuid'
                else 'has a tenant_id that may be null' end
            from tenant_tables t
            left join pg_attribute a on a.attrelid = t.oid and a.attname = 'tenant_id' and not a.attisdropped
            where a.attnum is null or a.atttypid <> 'uuid'::regtype or not a.attnotnull
        """,
    ),
    Rule(
        "no-enum",
        reason="The operators of an enum are not leakproof, so under row security no index serves them.",
        remedy="Make it text with a CHECK.",
        query="""
            select name, 'is an enum type' from types where typtype = 'e'
            union all
            select columns.name, 'has the enum type ' || atttypid::regtype
            from columns join pg_type on pg_type.oid = atttypid where typtype = 'e'
        """,
    ),
    Rule(
        "status-checked",
        reason="A status is one of a few words, and the table is the place that knows them.",
        remedy="Make it text with a CHECK of the words it may be.",
        query="""
            select columns.name, case when format_type(atttypid, null) <> 'text' and typtype <> 'd'
                then 'is a status but has the type ' || format_type(atttypid, null)
                else 'is a status without a CHECK' end
            from columns join pg_type on pg_type.oid = atttypid
            where relkind in ('r', 'p') and attname ~ '(^|_)status$' and relation not in (select name from archives)
                and (atttypid <> 'text'::regtype and typtype <> 'd'
                or not exists (
                    select from pg_constraint c where c.contype = 'c' and (
                        c.conrelid = attrelid and attnum = any (c.conkey) or c.contypid = atttypid)))
        """,
    ),
    Rule(
        "no-inexact-numbers",
        reason="A binary fraction cannot hold 0.10, and money's output hangs on a setting.",
        remedy="Use core.money for amounts and numeric for the rest.",
        query="""
            select name, 'has the inexact type ' || format_type(atttypid, null) from columns
            where atttypid in ('real'::regtype, 'double precision'::regtype, 'money'::regtype)
        """,
    ),
    Rule(
        "minor-units-generated",
        reason="An amount is filtered and paged by its minor units, which must never differ from the amount.",
        remedy="Write `bigint generated always as ((amount * 100)::bigint) stored`.",
        query=r"""
            select name, 'is not a generated bigint' from columns
            where relkind in ('r', 'p') and attname ~ '_minor$' and relation not in (select name from archives)
                and (atttypid <> 'bigint'::regtype or attgenerated <> 's')
        """,
    ),
    Rule(
        "id-default",
        reason="Ids come from one function, so that they are ordered by time wherever the server can do it.",
        remedy="Write `default core.new_id()`.",
        query="""
            select columns.name, 'takes its value from ' || pg_get_expr(adbin, adrelid)
            from columns join pg_attrdef on adrelid = attrelid and adnum = attnum
            where attname = 'id' and pg_get_expr(adbin, adrelid) <> 'core.new_id()'
            union all
            select name, 'is numbered by the server' from columns where attidentity <> ''
        """,
    ),
    Rule(
        "no-serial",
        reason="One sequence for all tenants tells each of them how busy the others are.",
        remedy="Use core.new_id(), or a counter of the tenant's own.",
        query="""
            select columns.name, 'counts by a sequence'
            from columns join pg_attrdef on adrelid = attrelid and adnum = attnum
            where pg_get_expr(adbin, adrelid) ~ 'nextval\\('
        """,
    ),
)
