"""Attack 31: fifty guesses are fifty guesses, however they are put into documents."""

import asyncio
import json
import math
import time
from typing import Any, Final

import pytest

from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.iam.credentials.throttles import FROM_HERE
from gql.iam.services import Services
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.harness.actors import as_superuser
from tests.harness.tenants import Tenant
from tests.iam.entry.test_codes import somewhere

GUESSED: Final = "select coalesce(sum(failures), 0) from iam.throttles"


@pytest.fixture
async def engine(services: Services) -> Engine:
    return Engine(build_schema(), declarations(), services.database, OPEN_FIELDS, services)


def guess(tenant: Tenant, number: int, directive: str = "") -> str:
    given = f'email: "{tenant.owner_email}", password: "guess number {number}"'
    return f"signIn(input: {{ {given} }}) {directive} {{ expiresAt }}"


def aliased(tenant: Tenant, number: int) -> str:
    return f"mutation {{ {' '.join(f'g{each}: {guess(tenant, each)}' for each in range(number))} }}"


def in_fragments(tenant: Tenant, number: int) -> str:
    fragments = " ".join(f"fragment F{each} on Mutation {{ g{each}: {guess(tenant, each)} }}" for each in range(number))
    return f"mutation {{ {' '.join(f'...F{each}' for each in range(number))} }} {fragments}"


def beside_a_skipped_one(tenant: Tenant, _number: int) -> str:
    directives = ("", "@include(if: true)", "@skip(if: true)")
    guesses = (f"g{each}: {guess(tenant, each, directive)}" for each, directive in enumerate(directives))
    return f"mutation {{ {' '.join(guesses)} }}"


async def ask(engine: Engine, caller: Caller, document: str) -> set[str]:
    try:
        answer: Any = json.loads(await engine.run(await engine.prepare(document, introspection=False), caller))
    except RequestRefused as refused:
        return {error.reason or error.code.value for error in refused.errors}
    return {error["extensions"]["reason"] for error in answer.get("errors", ())} or {"answered"}


async def guessed() -> int:
    async with as_superuser() as connection:
        return int(await connection.fetchval(GUESSED))


@pytest.mark.parametrize("number", [2, 5, 15, 16, 50])
@pytest.mark.parametrize("written", [aliased, in_fragments, beside_a_skipped_one])
async def test_one_document_guesses_once_or_not_at_all(
    engine: Engine, services: Services, tenant: Tenant, written: Any, number: int
) -> None:
    hashed = services.passwords.statistics.finished
    told = await ask(engine, Caller(None, somewhere()), written(tenant, number))
    assert told & {"ONCE_LIMIT", "FIELD_STANDS_ALONE", "ALIAS_LIMIT", "TOKEN_LIMIT", "LENGTH_LIMIT"}
    assert await guessed() == 0
    assert services.passwords.statistics.finished == hashed


async def test_fifty_guesses_count_as_fifty(engine: Engine, services: Services, tenant: Tenant) -> None:
    """One after the other and all at once: beyond the free ones there is one more in each doubled wait, and nothing
    else is hashed."""
    for at_once in (False, True):
        here = Caller(None, somewhere())
        hashed, started = services.passwords.statistics.finished, time.monotonic()
        asked = [ask(engine, here, f"mutation {{ {guess(tenant, number)} }}") for number in range(50)]
        told = await asyncio.gather(*asked) if at_once else [await each for each in asked]
        allowed = FROM_HERE + math.ceil(math.log2(time.monotonic() - started + 1))
        tried = told.count({"CREDENTIALS_INVALID"})
        assert services.passwords.statistics.finished - hashed == tried <= allowed < 15
        assert tried + told.count({"TOO_MANY_FAILURES"}) == 50


async def test_fifty_guesses_in_turn_at_every_way_in_are_counted_at_each(
    engine: Engine, services: Services, tenant: Tenant
) -> None:
    """Other ways in are no way round: each has its own count, and codes have one for all that they are for."""
    given = (await services.codes.request("SIGN_IN", tenant.owner_email, somewhere())).id
    here = Caller(None, somewhere())
    reset = f'passwordReset(input: {{ request: "{given}", code: "000000", password: "a rather long one" }}) {{ done }}'
    code = f'signInWithCode(input: {{ request: "{given}", code: "000000" }}) {{ expiresAt }}'
    told = [await ask(engine, here, f"mutation {{ {each} }}") for _ in range(25) for each in (reset, code)]
    assert FROM_HERE <= told.count({"CODE_INVALID"}) < 15
    assert told.count({"CODE_INVALID"}) + told.count({"TOO_MANY_FAILURES"}) == 50
