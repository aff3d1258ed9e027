"""Documents: parsed, judged and validated once for each text."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

from gql.engine.limits import MOST_TOKENS, STRANGERS_TOKENS, judge_document, judge_source
from gql.errors import ApiError, Code, RequestRefused

MOST_CHARACTERS_KEPT: Final = 1_000_000
"""Of all documents together; a syntax tree takes some forty times as much memory."""
MOST_SHAPES: Final = 32
"""Of the variables of one operation: each has a plan, and page sizes alone could make thousands."""
MOST_ERRORS: Final = 10
LONGEST_MESSAGE: Final = 300


@dataclass(eq=False)
class OperationText:
    """One operation of a validated document."""

    source: str
    document: DocumentNode
    definition: OperationDefinitionNode
    plans: LRUCache[Hashable, Any] = field(default_factory=lambda: LRUCache(MOST_SHAPES))
    """The planner's: they are forgotten together with the operation."""

    @property
    def kind(self) -> str:
        return self.definition.operation.value

    @cached_property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        return {each.name.value: each for each in self.document.definitions if isinstance(each, FragmentDefinitionNode)}

    @cached_property
    def root_variables(self) -> frozenset[str]:
        """The variables that stand in arguments of the operation's own fields and nowhere else. Those of a mutation
        hold its input, which never decides the SQL."""
        inner = _Uses(self.definition)
        visit(self.document, inner)
        return frozenset(inner.at_root - inner.elsewhere)

    @cached_property
    def page_sizes(self) -> frozenset[str]:
        """The variables that are page sizes: they are written into the SQL, because PostgreSQL plans a LIMIT that it
        knows far better than one that it does not."""
        uses = _Uses(self.definition)
        visit(self.document, uses)
        return frozenset(uses.page_sizes)


class _Uses(Visitor):
    """Where a document uses its variables."""

    def __init__(self, operation: OperationDefinitionNode) -> None:
        super().__init__()
        self.root_fields = {id(each) for each in operation.selection_set.selections if isinstance(each, FieldNode)}
        self.at_root: set[str] = set()
        self.elsewhere: set[str] = set()
        self.page_sizes: set[str] = set()

    def enter_argument(self, node: Any, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> None:
        if node.name.value in ("first", "last") and isinstance(node.value, VariableNode):
            self.page_sizes.add(node.value.name.value)

    def enter_variable(self, node: VariableNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> None:
        fields = [each for each in ancestors if isinstance(each, FieldNode)]
        directives = any(getattr(each, "kind", "") == "directive" for each in ancestors)
        if any(getattr(each, "kind", "") == "variable_definition" for each in ancestors):
            return
        at_root = len(fields) == 1 and id(fields[0]) in self.root_fields and not directives
        (self.at_root if at_root else self.elsewhere).add(node.name.value)


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
        known = self._known.get(key)
        if known is None:
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
            return RequestRefused([as_api_error(problem, Code.GRAPHQL_VALIDATION_FAILED) for problem in problems])
        document = parse(source, no_location=True)  # kept without its tokens, which nothing needs any more
        return {
            (each.name.value if each.name else None): OperationText(source, document, each)
            for each in document.definitions
            if isinstance(each, OperationDefinitionNode)
        }


def _size(operations: Operations | RequestRefused) -> int:
    """The characters of the text that is kept; a refusal keeps a few sentences."""
    if isinstance(operations, RequestRefused):
        return LONGEST_MESSAGE
    return max((len(each.source) for each in operations.values()), default=1)


def as_api_error(problem: GraphQLError, code: Code, reason: str | None = None) -> ApiError:
    """A problem of the document as a caller reads it. A value that it quotes may be as long as the request was."""
    locations = [{"line": place.line, "column": place.column} for place in problem.locations or ()]
    message = problem.message
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + " …"
    return ApiError(code, message, reason=reason, locations=locations or None)
