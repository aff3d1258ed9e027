"""A day of trade over HTTP, as the dashboards of a wholesaler, a vendor and a retailer live it."""

from typing import Any, Final

import pytest

from gql.schema import build_schema
from tests.harness.tenants import Tenant, make_person, make_tenant
from tests.http.servers import Running

ORDER: Final = "order { id orderNumber status total creditUsed openAmount paymentStatus }"
LINE: Final = "{ creditLines { nodes { creditLimit debt held available } } }"


@pytest.fixture
async def house_of_trade() -> Tenant:
    return await make_tenant("Cordage & Twine")


def input_of(verb: str) -> str:
    """What a mutation takes, by its name in the schema."""
    mutation = build_schema()._schema.mutation_type
    assert mutation is not None
    return str(mutation.fields[verb].args["input"].type)


class Desk:
    """Somebody at work: mutations by name, each with its one input."""

    def __init__(self, server: Running, token: str) -> None:
        self._server = server
        self._token = token

    async def does(self, verb: str, selection: str, **given: Any) -> Any:
        document = f"mutation ($input: {input_of(verb)}) {{ {verb}(input: $input) {{ {selection} }} }}"
        answer = (await self._server.ask(document, token=self._token, variables={"input": given})).json()
        assert "errors" not in answer, answer
        [[found]] = [list(payload.values()) for payload in answer["data"].values()]
        return found

    async def refused(self, verb: str, **given: Any) -> dict[str, Any]:
        document = f"mutation ($input: {input_of(verb)}) {{ {verb}(input: $input) {{ __typename }} }}"
        answer = (await self._server.ask(document, token=self._token, variables={"input": given})).json()
        [error] = answer["errors"]
        found: dict[str, Any] = {"message": error["message"], **error["extensions"]}
        return found

    async def reads(self, document: str) -> Any:
        answer = (await self._server.ask(document, token=self._token)).json()
        assert "errors" not in answer, answer
        return answer["data"]


async def test_from_a_price_to_a_payment(server: Running, house_of_trade: Tenant) -> None:
    owner = Desk(server, server.token(house_of_trade.owner, house_of_trade))
    vendor = (await owner.does("vendorCreate", "vendor { id }", vendorCode="V-017", name="Mill & Press"))["id"]
    retailer = (await owner.does("retailerCreate", "retailer { id }", retailerCode="R-042", name="Corner Shop"))["id"]
    parties = {"retailerId": retailer, "vendorId": vendor}
    await owner.does("creditLineSet", "creditLine { id }", **parties, creditLimit="250.00", termsDays=14)
    product = await owner.does("productCreate", "product { id }", productCode="RICE", name="Basmati rice", taxRate="16")
    offered = {"vendorId": vendor, "productId": product["id"], "sku": "RICE-5KG", "vendorPrice": "12.50"}
    offer = (await owner.does("vendorProductSet", "vendorProduct { id }", **offered))["id"]
    await owner.does("stockReceive", "vendorProduct { stock }", id=offer, quantity=40)
    items = [{"vendorProductId": offer, "quantity": 10}]

    order = await owner.does("orderCreate", ORDER, **parties, items=items)
    assert (order["status"], order["total"]) == ("DRAFT", "145.00")
    refusal = await owner.refused("orderPlace", id=order["id"])
    assert (refusal["code"], refusal["reason"]) == ("CONFLICT", "VENDOR_NOT_APPROVED")
    await owner.does("vendorApprove", "vendor { isApproved }", id=vendor)
    assert (await owner.does("orderPlace", ORDER, id=order["id"]))["status"] == "PLACED"
    [line] = (await owner.reads(LINE))["creditLines"]["nodes"]
    assert line == {"creditLimit": "250.00", "debt": "0.00", "held": "145.00", "available": "105.00"}

    another = await owner.does("orderCreate", ORDER, **parties, items=items)
    refusal = await owner.refused("orderPlace", id=another["id"])
    assert refusal["reason"] == "CREDIT_LIMIT_EXCEEDED"
    assert all(figure in refusal["message"] for figure in ("250.00", "145.00"))

    for verb in ("orderConfirm", "orderShip", "orderDeliver"):
        delivered = await owner.does(verb, ORDER, id=order["id"])
    assert (delivered["status"], delivered["openAmount"], delivered["paymentStatus"]) == (
        "DELIVERED",
        "145.00",
        "UNPAID",
    )
    payment = "retailerPayment { paymentNumber allocations { nodes { amount order { paymentStatus } } } }"
    paid = await owner.does("retailerPaymentRecord", payment, **parties, method="CASH", amount="145.00")
    assert paid["allocations"]["nodes"] == [{"amount": "145.00", "order": {"paymentStatus": "PAID"}}]

    for role, scope in (("vendor", vendor), ("retailer", retailer)):
        person = await make_person(house_of_trade, role, scope_ids=[scope])
        theirs = Desk(server, server.token(person, house_of_trade))
        seen = await theirs.reads(
            """{
              orders(filter: { status: { eq: DELIVERED } }) { nodes { orderNumber retailerName vendorName } }
              creditLedger(orderBy: [CREATED_AT_ASC]) { nodes { transactionType amount runningBalance } }
              retailerPayments { totalCount }
              products(search: "basm") { nodes { name } }
            }"""
        )
        assert seen == {
            "orders": {
                "nodes": [{"orderNumber": "ORD-000001", "retailerName": "Corner Shop", "vendorName": "Mill & Press"}]
            },
            "creditLedger": {
                "nodes": [
                    {"transactionType": "ORDER_CREDIT", "amount": "145.00", "runningBalance": "145.00"},
                    {"transactionType": "PAYMENT_DEBIT", "amount": "145.00", "runningBalance": "0.00"},
                ]
            },
            "retailerPayments": {"totalCount": 1},
            "products": {"nodes": [{"name": "Basmati rice"}]},
        }
        refusal = await theirs.refused("orderPlace", id=another["id"])
        assert (refusal["code"], refusal["reason"]) == ("FORBIDDEN", "PERMISSION_MISSING")
