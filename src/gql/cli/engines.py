"""The engine in this process: what the command line changes, it changes through the public operations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from gql.cli.callers import command_origin
from gql.database.context import Context
from gql.database.pool import Database
from gql.database.pool.options import DatabaseOptions
from gql.engine.engine import Caller, Engine
from gql.imports.operations import Asker
from gql.schema import build_schema, declarations
from gql.settings import Settings

STATEMENT_TIMEOUT_MS: Final = 120_000
"""A batch of an import takes longer than anything that a person waits for at a screen."""


@asynccontextmanager
async def open_engine(settings: Settings, api_url: str) -> AsyncIterator[Engine]:
    """An engine on the database of this address."""
    options = DatabaseOptions.from_settings(settings, api_url)
    database = await Database.open(replace(options, statement_timeout_ms=STATEMENT_TIMEOUT_MS))
    try:
        yield Engine(build_schema(), declarations(), database)
    finally:
        await database.close()


def asker(engine: Engine, context: Context, command: str) -> Asker:
    """Somebody of this context who asks, noted in the audit log as coming from this command."""
    return Asker(engine, Caller(context, command_origin(command)))
