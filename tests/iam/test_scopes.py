"""Every root field of the schema has a scope declared beside it, and an app comes no further than its scopes."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
)

from gql.database.context import Context
from gql.database.pool import Database, Origin
from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.iam.services import Services
from gql.schema import OPEN_FIELDS, PYTHON_FIELDS, build_schema, declarations
from tests.engine.probes import SAMPLES, sample
from tests.harness.actors import as_nobody, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant

SCHEMA: Final = build_schema()._schema
ORIGIN: Final = Origin("scopes", "192.0.2.7", None)
NOBODYS: Final = "00000000-0000-4000-8000-00000000abcd"
DECLARED: Final = declarations()


def root_fields() -> Iterator[tuple[str, str]]:
    """Every root field, with its kind of operation; `node` once for each type."""
    for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert root is not None
        for name in root.fields:
            if name == "node":
                node_type = SCHEMA.type_map["NodeType"]
                assert isinstance(node_type, GraphQLEnumType)
                yield from ((kind, f"node {each}") for each in node_type.values)
            else:
                yield kind, name


FIELDS: Final = list(root_fields())


def declared_scope(name: str) -> str:
    """The scope that stands beside the declaration of a root field. Raises LookupError where there is none."""
    if name in PYTHON_FIELDS:
        return PYTHON_FIELDS[name]
    if name in DECLARED.verbs:
        return DECLARED.verbs[name].permission
    for noun in DECLARED.nouns.values():
        names = {noun.singular, noun.plural, f"{noun.singular}Groups", f"node {noun.name}"}
        names |= {noun.single.name} if noun.single else set()
        names |= {noun.question.field} if noun.question else set()
        if name in names:
            return noun.permission
    raise LookupError(f"{name} has no scope: declare it, or name it in PYTHON_FIELDS with the one that it needs.")


def with_ids(value: Any) -> Any:
    """The sample, with an id of nobody's wherever it leaves one open."""
    if isinstance(value, dict):
        return {name: with_ids(each) for name, each in value.items()}
    if isinstance(value, list):
        return [with_ids(each) for each in value]
    return NOBODYS if value is None else value


def document(kind: str, name: str) -> tuple[str, dict[str, Any]]:
    """The least that can be asked of this field, and variables for it."""
    root = SCHEMA.query_type if kind == "query" else SCHEMA.mutation_type
    assert root is not None
    field_name, _, node_type = name.partition(" ")
    field: GraphQLField = root.fields[field_name]
    given: dict[str, Any] = {"type": node_type} if node_type else {}
    for argument, wanted in field.args.items():
        if argument not in given and str(wanted.type).endswith("!"):
            given[argument] = with_ids(sample(wanted.type))
    types = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
    arguments = ", ".join(f"{argument}: ${argument}" for argument in given)
    selection = " { __typename }" if isinstance(get_named_type(field.type), GraphQLObjectType) or node_type else ""
    asked = f"{field_name}({arguments})" if given else field_name
    return f"{kind}({types}) {{ {asked}{selection} }}" if given else f"{kind} {{ {asked}{selection} }}", given


@pytest.fixture(scope="module")
async def grantable() -> frozenset[str]:
    """What an app can be allowed to do."""
    async with as_nobody() as connection:
        return frozenset(await connection.fetchval("select core.app_scopes()"))


@pytest.fixture(scope="module")
async def house() -> Tenant:
    return await make_tenant("Harbour Ropes")


@pytest.fixture(scope="module")
async def engine(database: TestDatabase, services: Services) -> AsyncIterator[Engine]:
    opened = await Database.open(database.options(read_connections=1, write_connections=1))
    yield Engine(build_schema(), DECLARED, opened, OPEN_FIELDS, services, PYTHON_FIELDS)
    await opened.close()


def app_of(tenant: Tenant, scopes: frozenset[str]) -> Caller:
    """An app with a token of these scopes, as iam.app_context() has it."""
    role = f"app:{' '.join(sorted(scopes))}"
    known = context_of(tenant, role)
    context = Context(known.tenant_id, known.user_id, role, permissions=scopes, is_scoped=False)
    return Caller(context, ORIGIN)


async def codes(engine: Engine, caller: Caller, kind: str, name: str) -> set[tuple[str, str | None]]:
    """Code and reason of each error in the answer."""
    source, variables = document(kind, name)
    try:
        answer = json.loads(await engine.run(await engine.prepare(source, None, variables, introspection=True), caller))
    except RequestRefused as refused:
        return {(error.code.value, error.reason) for error in refused.errors}
    return {(each["extensions"]["code"], each["extensions"].get("reason")) for each in answer.get("errors", [])}


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda each: str(each))
async def test_with_every_scope_but_its_own_a_field_is_refused_before_any_sql(
    engine: Engine, house: Tenant, grantable: frozenset[str], kind: str, name: str
) -> None:
    scopes = grantable - {declared_scope(name)}
    asked = engine.database.reads.statistics.acquisitions, engine.database.writes.statistics.acquisitions
    assert await codes(engine, app_of(house, scopes), kind, name) == {("FORBIDDEN", "PERMISSION_MISSING")}
    assert asked == (engine.database.reads.statistics.acquisitions, engine.database.writes.statistics.acquisitions)


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda each: str(each))
async def test_with_its_own_scope_alone_a_field_is_asked(
    engine: Engine, house: Tenant, grantable: frozenset[str], kind: str, name: str
) -> None:
    """In the database as well: its functions demand what is declared, and nothing more."""
    scope = declared_scope(name)
    if scope not in grantable:
        assert scope.startswith("iam:"), "no app can ever be allowed to ask this"
        return
    found = await codes(engine, app_of(house, frozenset({scope})), kind, name)
    assert "FORBIDDEN" not in {code for code, _ in found}
    assert "INTERNAL_SERVER_ERROR" not in {code for code, _ in found}


async def test_what_people_decide_is_no_apps(grantable: frozenset[str]) -> None:
    assert {scope for scope in grantable if scope.startswith(("iam:", "core:"))} == {"iam:read"}
    about_people = {"mySessions", "myTotpDevices", *OPEN_FIELDS}
    assert {declared_scope(name) for name in about_people} == {"iam:self"}
    for name in ("appCreate", "appUpdate", "appSecretRotate", "appRevoke", "membershipUpdate"):
        assert declared_scope(name) not in grantable


def test_a_field_that_is_declared_nowhere_fails_this_walk() -> None:
    with pytest.raises(LookupError, match="has no scope"):
        declared_scope("somethingNew")


def test_the_walk_meets_every_field() -> None:
    assert SAMPLES
    names = {name.partition(" ")[0] for _, name in FIELDS}
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    assert names == {*SCHEMA.query_type.fields, *SCHEMA.mutation_type.fields}
    assert len(names) > 80
