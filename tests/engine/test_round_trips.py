"""How often an operation makes the server wait for PostgreSQL: the cost that no faster machine takes away.

The trips are counted on the wire. A read on a connection that stands in its context is one: the statement, known
already, bound and executed, with no transaction, setting or preparation around it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from gql.database.pool import Database, DatabaseOptions, Door
from gql.database.pool.doors import DIRECT_AFTER
from gql.database.pool.session import CORE_READ
from gql.database.pool.standing import BEGIN_LOCALLY, READ_AFTER_SWITCH, SWITCH
from gql.engine.engine import Caller, Changed, Engine, Terms
from gql.errors import RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.database.pooling import until_mended
from tests.engine.asked import WORKS
from tests.engine.doors import ORIGIN, Person, permitted
from tests.harness.actors import as_tenant, context_of
from tests.harness.pooler import OF_SESSIONS
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant
from tests.harness.verbs import new_client, new_draft
from tests.harness.wire import PREPARE, RUN, SIMPLE, Trip, Wire, wire_to

pytestmark = OF_SESSIONS

TIMES: Final = 3
"""How often each is asked while somebody listens: what one operation leaves to be done is heard before the next."""


@dataclass
class Line:
    """An engine with one connection for reads and one for writes, and the wire that they go over."""

    engine: Engine
    wire: Wire

    async def ask(self, caller: Caller, source: str, variables: dict[str, Any]) -> bytes:
        return await self.engine.run(await self.engine.prepare(source, None, variables, introspection=True), caller)

    async def change(self, caller: Caller, source: str, terms: Terms) -> Changed:
        return await self.engine.change(await self.engine.prepare(source, introspection=True), caller, terms)


@pytest.fixture
async def line(database: TestDatabase) -> AsyncIterator[Line]:
    async with wire_to(database.api_url) as wire:
        opened = await Database.open(DatabaseOptions(url=wire.url, read_connections=1, write_connections=1))
        yield Line(Engine(build_schema(), declarations(), opened, OPEN_FIELDS), wire)
        await opened.close()


def messages(trips: list[Trip]) -> list[str]:
    return [trip.messages for trip in trips]


@pytest.mark.parametrize("door", [Door.DIRECT, Door.READ], ids=lambda door: door.value)
@pytest.mark.parametrize("work", WORKS)
async def test_a_read_is_one_trip(line: Line, people: dict[str, Person], work: str, door: Door) -> None:
    line.engine.database.door = door
    caller = people["owner"].caller
    await line.ask(caller, *WORKS[work])
    with line.wire.listening() as heard:
        for _ in range(TIMES):
            await line.ask(caller, *WORKS[work])
    assert messages(heard) == [RUN] * TIMES
    assert {trip.sql == CORE_READ for trip in heard} == {door is Door.READ}


@pytest.mark.parametrize("work", WORKS)
async def test_a_change_of_context_takes_no_trip_of_its_own(line: Line, people: dict[str, Person], work: str) -> None:
    callers = [people["owner"].caller, people["other"].caller]
    for caller in callers:
        await line.ask(caller, *WORKS[work])
    with line.wire.listening() as heard:
        for caller in callers:
            await line.ask(caller, *WORKS[work])
    assert messages(heard) == [RUN] * 2
    assert [trip.sql for trip in heard] == [READ_AFTER_SWITCH] * 2


@pytest.mark.parametrize("work", WORKS)
async def test_through_the_direct_door_a_change_of_context_is_one_trip_more(
    line: Line, people: dict[str, Person], work: str
) -> None:
    line.engine.database.door = Door.DIRECT
    callers = [people["owner"].caller, people["other"].caller]
    for caller in callers:
        await line.ask(caller, *WORKS[work])
    with line.wire.listening() as heard:
        for caller in callers:
            await line.ask(caller, *WORKS[work])
    assert messages(heard) == [RUN] * 4
    assert [trip.sql for trip in heard][::2] == [SWITCH] * 2


async def test_a_statement_is_prepared_once_for_each_door(line: Line, people: dict[str, Person]) -> None:
    caller = people["owner"].caller
    await line.ask(caller, *WORKS["point"])  # connects, enters the context, prepares core.read()
    with line.wire.listening() as heard:
        for _ in range(DIRECT_AFTER + TIMES):
            await line.ask(caller, *WORKS["list"])
    assert messages(heard) == [PREPARE] + [RUN] * DIRECT_AFTER + [PREPARE] + [RUN] * TIMES


VERBS: Final = {
    "billing.client_create": 'mutation { clientCreate(input: {name: "Fen Orchards"}) { client { id name } } }',
    "billing.client_update": """mutation($client: ID!) { clientUpdate(input: {id: $client, city: "Bray"}) {
        client { city contacts { name } } } }""",
    "billing.invoice_create": """mutation($client: ID!) { invoiceCreate(input: {clientId: $client, lines: [
        {description: "Oak table", quantity: "2", unitPrice: "150.00"},
        {description: "Oak chair", quantity: "6", unitPrice: "40.00"}
    ]}) { invoice { total client { name } lines { description amount } } } }""",
    "billing.invoice_issue": """mutation($draft: ID!) { invoiceIssue(input: {id: $draft}) {
        invoice { number status balance lines { amount } } } }""",
}


@pytest.fixture
async def variables(tenant: Tenant) -> list[dict[str, str]]:
    """A client and a draft for each time that a mutation is sent."""
    async with as_tenant(tenant) as connection:
        client = await new_client(connection)
        return [{"client": str(client), "draft": str(await new_draft(connection, client))} for _ in range(1 + TIMES)]


@pytest.fixture
async def owner(tenant: Tenant) -> Caller:
    return Caller(await permitted(context_of(tenant)), ORIGIN)


@pytest.mark.parametrize("function", VERBS)
async def test_a_mutation_is_six_trips(
    line: Line, owner: Caller, variables: list[dict[str, str]], function: str
) -> None:
    """The transaction and its context, the verb, its deferred constraints, the payload, the end."""
    first, *others = variables
    await line.ask(owner, VERBS[function], first)
    with line.wire.listening() as heard:
        for given in others:
            await line.ask(owner, VERBS[function], given)
    assert messages(heard) == [SIMPLE, RUN, RUN, SIMPLE, RUN, SIMPLE] * TIMES
    begin, context, call, settle, payload, commit = (trip.sql for trip in heard[-6:])
    assert (begin, context, payload, commit) == ("begin", BEGIN_LOCALLY, CORE_READ, "commit")
    assert f"{function}(" in call
    assert settle.startswith("set constraints")


async def test_each_verb_more_in_a_mutation_is_three_trips_more(line: Line, owner: Caller) -> None:
    source = """mutation { a: clientCreate(input: {name: "One"}) { client { id } }
        b: clientCreate(input: {name: "Two"}) { client { name } } }"""
    await line.ask(owner, source, {})
    with line.wire.listening() as heard:
        await line.ask(owner, source, {})
    assert messages(heard) == [SIMPLE, RUN, *[RUN, SIMPLE, RUN] * 2, SIMPLE]


async def test_a_key_is_two_trips_more_and_its_replay_takes_four(line: Line, owner: Caller) -> None:
    """It is entered before the verb, with the answer after the payload. A replay is told the answer."""
    source = VERBS["billing.client_create"]
    for key in ("first", "second"):
        with line.wire.listening() as heard:
            assert not (await line.change(owner, source, Terms(key))).is_replay
    assert messages(heard) == [SIMPLE, RUN, RUN, RUN, SIMPLE, RUN, RUN, SIMPLE]
    assert "core.idempotency_begin(" in heard[2].sql
    assert "core.idempotency_keep(" in heard[6].sql
    with line.wire.listening() as heard:
        assert (await line.change(owner, source, Terms("second"))).is_replay
    assert messages(heard) == [SIMPLE, RUN, RUN, SIMPLE]
    assert "core.idempotency_begin(" in heard[2].sql


async def test_a_rehearsal_is_as_many_trips_as_the_mutation(line: Line, owner: Caller) -> None:
    source = VERBS["billing.client_create"]
    for terms in (Terms(), Terms(is_rehearsal=True), Terms("key", is_rehearsal=True)):
        with line.wire.listening() as heard:
            await line.change(owner, source, terms)
            await until_mended(line.engine.database)
    assert messages(heard) == [SIMPLE, RUN, RUN, SIMPLE, RUN, SIMPLE]
    assert heard[-1].sql == "rollback"


@pytest.mark.parametrize("rows", [1, 200])
async def test_an_import_is_six_trips_whatever_it_brings(line: Line, owner: Caller, rows: int) -> None:
    source = "mutation($rows: [ClientCreateInput!]!) { clientsImport(input: {rows: $rows}) { rows { id } } }"
    given = {"rows": [{"name": f"Client {number}", "externalRef": f"client-{number}"} for number in range(rows)]}
    await line.ask(owner, source, given)
    with line.wire.listening() as heard:
        await line.ask(owner, source, given)
    assert messages(heard) == [SIMPLE, RUN, RUN, SIMPLE, RUN, SIMPLE]


async def test_what_the_document_alone_refuses_is_no_trip(line: Line, tenant: Tenant) -> None:
    """Attack 58."""
    viewer = Caller(await permitted(context_of(tenant, "viewer")), ORIGIN)
    for source in (VERBS["billing.client_create"], "{ invoices(first: 1000) { totalCount } }"):
        with line.wire.listening() as heard, pytest.raises(RequestRefused):
            await line.ask(viewer, source, {})
        assert heard == []
