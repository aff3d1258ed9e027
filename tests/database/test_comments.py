"""Comments are read from the sql files as PostgreSQL itself understands them."""

import pytest

from gql.database.comments import Comments, parse_comments, read_comments
from tests.harness.actors import as_superuser

OURS = "nspname in ('core', 'iam', 'ledger', 'reports', 'reporting', 'billing', 'trade')"


def test_each_kind_is_found_under_its_name() -> None:
    comments = parse_comments(
        """
        comment on table billing.invoices is 'A bill.';
        comment on view billing.overdue is 'Bills that are late.';
        comment on column billing.invoices.total is 'What is owed.';
        comment on function billing.invoice_issue(input jsonb, at date) is 'Send it.';
        COMMENT ON PROCEDURE core.refuse IS 'Say no.';
        comment on constraint invoices_total_check on billing.invoices is 'TOTAL input.total: Not negative.';
        comment on constraint money_check on domain core.money is 'MONEY: Two decimals.';
        comment on schema core is 'Shared.';
        """
    )
    assert comments.table("billing.invoices") == "A bill."
    assert comments.table("billing.overdue") == "Bills that are late."
    assert comments.column("billing.invoices", "total") == "What is owed."
    assert comments.function("billing.invoice_issue") == "Send it."
    assert comments.function("core.refuse") == "Say no."
    assert comments.constraints == {
        "invoices_total_check": "TOTAL input.total: Not negative.",
        "money_check": "MONEY: Two decimals.",
    }
    assert comments.others == {"schema core": "Shared."}


def test_what_has_no_comment_answers_none() -> None:
    comments = parse_comments("comment on table a.b is null;")
    assert (comments.table("a.b"), comments.column("a.b", "c"), comments.function("a.f")) == (None, None, None)


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ("'It''s here'", "It's here"),
        ("'one\n        two'", "one two"),
        ("'one '\n  'two'", "one two"),
        (r"E'one\ntwo \'three\' ''four'''", "one two 'three' 'four'"),
        ("$$It's; here$$", "It's; here"),
        ("$a$one $$ two$a$", "one $$ two"),
        ("'a word is a word'", "a word is a word"),
        ("'-- no remark; /* nor this */'", "-- no remark; /* nor this */"),
    ],
)
def test_a_text_is_read_however_it_is_quoted(literal: str, text: str) -> None:
    assert parse_comments(f"comment on table a.b is {literal};").table("a.b") == text


def test_remarks_and_the_bodies_of_functions_say_nothing() -> None:
    comments = parse_comments(
        """
        -- comment on table a.b is 'remark';
        /* comment on table a.b is 'remark'; */
        do $do$ begin execute 'comment on table a.b is ''dynamic'''; comment on table a.b is 'inner'; end $do$;
        select 'comment on table a.b is 1';
        """
    )
    assert comments == parse_comments("")


def test_two_constraints_of_one_name_must_say_the_same() -> None:
    same = "comment on constraint c on a.b is 'X: One.'; comment on constraint c on a.d is 'X: {}.'"
    assert parse_comments(same.format("One")).constraints == {"c": "X: One."}
    with pytest.raises(ValueError, match="Two constraints are called c"):
        parse_comments(same.format("Two"))


async def test_the_files_say_what_the_database_says() -> None:
    comments = read_comments()
    async with as_superuser() as connection:
        rows = await connection.fetch(
            f"""
            select case when objsubid = 0 then 'table' else 'column' end as kind,
                   concat_ws('.', nspname, relname, attname) as name, description
            from pg_description
            join pg_class on pg_class.oid = objoid and classoid = 'pg_class'::regclass
                and relkind in ('r', 'p', 'v', 'm')
                and relname !~ '_[0-9]{{4}}_[0-9]{{2}}$'  -- partitions of months come with time
            join pg_namespace on pg_namespace.oid = relnamespace
            left join pg_attribute on attrelid = objoid and attnum = objsubid and objsubid > 0
            where {OURS}
            union all
            -- Of functions of one name the last that is made, as the files have it.
            select 'function', nspname || '.' || proname, (array_agg(description order by pg_proc.oid desc))[1]
            from pg_description
            join pg_proc on pg_proc.oid = objoid and classoid = 'pg_proc'::regclass
            join pg_namespace on pg_namespace.oid = pronamespace where {OURS} group by 2
            union all
            select 'constraint', conname, description
            from pg_description
            join pg_constraint on pg_constraint.oid = objoid and classoid = 'pg_constraint'::regclass
            join pg_namespace on pg_namespace.oid = connamespace where {OURS}
            union all
            select 'constraint', relname, description  -- a violation names a unique index as it names a constraint
            from pg_description
            join pg_class on pg_class.oid = objoid and classoid = 'pg_class'::regclass and relkind = 'i'
            join pg_namespace on pg_namespace.oid = relnamespace where {OURS}
            """
        )
    in_database: dict[str, dict[str, str]] = {"table": {}, "column": {}, "function": {}, "constraint": {}}
    for kind, name, description in rows:
        in_database[kind][name] = " ".join(description.split())
    assert in_database == {
        "table": comments.tables,
        "column": comments.columns,
        "function": comments.functions,
        "constraint": comments.constraints,
    }
    assert isinstance(comments, Comments)
    assert all(in_database.values())
