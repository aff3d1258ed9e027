"""A PostgreSQL that may be killed, and a server on it, for all tests of this room that one process runs; and the server
that the tests of HTTP know."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.adversity.victims import Cluster, Serving, a_cluster, serving
from tests.harness.postgres import stands_in
from tests.harness.tenants import Tenant, make_tenant
from tests.http.conftest import house, server

__all__ = ["cluster", "house", "on_it", "server", "victim"]


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[Cluster]:
    async with a_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
async def victim(cluster: Cluster) -> AsyncIterator[Serving]:
    async with serving(cluster, WRITE_CONNECTIONS="40", CONNECTIONS_PER_TENANT="40") as server:
        yield server


@pytest.fixture
def on_it(cluster: Cluster) -> Iterator[None]:
    """Whoever asks for the database is given the one that may be killed. Such a test asks for nothing of the whole
    session that stands on the other one."""
    with stands_in(cluster.database):
        yield


@pytest.fixture
async def noisy() -> Tenant:
    return await make_tenant("Brass & Drums")


@pytest.fixture
async def quiet() -> list[Tenant]:
    return [await make_tenant(f"Library {number}") for number in range(4)]
