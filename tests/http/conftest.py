"""Servers for the tests of this room: one as on a developer's machine, one as in production."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gql.settings import Settings
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant
from tests.http.apps import SCOPES, App, made
from tests.http.servers import Running, running


@pytest.fixture(scope="session")
async def server(settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """A server in development."""
    async with running(settings, database.api_url) as server:
        yield server


@pytest.fixture(scope="session")
async def production(settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """A server in production, with the same keys."""
    async with running(replace(settings, environment="production"), database.api_url) as server:
        yield server


@pytest.fixture(scope="session")
async def house() -> Tenant:
    """An organisation that the tests of this room share and only read."""
    return await make_tenant("Harbour Ropes")


@pytest.fixture(scope="session")
async def token(server: Running, house: Tenant) -> str:
    """An access token of its owner."""
    return server.token(house.owner, house)


@pytest.fixture
async def shop() -> Tenant:
    return await make_tenant("Cordage & Twine")


@pytest.fixture
def owners(server: Running, shop: Tenant) -> str:
    """An access token of the shop's owner."""
    return server.token(shop.owner, shop)


@pytest.fixture
async def app(server: Running, owners: str) -> App:
    return await made(server, owners, SCOPES)
