"""The services of signing in, on the database of this run."""

from collections.abc import AsyncIterator
from secrets import token_bytes
from typing import Final

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gql.database.context import Context
from gql.database.pool import Database
from gql.iam.credentials.app_secrets import AppSecrets, Handed
from gql.iam.credentials.passwords import Passwords
from gql.iam.keys.secrets import Secrets
from gql.iam.keys.signing import Keys
from gql.iam.services import Services
from gql.iam.tokens.access import Tokens
from tests.engine.doors import permitted
from tests.harness.actors import as_superuser, as_tenant, context_of
from tests.harness.inbox import Inbox
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant
from tests.iam.apps import SCOPES, here

INBOX: Final = Inbox()


@pytest.fixture
def inbox() -> Inbox:
    """What is sent from now on."""
    INBOX.messages.clear()
    return INBOX


@pytest.fixture(scope="session")
async def services(database: TestDatabase) -> AsyncIterator[Services]:
    """Signing in, as a server has it."""
    opened = await Database.open(database.options(read_connections=1, write_connections=2))
    passwords = Passwords(workers=2)
    tokens = Tokens(Keys.of(Ed25519PrivateKey.generate()), issuer="the-house", audience="its-api")
    yield Services.of(opened, tokens, passwords, Secrets([token_bytes(32)]), INBOX.post, database.api_url)
    passwords.close()
    await opened.close()


@pytest.fixture(autouse=True)
async def nobody_has_failed_yet(database: TestDatabase) -> None:
    """Tests do not wait for one another's failures."""
    async with as_superuser() as connection:
        await connection.execute("delete from iam.throttles")


# Apps


@pytest.fixture
async def owner(tenant: Tenant) -> Context:
    return await permitted(context_of(tenant))


@pytest.fixture
def app_secrets(services: Services) -> AppSecrets:
    return services.app_secrets


@pytest.fixture
async def app(app_secrets: AppSecrets, owner: Context) -> Handed:
    return await app_secrets.create(owner, here(), "Till 7", SCOPES)


@pytest.fixture
async def owners(tenant: Tenant) -> AsyncIterator[asyncpg.Connection]:
    async with as_tenant(tenant) as connection:
        yield connection
