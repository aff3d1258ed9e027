"""The engine: a GraphQL document in, the bytes of its answer out.

A query is one SQL statement, a mutation one transaction. Only what needs Python (introspection, signing in) goes
through Strawberry's own executor, whose root resolvers call the same compiler.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
import strawberry
from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema

from gql.database.context import Context
from gql.database.pool import Database, Origin, Transaction
from gql.engine.arguments import Values
from gql.engine.documents import Documents, OperationText
from gql.engine.nouns import Declarations
from gql.engine.payloads import as_sql_input
from gql.engine.plans import DATA_CLOSING, DATA_OPENING, Plan, Planner, VerbPlan
from gql.engine.selection import Selected, Selector
from gql.engine.statement import Parameters, Statement, answering, as_json
from gql.errors import INTERNAL_MESSAGE, ApiError, Code, RequestRefused

log = logging.getLogger(__name__)

TYPE_KEY: Final = "<type>"
"""Where the answer of `node` says its type to Strawberry's executor: no response key can be called so."""
_REFUSES_ALL: Final = frozenset({Code.UNAVAILABLE, Code.RATE_LIMITED})
_NOT_TRIED_AGAIN: Final = frozenset({Code.TIMEOUT})
_INTROSPECTION: Final = frozenset({"__schema", "__type"})


class Caller(NamedTuple):
    """Who asks, and from where. A stranger has no context."""

    context: Context | None
    origin: Origin


class Operation(NamedTuple):
    """A validated operation with its variables: ready to run."""

    text: OperationText
    values: Values
    given: dict[str, Any] | None
    name: str | None

    @property
    def kind(self) -> str:
        """query, mutation or subscription."""
        return self.text.kind


@dataclass(frozen=True, slots=True)
class Execution:
    """What a resolver finds as `info.context`: the caller, the operation, and what else the application gives."""

    engine: "Engine"
    caller: Caller
    operation: Operation
    services: Any


@dataclass
class Engine:
    """Runs operations. `open_fields` are the root fields that a stranger may ask for, `services` what the
    application's own resolvers need."""

    schema: strawberry.Schema
    declarations: Declarations
    database: Database
    open_fields: frozenset[str] = frozenset()
    services: Any = None
    documents: Documents = field(init=False)
    planner: Planner = field(init=False)
    _by_python: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._by_python = self.open_fields | _INTROSPECTION
        self.documents = Documents(self.graphql_schema)
        self.planner = Planner(self.graphql_schema, self.declarations)

    @property
    def graphql_schema(self) -> GraphQLSchema:
        return self.schema._schema

    def prepare(
        self,
        query: str,
        operation_name: str | None = None,
        variables: dict[str, Any] | None = None,
        *,
        introspection: bool,
    ) -> Operation:
        """The operation, parsed, judged and validated, with its variables coerced. Nothing has run yet.

        Raises RequestRefused with every error found.
        """
        text = self.documents.operation(query, operation_name, introspection=introspection)
        return Operation(text, self.planner.values(text, variables), variables, operation_name)

    async def run(self, operation: Operation, caller: Caller) -> bytes:
        """The whole answer as JSON. Raises RequestRefused when it is refused before anything has run."""
        if self._needs_python(operation, caller):
            return await self._through_strawberry(operation, caller)
        if caller.context is None:
            raise RequestRefused([_UNKNOWN_CALLER()])
        plan = self._plan(operation, caller.context)
        if operation.kind == "mutation":
            return await self._mutation(plan, operation, caller.context, caller.origin)
        return await self._query(plan, operation, caller.context, caller.origin)

    def _plan(self, operation: Operation, context: Context) -> Plan:
        plan = self.planner.plan(operation.text, operation.values, scoped=context.is_scoped)
        return self._permitted(plan, context)

    def _permitted(self, plan: Plan, context: Context) -> Plan:
        """The plan, if the caller's role includes all that it needs. Raises RequestRefused with what it does not."""
        if plan.permissions <= context.permissions:
            return plan
        refused = [
            ApiError(
                Code.FORBIDDEN,
                f"Your role, {context.role}, does not include {need.permission}.",
                reason="PERMISSION_MISSING",
                path=need.path,
            )
            for need in plan.requirements
            if need.permission not in context.permissions
        ]
        raise RequestRefused(refused)

    # Queries

    async def _query(self, plan: Plan, operation: Operation, context: Context, origin: Origin) -> bytes:
        assert plan.statement is not None
        try:
            return await self._read(plan.statement, operation.values, context)
        except ApiError as problem:
            if problem.code in _REFUSES_ALL:
                raise RequestRefused([problem]) from None
            if len(plan.roots) == 1 or problem.code in _NOT_TRIED_AGAIN:
                keys = [root.key for root in plan.roots]
                return _answer([_null(key) for key in keys], [problem.at((key,)) for key in keys], origin)
        return await self._one_by_one(plan.roots, operation, context, origin)

    async def _one_by_one(
        self, roots: Sequence[Selected], operation: Operation, context: Context, origin: Origin
    ) -> bytes:
        """Each root field alone, so that only the failing one is null and the others answer."""
        found, problems = [], []
        for root in roots:
            try:
                found.append(_member(await self._root_bytes(root, operation, context)))
            except ApiError as problem:
                found.append(_null(root.key))
                problems.append(problem.at((root.key,)))
        return _answer(found, problems, origin)

    async def _root_bytes(self, root: Selected, operation: Operation, context: Context) -> bytes:
        plan = self.planner.root_plan(operation.text, operation.values, root, scoped=context.is_scoped)
        statement = self._permitted(plan, context).statement
        assert statement is not None
        return await self._read(statement, operation.values, context)

    async def _read(self, statement: Statement, values: Values, context: Context) -> bytes:
        try:
            arguments = statement.arguments(context, values)
        except ApiError as problem:
            raise RequestRefused([problem]) from None
        async with self.database.read(context) as reader:
            return await reader.fetch(statement.sql, arguments)

    # Mutations

    async def _mutation(self, plan: Plan, operation: Operation, context: Context, origin: Origin) -> bytes:
        found = []
        key = ""
        try:
            async with self.database.write(context, origin) as transaction:
                for verb in plan.verbs:
                    key = verb.key
                    found.append(f'"{key}":'.encode() + await self._verb(verb, operation, context, transaction))
                key = ""  # what fails from here on, the commit, is no single verb's
        except ApiError as problem:
            if problem.code in _REFUSES_ALL:
                raise RequestRefused([problem]) from None
            return _refused_whole(problem.at((key,)) if key else problem, origin)
        return _answer(found, [], origin)

    async def _verb(self, plan: VerbPlan, operation: Operation, context: Context, transaction: Transaction) -> bytes:
        result = ""
        if plan.verb.function:
            mutation = self.graphql_schema.mutation_type
            assert mutation is not None
            wanted = mutation.fields[plan.selected.name].args["input"].type
            given = as_sql_input(self.planner.verb_input(plan, operation.values), wanted)
            parameters = Parameters()
            call = f"({plan.verb.function}({parameters.add(given, 'jsonb', as_json, 'input')}))::text"
            statement = answering(call, parameters)
            result = (await transaction.fetch(statement.sql, statement.arguments(context, {}))).decode()
            await transaction.settle()
        return await transaction.read(plan.payload.sql, plan.payload.arguments(context, operation.values, result))

    # Strawberry's executor

    def _roots(self, operation: Operation) -> list[Selected]:
        selector = Selector(operation.text.fragments, operation.values)
        root_type = "Mutation" if operation.kind == "mutation" else "Query"
        return selector.root(operation.text.definition.selection_set, root_type)

    def _needs_python(self, operation: Operation, caller: Caller) -> bool:
        if caller.context is not None and not operation.text.root_names & self._by_python:
            return False
        roots = self._roots(operation)
        names = {root.name for root in roots} - {"__typename"}
        if caller.context is None and names <= self._by_python:
            return True
        by_python = names & self._by_python
        if by_python and operation.kind == "mutation" and len(roots) > 1:
            sentence = f"{', '.join(sorted(by_python))} must be the only field of its operation."
            raise RequestRefused([ApiError(Code.BAD_USER_INPUT, sentence, reason="FIELD_STANDS_ALONE")])
        return bool(by_python)

    async def _through_strawberry(self, operation: Operation, caller: Caller) -> bytes:
        result: Any = await self.schema.execute(
            operation.text.source,
            variable_values=operation.given,
            operation_name=operation.name,
            context_value=Execution(self, caller, operation, self.services),
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            problems = [_masked(each) for each in result.errors]
            if result.data is None and all(problem.code in _REFUSES_ALL for problem in problems):
                raise RequestRefused(problems)
            answer["errors"] = [problem.as_dict(caller.origin.request_id) for problem in problems]
        return msgspec.json.encode(answer)

    async def resolve_root(self, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Any:
        """A root field, for Strawberry's executor: the same compiler's answer, as Python values."""
        execution: Execution = info.context
        context = execution.caller.context
        if context is None:
            raise _UNKNOWN_CALLER()
        root = Selected(str(info.path.key), tuple(info.field_nodes))
        if execution.operation.kind == "mutation":
            plan = self._plan(execution.operation, context)
            async with self.database.write(context, execution.caller.origin) as transaction:
                verb = next(each for each in plan.verbs if each.key == root.key)
                return msgspec.json.decode(await self._verb(verb, execution.operation, context, transaction))
        body = await self._root_bytes(root, execution.operation, context)
        found = msgspec.json.decode(body)["data"][root.key]
        if root.name == "node" and found is not None:
            return {TYPE_KEY: arguments["type"].value} | found
        return found


def _UNKNOWN_CALLER() -> ApiError:  # noqa: N802
    return ApiError(
        Code.UNAUTHENTICATED, "Sign in first: this field answers only to known callers.", reason="TOKEN_MISSING"
    )


def _member(body: bytes) -> bytes:
    """The one member inside the bytes of `{"data":{…}}`."""
    return body[len(DATA_OPENING) + 1 : -len(DATA_CLOSING) - 1]


def _null(key: str) -> bytes:
    return f'"{key}":null'.encode()


def _answer(found: Sequence[bytes], problems: Sequence[ApiError], origin: Origin) -> bytes:
    errors = b""
    if problems:
        errors = b',"errors":' + msgspec.json.encode([each.as_dict(origin.request_id) for each in problems])
    return b'{"data":{' + b",".join(found) + b"}" + errors + b"}"


def _refused_whole(problem: ApiError, origin: Origin) -> bytes:
    return b'{"data":null,"errors":' + msgspec.json.encode([problem.as_dict(origin.request_id)]) + b"}"


def _masked(problem: GraphQLError) -> ApiError:
    """The error as a caller may see it. What we did not foresee is logged and told by its request id only."""
    original = problem.original_error
    if isinstance(original, ApiError):
        return original.at(tuple(problem.path or ()))
    if isinstance(original, RequestRefused):
        return original.errors[0].at(tuple(problem.path or ()))
    if original is None or isinstance(original, GraphQLError):
        return ApiError(Code.BAD_USER_INPUT, problem.message, path=tuple(problem.path or ()) or None)
    log.error("a resolver failed", exc_info=original)
    return ApiError(Code.INTERNAL_SERVER_ERROR, INTERNAL_MESSAGE, path=tuple(problem.path or ()))
