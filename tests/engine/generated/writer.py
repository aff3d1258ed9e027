"""From a grown selection to a document: arguments that find rows, and every other way to say the same in GraphQL."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    get_named_type,
)

from gql.engine.fields import Column
from tests.engine.generated.arguments import Arguments
from tests.engine.generated.choices import Choices
from tests.engine.generated.facts import Facts
from tests.engine.generated.values import Variable, holds_variable, literal, plain

MOST_ALIASES: Final = 10
MOST_DIRECTIVES: Final = 20
MOST_ADDED: Final = 25
DEEPEST: Final = 8

Composite = GraphQLObjectType | GraphQLInterfaceType


@dataclass(frozen=True)
class Generated:
    """A document and its variables."""

    source: str
    variables: dict[str, Any]
    optional: frozenset[str]

    @property
    def required(self) -> dict[str, Any]:
        """The variables without those that may be left out: the same document with another shape of them."""
        return {name: value for name, value in self.variables.items() if name not in self.optional}

    @property
    def text(self) -> str:
        """What tells it from other documents."""
        return f"{self.source}\n{self.variables}"


@dataclass
class Writer:
    """Writes one document."""

    schema: GraphQLSchema
    facts: Facts
    choices: Choices
    declared: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0
    directives: int = 0
    added: int = 0

    def __post_init__(self) -> None:
        self.arguments = Arguments(self.facts, self.choices)

    def document(self, grown: DocumentNode) -> Generated:
        (operation,) = grown.definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert self.schema.query_type is not None
        block = self._block(self.schema.query_type, operation.selection_set.selections, 1)
        head = f"query Generated({', '.join(self.declared)}) " if self.declared else ""
        return Generated("\n".join([head + block, *self.fragments]), self.given, frozenset(self.optional))

    # Selections

    def _block(self, of: Composite, selections: Sequence[SelectionNode], depth: int, *, more: bool = True) -> str:
        if more:
            selections = [*selections, *self._more(of, selections, depth)]
        parts = [part for each in selections for part in self._selection(of, each, depth)]
        if not parts or self.choices.often(0.1):
            parts.insert(self.choices.number(0, len(parts)), "__typename")
        if len(parts) > 1 and self.choices.often(0.15):
            parts = self._wrapped(of, parts)
        return "{ " + " ".join(parts) + " }"

    def _more(self, of: Composite, selections: Sequence[SelectionNode], depth: int) -> list[FieldNode]:
        """A few fields more: what has grown is often bare, and a list without its rows shows little."""
        taken = {each.name.value for each in selections if isinstance(each, FieldNode)}
        left = [name for name in of.fields if name not in taken and name in self._worth_adding(of, depth)]
        if of.name.endswith("Connection") and "nodes" in left and self.choices.often(0.6):
            return [FieldNode(name=NameNode(value="nodes"))]
        count = min(len(left), self.choices.number(0, 3), MOST_ADDED - self.added)
        self.added += count
        return [FieldNode(name=NameNode(value=name)) for name in self.choices.some(left, count)]

    def _worth_adding(self, of: Composite, depth: int) -> set[str]:
        leaves = {name for name, each in of.fields.items() if not isinstance(get_named_type(each.type), Composite)}
        return leaves if depth > DEEPEST - 3 or of is self.schema.query_type else set(of.fields)

    def _wrapped(self, of: Composite, parts: list[str]) -> list[str]:
        """Some of the parts inside a fragment, which may be asked for twice."""
        at = self.choices.number(1, len(parts))
        inner, outer = parts[:at], parts[at:]
        match self.choices.number(0, 2):
            case 0:
                name = f"F{len(self.fragments)}"
                self.fragments.append(f"fragment {name} on {of.name} {{ {' '.join(inner)} }}")
                again = [f"...{name}"] if self.choices.often(0.3) else []
                return [f"...{name}{self._condition()}", *outer, *again]
            case 1:
                return [f"... on {of.name}{self._condition()} {{ {' '.join(inner)} }}", *outer]
            case _:
                return [f"...{self._condition()} {{ {' '.join(inner)} }}", *outer]

    def _selection(self, of: Composite, selection: SelectionNode, depth: int) -> list[str]:
        if isinstance(selection, InlineFragmentNode):
            assert selection.type_condition is not None
            inner = self.schema.type_map[selection.type_condition.name.value]
            assert isinstance(inner, Composite)
            return [f"... on {inner.name} {self._block(inner, selection.selection_set.selections, depth, more=False)}"]
        assert isinstance(selection, FieldNode)
        return self._field(of, selection, depth)

    def _field(self, of: Composite, node: FieldNode, depth: int) -> list[str]:
        name = node.name.value
        declared = of.fields[name]
        returned = get_named_type(declared.type)
        if not self._may_read(of.name, name, returned.name) and not self.choices.often(0.02):
            return []
        arguments = self.arguments.of(node, declared, returned.name)
        given = [
            f"{each}: {literal(self._hoisted(value, declared.args[each].type))}" for each, value in arguments.items()
        ]
        head = self._alias() + name + (f"({', '.join(given)})" if given else "")
        if not isinstance(returned, Composite):
            return [head + self._condition()]
        if depth >= DEEPEST:
            return []
        selections = list(node.selection_set.selections) if node.selection_set else []
        if len(selections) > 1 and self.choices.often(0.1):
            at = self.choices.number(1, len(selections) - 1)
            parts = (selections[:at], selections[at:])
            return [f"{head} {self._block(returned, part, depth + 1, more=False)}" for part in parts]
        return [f"{head}{self._condition()} {self._block(returned, selections, depth + 1)}"]

    def _may_read(self, of: str, name: str, returned: str) -> bool:
        """Whether the person's role includes the field: of what it does not, only a few are asked for."""
        noun = self.facts.noun(of)
        column = noun.fields.get(name) if noun is not None else None
        if isinstance(column, Column) and not self.facts.may_read(column.permission):
            return False
        target = self.facts.noun(returned.removesuffix("Connection").removesuffix("Group"))
        return target is None or self.facts.may_read(target.permission)

    def _alias(self) -> str:
        if self.aliases >= MOST_ALIASES or not self.choices.often(0.08):
            return ""
        self.aliases += 1
        return f"a{self.aliases}: "

    def _condition(self) -> str:
        """Now and then a directive, by a literal or a variable."""
        if self.directives >= MOST_DIRECTIVES or not self.choices.often(0.05):
            return ""
        self.directives += 1
        directive = self.choices.one_of(["include", "skip"])
        wanted = (directive == "include") is not self.choices.often(0.2)
        if self.choices.often(0.5):
            return f" @{directive}(if: {literal(wanted)})"
        return f" @{directive}(if: ${self._variable('Boolean!', wanted)})"

    # Variables

    def _hoisted(self, value: Any, wanted: GraphQLInputType) -> Any:
        """The value, or a part of it, moved into a variable now and then."""
        if self.choices.often(0.25):
            return Variable(self._variable(str(wanted), value))
        named: Any = get_named_type(wanted)
        if isinstance(value, dict) and self.choices.often(0.5):
            return {name: self._hoisted(each, named.fields[name].type) for name, each in value.items()}
        if isinstance(value, list) and self.choices.often(0.3):
            inner: Any = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
            return [self._hoisted(each, inner.of_type) for each in value]
        return value

    def _variable(self, wanted: str, value: Any) -> str:
        """A new variable of this value: given, or by default. One of a nullable type may have another default."""
        assert not holds_variable(value)
        name = f"v{len(self.declared)}"
        default = ""
        if self.choices.often(0.2) and not (value is None and wanted.endswith("!")):
            default = f" = {literal(value)}"
        self.declared.append(f"${name}: {wanted}{default}")
        if default or not wanted.endswith("!"):
            self.optional.add(name)
        if not default or self.choices.often(0.5):
            self.given[name] = plain(value)
        return name
