"""Attack 29: every id that can be sent, everywhere; one of somebody else answers as one of nobody does.

For nouns and verbs tests/engine/test_isolation.py asks; here are the fields that are written in Python, and that there
is no other place for an id."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, Undefined, get_named_type

from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.iam.services import Services
from gql.schema import OPEN_FIELDS, PYTHON_FIELDS, build_schema, declarations
from tests.engine.doors import permitted
from tests.engine.probes import SCHEMA, Probe, ids_in, look_ups, sample, verbs
from tests.harness.actors import as_superuser, as_tenant, context_of
from tests.harness.inbox import Inbox
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call
from tests.iam.entry.test_codes import somewhere
from tests.iam.entry.test_sign_up import begun as sign_up_begun
from tests.iam.entry.test_sign_up import new_address
from tests.iam.test_totp_devices import Clock, enrolled
from tests.iam.tokens.test_sessions import begun


def by_python() -> Iterator[Probe]:
    """Every id in the input of a mutation that is written in Python."""
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    for name in sorted(PYTHON_FIELDS):
        wanted = mutation.fields[name].args["input"].type
        document = f"mutation($input: {wanted}) {{ {name}(input: $input) {{ __typename }} }}"
        required = {
            each: value
            for each, value in sample(wanted).items()
            if get_named_type(wanted).fields[each].default_value is Undefined
        }
        for place in ids_in(wanted):
            yield Probe(f"{name}-{place[0]}", document, {"input": required}, ("input", *place))


PROBES = list(by_python())


def arguments() -> Iterator[str]:
    """Every argument in the schema that is an id, or an input with one in it. Filters are asked about as such."""
    for name, kind in SCHEMA.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                for argument_name, argument in field.args.items():
                    inner = get_named_type(argument.type)
                    if not inner.name.endswith("Filter") and list(ids_in(argument.type)):
                        yield f"{name}.{field_name}({argument_name})"


def test_there_is_no_id_that_is_not_asked_about() -> None:
    """Attack 29: a new place for an id fails here, until the others are asked at it as well."""
    asked = {f"Query.{probe.name.partition('-')[0]}({probe.place[0]})" for probe in look_ups()}
    asked |= {f"Mutation.{probe.name.partition('-')[0]}(input)" for probe in (*verbs(), *PROBES)}
    assert set(arguments()) == asked


@dataclass
class Others:
    """Somebody with one of everything, and how much there is of it."""

    tenant: Tenant
    ids: dict[str, UUID]

    async def everything(self) -> list[str]:
        async with as_superuser() as connection:
            rows = await connection.fetch(
                """select (to_jsonb(s) - 'updated_at')::text from iam.sessions s where user_id = $1 union all
                   select (to_jsonb(d) - 'updated_at')::text from iam.totp_devices d where user_id = $1 union all
                   select u.password_hash from iam.users u where id = $1 union all
                   select to_jsonb(a)::text from iam.analysts a where tenant_id = $2 union all
                   select to_jsonb(s)::text from iam.app_secrets s where tenant_id = $2 order by 1""",
                self.tenant.owner_id,
                self.tenant.tenant_id,
            )
        return [row[0] for row in rows]


@pytest.fixture
async def others(services: Services, inbox: Inbox) -> Others:
    tenant, clock = await make_tenant("Theirs"), Clock()
    owner, factors = tenant.owner_id, services.second_factors
    factors.clock = clock
    await enrolled(factors, clock, owner)
    waiting = await factors.enrol(owner, "another")
    async with as_superuser() as connection:
        confirmed = "select id from iam.totp_devices where user_id = $1 and confirmed_at is not null"
        device = await connection.fetchval(confirmed, owner)
    async with as_tenant(tenant) as connection:
        known = {"secret_hash": sha256(b"theirs").hexdigest(), "hint": "ours"}
        app = await call(connection, "iam.app_create", name="Theirs", scopes=["billing:read"], **known)
        analyst = await call(connection, "iam.analyst_create", label="Theirs")
    return Others(
        tenant,
        {
            "app": app,
            "analyst": analyst,
            "session": (await begun(services, tenant)).session_id,
            "device": device,
            "waiting device": waiting.id,
            "sign-in code": (await services.codes.request("SIGN_IN", tenant.owner_email, somewhere())).id,
            "reset code": (await services.codes.request("PASSWORD_RESET", tenant.owner_email, somewhere())).id,
            "sign-up": (await sign_up_begun(services, email=new_address())).id,
            "person": owner,
            "organisation": tenant.tenant_id,
        },
    )


async def ask(engine: Engine, caller: Caller, probe: Probe, wanted: UUID) -> str:
    try:
        operation = await engine.prepare(probe.source, None, probe.with_value(str(wanted)), introspection=False)
        return (await engine.run(operation, caller._replace(origin=somewhere()))).decode()
    except RequestRefused as refused:
        return json.dumps([error.as_dict("r") for error in refused.errors])


@pytest.mark.parametrize("probe", PROBES, ids=str)
async def test_an_id_of_somebody_else_is_the_same_as_an_id_of_nobody(
    services: Services, tenant: Tenant, others: Others, probe: Probe
) -> None:
    """Attack 29, for signing in and what is about oneself."""
    engine = Engine(build_schema(), declarations(), services.database, OPEN_FIELDS, services, PYTHON_FIELDS)
    own = (await begun(services, tenant)).session_id
    caller = Caller(await permitted(context_of(tenant)), somewhere(), own)
    before = await others.everything()

    def plain(answer: str) -> Any:
        found = json.loads(answer)
        for error in found.get("errors", ()) if isinstance(found, dict) else found:
            error["extensions"].pop("requestId")
        return found

    expected = plain(await ask(engine, caller, probe, uuid4()))
    for what, wanted in others.ids.items():
        assert plain(await ask(engine, caller, probe, wanted)) == expected, what
    assert await others.everything() == before
