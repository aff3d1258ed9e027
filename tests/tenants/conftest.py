"""An organisation with a row in every table, which the tests here take out and only read."""

import pytest

from tests.database.isolation import Filled, fill


@pytest.fixture(scope="session")
async def filled() -> Filled:
    return await fill("Copper Kettle")
