"""Everything that can be asked for, asked for in every role: what the role lacks is refused and changes nothing.

The questions are made from the schema, and what is expected from the page docs/roles.md; so a new verb or noun is asked
about without anybody remembering to.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type, is_leaf_type

from gql.database.context import Context
from gql.database.permissions import read_permissions
from gql.database.pool import Origin
from gql.engine.engine import Caller, Engine
from gql.engine.nouns import Noun
from gql.errors import RequestRefused
from gql.iam.services import Services
from gql.roles import HELD, render_roles, root_fields
from gql.schema import OPEN_FIELDS, OWN_FIELDS, PYTHON_FIELDS, build_schema, declarations
from tests.database.isolation import Filled, fill, rows_of
from tests.engine.probes import SCHEMA, sample
from tests.harness.actors import SCOPED, as_nobody
from tests.harness.tenants import Tenant, make_person
from tests.iam.entry.test_codes import somewhere

PAGE: Final = Path(__file__).parents[2] / "docs" / "roles.md"
ROLES: Final = list(read_permissions())
ALL: Final = frozenset().union(*read_permissions().values())
VERBS: Final = declarations().verbs
NOUNS: Final = declarations().nouns


@dataclass(frozen=True)
class Question:
    """A document, and the row of the page that says who may send it."""

    name: str
    row: str
    document: str
    variables: dict[str, Any]


def test_the_page_in_the_repository_is_what_the_code_says() -> None:
    written = render_roles(declarations(), PYTHON_FIELDS, OPEN_FIELDS - OWN_FIELDS)
    assert PAGE.read_text(encoding="utf-8").rstrip("\n") == written.rstrip("\n"), "`make docs` writes it"


def allowed() -> dict[str, set[str]]:
    """The roles of each verb, noun and field, as the page has them."""
    found: dict[str, set[str]] = {}
    columns: list[str] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or set(line) <= set("|:-"):
            continue
        if cells[-len(ROLES) :] == ROLES:
            columns = cells
        elif len(cells) == len(columns):
            found[cells[0].strip("`")] = {role for role, cell in zip(columns, cells, strict=True) if cell == HELD}
    return found


ALLOWED: Final = allowed()


def a_selection(kind: GraphQLObjectType) -> str:
    """A field of the type that needs nothing but the type."""
    name, field = next(
        (name, field)
        for name, field in kind.fields.items()
        if not any(str(argument.type).endswith("!") for argument in field.args.values())
        and f"{kind.name}.{name}" not in ALLOWED
    )
    inner = get_named_type(field.type)
    return name if is_leaf_type(inner) else f"{name} {{ __typename }}"


def an_argument(field: Any) -> str:
    """What the field requires, filled in."""
    given = {}
    for name, argument in field.args.items():
        if str(argument.type).endswith("!"):
            value = [] if name == "by" else sample(argument.type)
            given[name] = f'"{uuid4()}"' if get_named_type(argument.type).name == "ID" else json.dumps(value)
    return f"({', '.join(f'{name}: {value}' for name, value in given.items())})" if given else ""


def reads() -> Iterator[Question]:
    """Every root field of every noun, `node` of every type, and every field with a permission of its own."""
    query = SCHEMA.query_type
    assert query is not None
    asked = {"node"}
    for noun in NOUNS.values():
        for name in root_fields(noun):
            asked.add(name)
            field = query.fields[name]
            kind = get_named_type(field.type)
            assert isinstance(kind, GraphQLObjectType)
            document = f"{{ {name}{an_argument(field)} {{ {a_selection(kind)} }} }}"
            yield Question(name, noun.name, document, {})
            yield from (Question(f"{name}.{row}", row, document, {}) for row, document in guarded(noun, name, field))
    assert asked == set(query.fields), "a root field belongs to no noun"
    types = SCHEMA.type_map["NodeType"]
    assert isinstance(types, GraphQLEnumType)
    for name in types.values:
        yield Question(f"node-{name}", name, f'{{ node(type: {name}, id: "{uuid4()}") {{ id }} }}', {})


def guarded(noun: Noun, root: str, field: Any) -> Iterator[tuple[str, str]]:
    for column in noun.columns:
        if column.permission and get_named_type(field.type).name == noun.name:
            yield (
                f"{noun.name}.{column.graphql_name}",
                f"{{ {root}{an_argument(field)} {{ {column.graphql_name} }} }}",
            )


def mutations(names: Iterator[str] | frozenset[str]) -> Iterator[Question]:
    """These mutations, with what their inputs require."""
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    for name in sorted(names):
        wanted = mutation.fields[name].args["input"].type
        document = f"mutation($input: {wanted}) {{ {name}(input: $input) {{ __typename }} }}"
        yield Question(name, name, document, {"input": with_ids(sample(wanted))})


def with_ids(value: Any) -> Any:
    """The sample, with an id that nobody has wherever one is wanted."""
    if isinstance(value, dict):
        return {name: with_ids(each) for name, each in value.items()}
    if isinstance(value, list):
        return [with_ids(each) for each in value]
    return str(uuid4()) if value is None else value


@pytest.fixture(scope="module")
async def engine(services: Services) -> Engine:
    return Engine(build_schema(), declarations(), services.database, OPEN_FIELDS, services, PYTHON_FIELDS)


@pytest.fixture(scope="module")
async def filled() -> Filled:
    """An organisation with a row in every table."""
    return await fill("Everything in it")


async def somebody(tenant: Tenant, role: str) -> Caller:
    """A person of this role, as the database tells the server of them."""
    scope = (uuid4(),) if role in SCOPED else ()
    person = await make_person(tenant, role, scope)
    async with as_nobody() as connection:
        row = await connection.fetchrow("select * from iam.context($1, $2)", person.user_id, tenant.tenant_id)
    assert row is not None
    context = Context(
        tenant_id=tenant.tenant_id,
        user_id=person.user_id,
        role=row["role"],
        scope_ids=scope,
        permissions=frozenset(row["permissions"]),
        is_scoped=not row["sees_all"],
    )
    return Caller(context, somewhere())


async def refusals(engine: Engine, caller: Caller, question: Question) -> set[tuple[str, str | None]]:
    """Code and reason of every error of the answer."""
    try:
        operation = await engine.prepare(question.document, None, question.variables, introspection=False)
        answer = json.loads(await engine.run(operation, caller))
    except RequestRefused as refused:
        return {(error.code.value, error.reason) for error in refused.errors}
    return {(error["extensions"]["code"], error["extensions"].get("reason")) for error in answer.get("errors", ())}


LACKING: Final = {("FORBIDDEN", "PERMISSION_MISSING")}


@pytest.mark.parametrize("role", ROLES)
async def test_every_noun_answers_the_roles_of_the_page_and_no_other(engine: Engine, filled: Filled, role: str) -> None:
    caller = await somebody(filled.tenant, role)
    asked = list(reads())
    assert {question.row for question in asked} >= {noun.name for noun in NOUNS.values() if any(root_fields(noun))}
    expected = {question.name: set() if role in ALLOWED[question.row] else LACKING for question in asked}
    assert {question.name: await refusals(engine, caller, question) for question in asked} == expected


@pytest.mark.parametrize("role", ROLES)
async def test_every_verb_is_for_the_roles_of_the_page_and_what_is_refused_changes_nothing(
    engine: Engine, filled: Filled, role: str
) -> None:
    caller = await somebody(filled.tenant, role)
    asked = list(mutations(iter(VERBS)))
    refused = [question for question in asked if role not in ALLOWED[question.row]]
    before = await rows_of(filled.tenant)
    for question in refused:
        assert await refusals(engine, caller, question) == LACKING, question.name
    # The same where the engine were taken in: the database asks again.
    assert caller.context is not None
    deceived = caller._replace(context=replace(caller.context, permissions=ALL))
    for question in refused:
        assert await refusals(engine, deceived, question) == LACKING, question.name
    assert await rows_of(filled.tenant) == before
    for question in asked:
        if question not in refused:
            codes = {code for code, _ in await refusals(engine, caller, question)}
            assert not codes & {"FORBIDDEN", "UNAUTHENTICATED", "INTERNAL_SERVER_ERROR"}, (question.name, codes)


@pytest.mark.parametrize("role", ["", "worker", "doorway", "superuser"])
async def test_who_has_no_role_of_a_person_is_refused_everything(engine: Engine, filled: Filled, role: str) -> None:
    known = await somebody(filled.tenant, "owner")
    assert known.context is not None
    caller = known._replace(context=replace(known.context, role=role, permissions=frozenset()))
    deceived = known._replace(context=replace(known.context, role=role, permissions=ALL))
    before = await rows_of(filled.tenant)
    for question in reads():
        assert await refusals(engine, caller, question) == LACKING, question.name
    for question in mutations(iter(VERBS)):
        assert await refusals(engine, caller, question) == LACKING, question.name
        assert await refusals(engine, deceived, question) == LACKING, question.name
    assert await rows_of(filled.tenant) == before


async def test_a_stranger_is_refused_all_but_coming_in(engine: Engine) -> None:
    stranger = Caller(None, Origin("request-9", "198.51.100.77", None))
    for question in (*reads(), *mutations(iter(VERBS)), *mutations(OWN_FIELDS)):
        assert await refusals(engine, stranger, question) == {("UNAUTHENTICATED", "TOKEN_MISSING")}, question.name
    for question in mutations(OPEN_FIELDS - OWN_FIELDS):
        found = await refusals(engine, stranger._replace(origin=somewhere()), question)
        assert not {reason for _, reason in found} & {"TOKEN_MISSING", "PERMISSION_MISSING", None}, question.name


@pytest.mark.parametrize("role", ROLES)
async def test_what_is_about_oneself_is_for_every_role(engine: Engine, filled: Filled, role: str) -> None:
    caller = (await somebody(filled.tenant, role))._replace(session_id=uuid4())
    for question in mutations(OWN_FIELDS):
        found = await refusals(engine, caller._replace(origin=somewhere()), question)
        assert not {reason for _, reason in found} & {"TOKEN_MISSING", "PERMISSION_MISSING", None}, question.name


def test_the_schema_says_of_each_field_who_it_is_for() -> None:
    query, mutation = SCHEMA.query_type, SCHEMA.mutation_type
    assert query is not None
    assert mutation is not None
    said = re.compile(r"( Roles: [a-z, ]+\.| Open to strangers\.)\Z")
    for name, field in (*query.fields.items(), *mutation.fields.items()):
        assert said.search(field.description or ""), name
    for name, noun in NOUNS.items():
        sentence = said.search(SCHEMA.type_map[name].description or "")
        assert sentence is not None
        holders = ALLOWED[noun.name]
        expected = "all" if holders == set(ROLES) else ", ".join(role for role in ROLES if role in holders)
        assert sentence[0] == f" Roles: {expected}."
