"""A hundred at once who take from the same money: no more goes than there is, and whoever crosses another succeeds."""

import asyncio
from collections import Counter
from typing import Any, Final

from tests.billing.money import pay
from tests.billing.money import wrong as wrong_money
from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import new_client
from tests.http.servers import Running
from tests.ledger.books import wrong as wrong_books

MANY: Final = 100
REFUND: Final = """
mutation ($id: ID!) { paymentRefund(input: {id: $id, amount: "1.00", reason: "Too much"}) { payment { id } } }
"""
OPEN: Final = """
mutation ($code: String!) {
  ledgerAccountCreate(input: {code: $code, name: "Drawer", kind: ASSET, currency: "EUR"}) { ledgerAccount { id } }
}
"""
POST: Final = """
mutation ($from: ID!, $to: ID!) {
  ledgerTransferPost(input: {reason: "Change", entries: [
    {accountId: $to, amount: "1.00"}, {accountId: $from, amount: "-1.00"}
  ]}) { ledgerTransfer { id } }
}
"""


async def done(server: Running, token: str, document: str, **variables: Any) -> str:
    """What was answered: a code, or that it was done."""
    body = (await server.ask(document, token=token, variables=variables)).json()
    return str(body["errors"][0]["extensions"]["code"]) if "errors" in body else "done"


async def test_a_hundred_refunds_at_once_give_back_what_was_paid_and_no_more(server: Running, tenant: Tenant) -> None:
    """Attack 55: lost updates and overdrafts."""
    async with as_tenant(tenant) as connection:
        payment = str(await pay(connection, await new_client(connection), "10.00"))
        token = server.token(tenant.owner, tenant)
        told = Counter(await asyncio.gather(*(done(server, token, REFUND, id=payment) for _ in range(MANY))))
        assert told.keys() <= {"done", "CONFLICT", "BAD_USER_INPUT"}
        assert told["done"] == 10
        refunded = await connection.fetchval(
            "select sum(amount) from billing.payment_refunds where payment_id = $1", payment
        )
        assert refunded == 10
        assert await wrong_money(connection) == []


async def test_a_hundred_who_move_money_to_and_fro_all_succeed(server: Running, tenant: Tenant) -> None:
    """Attack 56: transfers in opposite orders, and not one is told of a deadlock."""
    token = server.token(tenant.owner, tenant)
    drawers = []
    for code in ("DRAWER_1", "DRAWER_2"):
        answer = await server.ask(OPEN, token=token, variables={"code": code})
        assert "errors" not in answer.json(), answer.text
        drawers.append(answer.json()["data"]["ledgerAccountCreate"]["ledgerAccount"]["id"])
    to_and_fro = [drawers[::step] for step in (1, -1)] * (MANY // 2)
    told = await asyncio.gather(*(done(server, token, POST, **{"from": one, "to": other}) for one, other in to_and_fro))
    assert Counter(told) == {"done": MANY}
    async with as_owner(tenant) as connection:
        assert (
            await connection.fetchval("select count(*) from ledger.entries where account_id = any ($1)", drawers)
            == 2 * MANY
        )
        assert await wrong_books(connection) == []
