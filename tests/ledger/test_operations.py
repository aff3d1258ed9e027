"""The ledger through GraphQL: what a bookkeeper asks and does. src/gql/ledger."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gql.database.pool import Database
from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.doors import ORIGIN, permitted
from tests.harness.actors import as_tenant, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant
from tests.harness.verbs import new_invoice

OPEN = """mutation {
  bank: ledgerAccountCreate(input: {code: "BANK", name: "The bank", kind: ASSET, floor: "0"}) { ledgerAccount { id } }
  fees: ledgerAccountCreate(input: {code: "FEES", name: "Fees", kind: EXPENSE}) { ledgerAccount { id normalSide } }
}"""
POST = """mutation($entries: [LedgerEntryInput!]!, $on: Date) {
  ledgerTransferPost(input: {reason: "Fees of May", effectiveDate: $on, entries: $entries, metadata: {page: 3}}) {
    ledgerTransfer { id kind effectiveDate description metadata entries { amount account { code balance } } }
  }
}"""
REVERSE = """mutation($id: ID!) {
  ledgerTransferReverse(input: {id: $id, reason: "Twice"}) { ledgerTransfer { kind reverses { id } } }
}"""


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[Engine]:
    opened = await Database.open(database.options())
    yield Engine(build_schema(), declarations(), opened, OPEN_FIELDS)
    await opened.close()


async def ask(engine: Engine, tenant: Tenant, source: str, role: str = "accountant", **variables: Any) -> Any:
    caller = Caller(await permitted(context_of(tenant, role)), ORIGIN)
    return json.loads(await engine.run(await engine.prepare(source, None, variables, introspection=False), caller))


async def test_a_journal_is_posted_read_and_taken_back(engine: Engine, tenant: Tenant) -> None:
    made = (await ask(engine, tenant, OPEN))["data"]
    bank, fees = (made[name]["ledgerAccount"]["id"] for name in ("bank", "fees"))
    legs = [{"accountId": fees, "amount": "12.3"}, {"accountId": bank, "amount": "-12.3"}]
    refused = await ask(engine, tenant, POST, entries=legs)
    assert refused["errors"][0]["extensions"]["reason"] == "FLOOR_EXCEEDED"
    deposit = [{"accountId": bank, "amount": "20"}, {"accountId": fees, "amount": "-20"}]
    assert "errors" not in await ask(engine, tenant, POST, entries=deposit, on="2026-05-01")
    posted = (await ask(engine, tenant, POST, entries=legs, on="2026-05-31"))["data"]["ledgerTransferPost"]
    transfer = posted["ledgerTransfer"]
    assert transfer.pop("id")
    assert transfer == {
        "kind": "JOURNAL",
        "effectiveDate": "2026-05-31",
        "description": "Fees of May",
        "metadata": {"page": 3},
        "entries": [
            {"amount": "12.30", "account": {"code": "FEES", "balance": "-7.70"}},
            {"amount": "-12.30", "account": {"code": "BANK", "balance": "7.70"}},
        ],
    }
    asked = await ask(
        engine,
        tenant,
        """query($id: ID!) {
          ledgerAccount(id: $id) {
            balance  before: balance(asOf: "2026-05-30")
            statement(from: "2026-05-02", to: "2026-05-31") { effectiveDate amount balance description }
          }
          trialBalance(asOf: "2026-05-30") { code debit credit }
        }""",
        id=bank,
    )
    assert asked["data"] == {
        "ledgerAccount": {
            "balance": "7.70",
            "before": "20.00",
            "statement": [
                {"effectiveDate": "2026-05-31", "amount": "-12.30", "balance": "7.70", "description": "Fees of May"}
            ],
        },
        "trialBalance": [
            {"code": "BANK", "debit": "20.00", "credit": "0.00"},
            {"code": "FEES", "debit": "0.00", "credit": "20.00"},
        ],
    }


async def test_an_unbalanced_journal_is_refused_with_its_place_and_leaves_nothing(
    engine: Engine, tenant: Tenant
) -> None:
    made = (await ask(engine, tenant, OPEN))["data"]
    bank, fees = (made[name]["ledgerAccount"]["id"] for name in ("bank", "fees"))
    legs = [{"accountId": bank, "amount": "2"}, {"accountId": fees, "amount": "-1.99"}]
    [error] = (await ask(engine, tenant, POST, entries=legs))["errors"]
    assert error["path"] == ["ledgerTransferPost"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert (error["extensions"]["reason"], error["extensions"]["field"]) == ("TRANSFER_UNBALANCED", "input.entries")
    found = await ask(engine, tenant, "{ ledgerTransfers { totalCount } trialBalance { code } }")
    assert found["data"] == {"ledgerTransfers": {"totalCount": 0}, "trialBalance": []}


async def test_what_an_invoice_posted_is_taken_back_by_the_invoice_alone(engine: Engine, tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_invoice(connection)
    found = await ask(engine, tenant, "{ ledgerTransfers { nodes { id kind sourceNoun entries { amount } } } }")
    [transfer] = found["data"]["ledgerTransfers"]["nodes"]
    assert (transfer["kind"], transfer["sourceNoun"]) == ("INVOICE_ISSUE", "INVOICE")
    [error] = (await ask(engine, tenant, REVERSE, id=transfer["id"]))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("CONFLICT", "TRANSFER_HAS_SOURCE")


@pytest.mark.parametrize(
    ("role", "source"),
    [
        ("member", "{ ledgerAccounts { totalCount } }"),
        ("member", "{ trialBalance { code } }"),
        ("member", "{ clients { nodes { id } } ledgerTransfers { nodes { id } } }"),
        ("operator", OPEN),
        ("viewer", OPEN),
    ],
)
async def test_who_may_not_see_or_keep_the_books_is_refused(
    engine: Engine, tenant: Tenant, role: str, source: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        await ask(engine, tenant, source, role)
    assert {error.code.value for error in refused.value.errors} == {"FORBIDDEN"}
