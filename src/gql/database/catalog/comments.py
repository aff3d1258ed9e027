"""Rules for comments: they describe the schema to its readers, and tell a caller which constraint was broken."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "object-comment",
        reason="Comments are the descriptions of the GraphQL schema and of the database alike.",
        remedy="Write a `comment on` that says what it is, in one sentence.",
        query="""
            select name, 'has no comment' from relations
            where relkind in ('r', 'p', 'v', 'm') and not relispartition
                and coalesce(obj_description(oid, 'pg_class'), '') = ''
            union all
            select name, 'has no comment' from columns
            where not relispartition and relation not in (select name from archives)
                and coalesce(col_description(attrelid, attnum), '') = ''
            union all
            select name, 'has no comment' from functions where coalesce(obj_description(oid, 'pg_proc'), '') = ''
            union all
            select name, 'has no comment' from types where coalesce(obj_description(oid, 'pg_type'), '') = ''
            union all
            select 'schema ' || name, 'has no comment' from schemas
            where coalesce(obj_description(oid, 'pg_namespace'), '') = ''
        """,
    ),
    Rule(
        "constraint-comment",
        reason="A broken constraint is answered with its comment; without one the caller learns nothing.",
        remedy="Write `comment on constraint … is 'REASON input.field: Sentence.'`; the field is optional.",
        # A unique index without a constraint is reported by PostgreSQL like one.
        query=r"""
            with sentences as (
                select name, obj_description(oid, 'pg_constraint') as sentence from constraints
                where contype in ('c', 'u', 'x') and conparentid = 0 and not of_partition
                union all
                select name, obj_description(indexrelid, 'pg_class') from indexes
                where indisunique and not exists (select from pg_constraint where conindid = indexrelid)
                    and not exists (select from pg_inherits where inhrelid = indexrelid)
            )
            select name, case when sentence is null then 'has no comment'
                else 'has a comment that is not of the form REASON input.field: Sentence' end
            from sentences
            where coalesce(sentence, '') !~ '^[A-Z][A-Z0-9_]*( input(\.[a-z][A-Za-z0-9]*)+)?: [^a-z\s].*[.]$'
        """,
    ),
)
