"""Documents: parsed, judged and validated once for each text."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    specified_rules,
    validate,
)

from gql.engine.limits import MOST_TOKENS, STRANGERS_TOKENS, judge_document, judge_source
from gql.engine.variables import PlainVariables, VariableUses
from gql.errors import ApiError, Code, RequestRefused

MOST_CHARACTERS_KEPT: Final = 1_000_000
"""Of all documents together; a syntax tree takes some forty times as much memory."""
CHARACTERS_FOR_ANY: Final = 200
"""What the shortest document takes besides: 7 kB."""
MOST_SHAPES: Final = 32
"""Of the variables of one operation: each has a plan, and page sizes alone could make thousands."""
MOST_ERRORS: Final = 10
LONGEST_MESSAGE: Final = 300


@dataclass(eq=False)
class OperationText:
    """One operation of a validated document."""

    schema: GraphQLSchema
    source: str
    document: DocumentNode
    definition: OperationDefinitionNode
    plans: LRUCache[Hashable, Any] = field(default_factory=lambda: LRUCache(MOST_SHAPES))
    """The planner's: they are forgotten together with the operation."""

    @cached_property
    def kind(self) -> str:
        """query, mutation or subscription."""
        return self.definition.operation.value

    @cached_property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        return {each.name.value: each for each in self.document.definitions if isinstance(each, FragmentDefinitionNode)}

    @cached_property
    def root_names(self) -> frozenset[str]:
        """The names of the root fields, whether @skip and @include let them in or not."""
        return frozenset(self._names(self.definition.selection_set))

    def _names(self, selection_set: SelectionSetNode) -> Iterator[str]:
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                yield selection.name.value
            elif isinstance(selection, InlineFragmentNode):
                yield from self._names(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode):
                yield from self._names(self.fragments[selection.name.value].selection_set)

    @cached_property
    def variable_uses(self) -> VariableUses:
        return VariableUses.of(self.document, self.definition)

    @cached_property
    def plain_variables(self) -> PlainVariables | None:
        return PlainVariables.of(self.schema, self.definition, self.variable_uses)


Operations = dict[str | None, OperationText]


@dataclass
class Documents:
    """The documents of one schema. Whether introspection is allowed is part of the key: where it is not, the caller
    is a stranger, who gets no suggestions either and is heard for fewer tokens."""

    schema: GraphQLSchema
    _known: LRUCache[tuple[str, bool], Operations | RequestRefused] = field(
        default_factory=lambda: LRUCache(MOST_CHARACTERS_KEPT, getsizeof=_size)
    )

    def operation(self, source: str, name: str | None, *, introspection: bool) -> OperationText:
        """The operation of that name. Raises RequestRefused with every error found."""
        operations = self._operations(source, introspection)
        if name is None and len(operations) == 1:
            return next(iter(operations.values()))
        if name is None or name not in operations:
            sentence = (
                "The document has several operations: name one in operationName."
                if name is None
                else f"The document has no operation named {name!r}."
            )
            raise RequestRefused([ApiError(Code.BAD_USER_INPUT, sentence, reason="OPERATION_NAME")])
        return operations[name]

    def _operations(self, source: str, introspection: bool) -> Operations:
        key = (source, introspection)
        try:
            known = self._known[key]
        except KeyError:
            judge_source(source, MOST_TOKENS if introspection else STRANGERS_TOKENS)
            known = self._known[key] = self._validated(source, introspection)
        if isinstance(known, RequestRefused):
            raise RequestRefused(known.errors)
        return known

    def _validated(self, source: str, introspection: bool) -> Operations | RequestRefused:
        try:
            document = parse(source)
        except GraphQLSyntaxError as problem:
            return RequestRefused([as_api_error(problem, Code.GRAPHQL_PARSE_FAILED)])
        except RecursionError:
            sentence = "The document is nested too deeply to be read."
            return RequestRefused([ApiError(Code.LIMIT_EXCEEDED, sentence, reason="DEPTH_LIMIT")])
        judge_document(document)
        rules = specified_rules if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        problems = validate(self.schema, document, rules, max_errors=MOST_ERRORS, hide_suggestions=not introspection)
        if problems:
            errors = [as_api_error(problem, Code.GRAPHQL_VALIDATION_FAILED) for problem in problems]
            return RequestRefused(_each_once(errors))
        document = parse(source, no_location=True)  # kept without its tokens, which nothing needs any more
        return {
            (each.name.value if each.name else None): OperationText(self.schema, source, document, each)
            for each in document.definitions
            if isinstance(each, OperationDefinitionNode)
        }


def _size(operations: Operations | RequestRefused) -> int:
    """The characters of the text that is kept, and as many again as its plan and the rest are worth; a refusal keeps a
    few sentences."""
    if isinstance(operations, RequestRefused):
        return LONGEST_MESSAGE
    return CHARACTERS_FOR_ANY + max((len(each.source) for each in operations.values()), default=0)


def _each_once(errors: Iterable[ApiError]) -> list[ApiError]:
    """The errors, those that say the same as one with all their places: a mistake that is repeated in a short document
    makes no long answer."""
    found: dict[tuple[str, str | None, str], ApiError] = {}
    for error in errors:
        first = found.setdefault((error.code.value, error.reason, error.message), error)
        if first is not error and error.locations:
            first.locations = [*(first.locations or ()), *error.locations]
    return list(found.values())


def as_api_error(problem: GraphQLError, code: Code, reason: str | None = None) -> ApiError:
    """A problem of the document as a caller reads it. A value that it quotes may be as long as the request was. What a
    scalar refuses by a rule of its own keeps that rule's code and reason."""
    cause: Exception | None = problem
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, ApiError):
        code, reason = cause.code, cause.reason
    locations = [{"line": place.line, "column": place.column} for place in problem.locations or ()]
    message = problem.message
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + " …"
    return ApiError(code, message, reason=reason, locations=locations or None)
