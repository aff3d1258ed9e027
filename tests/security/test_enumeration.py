"""Attack 52: neither words nor time tell whether an address has an account, at any door that takes one.

The samples of both kinds are taken in turn, so that whatever else the machine does meets both alike; and medians are
compared with a wide bound, which what really tells (a hash of 100 ms that is left out) exceeds by far."""

import json
import statistics
import time
from collections.abc import Callable
from typing import Final

import pytest

from gql.engine.engine import Caller, Engine
from gql.iam.services import Services
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.harness.actors import as_superuser
from tests.harness.inbox import Inbox
from tests.harness.tenants import Tenant, make_tenant
from tests.iam.entry.test_codes import somewhere
from tests.iam.entry.test_sign_up import new_address

Door = Callable[[str], str]
DOORS: Final[dict[str, tuple[Door, int]]] = {
    "signIn": (
        lambda email: f'signIn(input: {{ email: "{email}", password: "not the password" }}) {{ expiresAt }}',
        25,
    ),
    "signInCodeRequest": (lambda email: f'signInCodeRequest(input: {{ address: "{email}" }}) {{ __typename }}', 60),
    "passwordResetRequest": (
        lambda email: f'passwordResetRequest(input: {{ address: "{email}" }}) {{ __typename }}',
        60,
    ),
    "signUp": (
        lambda email: (
            f'signUp(input: {{ email: "{email}", name: "Ann", password: "an unusual wooden fridge",'
            ' organisation: { name: "Fen" } }) { __typename }'
        ),
        15,
    ),
}
"""How the address is given at each door, and how many of each kind are asked."""


@pytest.mark.parametrize("name", DOORS)
async def test_an_address_with_an_account_answers_as_one_without_and_as_soon(
    services: Services, inbox: Inbox, name: str
) -> None:
    engine = Engine(build_schema(), declarations(), services.database, OPEN_FIELDS, services)
    door, number = DOORS[name]
    tenants: list[Tenant] = [await make_tenant() for _ in range(5)]
    taken: dict[str, list[float]] = {"known": [], "unknown": []}
    told: dict[str, set[str]] = {"known": set(), "unknown": set()}
    async with as_superuser() as connection:
        for turn in range(number):
            for kind in ("known", "unknown") if turn % 2 else ("unknown", "known"):
                await connection.execute("delete from iam.throttles")
                email = tenants[turn % len(tenants)].owner_email if kind == "known" else new_address()
                operation = await engine.prepare(f"mutation {{ {door(email)} }}", introspection=False)
                caller = Caller(None, somewhere()._replace(request_id="the same"))
                started = time.perf_counter()
                answer = await engine.run(operation, caller)
                taken[kind].append(time.perf_counter() - started)
                told[kind].add(json.dumps(json.loads(answer)))
    assert told["known"] == told["unknown"]
    assert len(told["known"]) == 1
    # The quickest quarter: what else the machine does, and the mail that goes out after an answer, hits some of them.
    known, unknown = (statistics.quantiles(taken[kind])[0] for kind in ("known", "unknown"))
    assert 0.5 < known / unknown < 2, (known, unknown)
