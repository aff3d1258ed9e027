"""However deeply a value is nested, it is done or refused with a reason: never is it our mistake."""

import json
from typing import Final

import httpx
import pytest

from gql.engine.limits import DEEPEST_VARIABLE
from gql.engine.scalars import DEEPEST_JSON
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import Running

ACCOUNTS: Final = """mutation {
    bank: ledgerAccountCreate(input: {code: "BANK", name: "Bank", kind: ASSET}) { ledgerAccount { id } }
    fees: ledgerAccountCreate(input: {code: "FEES", name: "Fees", kind: EXPENSE}) { ledgerAccount { id } } }"""
POST: Final = """mutation ($input: LedgerTransferPostInput!) {
    ledgerTransferPost(input: $input) { ledgerTransfer { metadata } } }"""
LITERAL: Final = """mutation { ledgerTransferPost(input: {reason: "Deep", metadata: %s, entries: [
    {accountId: "%s", amount: "1"}, {accountId: "%s", amount: "-1"}]}) { ledgerTransfer { metadata } } }"""
FILTER: Final = "query ($filter: ClientFilter) { clients(filter: $filter) { totalCount } }"
COUNT: Final = "{ clients { totalCount } }"

DEPTHS: Final = (
    *(1, 2, DEEPEST_JSON - 1, DEEPEST_JSON, DEEPEST_JSON + 1, DEEPEST_VARIABLE, DEEPEST_VARIABLE + 1),
    *(200, 400, 600, 800, *range(880, 1000, 5), 1000, 2000, 5000, 10_000),
)
"""Around nine hundred, where the interpreter's own limit is near, by small steps."""


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> str:
    return opening * depth + "1" + closing * depth


@pytest.fixture(scope="module")
async def bookkeeper() -> Tenant:
    return await make_tenant()


@pytest.fixture(scope="module")
async def accounts(server: Running, bookkeeper: Tenant) -> list[str]:
    made = await server.ask(ACCOUNTS, token=server.token(bookkeeper.owner, bookkeeper))
    return [made.json()["data"][name]["ledgerAccount"]["id"] for name in ("bank", "fees")]


def told(answer: httpx.Response) -> tuple[str, str | None]:
    """The code and the reason of the one error."""
    [error] = answer.json()["errors"]
    return error["extensions"]["code"], error["extensions"].get("reason")


async def send(server: Running, tenant: Tenant, query: str, variables: str, **headers: str) -> httpx.Response:
    """Send the variables as they stand: Python's own writer would not go so deep."""
    body = f'{{"query": {json.dumps(query)}, "variables": {variables}}}'
    return await server.send(body.encode(), Authorization=f"Bearer {server.token(tenant.owner, tenant)}", **headers)


@pytest.mark.parametrize("opening", ['{"a":', '{"a":['])
@pytest.mark.parametrize("key", ["", "a-key"])
async def test_metadata_is_kept_down_to_its_limit_and_refused_below(
    server: Running, bookkeeper: Tenant, accounts: list[str], opening: str, key: str
) -> None:
    levels = opening.count("{") + opening.count("[")
    closing = "]}" if levels == 2 else "}"
    legs = json.dumps(
        [{"accountId": each, "amount": amount} for each, amount in zip(accounts, ("1", "-1"), strict=True)]
    )
    for depth in DEPTHS:
        metadata = nested(depth, opening, closing)
        given = f'{{"input": {{"reason": "Deep", "entries": {legs}, "metadata": {metadata}}}}}'
        headers = {"Idempotency_Key": f"{key}-{levels}-{depth}"} if key else {}
        answer = await send(server, bookkeeper, POST, given, **headers)
        if depth * levels <= DEEPEST_JSON:
            kept = answer.json()["data"]["ledgerTransferPost"]["ledgerTransfer"]["metadata"]
            assert json.dumps(kept, separators=(",", ":")) == metadata
            continue
        assert answer.status_code == 400
        assert told(answer) in {("BAD_USER_INPUT", "JSON_TOO_DEEP"), ("BAD_REQUEST", "JSON_TOO_DEEP")}, depth
        if depth * levels < 800:
            assert told(answer)[0] == "BAD_USER_INPUT"
        if depth * levels < DEEPEST_VARIABLE:
            [error] = answer.json()["errors"]
            assert "'$input' has invalid value at .metadata" in error["message"]
            assert f"at most {DEEPEST_JSON} levels deep. Make it flatter" in error["message"]


async def test_metadata_as_a_literal_has_the_same_limit(
    server: Running, bookkeeper: Tenant, accounts: list[str]
) -> None:
    token = server.token(bookkeeper.owner, bookkeeper)
    for depth in DEPTHS:
        answer = await server.ask(LITERAL % (nested(depth, "{a:"), *accounts), token=token)
        if depth <= DEEPEST_JSON:
            assert answer.json().keys() == {"data"}, answer.text
            continue
        assert answer.status_code == 400
        if depth < 90:
            assert told(answer) == ("BAD_USER_INPUT", "JSON_TOO_DEEP")
            assert answer.json()["errors"][0]["locations"]
        # Much further down it is the document that is not read.
        assert told(answer)[0] in {"BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "LIMIT_EXCEEDED"}, depth


@pytest.mark.parametrize("query", [FILTER, COUNT], ids=["a filter", "what is not declared"])
async def test_any_other_variable_is_refused_as_clearly(server: Running, bookkeeper: Tenant, query: str) -> None:
    for depth in DEPTHS:
        given = '{"filter": ' + '{"not":' * depth + "{}" + "}" * depth + "}"
        answer = await send(server, bookkeeper, query, given)
        if depth > DEEPEST_VARIABLE:
            assert answer.status_code == 400
            assert told(answer)[0] in {"BAD_USER_INPUT", "BAD_REQUEST"}, depth
            assert told(answer)[1] == "JSON_TOO_DEEP", depth
        elif query == FILTER and depth > 5:
            assert told(answer)[1] in {"FILTER_DEPTH", "JSON_TOO_DEEP"}
        elif depth < DEEPEST_VARIABLE:
            assert answer.json() == {"data": {"clients": {"totalCount": 0}}}


async def test_a_key_over_variables_that_are_not_declared_is_no_exception(server: Running, bookkeeper: Tenant) -> None:
    """They are part of what is remembered of the request."""
    create = 'mutation { clientCreate(input: {name: "Deep"}) { client { name } } }'
    for depth in DEPTHS:
        answer = await send(
            server, bookkeeper, create, f'{{"x": {nested(depth)}}}', Idempotency_Key=f"undeclared-{depth}"
        )
        if depth <= DEEPEST_VARIABLE:
            assert answer.json().keys() == {"data"}, answer.text
        else:
            assert told(answer)[1] == "JSON_TOO_DEEP", depth
