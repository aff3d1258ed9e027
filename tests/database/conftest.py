"""Two organisations to keep apart, and everyone who reads as one of them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final

import asyncpg
import pytest

from tests.database.isolation import Filled, fill
from tests.harness.actors import as_analyst, as_owner, as_tenant

ACTORS: Final = {"tenant": as_tenant, "analyst": as_analyst, "owner": as_owner}


@pytest.fixture(scope="session")
async def mine() -> Filled:
    """The organisation as which the tests read."""
    return await fill("Harbour Lights")


@pytest.fixture(scope="session")
async def theirs() -> Filled:
    """The organisation of which they must see nothing."""
    return await fill("Quarry and Sons")


@pytest.fixture(params=ACTORS)
async def actor(request: pytest.FixtureRequest, mine: Filled, theirs: Filled) -> AsyncIterator[asyncpg.Connection]:
    """Everyone who reads as one organisation, in turn."""
    entrance: AbstractAsyncContextManager[asyncpg.Connection] = ACTORS[request.param](mine.tenant)
    async with entrance as connection:
        yield connection
