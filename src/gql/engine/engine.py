"""The engine: a GraphQL document in, the bytes of its answer out.

A query is one SQL statement, a mutation one transaction. Only what needs Python (introspection, signing in) goes
through Strawberry's own executor, whose root resolvers call the same compiler.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import strawberry
from cachetools import LRUCache
from graphql import GraphQLResolveInfo, GraphQLSchema

from gql.database.context import Context
from gql.database.pool import Database, Origin
from gql.engine.answers import answer, masked, member, null, refuses_all
from gql.engine.arguments import Values
from gql.engine.declarations import Declarations
from gql.engine.documents import Documents
from gql.engine.mutations import Mutations, Verbs
from gql.engine.operations import Caller, Changed, Operation, Terms
from gql.engine.plans import Plan, Planner
from gql.engine.selection import Selected, Selector
from gql.engine.statement import Path, Statement
from gql.engine.workbench import MOST_BYTES_AT_ONCE, Turn, Workbench
from gql.errors import ApiError, Code, RequestRefused

__all__ = ["Caller", "Changed", "Engine", "Execution", "Operation", "Terms"]

TYPE_KEY: Final = "<type>"
"""Where the answer of `node` says its type to Strawberry's executor: no response key can be called so."""
_NOT_TRIED_AGAIN: Final = frozenset({Code.TIMEOUT})
_INTROSPECTION: Final = frozenset({"__schema", "__type"})
_ABOUT_THE_SCHEMA: Final = _INTROSPECTION | {"__typename"}
MOST_INTROSPECTED: Final = 16
"""Tools ask for the whole schema in a few ways; an answer has half a megabyte."""
AS_USUAL: Final = Terms()
"""A mutation is done, as often as it is sent."""


@dataclass(slots=True)
class Told:
    """What a resolver tells besides its answer: the `cookie` of `Changed`."""

    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """What a resolver finds as `info.context`: the caller, the operation, what else the application gives, and where to
    leave what belongs beside the answer."""

    engine: "Engine"
    caller: Caller
    operation: Operation
    services: Any
    told: Told = field(default_factory=Told)


@dataclass
class Engine:
    """Runs operations. `open_fields` are the root fields that a stranger may ask for, `services` what the
    application's own resolvers need, `python_fields` all fields that these resolve, each with the permission that it
    needs of a caller who is known."""

    schema: strawberry.Schema
    declarations: Declarations
    database: Database
    open_fields: frozenset[str] = frozenset()
    services: Any = None
    python_fields: Mapping[str, str] = field(default_factory=dict)
    documents: Documents = field(init=False)
    planner: Planner = field(init=False)
    mutations: Mutations = field(init=False)
    workbench: Workbench = field(init=False)
    _by_python: frozenset[str] = field(init=False)
    _introspected: LRUCache[tuple[str, str | None], bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._by_python = self.open_fields | self.python_fields.keys() | _INTROSPECTION
        self.documents = Documents(self.graphql_schema)
        self.planner = Planner(self.graphql_schema, self.declarations)
        self.workbench = Workbench(self.database.crowd)
        self.mutations = Mutations(self.database)
        self._introspected = LRUCache(MOST_INTROSPECTED)

    @property
    def graphql_schema(self) -> GraphQLSchema:
        return self.schema._schema

    async def prepare(
        self,
        query: str,
        operation_name: str | None = None,
        variables: dict[str, Any] | None = None,
        *,
        introspection: bool,
        turn: Turn | None = None,
    ) -> Operation:
        """The operation, parsed, judged and validated, with its variables coerced: in this turn, or at once. Nothing
        has run yet.

        Raises RequestRefused with every error found.
        """
        text = self.documents.operation(query, operation_name, introspection=introspection)

        def read() -> Operation:
            values, shaped = self.planner.read(text, variables)
            inputs: dict[str, str] | ApiError | RequestRefused
            try:
                inputs = self.planner.inputs(text, values, shaped)
            except (ApiError, RequestRefused) as problem:
                inputs = problem.afresh()  # to be told to those only who may call the verb
            is_large = turn is not None and turn.is_long
            return Operation(text, values, shaped, inputs, variables, operation_name, is_large)

        return read() if turn is None else await turn.do(read)

    async def run(self, operation: Operation, caller: Caller) -> bytes:
        """The whole answer as JSON. Raises RequestRefused when it is refused before anything has run."""
        if operation.kind == "mutation":
            return (await self.change(operation, caller)).body
        if self._needs_python(operation, caller):
            if operation.text.root_names <= _ABOUT_THE_SCHEMA and not operation.given:
                return await self._introspection(operation, caller)
            return await self._through_strawberry(operation, caller)
        if caller.context is None:
            raise RequestRefused([_UNKNOWN_CALLER()])
        return await self._query(self._plan(operation, caller.context), operation, caller.context, caller)

    def _plan(self, operation: Operation, context: Context) -> Plan:
        plan = self.planner.plan(operation.text, operation.shaped, scoped_as=context.scoped_as)
        return self._permitted(plan, context)

    def _permitted(self, plan: Plan, context: Context) -> Plan:
        """The plan, if the caller's role includes all that it needs. Raises RequestRefused with what it does not."""
        if plan.permissions <= context.permissions:
            return plan
        refused = [
            _permission_missing(context, need.permission, need.path)
            for need in dict.fromkeys(plan.requirements)
            if need.permission not in context.permissions
        ]
        raise RequestRefused(refused)

    # Queries

    async def _query(self, plan: Plan, operation: Operation, context: Context, caller: Caller) -> bytes:
        assert plan.statement is not None
        try:
            return await self._read(plan.statement, operation.values, context, caller.position)
        except ApiError as problem:
            if refuses_all(problem):
                raise RequestRefused([problem]) from None
            if len(plan.roots) == 1 or problem.code in _NOT_TRIED_AGAIN:
                keys = [root.key for root in plan.roots]
                return answer([null(key) for key in keys], [problem.at((key,)) for key in keys], caller.origin)
        return await self._one_by_one(plan.roots, operation, context, caller)

    async def _one_by_one(
        self, roots: Sequence[Selected], operation: Operation, context: Context, caller: Caller
    ) -> bytes:
        """Each root field alone, so that only the failing one is null and the others answer."""
        found, problems = [], []
        for root in roots:
            try:
                found.append(member(await self._root_bytes(root, operation, context, caller.position)))
            except ApiError as problem:
                found.append(null(root.key))
                problems.append(problem.at((root.key,)))
        return answer(found, problems, caller.origin)

    async def _root_bytes(self, root: Selected, operation: Operation, context: Context, position: int) -> bytes:
        plan = self.planner.root_plan(operation.text, operation.shaped, root, scoped_as=context.scoped_as)
        statement = self._permitted(plan, context).statement
        assert statement is not None
        return await self._read(statement, operation.values, context, position)

    async def _read(self, statement: Statement, values: Values, context: Context, position: int) -> bytes:
        try:
            arguments = statement.arguments(context, values)
        except ApiError as problem:
            raise RequestRefused([problem]) from None
        async with self.database.read(context, position) as reader:
            return await reader.fetch(statement.sql, arguments)

    # Mutations

    async def change(self, operation: Operation, caller: Caller, terms: Terms = AS_USUAL) -> Changed:
        """The whole answer to a mutation, on these terms. What is written in Python (signing in) has none of them: it
        is done, and neither rehearsed nor remembered.

        Raises RequestRefused when it is refused before anything has run.
        """
        try:
            changed = await self._changed(operation, caller, terms)
        finally:
            # Whatever became of it: it may have been kept where nobody can say so.
            if caller.context is not None and not terms.is_rehearsal:
                self.database.changed(caller.context.tenant_id)
        return changed if terms.is_rehearsal else changed._replace(position=await self.database.position())

    async def _changed(self, operation: Operation, caller: Caller, terms: Terms) -> Changed:
        if self._needs_python(operation, caller):
            told = Told()
            return Changed(await self._through_strawberry(operation, caller, told), cookie=told.cookie)
        if caller.context is None:
            raise RequestRefused([_UNKNOWN_CALLER()])
        return await self.mutations.run(self._verbs(operation, caller.context, caller.origin), terms)

    def _verbs(self, operation: Operation, context: Context, origin: Origin) -> Verbs:
        return Verbs(self._plan(operation, context), operation, context, origin)

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
        if caller.context is None and names <= self.open_fields | _INTROSPECTION:
            return True
        by_python = names & self._by_python
        if by_python and operation.kind == "mutation" and len(roots) > 1:
            sentence = f"{', '.join(sorted(by_python))} must be the only field of its operation."
            raise RequestRefused([ApiError(Code.BAD_USER_INPUT, sentence, reason="FIELD_STANDS_ALONE")])
        self._admit(roots, caller.context)
        return bool(by_python)

    def _admit(self, roots: Sequence[Selected], context: Context | None) -> None:
        """Judge the fields that the application resolves itself. Raises RequestRefused for each that is not the
        caller's to ask for."""
        needs = [(root.key, self.python_fields[root.name]) for root in roots if root.name in self.python_fields]
        if needs and context is None:
            raise RequestRefused([_UNKNOWN_CALLER()])
        refused = [
            _permission_missing(context, permission, (key,))
            for key, permission in needs
            if context is not None and permission not in context.permissions
        ]
        if refused:
            raise RequestRefused(refused)

    async def _introspection(self, operation: Operation, caller: Caller) -> bytes:
        """What does not change while the server runs is made once: the whole schema takes a second, in which nobody
        else is answered."""
        key = (operation.text.source, operation.name)
        known = self._introspected.get(key)
        if known is None:
            known = await self._through_strawberry(operation, caller)
            if known.endswith(b"}}"):  # and not with errors
                self._introspected[key] = known
        return known

    async def _through_strawberry(self, operation: Operation, caller: Caller, told: Told | None = None) -> bytes:
        if operation.is_large:  # it would be read again, on the event loop
            sentence = f"Ask for this in a request of at most {MOST_BYTES_AT_ONCE:,} bytes, and for other fields apart."
            raise RequestRefused([ApiError(Code.PAYLOAD_TOO_LARGE, sentence, reason="BODY_LIMIT")])
        result: Any = await self.schema.execute(
            operation.text.source,
            variable_values=operation.given,
            operation_name=operation.name,
            context_value=Execution(self, caller, operation, self.services, told or Told()),
        )
        found: dict[str, Any] = {"data": result.data}
        if result.errors:
            problems = [masked(each) for each in result.errors]
            if result.data is None and all(map(refuses_all, problems)):
                raise RequestRefused(problems)
            found["errors"] = [problem.as_dict(caller.origin.request_id) for problem in problems]
        return msgspec.json.encode(found)

    async def resolve_root(self, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Any:
        """A root field, for Strawberry's executor: the same compiler's answer, as Python values."""
        execution: Execution = info.context
        context = execution.caller.context
        if context is None:
            raise _UNKNOWN_CALLER()
        root = Selected(str(info.path.key), tuple(info.field_nodes))
        if execution.operation.kind == "mutation":
            verbs = self._verbs(execution.operation, context, execution.caller.origin)
            async with self.database.write(context, execution.caller.origin) as transaction:
                verb = next(each for each in verbs.plan.verbs if each.key == root.key)
                return msgspec.json.decode(await verbs.one(verb, transaction))
        body = await self._root_bytes(root, execution.operation, context, execution.caller.position)
        found = msgspec.json.decode(body)["data"][root.key]
        if root.name == "node" and found is not None:
            return {TYPE_KEY: arguments["type"].value} | found
        return found


def _permission_missing(context: Context, permission: str, path: Path) -> ApiError:
    sentence = (
        f"The access token of this app does not include {permission}."
        if context.is_app
        else f"Your role, {context.role}, does not include {permission}."
    )
    return ApiError(Code.FORBIDDEN, sentence, reason="PERMISSION_MISSING", path=path)


def _UNKNOWN_CALLER() -> ApiError:  # noqa: N802
    return ApiError(
        Code.UNAUTHENTICATED, "Sign in first: this field answers only to known callers.", reason="TOKEN_MISSING"
    )
