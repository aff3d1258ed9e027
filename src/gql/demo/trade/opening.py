"""What is there before the first order: vendors, retailers, products with their stock, and credit lines."""

from collections import Counter as Count
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, Final

from gql.demo.together import TOGETHER, batches, each
from gql.demo.trade.deals import Deal
from gql.demo.trade.goods import Shop, Ware
from gql.demo.trade.model import Distributor
from gql.imports.operations import Asker

VENDORS: Final = """
query { vendors(first: 100) { nodes { id vendorCode isApproved } } }
"""
RETAILERS: Final = """
query($codes: [String!]!) {
  retailers(filter: { retailerCode: { in: $codes } }, first: 100) { nodes { id retailerCode } }
}
"""
PRODUCTS: Final = """
query($codes: [String!]!) {
  products(filter: { productCode: { in: $codes } }, first: 100) { nodes { id productCode } }
}
"""
OFFERS: Final = """
query($vendor: ID!, $numbers: [String!]!) {
  vendorProducts(filter: { vendorId: { eq: $vendor }, sku: { in: $numbers } }, first: 100) {
    nodes { id sku stockedAt }
  }
}
"""
LINES: Final = """
query($vendor: ID!, $after: String) {
  creditLines(filter: { vendorId: { eq: $vendor } }, first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id retailerId state }
  }
}
"""
ROUND: Final = 5000


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a vendor's goods are sold: its id, the retailers' by code, and what is traded there."""

    code: str
    vendor_id: str
    retailers: dict[str, str]
    wares: list[Ware]
    deals: list[Deal]
    offers: dict[int, str] = field(default_factory=dict)
    """The ids of its offers, by the places of the wares."""


async def register_vendors(distributor: Distributor, asker: Asker) -> dict[str, str]:
    """The ids of the vendors, by code."""
    nodes = {node["vendorCode"]: node for node in (await asker.ask(VENDORS))["vendors"]["nodes"]}
    new = [
        {"vendorCode": vendor.code, "name": vendor.name, "contact": vendor.contact, "email": vendor.email,
         "address": vendor.address, "creditLimit": "100000"}
        for vendor in distributor.vendors if vendor.code not in nodes
    ]  # fmt: skip
    made = await each("vendorCreate", "VendorCreateInput", new, asker, "{ vendor { id vendorCode isApproved } }")
    nodes |= {answer["vendor"]["vendorCode"]: answer["vendor"] for answer in made}
    waiting = [{"id": node["id"]} for vendor in distributor.sellers if not (node := nodes[vendor.code])["isApproved"]]
    await each("vendorApprove", "VendorIdInput", waiting, asker)
    return {code: node["id"] for code, node in nodes.items()}


async def register_retailers(shops: Sequence[Shop], asker: Asker, step: Callable[[int], None]) -> dict[str, str]:
    """The ids of the retailers, by code."""
    ids: dict[str, str] = {}
    for batch in batches(shops, 100):
        found = await asker.ask(RETAILERS, {"codes": [shop.code for shop in batch]})
        ids |= {node["retailerCode"]: node["id"] for node in found["retailers"]["nodes"]}
        new = [
            {"retailerCode": shop.code, "name": shop.name, "address": shop.address, "email": shop.email}
            for shop in batch
            if shop.code not in ids
        ]
        made = await each("retailerCreate", "RetailerCreateInput", new, asker, "{ retailer { id retailerCode } }")
        ids |= {answer["retailer"]["retailerCode"]: answer["retailer"]["id"] for answer in made}
        step(len(batch))
    return ids


async def stock_up(counter: Counter, asker: Asker, step: Callable[[int], None]) -> None:
    """The vendor's products, what it asks for them, and as many in stock as are ever ordered and some more."""
    random = Random(f"{counter.code}: stock")  # noqa: S311 - the same demo each time, and nothing secret in it
    sold = Count(dict.fromkeys(range(len(counter.wares)), 0))
    for deal in counter.deals:
        sold.update(dict(deal.items))
    for batch in batches(list(enumerate(counter.wares)), 100):
        products = await _products([ware for _, ware in batch], asker)
        numbers = [ware.sku for _, ware in batch]
        found = await asker.ask(OFFERS, {"vendor": counter.vendor_id, "numbers": numbers})
        offers = {node["sku"]: node for node in found["vendorProducts"]["nodes"]}
        new = [
            {"vendorId": counter.vendor_id, "productId": products[ware.code], "sku": ware.sku,
             "vendorPrice": str(ware.price), "lowStockLevel": ware.low_stock_level}
            for _, ware in batch if ware.sku not in offers
        ]  # fmt: skip
        answer = "{ vendorProduct { id sku stockedAt } }"
        made = await each("vendorProductSet", "VendorProductSetInput", new, asker, answer)
        offers |= {answer["vendorProduct"]["sku"]: answer["vendorProduct"] for answer in made}
        came = []
        for place, ware in batch:
            is_low, many = random.random() < 0.06, random.randint(40, 400)
            spare = random.randint(0, ware.low_stock_level) if is_low else ware.low_stock_level + many
            node = offers[ware.sku]
            counter.offers[place] = node["id"]
            if node["stockedAt"] is None and sold[place] + spare:
                note = f"Delivery note {counter.code[:2]}/{place:04}"
                came.append({"id": node["id"], "quantity": sold[place] + spare, "note": note})
        await each("stockReceive", "StockReceiveInput", came, asker)
        step(3 * len(batch))


async def _products(wares: Sequence[Ware], asker: Asker) -> dict[str, str]:
    """The ids of the products, by code."""
    found = await asker.ask(PRODUCTS, {"codes": [ware.code for ware in wares]})
    ids = {node["productCode"]: node["id"] for node in found["products"]["nodes"]}
    new = [
        {"productCode": ware.code, "name": ware.name, "category": ware.category, "subCategory": ware.sub_category,
         "hsnCode": ware.hsn_code, "taxRate": str(ware.tax_rate)}
        for ware in wares if ware.code not in ids
    ]  # fmt: skip
    made = await each("productCreate", "ProductCreateInput", new, asker, "{ product { id productCode } }")
    return ids | {answer["product"]["productCode"]: answer["product"]["id"] for answer in made}


async def open_lines(counter: Counter, shops: Sequence[Shop], asker: Asker) -> None:
    """A credit line for each retailer that buys of the vendor, with room for all that it will owe and order."""
    there = await lines_of(counter, asker)
    limits = _limits(counter)
    new = [
        {"retailerId": counter.retailers[shop.code], "vendorId": counter.vendor_id,
         "creditLimit": str(limits.get(shop.code, ROUND)), "termsDays": shop.terms_days}
        for shop in shops
        if counter.code in shop.sellers and counter.retailers[shop.code] not in there
    ]  # fmt: skip
    await each("creditLineSet", "CreditLineSetInput", new, asker)


def _limits(counter: Counter) -> dict[str, int]:
    """What the lines need at most, by the codes of the retailers, and a quarter more."""
    owed: Count[str] = Count()
    most: dict[str, Decimal] = {}
    for batch in batches(counter.deals, TOGETHER):
        ordered: Count[str] = Count()
        for deal in batch:
            ordered[deal.shop.code] += deal.total  # type: ignore[assignment]
        for code, amount in ordered.items():
            most[code] = max(most.get(code, Decimal(0)), Decimal(owed[code] + amount))
        for deal in batch:
            owed[deal.shop.code] += deal.left_open  # type: ignore[assignment]
    return {code: int(amount * Decimal("1.25") // ROUND + 1) * ROUND for code, amount in most.items()}


async def lines_of(counter: Counter, asker: Asker) -> dict[str, dict[str, Any]]:
    """The vendor's credit lines, by the ids of their retailers."""
    lines: dict[str, dict[str, Any]] = {}
    after = None
    while True:
        page = (await asker.ask(LINES, {"vendor": counter.vendor_id, "after": after}))["creditLines"]
        lines |= {node["retailerId"]: node for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return lines
        after = page["pageInfo"]["endCursor"]
