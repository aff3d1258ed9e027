"""Two organisations with the same ids and nasty books, their owners as the engine knows them, and their analysts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from gql.database.pool import Database
from gql.engine.engine import Caller, Engine
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.books import open_books
from tests.engine.doors import ORIGIN, permitted
from tests.harness.actors import context_of
from tests.harness.analysts import Analyst, make_analyst
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant
from tests.reporting.asking import Asking


@dataclass(frozen=True)
class House:
    """An organisation, what GraphQL shows its owner, and its analyst."""

    tenant: Tenant
    asking: Asking
    analyst: Analyst


@pytest.fixture(scope="session")
async def houses(database: TestDatabase) -> AsyncIterator[tuple[House, House]]:
    """One at the edge of the day, whose fiscal year starts in April, and an ordinary one."""
    opened = await Database.open(database.options(read_connections=2, write_connections=1))
    engine = Engine(build_schema(), declarations(), opened, OPEN_FIELDS)
    first, second = [
        House(tenant, Asking(engine, Caller(await permitted(context_of(tenant)), ORIGIN)), await make_analyst(tenant))
        for tenant in await open_books()
    ]
    yield first, second
    await opened.close()
