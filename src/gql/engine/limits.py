"""What a document may ask for at most, judged before it is validated and long before a connection is taken.

Each refusal is LIMIT_EXCEEDED with the limit and the figure in its message and the limit's name as `reason`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Lexer,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
)

from gql.engine.scalars import is_deeper
from gql.errors import ApiError, Code, RequestRefused

MOST_CHARACTERS: Final = 15_000
MOST_TOKENS: Final = 1_000
STRANGERS_TOKENS: Final = 200
"""Validation takes time with the square of the fields, and a stranger may only ask to sign in."""
MOST_LEVELS: Final = 10
MOST_ALIASES: Final = 15
MOST_DIRECTIVES: Final = 50
MOST_OPERATIONS: Final = 20
DEEPEST_VARIABLE: Final = 100
ONCE_A_DOCUMENT: Final = frozenset({"signIn"})
"""Root fields that guess at secrets: asked once, so that aliases do not turn one request into many guesses."""

_INTROSPECTION: Final = frozenset({"__schema", "__type"})
_ENDLESS: Final = 1_000_000  # deeper than any limit: what a fragment cycle counts as, until validation refuses it


def judge_source(source: str, most_tokens: int = MOST_TOKENS) -> None:
    """Raises RequestRefused for a text that is too long to be worth reading."""
    if len(source) > MOST_CHARACTERS:
        _refuse("CHARACTER_LIMIT", f"The document has {len(source)} characters; at most {MOST_CHARACTERS} are read.")
    lexer = Lexer(Source(source))
    tokens = 0
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            tokens += 1
            if tokens > most_tokens:
                _refuse("TOKEN_LIMIT", f"The document has more than {most_tokens} tokens, which is the limit.")
    except GraphQLSyntaxError:
        return  # the parser says so with its place


def judge_document(document: DocumentNode) -> None:
    """Raises RequestRefused for a document that asks for too much. Fragments count wherever they are spread."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) > MOST_OPERATIONS:
        _refuse("OPERATION_LIMIT", f"The document has {len(operations)} operations; the limit is {MOST_OPERATIONS}.")
    measured = _Measure(fragments, {})
    for operation in operations:
        found = measured.of(operation.selection_set)
        directives = found.directives + len(operation.directives or ())
        if found.depth > MOST_LEVELS:
            shown = f"{found.depth} levels deep" if found.depth < _ENDLESS else "endlessly deep"
            _refuse("DEPTH_LIMIT", f"The operation is {shown}; the limit is {MOST_LEVELS}.")
        if found.aliases > MOST_ALIASES:
            _refuse("ALIAS_LIMIT", f"The operation has {found.aliases} aliases; the limit is {MOST_ALIASES}.")
        if directives > MOST_DIRECTIVES:
            _refuse("DIRECTIVE_LIMIT", f"The operation has {directives} directives; the limit is {MOST_DIRECTIVES}.")
        if found.once > 1:
            names = ", ".join(sorted(ONCE_A_DOCUMENT))
            _refuse("ONCE_LIMIT", f"The operation asks {found.once} times for {names}; once is the limit.")


def judge_depth(variables: Mapping[str, Any]) -> None:
    """Raises RequestRefused for variables, declared or not, whose values are nested too deeply to be worked with. What
    reads them calls itself for each level, and must not come near the interpreter's limit."""
    for name, value in variables.items():
        if isinstance(value, (dict, list)) and is_deeper(value, DEEPEST_VARIABLE):
            sentence = f"Variable ${name} is nested more than {DEEPEST_VARIABLE} levels deep. Send a flatter value."
            raise RequestRefused([ApiError(Code.BAD_USER_INPUT, sentence, reason="JSON_TOO_DEEP", field=name)])


@dataclass(frozen=True, slots=True)
class _Figures:
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    once: int = 0

    def beside(self, other: "_Figures") -> "_Figures":
        return _Figures(
            max(self.depth, other.depth),
            min(self.aliases + other.aliases, _ENDLESS),
            min(self.directives + other.directives, _ENDLESS),
            min(self.once + other.once, _ENDLESS),
        )


@dataclass(frozen=True, slots=True)
class _Measure:
    """Adds up selection sets. A fragment is measured once and counted at every spread."""

    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, _Figures]

    def of(self, selection_set: SelectionSetNode | None) -> _Figures:
        total = _Figures()
        for selection in selection_set.selections if selection_set else ():
            directives = len(selection.directives or ())
            match selection:
                case FieldNode():
                    below = self.of(selection.selection_set)
                    name = selection.name.value
                    # The standard introspection query is deeper than any of ours needs to be.
                    depth = 0 if name in _INTROSPECTION else below.depth + 1
                    one = _Figures(depth, int(selection.alias is not None), directives, int(name in ONCE_A_DOCUMENT))
                    total = total.beside(one).beside(_Figures(0, below.aliases, below.directives, below.once))
                case InlineFragmentNode():
                    total = total.beside(self.of(selection.selection_set)).beside(_Figures(directives=directives))
                case FragmentSpreadNode():
                    total = total.beside(self._fragment(selection.name.value)).beside(_Figures(directives=directives))
        return total

    def _fragment(self, name: str) -> _Figures:
        if name not in self.known:
            fragment = self.fragments.get(name)
            if fragment is None:
                return _Figures()  # validation says that it is missing
            self.known[name] = _Figures(depth=_ENDLESS)  # what it counts as inside itself
            self.known[name] = self.of(fragment.selection_set)
        return self.known[name]


def _refuse(reason: str, sentence: str) -> None:
    raise RequestRefused([ApiError(Code.LIMIT_EXCEEDED, sentence, reason=reason)])
