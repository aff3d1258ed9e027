"""Which fields an operation asks for: fragments spread, duplicates merged, @skip and @include judged."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)

from gql.engine.arguments import null_refused

Fragments = Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class Selected:
    """A field of the answer: its key there, and every node of the document that asks for it."""

    key: str
    nodes: tuple[FieldNode, ...]

    @property
    def name(self) -> str:
        return self.nodes[0].name.value

    @property
    def node(self) -> FieldNode:
        """The first of the nodes; validation has proved that all have the same arguments."""
        return self.nodes[0]


@dataclass(frozen=True, slots=True)
class Selector:
    """Collects the fields of selection sets, for one document and one shape of its variables."""

    fragments: Fragments
    variables: Mapping[str, Any]

    def root(self, selection_set: SelectionSetNode, type_name: str) -> list[Selected]:
        return self._merged([selection_set], {type_name})

    def under(self, selected: Selected, type_names: Collection[str]) -> list[Selected]:
        """The fields selected under a field, on a thing that answers to any of these type names."""
        return self._merged([node.selection_set for node in selected.nodes if node.selection_set], type_names)

    def _merged(self, selection_sets: Iterable[SelectionSetNode], type_names: Collection[str]) -> list[Selected]:
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selection_set in selection_sets:
            self._collect(selection_set, type_names, found, seen)
        return [Selected(key, tuple(nodes)) for key, nodes in found.items()]

    def _collect(
        self,
        selection_set: SelectionSetNode,
        type_names: Collection[str],
        found: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for selection in selection_set.selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                found.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                if selection.type_condition is None or selection.type_condition.name.value in type_names:
                    self._collect(selection.selection_set, type_names, found, seen)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                seen.add(selection.name.value)
                fragment = self.fragments[selection.name.value]
                if fragment.type_condition.name.value in type_names:
                    self._collect(fragment.selection_set, type_names, found, seen)

    def _included(self, selection: Any) -> bool:
        for directive in selection.directives or ():
            wanted = directive.name.value == "include"
            if (wanted or directive.name.value == "skip") and self._condition(directive) is not wanted:
                return False
        return True

    def _condition(self, directive: Any) -> bool:
        value = directive.arguments[0].value
        if isinstance(value, VariableNode):
            found = self.variables[value.name.value]
            if found is None:
                raise null_refused(value)
            return bool(found)
        return isinstance(value, BooleanValueNode) and value.value
