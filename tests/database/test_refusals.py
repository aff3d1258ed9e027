"""What PostgreSQL's failures become for a caller, and that its words never do."""

import logging
from types import MappingProxyType
from typing import Final

import asyncpg
import pytest

from gql.database.pool import Database
from gql.database.refusals import COMMENT, camel_case, commit_unknown, is_lost, translate
from gql.errors import INTERNAL_MESSAGE, ApiError, Code
from tests.database.pooling import ORIGIN, a_database, arguments_of
from tests.harness.actors import as_superuser, context_of
from tests.harness.tenants import Tenant

SENTENCES: Final = MappingProxyType(
    {
        "parcels_weight_positive": "WEIGHT_NOT_POSITIVE input.weight: A parcel weighs something.",
        "parcels_label_once": "LABEL_TAKEN: Another parcel has this label.",
        "parcels_shelf_known": "SHELF_NOT_FOUND input.shelfId: There is no such shelf.",
        "parcels_days_apart": "DAYS_OVERLAP input.days: These days are taken.",
        "grams_whole": "GRAMS_NOT_WHOLE input.grams: Grams are whole.",
        "parcels_colour_known": "a comment for nobody in particular",
    }
)
SCENE: Final = """
create temp table shelves (id int primary key);
create domain pg_temp.grams numeric constraint grams_whole check (value = trunc(value));
create temp table parcels (
    weight int constraint parcels_weight_positive check (weight > 0),
    label text constraint parcels_label_once unique,
    secret_label text constraint unspoken unique,
    shelf_id int constraint parcels_shelf_known references shelves,
    shelf_number int not null default 1,
    grams pg_temp.grams,
    days daterange,
    colour text constraint parcels_colour_known check (colour = 'red'),
    constraint parcels_days_apart exclude using gist (days with &&)
);
insert into parcels (label, secret_label, days) values ('a', 'hidden words', '[2026-01-01,2026-02-01)');
"""
REFUSALS: Final = {
    "insert into parcels (weight) values (-7)": (Code.BAD_USER_INPUT, "WEIGHT_NOT_POSITIVE", "input.weight"),
    "insert into parcels (label) values ('a')": (Code.CONFLICT, "LABEL_TAKEN", None),
    "insert into parcels (secret_label) values ('hidden words')": (Code.CONFLICT, "ALREADY_EXISTS", None),
    "insert into parcels (shelf_id) values (9)": (Code.NOT_FOUND, "SHELF_NOT_FOUND", "input.shelfId"),
    "insert into parcels (shelf_number) values (null)": (Code.BAD_USER_INPUT, "REQUIRED", "input.shelfNumber"),
    "insert into parcels (grams) values (1.5)": (Code.BAD_USER_INPUT, "GRAMS_NOT_WHOLE", "input.grams"),
    "insert into parcels (days) values ('[2026-01-05,2026-01-06)')": (Code.CONFLICT, "DAYS_OVERLAP", "input.days"),
    "insert into parcels (colour) values ('blue')": (Code.BAD_USER_INPUT, "VALUE_NOT_ALLOWED", None),
    "select 'seven'::int": (Code.BAD_USER_INPUT, "INVALID_VALUE", None),
    "select '2026-13-45'::date": (Code.BAD_USER_INPUT, "INVALID_VALUE", None),
    "select 'tomorrowish'::timestamptz": (Code.BAD_USER_INPUT, "INVALID_VALUE", None),
    "select 99999999999::bigint::int": (Code.BAD_USER_INPUT, "INVALID_VALUE", None),
    "select '[1'::jsonb": (Code.BAD_USER_INPUT, "INVALID_VALUE", None),
    "set statement_timeout = '20ms'; select pg_sleep(9)": (Code.TIMEOUT, "STATEMENT_TIMEOUT", None),
    "do $$ begin raise insufficient_privilege; end $$": (
        Code.FORBIDDEN,
        "NOT_PERMITTED",
        None,
    ),
    "do $$ begin raise serialization_failure; end $$": (Code.CONFLICT, "RETRY", None),
    "do $$ begin raise deadlock_detected; end $$": (Code.CONFLICT, "RETRY", None),
    "do $$ begin raise lock_not_available; end $$": (Code.CONFLICT, "LOCKED", None),
    "do $$ begin raise too_many_connections; end $$": (Code.UNAVAILABLE, "DATABASE_CROWDED", None),
    "do $$ begin raise disk_full; end $$": (Code.UNAVAILABLE, "DATABASE_FULL", None),
    "do $$ begin raise read_only_sql_transaction; end $$": (Code.UNAVAILABLE, "DATABASE_READ_ONLY", None),
    "do $$ begin raise insufficient_resources; end $$": (Code.UNAVAILABLE, "DATABASE_UNWELL", None),
    "do $$ begin raise out_of_memory; end $$": (Code.UNAVAILABLE, "DATABASE_UNWELL", None),
    "do $$ begin raise system_error; end $$": (Code.UNAVAILABLE, "DATABASE_UNWELL", None),
    "do $$ begin raise io_error; end $$": (Code.UNAVAILABLE, "DATABASE_UNWELL", None),
    "do $$ begin raise configuration_limit_exceeded; end $$": (Code.LIMIT_EXCEEDED, "STATEMENT_TOO_LARGE", None),
    "do $$ begin raise program_limit_exceeded; end $$": (Code.LIMIT_EXCEEDED, "STATEMENT_TOO_LARGE", None),
    "do $$ begin raise statement_too_complex; end $$": (Code.LIMIT_EXCEEDED, "STATEMENT_TOO_LARGE", None),
    "do $$ begin raise too_many_columns; end $$": (Code.LIMIT_EXCEEDED, "STATEMENT_TOO_LARGE", None),
    "do $$ begin raise too_many_arguments; end $$": (Code.LIMIT_EXCEEDED, "STATEMENT_TOO_LARGE", None),
    "do $$ begin raise admin_shutdown; end $$": (Code.UNAVAILABLE, "DATABASE_UNREACHABLE", None),
    "do $$ begin raise sqlstate '08006'; end $$": (Code.UNAVAILABLE, "DATABASE_UNREACHABLE", None),
    "do $$ begin raise 'hidden words'; end $$": (Code.INTERNAL_SERVER_ERROR, None, None),
    "select 1 / 0": (Code.INTERNAL_SERVER_ERROR, None, None),
    "select hidden_words from nowhere": (Code.INTERNAL_SERVER_ERROR, None, None),
    "do $$ begin raise sqlstate 'CH499' using message = 'hidden words'; end $$": (
        Code.INTERNAL_SERVER_ERROR,
        None,
        None,
    ),
}


async def refusal_of(sql: str) -> ApiError:
    """What a caller is told when this fails on a database with the scene above."""
    async with as_superuser() as connection:
        await connection.execute(SCENE)
        with pytest.raises(asyncpg.PostgresError) as failure:
            await connection.execute(sql)
    return translate(failure.value, SENTENCES)


@pytest.mark.parametrize("sql", REFUSALS)
async def test_each_failure_has_its_code_reason_and_field_and_no_word_of_the_database(sql: str) -> None:
    """Attack 28."""
    refusal = await refusal_of(sql)
    assert (refusal.code, refusal.reason, refusal.field) == REFUSALS[sql]
    for word in ("parcels", "constraint", "unspoken", "hidden", "relation", "violates", "seven", "syntax", "-7"):
        assert word not in refusal.message


async def test_the_sentence_of_a_constraint_is_its_comment() -> None:
    refusal = await refusal_of("insert into parcels (weight) values (0)")
    assert refusal.message == "A parcel weighs something."


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("CH400", Code.BAD_USER_INPUT),
        ("CH403", Code.FORBIDDEN),
        ("CH404", Code.NOT_FOUND),
        ("CH409", Code.CONFLICT),
    ],
)
async def test_what_our_own_functions_refuse_is_passed_on_word_for_word(state: str, code: Code) -> None:
    refusal = await refusal_of(
        f"do $$ begin raise exception using errcode = '{state}', message = 'Invoice INV-1 is issued; void it.', "
        "constraint = 'INVOICE_ALREADY_ISSUED', column = 'input.id', detail = 'hidden', hint = 'hidden'; end $$"
    )
    assert (refusal.code, refusal.message) == (code, "Invoice INV-1 is issued; void it.")
    assert (refusal.reason, refusal.field) == ("INVOICE_ALREADY_ISSUED", "input.id")
    assert "hidden" not in str(refusal.as_dict("r"))


async def test_an_empty_field_is_none() -> None:
    refusal = await refusal_of(
        "do $$ begin raise exception using errcode = 'CH409', message = 'No.', constraint = 'R', column = ''; end $$"
    )
    assert refusal.field is None


async def test_what_nobody_foresaw_is_logged_in_full(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        refusal = await refusal_of("select hidden_words from nowhere")
    assert refusal.message == INTERNAL_MESSAGE
    assert "UndefinedTableError" in caplog.text


async def test_a_text_that_cannot_be_sent_is_the_callers_mistake(tenant: Tenant) -> None:
    context = context_of(tenant)
    statement = "select convert_to(($1 || $2 || $3 || $4)::text, 'UTF8')"
    async with a_database() as database, database.read(context) as reader:
        for text in ("half a character \ud800", "a NUL \0"):
            with pytest.raises(ApiError) as refusal:
                await reader.fetch(statement, [*arguments_of(context), text])
            assert refusal.value.code is Code.BAD_USER_INPUT


async def test_failures_within_a_write_are_translated_whether_called_executed_or_committed(tenant: Tenant) -> None:
    async with a_database() as database:
        assert (await failed_write(database, tenant, call="select 'seven'::int")).reason == "INVALID_VALUE"
        assert (await failed_write(database, tenant, execute="do $$ begin raise 'x'; end $$")).reason is None


async def failed_write(database: Database, tenant: Tenant, *, call: str = "", execute: str = "") -> ApiError:
    with pytest.raises(ApiError) as refusal:
        async with database.write(context_of(tenant), ORIGIN) as transaction:
            if execute:
                await transaction.execute(execute)
            await transaction.fetch(call, [])
    return refusal.value


def test_a_refusal_is_left_as_it_is() -> None:
    refusal = commit_unknown()
    assert translate(refusal) is refusal
    assert (refusal.code, refusal.reason) == (Code.UNAVAILABLE, "COMMIT_UNKNOWN")


def test_losing_the_connection_is_told_apart_from_running_out_of_time() -> None:
    lost = (ConnectionResetError(), OSError("unreachable"), asyncpg.InterfaceError("connection is closed"))
    assert all(is_lost(error) for error in lost)
    assert {translate(error).reason for error in lost} == {"DATABASE_UNREACHABLE"}
    # Nobody knows whether it is: it says nothing, not even that its own time-out is over.
    assert not is_lost(TimeoutError())
    assert translate(TimeoutError()).reason == "DATABASE_UNREACHABLE"
    # What is said of one on which the server has said goodbye, before its end has arrived.
    assert is_lost(asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"))
    assert not is_lost(asyncpg.InterfaceError("another operation is in progress"))


def test_a_comment_is_a_reason_perhaps_a_field_and_a_sentence() -> None:
    assert COMMENT.fullmatch("DUE_TOO_EARLY input.dueDate: It is due: before it is issued.")
    assert COMMENT.fullmatch("ONCE: Only once.")
    assert not COMMENT.fullmatch("No reason at all.")


def test_columns_have_their_graphql_names() -> None:
    assert [camel_case(name) for name in ("name", "due_date", "line_1_text")] == ["name", "dueDate", "line1Text"]
