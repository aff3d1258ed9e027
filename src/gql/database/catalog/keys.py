"""Rules for keys and indexes: the tenant leads each of them, deletes do not spread, and row security can use them."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "primary-key",
        reason="A row must have a name that holds within its tenant.",
        remedy="Write `primary key (tenant_id, id)`.",
        query="""
            select name, 'has no primary key' from tables
            where not exists (select from pg_constraint where conrelid = tables.oid and contype = 'p')
        """,
    ),
    Rule(
        "key-starts-with-tenant",
        reason="A key without the tenant tells one tenant, by a refusal, what another one has; and Citus needs it.",
        remedy="Put tenant_id first.",
        query="""
            select c.name, 'is a ' || case c.contype when 'p' then 'primary key' when 'u' then 'unique constraint'
                else 'exclusion constraint' end || ' that does not start with tenant_id'
            from constraints c join tenant_tables t on t.oid = c.conrelid
            left join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
            where c.contype in ('p', 'u', 'x') and a.attname is distinct from 'tenant_id'
            union all
            select i.name, 'is a unique index that does not start with tenant_id'
            from indexes i join index_columns k on k.name = i.name and k.position = 1
            left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
            where i.indisunique and a.attname is distinct from 'tenant_id'
                and not exists (select from pg_constraint where conindid = i.indexrelid)
        """,
    ),
    Rule(
        "foreign-key-starts-with-tenant",
        reason="A foreign key without the tenant accepts, and so betrays, the row of another tenant.",
        remedy="Write `foreign key (tenant_id, …) references … (tenant_id, …)`.",
        # To iam.tenants there is nothing but the tenant; to the other people, from within iam alone.
        query="""
            select c.name, 'does not start with tenant_id on both sides'
            from constraints c join tenant_tables t on t.oid = c.conrelid
            join relations target on target.oid = c.confrelid
            join pg_attribute here on here.attrelid = c.conrelid and here.attnum = c.conkey[1]
            join pg_attribute there on there.attrelid = c.confrelid and there.attnum = c.confkey[1]
            where c.contype = 'f' and c.conparentid = 0
                and not (here.attname = 'tenant_id' and there.attname = 'tenant_id')
                and not (here.attname = 'tenant_id' and target.name = 'iam.tenants' and there.attname = 'id')
                and not (t.schema = 'iam' and target.name in (select name from people))
        """,
    ),
    Rule(
        "foreign-key-restricts",
        reason="A cascade deletes or rewrites rows that nobody looked at.",
        remedy="Leave out the action, or, for rows without a life of their own, name the table among the cascades of"
        " the catalog's house.",
        query="""
            select name, case when confupdtype not in ('a', 'r') then 'changes rows on update'
                else 'changes rows on delete' end
            from constraints
            where contype = 'f' and conparentid = 0 and (
                confupdtype not in ('a', 'r') or confdeltype not in ('a', 'r')
                and not (confdeltype = 'c' and relation in (select name from cascades)))
        """,
    ),
    Rule(
        "constraint-validated",
        reason="A constraint that was never validated promises nothing about the rows that are there.",
        remedy="Write `alter table … validate constraint …`.",
        query="""
            select name, 'is not validated' from constraints where not convalidated
        """,
    ),
    Rule(
        "index-starts-with-tenant",
        reason="Every statement names its tenant first, so an index that does not cannot serve it.",
        remedy="Put tenant_id first.",
        query="""
            select i.name, 'does not start with tenant_id'
            from indexes i join index_columns k on k.name = i.name and k.position = 1
            left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
            where not i.indisunique and a.attname is distinct from 'tenant_id'
                and i.name not in (select name from indexes_across_tenants)
        """,
    ),
    Rule(
        "index-leakproof",
        reason="Under row security only leakproof operators reach an index.",
        remedy="Index a generated column: bigint minor units of an amount, text in lower case of a name.",
        # An opclass is as good as its operators: numeric, enum, jsonb, arrays and ranges have none that is leakproof.
        query="""
            select distinct k.name, format('has %s, whose operators are not leakproof',
                coalesce(quote_ident(a.attname), 'an expression'))
            from index_columns k
            join pg_opclass c on c.oid = k.opclass join pg_am m on m.oid = c.opcmethod and m.amname in ('btree', 'hash')
            join pg_amop o on o.amopfamily = c.opcfamily
                and o.amoplefttype = c.opcintype and o.amoprighttype = c.opcintype
            join pg_operator p on p.oid = o.amopopr join pg_proc f on f.oid = p.oprcode
            left join pg_attribute a on a.attrelid = k.indrelid and a.attnum = k.attnum
            where not f.proleakproof
        """,
    ),
    Rule(
        "index-valid",
        reason="An index whose building failed costs every write and serves no read.",
        remedy="Drop it and create it again.",
        query="""
            select name, 'is not valid' from indexes where not indisvalid or not indisready
        """,
    ),
)
