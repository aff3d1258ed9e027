"""What every test may ask for. Who it speaks to the database as is in tests/harness/actors.py."""

import os

import hypothesis
import pytest

from gql.settings import Settings
from tests.harness.postgres import TestDatabase, stop_the_database, the_database
from tests.harness.tenants import Tenant, make_tenant

# A run finds the same examples each time, so that a builder's red is a developer's red; `thorough` tries
# twelve times as many where a test has very many (tests/harness/thoroughness.py), and `explore` looks further.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("thorough", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_sessionfinish() -> None:
    stop_the_database()


@pytest.fixture(scope="session")
async def database() -> TestDatabase:
    """The PostgreSQL of this run, with the schema loaded."""
    return await the_database()


@pytest.fixture(scope="session")
def settings(database: TestDatabase) -> Settings:
    """Settings of a server on the database of this run."""
    return Settings(
        database_url=database.api_url,
        admin_url=database.admin_url,
        worker_url=database.worker_url,
        data_dir=database.server.directory.path,
        port=0,
        pool_mode=database.pool_mode.value,
        analyst_url=database.analyst_url,
    )


@pytest.fixture
async def tenant() -> Tenant:
    """An organisation of the test's own."""
    return await make_tenant()


@pytest.fixture
async def other_tenant() -> Tenant:
    """Another organisation, of which the first must never see anything."""
    return await make_tenant("Bellwether Yarns")
