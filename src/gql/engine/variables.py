"""The variables of an operation: where they stand in it, and what is known of them before they have values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.utilities import type_from_ast

from gql.engine.arguments import Shaped, Values, Variable, is_plain, shape


@dataclass(frozen=True, slots=True)
class VariableUses:
    """Where an operation uses its variables.

    `root_only`: in arguments of the operation's own fields and nowhere else. Those of a mutation hold its input, which
    never decides the SQL. `page_sizes`: as `first` or `last`. These are written into the SQL, because PostgreSQL plans
    a LIMIT that it knows far better than one that it does not.
    """

    root_only: frozenset[str]
    page_sizes: frozenset[str]

    @classmethod
    def of(cls, document: DocumentNode, operation: OperationDefinitionNode) -> "VariableUses":
        found = _Uses(operation)
        visit(document, found)
        return cls(frozenset(found.at_root - found.elsewhere), frozenset(found.page_sizes))


def _is_of_mutation(fragment: Any) -> bool:
    """Whether the fragment can be spread among the fields of a mutation only."""
    return isinstance(fragment, FragmentDefinitionNode) and fragment.type_condition.name.value == "Mutation"


class _Uses(Visitor):
    def __init__(self, operation: OperationDefinitionNode) -> None:
        super().__init__()
        self.operation = operation
        self.at_root: set[str] = set()
        self.elsewhere: set[str] = set()
        self.page_sizes: set[str] = set()

    def enter_argument(self, node: Any, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> None:
        if node.name.value in ("first", "last") and isinstance(node.value, VariableNode):
            self.page_sizes.add(node.value.name.value)

    def enter_variable(self, node: VariableNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]) -> None:
        if isinstance(parent, VariableDefinitionNode):  # not among its ancestors, which end before the parent
            return
        asker = ancestors[2]  # below the document and its list of definitions
        if isinstance(asker, OperationDefinitionNode) and asker is not self.operation:
            return
        fields = sum(isinstance(each, FieldNode) for each in ancestors)
        directives = any(isinstance(each, DirectiveNode) for each in ancestors)
        is_of_root = asker is self.operation or _is_of_mutation(asker)
        at_root = fields == 1 and is_of_root and not directives
        (self.at_root if at_root else self.elsewhere).add(node.name.value)


@dataclass(frozen=True, slots=True)
class PlainVariables:
    """The variables of an operation of which each holds one scalar, as most operations have them: whatever the values,
    the plan is the same. So their types are looked up once, and their shape is known."""

    readers: Mapping[str, Callable[[Any], Any]]
    shaped: Shaped

    @classmethod
    def of(
        cls, schema: GraphQLSchema, operation: OperationDefinitionNode, uses: VariableUses
    ) -> "PlainVariables | None":
        """None for an operation that has other variables, too."""
        readers = {}
        for definition in operation.variable_definitions or ():
            name = definition.variable.name.value
            wanted: Any = type_from_ast(schema, definition.type)
            if name in uses.page_sizes or not is_plain(wanted):
                return None
            readers[name] = getattr(wanted, "of_type", wanted).coerce_input_value
        variables = {name: Variable((name,)) for name in readers}
        return cls(readers, Shaped(variables, shape(variables)))

    def read(self, given: Mapping[str, Any] | None) -> Values | None:
        """The values, if each is there and reads; None for anything that should be looked at more closely."""
        if given is None or given.keys() != self.readers.keys() or None in given.values():
            return None
        try:
            found = {name: reader(given[name]) for name, reader in self.readers.items()}
        except Exception:  # whatever a scalar raises, graphql-core turns into the sentence for the caller
            return None
        return None if Undefined in found.values() else found

    def fit(self, values: Values) -> bool:
        """Whether these coerced values are of the one shape."""
        return len(values) == len(self.readers) and None not in values.values()
