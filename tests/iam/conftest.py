"""The services of signing in, on the database of this run."""

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gql.database.pool import Database, DatabaseOptions
from gql.iam.keys import Keys
from gql.iam.passwords import Passwords
from gql.iam.sign_in import Services
from gql.iam.tokens import Tokens
from tests.harness.postgres import TestDatabase


@pytest.fixture(scope="session")
async def services(database: TestDatabase) -> AsyncIterator[Services]:
    """Signing in, as a server has it."""
    opened = await Database.open(DatabaseOptions(url=database.api_url, read_connections=1, write_connections=2))
    passwords = Passwords(workers=2)
    tokens = Tokens(Keys.of(Ed25519PrivateKey.generate()), issuer="the-house", audience="its-api")
    yield Services(opened, tokens, passwords)
    passwords.close()
    await opened.close()
