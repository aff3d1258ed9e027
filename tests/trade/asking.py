"""Asking in GraphQL, as somebody of an organisation."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gql.database.pool import Database
from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.doors import ORIGIN, permitted
from tests.harness.actors import context_of
from tests.harness.tenants import Tenant


@dataclass(frozen=True)
class Asking:
    """The engine, for who asks something of an organisation."""

    engine: Engine

    @classmethod
    def of(cls, database: Database) -> "Asking":
        return cls(Engine(build_schema(), declarations(), database, OPEN_FIELDS))

    async def ask(
        self, tenant: Tenant, source: str, role: str = "owner", scope: tuple[UUID, ...] = (), **variables: Any
    ) -> Any:
        """The data of the answer, which has no errors."""
        caller = Caller(await permitted(context_of(tenant, role, scope)), ORIGIN)
        given = {name: str(value) for name, value in variables.items()}
        operation = await self.engine.prepare(source, None, given, introspection=False)
        answer = json.loads(await self.engine.run(operation, caller))
        assert "errors" not in answer, answer
        return answer["data"]

    async def refused(self, tenant: Tenant, source: str, role: str, scope: tuple[UUID, ...] = ()) -> set[str]:
        """The codes of the errors."""
        caller = Caller(await permitted(context_of(tenant, role, scope)), ORIGIN)
        try:
            operation = await self.engine.prepare(source, None, {}, introspection=False)
            answer = json.loads(await self.engine.run(operation, caller))
        except RequestRefused as refused:
            return {error.code.value for error in refused.errors}
        return {error["extensions"]["code"] for error in answer.get("errors", [])}
