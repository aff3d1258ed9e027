"""What a document may ask for: each limit at its last good figure and one past it, openly and through fragments."""

from collections.abc import Callable

import pytest
from graphql import Lexer, Source, TokenKind, get_introspection_query, parse

from gql.engine import limits
from gql.engine.cost import BUDGET, Cost
from gql.engine.documents import Documents
from gql.engine.limits import judge_document, judge_source
from gql.errors import ApiError, Code, RequestRefused
from gql.schema import build_schema


def refused_for(query: str) -> str | None:
    """The limit that the document breaks; None where it keeps them all."""
    try:
        judge_source(query)
        judge_document(parse(query))
    except RequestRefused as refusal:
        [error] = refusal.errors
        assert error.code is Code.LIMIT_EXCEEDED
        return error.reason
    return None


def tokens_of(query: str) -> int:
    lexer = Lexer(Source(query))
    count = 0
    while lexer.advance().kind is not TokenKind.EOF:
        count += 1
    return count


def nested(levels: int) -> str:
    """A selection so many fields deep."""
    return "{ a " * levels + "}" * levels


def in_fragment(levels: int) -> str:
    return f"{{ a {{ ...F }} }} fragment F on Query {nested(levels - 1)}"


def in_inline_fragments(levels: int) -> str:
    return "{ ... on Query { ... { a " * levels + "} } }" * levels


def in_a_chain_of_fragments(levels: int) -> str:
    chain = " ".join(f"fragment F{n} on Query {{ a {{ ...F{n + 1} }} }}" for n in range(levels - 1))
    return f"{{ ...F0 }} {chain} fragment F{levels - 1} on Query {{ a }}"


@pytest.mark.parametrize("write", [nested, in_fragment, in_inline_fragments, in_a_chain_of_fragments])
def test_an_operation_is_ten_levels_deep_at_most(write: Callable[[int], str]) -> None:
    assert refused_for(write(limits.MOST_LEVELS)) is None
    assert refused_for(write(limits.MOST_LEVELS + 1)) == "DEPTH_LIMIT"


def aliases(number: int) -> str:
    return "{ " + " ".join(f"a{n}: a" for n in range(number)) + " }"


def aliases_in_fragments(number: int) -> str:
    """The same few aliases, spread again and again."""
    return (
        "{ "
        + " ".join(f"a{{...F}} n{n}" for n in range(number // 5))
        + "".join(f" x{n}: a" for n in range(number % 5))
        + " } fragment F on Query { a: b c: d e: f g: h i: j }"
    )


def aliases_in_nested_fields(number: int) -> str:
    return "{ a { " + " ".join(f"a{n}: a" for n in range(number - 1)) + " } z: a }"


@pytest.mark.parametrize("write", [aliases, aliases_in_fragments, aliases_in_nested_fields])
def test_an_operation_has_fifteen_aliases_at_most(write: Callable[[int], str]) -> None:
    """Attack 31."""
    assert refused_for(write(limits.MOST_ALIASES)) is None
    assert refused_for(write(limits.MOST_ALIASES + 1)) == "ALIAS_LIMIT"


def directives(number: int) -> str:
    return "{ a " + "@skip(if: false) " * number + "}"


def directives_everywhere(number: int) -> str:
    """On the operation, a field, an inline fragment and a spread."""
    rest = "@skip(if: false) " * (number - 3)
    return f"query @a {{ ... @skip(if: false) {{ a }} ...F @skip(if: false) }} fragment F on Query {{ a {rest} }}"


@pytest.mark.parametrize("write", [directives, directives_everywhere])
def test_an_operation_has_fifty_directives_at_most(write: Callable[[int], str]) -> None:
    assert refused_for(write(limits.MOST_DIRECTIVES)) is None
    assert refused_for(write(limits.MOST_DIRECTIVES + 1)) == "DIRECTIVE_LIMIT"


def test_a_document_has_a_thousand_tokens_at_most() -> None:
    query = "{ " + "a " * (limits.MOST_TOKENS - 2) + "}"
    assert tokens_of(query) == limits.MOST_TOKENS
    assert refused_for(query) is None
    assert refused_for(query[:-1] + "a }") == "TOKEN_LIMIT"


def test_a_stranger_who_may_not_see_the_schema_is_heard_for_two_hundred_tokens() -> None:
    documents = Documents(build_schema()._schema)
    query = "{ " + "__typename " * (limits.STRANGERS_TOKENS - 2) + "}"
    assert tokens_of(query) == limits.STRANGERS_TOKENS == 200
    documents.operation(query, None, introspection=False)
    documents.operation(query[:-1] + "__typename }", None, introspection=True)
    with pytest.raises(RequestRefused, match="200 tokens"):
        documents.operation(query[:-1] + "__typename }", None, introspection=False)


def test_a_document_has_fifteen_thousand_characters_at_most() -> None:
    query = "{ a }" + " " * (limits.MOST_CHARACTERS - 5)
    assert refused_for(query) is None
    assert refused_for(query + " ") == "CHARACTER_LIMIT"


def test_a_document_has_twenty_operations_at_most() -> None:
    query = " ".join(f"query Q{n} {{ a }}" for n in range(limits.MOST_OPERATIONS))
    assert refused_for(query) is None
    assert refused_for(f"{query} query Last {{ a }}") == "OPERATION_LIMIT"


def test_the_limits_are_those_that_are_promised() -> None:
    promised = (15_000, 1_000, 10, 15, 50)
    found = (
        limits.MOST_CHARACTERS,
        limits.MOST_TOKENS,
        limits.MOST_LEVELS,
        limits.MOST_ALIASES,
        limits.MOST_DIRECTIVES,
    )
    assert found == promised


@pytest.mark.parametrize(
    "query",
    [
        "mutation { signIn { a } other: signIn { a } }",
        "mutation { signIn { a } ...F } fragment F on Mutation { b: signIn { a } }",
        "mutation { ...F ...G } fragment F on Mutation { signIn { a } } fragment G on Mutation { ...F }",
        "mutation { ... { signIn { a } } ... { signIn { a } } }",
    ],
)
def test_one_request_guesses_one_password(query: str) -> None:
    assert refused_for(query) == "ONCE_LIMIT"
    assert refused_for("mutation { signIn { a } }") is None


@pytest.mark.parametrize(
    "query",
    [
        "{ ...F } fragment F on Query { ...F }",
        "{ ...F } fragment F on Query { a { ...G } } fragment G on Query { a { ...F } }",
    ],
)
def test_fragments_that_spread_themselves_are_endlessly_deep(query: str) -> None:
    assert refused_for(query) == "DEPTH_LIMIT"


def test_fragments_that_double_each_other_are_measured_at_once() -> None:
    doubling = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
    assert refused_for(f"{{ ...F0 }} {doubling} fragment F60 on Query {{ b: a }}") == "ALIAS_LIMIT"


@pytest.mark.parametrize(
    "source",
    [
        get_introspection_query(),
        get_introspection_query(
            descriptions=True,
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        ),
    ],
)
def test_the_standard_introspection_is_deeper_than_that_and_allowed(source: str) -> None:
    assert refused_for(source) is None
    Documents(build_schema()._schema).operation(source, None, introspection=True)


def test_what_stands_beside_introspection_is_measured_all_the_same() -> None:
    assert refused_for(f"{{ __schema {{ types {{ name }} }} {nested(11)[1:]}") == "DEPTH_LIMIT"
    assert refused_for("{ __schema { " + " ".join(f"a{n}: types" for n in range(16)) + " } }") == "ALIAS_LIMIT"


@pytest.mark.parametrize("query", ["{" * 1001, "[" * 1001, "{ a(b: " + "[" * 900, "{ a(b: " + "{c:" * 330])
def test_brackets_without_end_are_refused_in_good_order(query: str) -> None:
    with pytest.raises(RequestRefused) as refusal:
        Documents(build_schema()._schema).operation(query, None, introspection=False)
    assert refusal.value.errors[0].code in (Code.LIMIT_EXCEEDED, Code.GRAPHQL_PARSE_FAILED)


def test_the_cost_of_an_operation_is_at_most_its_budget() -> None:
    cost = Cost()
    cost.total = BUDGET
    cost.judge()
    cost.total += 1
    with pytest.raises(ApiError) as refusal:
        cost.judge()
    assert (refusal.value.code, refusal.value.reason) == (Code.LIMIT_EXCEEDED, "COST_BUDGET")


def test_rows_multiply_the_cost_of_what_is_asked_for_each() -> None:
    cost = Cost()
    with cost.rows(100):
        cost.value()
        with cost.rows(100):
            cost.value()
    assert cost.total == 100 + 100 + 10_000 + 10_000
