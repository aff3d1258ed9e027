"""The views of analysts: one for each noun and report, written from the declarations, with nothing internal."""

from dataclasses import replace
from typing import Final

import pytest

from gql.database.comments import read_comments
from gql.database.sources import schema_sources
from gql.engine.declarations import Declarations
from gql.engine.nouns import Noun
from gql.engine.reporting import is_reckoned, reporting_sql, shown_columns, view_name
from gql.schema import declarations
from tests.harness.actors import as_superuser

COLUMNS: Final = """
    select relname as view, attname as column, typtype::text as kind, format_type(atttypid, null) as type
    from pg_attribute join pg_class on pg_class.oid = attrelid join pg_type on pg_type.oid = atttypid
    where relnamespace = 'reporting'::regnamespace and attnum > 0 and not attisdropped
"""


def test_the_views_are_those_of_the_declarations() -> None:
    """A noun that was declared and not written fails here; `make reporting` writes it."""
    assert reporting_sql(declarations(), read_comments()).rstrip("\n") + "\n" == schema_sources()["reporting/views.sql"]


async def test_every_noun_has_a_view_unless_it_says_that_it_has_none() -> None:
    async with as_superuser() as connection:
        found = {row["view"] for row in await connection.fetch(COLUMNS)}
    assert found == {view_name(noun) for noun in declarations().nouns.values() if noun.reported}


def test_only_what_is_a_persons_own_or_an_administrators_has_none() -> None:
    kept = {noun.name for noun in declarations().nouns.values() if not noun.reported}
    of_a_person = {"Account", "MyInvite", "MyJoinRequest", "Session", "TotpDevice"}
    who_comes_in = {
        "Analyst",
        "App",
        "AppSecret",
        "ExternalPerson",
        "Invite",
        "JoinRequest",
        "MessageChannel",
        "TrustedIssuer",
    }
    assert kept == of_a_person | who_comes_in | {"AuditEntry"}


async def test_analysts_have_views_of_what_a_viewer_may_read_and_of_nothing_more() -> None:
    async with as_superuser() as connection:
        permitted = set(await connection.fetchval("select core.permissions('viewer')"))
    for noun in declarations().nouns.values():
        if noun.reported:
            assert noun.permission in permitted
            for each in noun.columns:
                is_shown = each.name in {column.name for column in shown_columns(noun, declarations(), read_comments())}
                assert not is_shown or not each.permission or each.permission in permitted


async def test_no_column_is_internal_and_every_type_is_one_that_all_clients_know() -> None:
    async with as_superuser() as connection:
        columns = await connection.fetch(COLUMNS)
    names = {row["column"] for row in columns}
    assert not [name for name in names if name.endswith(("_key", "_minor", "_hash")) or name in ("tenant_id", "line")]
    assert {row["kind"] for row in columns} == {"b"}
    assert {row["type"] for row in columns} == {
        "boolean", "date", "integer", "bigint", "jsonb", "numeric", "text", "timestamp with time zone", "uuid",
    }  # fmt: skip


async def test_the_views_read_with_the_rights_of_whoever_asks() -> None:
    """All but those over a materialized view, for which the catalog has a rule of its own."""
    async with as_superuser() as connection:
        found = await connection.fetch(
            "select relname, reloptions from pg_class where relnamespace = 'reporting'::regnamespace and relkind = 'v'"
        )
    others = {row["relname"] for row in found if row["reloptions"] != ["security_invoker=true"]}
    assert others == {view_name(noun) for noun in declarations().nouns.values() if is_reckoned(noun)}


@pytest.mark.parametrize(
    ("plural", "name", "view"),
    [
        ("creditNotes", "CreditNote", "credit_notes"),
        (None, "LedgerEntry", "ledger_entries"),
        (None, "Refund", "refunds"),
    ],
)
def test_a_view_is_called_like_the_list(plural: str | None, name: str, view: str) -> None:
    noun = next(iter(declarations().nouns.values()))
    assert view_name(replace(noun, name=name, plural=plural, single=None)) == view


def test_a_noun_without_a_comment_cannot_be_written() -> None:
    nameless: Noun = replace(declarations().nouns["Client"], described_by="billing.nowhere")
    with pytest.raises(AssertionError, match="has no"):
        reporting_sql(Declarations({"Client": nameless}), read_comments())
