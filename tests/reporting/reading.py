"""How analysts read: with psql, with psycopg, and with pandas. Each answers the rows of a query as the client has them,
made into what GraphQL writes."""

import asyncio
import csv
import io
import json
import os
import subprocess
import warnings
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pandas  # type: ignore[import-untyped]
import psycopg
from psycopg.rows import dict_row

from gql.cli.psql import program_for
from gql.engine.nouns import Noun
from tests.engine.books import LAST_CHARACTER
from tests.engine.naive.world import moment

Row = dict[str, Any]
NOTHING: Final = "\u2205 nothing"
"""How psql is to write NULL: no row holds this."""


def kinds_of(noun: Noun) -> dict[str, str]:
    """How GraphQL writes each column of the noun's view; what is not declared is an id."""
    return {column.name: "Enum" if column.kind.is_enum else column.kind.name for column in noun.columns}


def written(kind: str, value: Any) -> Any:
    """The value as GraphQL writes it. A figure must have the digits already."""
    if value is None:
        return None
    match kind:
        case "Money":
            assert isinstance(value, Decimal)
            assert value.as_tuple().exponent == -2, value
            return format(value, "f")
        case "Decimal":
            assert isinstance(value, Decimal)
            return format(value, "f")
        case "ID":
            return str(value)
        case "Date":
            assert isinstance(value, date)
            return value.isoformat()
        case "DateTime":
            assert isinstance(value, datetime)
            return moment(value)
        case _:
            return value


def _parsed(kind: str, text: str) -> Any:
    """What psql has written."""
    if text == NOTHING:
        return None
    match kind:
        case "Money" | "Decimal":
            return Decimal(text)
        case "Date":
            return date.fromisoformat(text)
        case "DateTime":
            return datetime.fromisoformat(text)
        case "Int":
            return int(text)
        case "Boolean":
            return {"t": True, "f": False}[text]
        case "JSON" | "Strings":
            return json.loads(text)
        case _:
            return text


def with_psql(url: str, query: str, kinds: dict[str, str]) -> list[Row]:
    arguments = ["--no-psqlrc", "--csv", "--pset", f"null={NOTHING}", "--command", query, url]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        [program_for(is_interactive=False), *arguments], capture_output=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr.decode()
    rows = csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))
    return [{name: _parsed(kinds.get(name, "ID"), text) for name, text in row.items()} for row in rows]


def with_psycopg(url: str, query: str, kinds: dict[str, str]) -> list[Row]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


def with_pandas(url: str, query: str, kinds: dict[str, str]) -> list[Row]:
    with psycopg.connect(url) as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it had rather have SQLAlchemy around the connection
        # Money is exact unless one asks for floats, which is what it does by itself.
        frame = pandas.read_sql(query, connection, coerce_float=False)
    return [
        {name: _cell(kinds.get(name, "ID"), value) for name, value in row.items()} for row in frame.to_dict("records")
    ]


def _cell(kind: str, value: Any) -> Any:
    """What stands in a cell, where nothing is NaN or NaT, and numbers beside nothing are floats."""
    if not isinstance(value, dict | list) and pandas.isna(value):
        return None
    return int(value) if kind == "Int" else value


def as_shown(client: str, rows: list[Row]) -> list[Row]:
    """The rows as this client shows them: psql leaves out code points that are no characters and never will be."""
    if client != "psql":
        return rows
    return [
        {name: value.replace(LAST_CHARACTER, "") if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]


Client = Callable[[str, str, dict[str, str]], list[Row]]
CLIENTS: Final[dict[str, Client]] = {"psql": with_psql, "psycopg": with_psycopg, "pandas": with_pandas}


async def read(client: str, url: str, query: str, noun: Noun) -> list[Row]:
    """The rows of the query, as GraphQL writes the noun's."""
    kinds = kinds_of(noun)
    found = await asyncio.to_thread(CLIENTS[client], url, query, kinds)
    return [{name: written(kinds.get(name, "ID"), value) for name, value in row.items()} for row in found]
