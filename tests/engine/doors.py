"""The four ways to the same answer, and what they answer."""

import base64
import binascii
import json
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Any, Final
from uuid import UUID

from gql.database.context import Context
from gql.database.pool import Database, Door, Origin
from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.naive.executor import NaiveExecutor
from tests.engine.naive.world import World, look
from tests.harness.actors import SCOPED, as_superuser, as_tenant, context_of
from tests.harness.tenants import Tenant

ORIGIN: Final = Origin("differential", "192.0.2.1", "test")
SDL: Final = build_schema().as_str()


@dataclass(frozen=True)
class Answer:
    """What a way answered: the data as JSON text with its members in order, the codes of the errors, and the bytes
    where there were any. Data beside an error is not compared: how much of it is null differs by design."""

    data: str | None
    codes: frozenset[str]
    body: bytes = b""

    @property
    def found(self) -> Any:
        """The data as Python values, cursors unopened."""
        assert not self.codes, self.codes
        return json.loads(self.body)["data"]


@dataclass(frozen=True)
class Person:
    """Somebody of an organisation: how the engine knows them, and how the naive executor sees the world as them."""

    name: str
    caller: Caller
    naive: NaiveExecutor

    @property
    def world(self) -> World:
        return self.naive.world

    def __str__(self) -> str:
        return self.name


async def meet(name: str, tenant: Tenant, role: str = "owner", scope_ids: tuple[UUID, ...] = ()) -> Person:
    """A person of the tenant in this role."""
    context = await permitted(context_of(tenant, role, scope_ids))
    async with as_tenant(tenant, role, scope_ids) as connection:
        world = await look(connection, declarations(), context)
    return Person(name, Caller(context, ORIGIN), NaiveExecutor(SDL, world))


async def permitted(context: Context) -> Context:
    """The context with what its role may do, which the database knows."""
    async with as_superuser() as connection:
        permissions = await connection.fetchval("select core.permissions($1)", context.role)
    return replace(context, permissions=frozenset(permissions), is_scoped=context.role in SCOPED)


@dataclass
class Doors:
    """Asks one question in all ways."""

    engine: Engine

    @classmethod
    def of(cls, database: Database) -> "Doors":
        return cls(Engine(build_schema(), declarations(), database, OPEN_FIELDS))

    async def direct(self, person: Person, source: str, variables: dict[str, Any] | None = None) -> Answer:
        """The engine's statement, prepared and executed as the tenant's role."""
        return await self._through(Door.DIRECT, person, source, variables)

    async def read(self, person: Person, source: str, variables: dict[str, Any] | None = None) -> Answer:
        """The engine's statement through core.read()."""
        return await self._through(Door.READ, person, source, variables)

    async def _through(self, door: Door, person: Person, source: str, variables: dict[str, Any] | None) -> Answer:
        self.engine.database.door = door
        try:
            operation = await self.engine.prepare(source, None, variables, introspection=True)
            return _answer(await self.engine.run(operation, person.caller))
        except RequestRefused as refused:
            return Answer(None, frozenset(error.code.value for error in refused.errors))

    async def strawberry(self, person: Person, source: str, variables: dict[str, Any] | None = None) -> Answer:
        """Strawberry's own executor, whose root resolvers call the compiler."""
        try:
            operation = await self.engine.prepare(source, None, variables, introspection=True)
            return _answer(await self.engine._through_strawberry(operation, person.caller))
        except RequestRefused as refused:
            return Answer(None, frozenset(error.code.value for error in refused.errors))

    def naive(self, person: Person, source: str, variables: dict[str, Any] | None = None) -> Answer:
        """graphql-core over plain selects."""
        data, codes = person.naive.execute(source, variables)
        return Answer(None if codes else canonical(data), frozenset(codes))

    async def agree(self, person: Person, source: str, variables: dict[str, Any] | None = None) -> Answer:
        """The answer in which all ways agree.

        What a person may not read, the engine refuses by looking at the document alone; the naive executor only
        notices when it comes to a row, so a refusal is compared with it only where it noticed something.
        """
        answer = await self.direct(person, source, variables)
        assert not answer.codes & FAILURES, answer.body
        by_reader = await self.read(person, source, variables)
        _same("the read door", by_reader, answer)
        assert by_reader.body == answer.body, "the doors differ in bytes alone"
        _same("Strawberry's executor", await self.strawberry(person, source, variables), answer)
        if answer.codes <= NOTICED:
            naive = self.naive(person, source, variables)
            if naive.codes or not answer.codes:
                _same("the naive executor", naive, answer)
        return answer


FAILURES: Final = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "UNAVAILABLE"})
"""What no document may lead to."""
NOTICED: Final = frozenset({"BAD_USER_INPUT", "FORBIDDEN"})
"""What the naive executor refuses as well."""


def _same(way: str, other: Answer, answer: Answer) -> None:
    """Raises AssertionError with the difference between what another way answered and the direct door's answer."""
    assert other.codes == answer.codes, (
        f"{way} answers {set(other.codes) or 'data'}, the engine {set(answer.codes) or 'data'}"
    )
    if other.data != answer.data:
        one, two = ((data or "").splitlines() for data in (other.data, answer.data))
        raise AssertionError("\n".join(unified_diff(one, two, way, "the engine", lineterm="", n=6)))


def _answer(body: bytes) -> Answer:
    found = json.loads(body)
    codes = frozenset(error["extensions"]["code"] for error in found.get("errors", ()))
    return Answer(None if codes else canonical(found["data"]), codes, body)


def canonical(data: Any) -> str:
    """The data as text in which equal answers are equal: members in order, cursors opened."""
    return json.dumps(_opened(data), ensure_ascii=False, indent=1)


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _opened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_opened(each) for each in value]
    if isinstance(value, str) and value.startswith("Wy"):
        try:
            return {"cursor": json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))}
        except (binascii.Error, ValueError):
            return value
    return value
