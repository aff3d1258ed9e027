"""schemathesis reads the schema from a running server, as anybody would, and asks everything that it makes of it: each
root field in turn, as the owner of an organisation with a row in every table, and every document again as a stranger.

Whatever it asks, the answer is one by the specifications, and never a failure of ours or a word of the database. What
the schema allows is valid; and a good part is answered with data, or the rest would show little.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples_of
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from gql.errors import Code
from gql.settings import Settings
from tests.database.isolation import Filled, fill
from tests.harness.actors import as_superuser
from tests.harness.inbox import mail_server
from tests.harness.postgres import TestDatabase
from tests.harness.thoroughness import examples
from tests.http.servers import GRAPHQL_RESPONSE, Running, running
from tests.http.test_people import signed_in
from tests.security.test_error_texts import betraying
from tests.strangers.fitting import SCALARS, fitted

__all__ = ["betraying"]

EXAMPLES: Final = examples(24)
"""How many documents each root field is asked with."""
CODES: Final = {code.value for code in Code} - {"INTERNAL_SERVER_ERROR", "TIMEOUT"}
OF_VALUES: Final = {"BAD_USER_INPUT", "NOT_FOUND", "CONFLICT", "LIMIT_EXCEEDED"}
"""What may be wrong with a valid document, when an owner asks."""
NOT_SET_UP: Final = ("UNAVAILABLE", "GOOGLE_OFF")
"""What this house does not do, and may say so with a status of 503."""
WITHOUT_A_KEY_TO_IT: Final = {"UNAUTHENTICATED", "RATE_LIMITED", "UNAVAILABLE"}
"""Passwords, codes and tokens that a tool makes up are wrong, and after some the next has to wait."""

for name, strategy in SCALARS.items():
    schemathesis.graphql.scalar(name, strategy)


@pytest.fixture(scope="module")
async def here(settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """A server in production that can send messages."""
    async with mail_server() as (_, port):
        mailing = replace(settings, environment="production", smtp_url=f"smtp://127.0.0.1:{port}")
        async with running(mailing, database.api_url) as server:
            await forget_failures()
            yield server
            await forget_failures()


async def forget_failures() -> None:
    """Nobody waits for what a tool has guessed, nor this one for the guesses of other tests."""
    async with as_superuser() as connection:
        await connection.execute("delete from iam.throttles")


@pytest.fixture(scope="module")
async def filled() -> Filled:
    """An organisation to ask about."""
    return await fill("Gallery of Strangers")


@dataclass
class Walk:
    """Through all fields of a root, on a thread: schemathesis and Hypothesis wait for each answer."""

    url: str
    token: str
    filled: Filled
    betraying: re.Pattern[str]
    asked: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    """How many documents were answered with data, by root field."""
    owners: Counter[str] = field(default_factory=Counter)
    strangers: Counter[str] = field(default_factory=Counter)
    """The codes that the owner and the stranger were told, and how often they were told none."""

    def through(self, root: str) -> None:
        owner = {"Authorization": f"Bearer {self.token}"}
        schema = schemathesis.graphql.from_url(f"{self.url}/graphql", headers=owner)

        @schema.hook("map_body")
        def fit(context: Any, body: Any) -> Any:
            return fitted(body, self.filled, context.operation.definition.field_name)

        of_root = schema.include(name_regex=rf"^{root}\.").get_all_operations()
        operations = [found.ok() for found in of_root if isinstance(found, Ok)]
        # Whoever has signed out has no session to ask about.
        operations.sort(key=lambda operation: operation.label == "Mutation.signOut")
        with requests.Session() as session:
            for operation in operations:
                self._ask(operation, session, owner)

    def _ask(self, operation: Any, session: requests.Session, owner: dict[str, str]) -> None:
        @examples_of(
            max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            self.asked += 1
            for identity, codes in ((owner, self.owners), ({}, self.strangers)):
                answer = case.call(session=session, headers={"Accept": GRAPHQL_RESPONSE, **identity}, timeout=60)
                case.validate_response(answer, checks=[response_schema_conformance])
                body = self._judged(answer, case.body)
                codes.update({error["extensions"]["code"] for error in body.get("errors", ())} or {"none"})
                if identity and any(value is not None for value in (body.get("data") or {}).values()):
                    self.answered[operation.label] += 1

        ask()

    def _judged(self, answer: Any, document: str) -> dict[str, Any]:
        """The answer, as GraphQL over HTTP has it and as we promise of errors."""
        said = f"{document}\n{answer.status_code} {answer.content.decode()}"
        body: dict[str, Any] = json.loads(answer.content)
        assert answer.headers["content-type"] == [f"{GRAPHQL_RESPONSE}; charset=utf-8"], answer.headers
        assert body.keys() in ({"data"}, {"errors"}, {"data", "errors"}), said
        assert (answer.status_code < 300) == ("data" in body), said
        assert body.get("errors") != [], said
        for error in body.get("errors", ()):
            code, message = error["extensions"]["code"], error["message"]
            assert code in CODES, said
            assert message, said
            assert answer.status_code < 500 or (code, error["extensions"]["reason"]) == NOT_SET_UP, said
            assert not self.betraying.search(message), said
        return body


@pytest.fixture
async def walk(here: Running, filled: Filled, betraying: re.Pattern[str]) -> Walk:
    return Walk(here.url, await signed_in(here, filled.tenant.owner), filled, betraying)


async def test_questions_that_a_tool_makes_up_are_answered(walk: Walk) -> None:
    """Attack 28."""
    await asyncio.to_thread(walk.through, "Query")
    assert walk.asked > 90 * EXAMPLES
    assert walk.owners.keys() <= {"none", *OF_VALUES}, walk.owners
    assert walk.strangers.keys() <= {"UNAUTHENTICATED", "LIMIT_EXCEEDED"}, walk.strangers
    assert walk.answered.total() > 0.6 * walk.asked, walk.owners
    assert len(walk.answered) > 0.9 * walk.asked / EXAMPLES


async def test_changes_that_a_tool_makes_up_are_made_or_refused(walk: Walk) -> None:
    """Attack 28."""
    await asyncio.to_thread(walk.through, "Mutation")
    assert walk.asked > 120 * EXAMPLES
    assert walk.owners.keys() <= {"none", *OF_VALUES, *WITHOUT_A_KEY_TO_IT}, walk.owners
    assert walk.strangers.keys() <= {"none", "BAD_USER_INPUT", "LIMIT_EXCEEDED", *WITHOUT_A_KEY_TO_IT}, walk.strangers
    assert walk.answered.total() > 0.08 * walk.asked, walk.owners
