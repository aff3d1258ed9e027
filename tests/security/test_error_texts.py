"""Attack 28: whatever is sent, no answer says a word of the database, of a file or of our code."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull

from tests.engine.probes import SCHEMA, Probe, cursors, filters, look_ups, sample
from tests.harness.actors import as_superuser
from tests.harness.tenants import Tenant
from tests.http.servers import Running

NAMES: Final = """
    select conname::text from pg_constraint join pg_namespace on pg_namespace.oid = connamespace
    where nspname in ('core', 'iam', 'ledger', 'billing', 'reports', 'trade')
    union select indexrelid::regclass::text from pg_index join pg_class on pg_class.oid = indrelid
    where relnamespace::regnamespace::text in ('core', 'iam', 'ledger', 'billing', 'reports', 'trade')
"""
BETRAYING: Final = re.compile(
    r"postgres|asyncpg|psycopg|SQLSTATE|Traceback|pg_[a-z]+\b|plpgsql|\.py\b|site-packages|/(usr|home|tmp|src)/"
    r"|\b(core|iam|ledger|billing|trade|reports)\.[a-z_]+|\b(relation|column|constraint) \""
    r"|strawberry|KeyError|TypeError",
)
HOSTILE: Final = (
    "\0",
    "'; drop table billing.clients; --",
    "\ud800",
    "x" * 5000,
    "-1",
    "9" * 40,
    "NaN",
    "",
    "{",
    "%s%n$1",
)


def places(wanted: Any, at: tuple[str | int, ...] = ("input",), depth: int = 0) -> Iterator[tuple[str | int, ...]]:
    """Every value inside an input."""
    if isinstance(wanted, GraphQLNonNull):
        yield from places(wanted.of_type, at, depth)
    elif isinstance(wanted, GraphQLList):
        yield from places(wanted.of_type, (*at, 0), depth)
    elif isinstance(wanted, GraphQLInputObjectType):
        for name, field in wanted.fields.items():
            if depth < 3:
                yield from places(field.type, (*at, name), depth + 1)
    else:
        yield at


def verbs() -> Iterator[Probe]:
    """Every value of every input of every mutation, those of signing in included."""
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        wanted = field.args["input"].type
        document = f"mutation($input: {wanted}) {{ {name}(input: $input) {{ __typename }} }}"
        for place in places(wanted):
            yield Probe(f"{name}-{place}", document, {"input": sample(wanted)}, place)


@pytest.fixture(scope="module")
async def betraying() -> re.Pattern[str]:
    async with as_superuser() as connection:
        names = {row[0].rpartition(".")[2] for row in await connection.fetch(NAMES)}
    names = {name for name in names if "_" in name}  # a sentence may have a word in common with the others
    assert len(names) > 100
    # Names are in small letters, unlike reasons, which have words in common with them.
    return re.compile(rf"(?i:{BETRAYING.pattern})|\b({'|'.join(map(re.escape, sorted(names)))})\b")


async def assert_quiet(server: Running, probes: list[Probe], token: str, betraying: re.Pattern[str]) -> None:
    told = set()
    for number, probe in enumerate(probes):
        # Two of the values for each place: all of them for every kind of place.
        for value in (HOSTILE[number % len(HOSTILE)], HOSTILE[(number * 3 + 1) % len(HOSTILE)]):
            # In ASCII, because a client may write half a character as an escape.
            body = json.dumps({"query": probe.source, "variables": probe.with_value(value)}).encode()
            answer = await server.send(body, Authorization=f"Bearer {token}")
            said = answer.text.replace(value, "") if value else answer.text
            assert not betraying.search(said), (probe.name, value[:20], said)
            told |= {error["extensions"]["code"] for error in answer.json().get("errors", ())}
    assert "INTERNAL_SERVER_ERROR" not in told
    assert told >= {"BAD_USER_INPUT"}


async def test_no_refusal_of_a_verb_names_what_is_behind_it(
    production: Running, house: Tenant, betraying: re.Pattern[str]
) -> None:
    await assert_quiet(production, list(verbs()), production.token(house.owner, house), betraying)


async def test_no_refusal_of_a_question_names_what_is_behind_it(
    production: Running, house: Tenant, betraying: re.Pattern[str]
) -> None:
    asked = [*look_ups(), *filters("ID"), *filters("String"), *filters("Money"), *filters("Date"), *filters("DateTime")]
    asked += [Probe(noun.name, taking, {}, ("cursor",)) for noun, _, taking in cursors()]
    await assert_quiet(production, asked, production.token(house.owner, house), betraying)
