"""The engine's statements by themselves, for tests that look at them instead of running them."""

from typing import Any

from gql.database.context import Context
from gql.engine.documents import Documents
from gql.engine.plans import Planner
from gql.engine.statement import Statement
from gql.schema import build_schema, declarations

_SCHEMA = build_schema()._schema
_DOCUMENTS = Documents(_SCHEMA)
_PLANNER = Planner(_SCHEMA, declarations())


def plain_statement(
    document: str, variables: dict[str, Any] | None, context: Context
) -> tuple[Statement, list[str | None]]:
    """The one statement of a query and its arguments. A cursor that does not read is passed as NULLs: the plan is the
    same for every value."""
    operation = _DOCUMENTS.operation(document, None, introspection=True)
    values, shaped = _PLANNER.read(operation, variables)
    plan = _PLANNER.plan(operation, shaped, scoped_as=context.scoped_as)
    assert plan.statement is not None
    return plan.statement, plan.statement.arguments(context, values)


def needed_by(document: str) -> frozenset[str]:
    """The permissions that a query without variables needs."""
    operation = _DOCUMENTS.operation(document, None, introspection=True)
    _, shaped = _PLANNER.read(operation, None)
    return _PLANNER.plan(operation, shaped, scoped_as=None).permissions
