"""Every document answers on a replica what it answers on the primary: nothing in the way of a read writes."""

from collections.abc import AsyncIterator
from itertools import cycle

import pytest

from gql.database.pool import Database
from tests.database.pooling import until
from tests.engine.documents import DOCUMENTS, Document
from tests.engine.doors import Doors, Person
from tests.harness.postgres import TestDatabase
from tests.harness.replica import NAME, Member, Pair, a_standby


@pytest.fixture(scope="module")
async def following(database: TestDatabase, people: dict[str, Person]) -> AsyncIterator[Doors]:
    """The engine where a replica answers."""
    async with a_standby(database.server) as standby:
        await Pair(Member(database.server), standby).caught_up()
        opened = await Database.open(database.options(read_url=standby.server.api_url))
        assert opened.replica is not None
        replica = opened.replica

        async def is_used() -> bool:
            await replica.look()
            return replica.is_used

        await until(is_used, "the replica is used", 30)
        yield Doors.of(opened)
        await opened.close()
    await Member(database.server).forget(NAME)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
async def test_a_document_is_answered_by_the_replica_as_by_the_primary(
    doors: Doors, following: Doors, people: dict[str, Person], document: Document
) -> None:
    replica = following.engine.database.replica
    assert replica is not None
    for person, way in zip(people.values(), cycle((Doors.read, Doors.direct)), strict=False):
        for variables in document.variables:
            there = await way(following, person, document.source, variables)
            assert there == await way(doors, person, document.source, variables)
    assert replica.sent_on == 0
    assert following.engine.database.reads.statistics.acquisitions == 0
