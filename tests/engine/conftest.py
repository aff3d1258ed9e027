"""People with books, and the ways in which they can ask about them."""

from collections.abc import AsyncIterator

import pytest

from gql.database.pool import Database
from tests.engine.books import SCOPE, open_books
from tests.engine.doors import Doors, Person, meet
from tests.engine.trading import RETAILER_SCOPE, VENDOR_SCOPE
from tests.harness.postgres import TestDatabase


@pytest.fixture(scope="session")
async def people() -> dict[str, Person]:
    """Four people of one organisation, of different roles, and the owner of another that has the same ids."""
    first, second = await open_books()
    found = [
        await meet("owner", first),
        await meet("member", first, "member", SCOPE),
        await meet("vendor", first, "vendor", VENDOR_SCOPE),
        await meet("retailer", first, "retailer", RETAILER_SCOPE),
        await meet("other", second),
    ]
    return {str(person): person for person in found}


@pytest.fixture(scope="session")
async def doors(database: TestDatabase) -> AsyncIterator[Doors]:
    """The engine on a database of its own connections."""
    opened = await Database.open(database.options(read_connections=2, write_connections=1))
    yield Doors.of(opened)
    await opened.close()
