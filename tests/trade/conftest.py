"""The engine on a database of its own connections."""

from collections.abc import AsyncIterator

import pytest

from gql.database.pool import Database
from tests.harness.postgres import TestDatabase
from tests.trade.asking import Asking


@pytest.fixture(scope="session")
async def asking(database: TestDatabase) -> AsyncIterator[Asking]:
    opened = await Database.open(database.options(read_connections=2, write_connections=1))
    yield Asking.of(opened)
    await opened.close()
