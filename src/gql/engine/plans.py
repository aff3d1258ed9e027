"""Plans: what is to be run for an operation, made once for each shape of its variables."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from graphql import GraphQLInputType, GraphQLSchema, get_variable_values
from graphql.utilities import type_from_ast

from gql.engine.arguments import Shaped, Values, Variable, arguments_of, shape, shaped
from gql.engine.compilation import Requirement
from gql.engine.compiler import Compiler
from gql.engine.declarations import Declarations
from gql.engine.documents import OperationText, as_api_error
from gql.engine.limits import judge_depth
from gql.engine.payloads import as_sql_input, call_statement, payload_statement
from gql.engine.selection import Selected, Selector
from gql.engine.statement import Statement, answering, as_json
from gql.engine.text import Literal, joined, members
from gql.errors import ApiError, Code, RequestRefused

MOST_VARIABLE_ERRORS: Final = 10
DATA_OPENING: Final = '{"data":'
DATA_CLOSING: Final = "}"


@dataclass(frozen=True)
class VerbPlan:
    """One root field of a mutation: the statement that calls its verb, and the one that reads the payload. `__typename`
    has nothing to call."""

    key: str
    call: Statement | None
    payload: Statement


@dataclass(frozen=True)
class Plan:
    """What to run for an operation, for every request of the same shape.

    A query is one `statement`, a mutation a row of `verbs`. `requirements` are the permissions that its fields need,
    `roots` its root fields.
    """

    statement: Statement | None
    verbs: tuple[VerbPlan, ...]
    requirements: tuple[Requirement, ...]
    roots: tuple[Selected, ...]

    @cached_property
    def permissions(self) -> frozenset[str]:
        """All that the requirements ask for."""
        return frozenset(need.permission for need in self.requirements)


@dataclass
class Planner:
    """Makes plans. An operation remembers its own."""

    schema: GraphQLSchema
    declarations: Declarations

    def read(self, operation: OperationText, given: dict[str, Any] | None) -> tuple[Values, Shaped]:
        """The operation's variables, coerced, and as a plan sees them. Raises RequestRefused with every value that does
        not fit."""
        values = self._coerced(operation, given)
        return values, self._shaped(operation, values)

    def inputs(self, operation: OperationText, values: Values, shaped: Shaped) -> dict[str, str]:
        """What the verbs of a mutation are called with, as JSON, by their response keys. Raises ApiError, at its verb,
        for the first value that cannot be read."""
        if operation.kind != "mutation":
            return {}
        selector = Selector(operation.fragments, shaped.variables)
        roots = selector.root(operation.definition.selection_set, "Mutation")
        return {root.key: self._input(root, values) for root in roots if root.name in self.declarations.verbs}

    def _input(self, root: Selected, values: Values) -> str:
        mutation = self.schema.mutation_type
        assert mutation is not None
        field = mutation.fields[root.name]
        try:
            given = arguments_of(field, root.node, values)["input"]
            return as_json(as_sql_input(given, field.args["input"].type))
        except ApiError as problem:
            raise problem.at((root.key,)) from problem

    def _coerced(self, operation: OperationText, given: dict[str, Any] | None) -> Values:
        definitions = operation.definition.variable_definitions
        if not (definitions or given):
            return {}
        if operation.plain_variables is not None and (values := operation.plain_variables.read(given)) is not None:
            return values
        judge_depth(given or {})
        found = get_variable_values(
            self.schema, definitions or (), given or {}, max_errors=MOST_VARIABLE_ERRORS, hide_suggestions=True
        )
        if isinstance(found, list):
            raise RequestRefused([as_api_error(each, Code.BAD_USER_INPUT, "INVALID_VARIABLE") for each in found])
        return found.coerced

    def plan(self, operation: OperationText, shaped: Shaped, *, scoped_as: str | None) -> Plan:
        """The plan for variables of this shape. Raises RequestRefused for what no plan can serve."""
        key = (scoped_as, shaped.shape)
        try:
            plan: Plan = operation.plans[key]
        except KeyError:
            plan = operation.plans[key] = self._made(operation, shaped.variables, scoped_as)
        return plan

    def _shaped(self, operation: OperationText, values: Values) -> Shaped:
        plain = operation.plain_variables
        if plain is not None and plain.fit(values):
            return plain.shaped
        found: dict[str, Any] = {}
        uses = operation.variable_uses
        for definition in operation.definition.variable_definitions or ():
            name = definition.variable.name.value
            if name not in values:
                continue
            if operation.kind == "mutation" and name in uses.root_only:
                found[name] = Variable((name,))
            elif name in uses.page_sizes:
                found[name] = values[name]
            else:
                found[name] = shaped(values[name], self._type(definition.type), (name,))
        return Shaped(found, shape(found))

    def _type(self, node: Any) -> GraphQLInputType:
        found: Any = type_from_ast(self.schema, node)
        return found  # type: ignore[no-any-return]

    def compiler(self, operation: OperationText, variables: Values, *, scoped_as: str | None) -> Compiler:
        selector = Selector(operation.fragments, variables)
        return Compiler(self.schema, self.declarations, selector, variables, scoped_as)

    def _made(self, operation: OperationText, variables: Values, scoped_as: str | None) -> Plan:
        selector = Selector(operation.fragments, variables)
        root_type = "Mutation" if operation.kind == "mutation" else "Query"
        roots = tuple(selector.root(operation.definition.selection_set, root_type))
        try:
            if operation.kind == "mutation":
                return self._mutation(operation, variables, roots, scoped_as)
            statement, requirements = self.statement(operation, variables, roots, scoped_as=scoped_as)
        except ApiError as problem:
            raise RequestRefused([problem]) from None
        return Plan(statement, (), requirements, roots)

    def statement(
        self, operation: OperationText, variables: Values, roots: tuple[Selected, ...], *, scoped_as: str | None
    ) -> tuple[Statement, tuple[Requirement, ...]]:
        """The one statement that answers these root fields of a query."""
        compiler = self.compiler(operation, variables, scoped_as=scoped_as)
        data = members((root.key, compiler.root(root)) for root in roots)
        compiler.cost.judge()
        expression = joined([Literal(DATA_OPENING), *data, Literal(DATA_CLOSING)])
        return answering(expression, compiler.parameters), tuple(compiler.requirements)

    def root_plan(self, operation: OperationText, shaped: Shaped, root: Selected, *, scoped_as: str | None) -> Plan:
        """The plan for one root field of a query alone."""
        statement, requirements = self.statement(operation, shaped.variables, (root,), scoped_as=scoped_as)
        return Plan(statement, (), requirements, (root,))

    def _mutation(
        self, operation: OperationText, variables: Values, roots: tuple[Selected, ...], scoped_as: str | None
    ) -> Plan:
        verbs, requirements = [], []
        total = 0
        for root in roots:
            compiler = self.compiler(operation, variables, scoped_as=scoped_as)
            if root.name == "__typename":
                verbs.append(VerbPlan(root.key, None, answering("'\"Mutation\"'", compiler.parameters)))
                continue
            verb = self.declarations.verbs[root.name]
            payload = payload_statement(compiler, verb, root)
            verbs.append(VerbPlan(root.key, call_statement(verb), payload))
            total += compiler.cost.total
            requirements += [Requirement(verb.permission, (root.key,)), *compiler.requirements]
            compiler.cost.total = total
            compiler.cost.judge()
        return Plan(None, tuple(verbs), tuple(requirements), roots)
