"""What PostgreSQL does for a work: the statement that the engine makes of it, explained as the tenant would run it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from bench.documents import document, variables
from bench.peers.peer import Place
from bench.works import Facts
from gql.database.context import Context
from gql.database.pool.standing import CONTEXT, UNCHANGING, context_values
from gql.engine.documents import Documents
from gql.engine.plans import Planner
from gql.schema import build_schema, declarations


@dataclass(frozen=True)
class Explained:
    """One run of a statement whose plan was made before. Blocks have 8 kB."""

    execution_ms: float
    hit: int
    """Blocks that were in shared_buffers."""
    read: int
    """Blocks that were not."""
    ways: tuple[str, ...]
    """How each table was reached."""


class Explainer:
    """Explains works of a database in which our schema is loaded."""

    def __init__(self) -> None:
        schema = build_schema()._schema
        self._documents = Documents(schema)
        self._planner = Planner(schema, declarations())

    async def explain(self, place: Place, work: str, facts: Facts, number: int = 0) -> Explained:
        """The second of two runs, with the settings that our server's connections have."""
        context = Context(UUID(facts.tenant_id), UUID(facts.user_id), "owner", is_scoped=False)
        operation = self._documents.operation(document(work), None, introspection=False)
        values, shaped = self._planner.read(operation, variables(work, facts, number))
        statement = self._planner.plan(operation, shaped, scoped_as=context.scoped_as).statement
        assert statement is not None
        given = ", ".join(_literal(argument) for argument in statement.arguments(context, values))
        settings = {**UNCHANGING, **dict(zip(CONTEXT, context_values(context), strict=True))}
        connection = await asyncpg.connect(place.api_url, server_settings=settings)
        try:
            await connection.execute(f"prepare asked as {statement.sql}")
            for _ in range(2):
                text = await connection.fetchval(f"explain (analyze, buffers, format json) execute asked({given})")
        finally:
            await connection.close()
        found = json.loads(text)[0]
        plan = found["Plan"]
        return Explained(
            found["Execution Time"],
            plan["Shared Hit Blocks"],
            plan["Shared Read Blocks"],
            tuple(dict.fromkeys(_ways(plan))),
        )


def _literal(argument: Any) -> str:
    return "null" if argument is None else "'" + str(argument).replace("'", "''") + "'"


def _ways(plan: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in plan or "Index Name" in plan:
        yield f"{plan['Node Type']} of {plan.get('Index Name') or plan['Relation Name']}"
    for child in plan.get("Plans", ()):
        yield from _ways(child)
