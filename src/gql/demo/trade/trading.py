"""Taking the demo's orders from one step to the next, a few at a time, each to what becomes of it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from gql.demo.together import TOGETHER, batches, each
from gql.demo.trade.deals import Deal
from gql.demo.trade.opening import Counter
from gql.demo.trade.payments import pay
from gql.imports.operations import Asker

NODE: Final = "id status metadata charged returnedTotal items { id quantity quantityShipped }"
ORDERS: Final = f"""
query($vendor: ID!, $after: String) {{
  orders(filter: {{ vendorId: {{ eq: $vendor }} }}, first: 100, after: $after) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ {NODE} }}
  }}
}}
"""
STATUSES: Final = ("DRAFT", "PLACED", "CONFIRMED", "SHIPPED", "DELIVERED", "RETURNED")
"""The straight way of an order."""
ENDS: Final = {"PART_SHIPPED": "SHIPPED", "CANCELLED": "PLACED", "EXPIRED": "PLACED", "RETURNED": "RETURNED"}
"""How far on it those come that do not end as they are called, or as DELIVERED."""
Node = dict[str, Any]


async def trade(counter: Counter, asker: Asker, step: Callable[[int], None]) -> None:
    """Bring the vendor's orders about, in the order in which they came."""
    there = await _orders(counter, asker)
    for batch in batches(counter.deals, TOGETHER):
        # Whoever works for another vendor takes the same retailers in the same order, so that nobody waits in a circle.
        deals = sorted(batch, key=lambda deal: (deal.shop.code, deal.key))
        await _enter(counter, deals, there, asker)
        ours = [(deal, there[deal.key]) for deal in deals]
        await _to("PLACED", "orderPlace", "OrderPlaceInput", ours, asker, "placedAt", 0)
        await _to("CONFIRMED", "orderConfirm", "OrderConfirmInput", ours, asker, "confirmedAt", 1)
        await _give_up(ours, asker)
        await _ship(ours, asker)
        await _to("DELIVERED", "orderDeliver", "OrderDeliverInput", ours, asker, "deliveredAt", 3)
        await _take_back(ours, asker)
        await pay(counter, ours, asker)
        step(8 * len(batch))


async def _orders(counter: Counter, asker: Asker) -> dict[str, Node]:
    """The vendor's orders that are there, by key."""
    found: dict[str, Node] = {}
    after = None
    while True:
        page = (await asker.ask(ORDERS, {"vendor": counter.vendor_id, "after": after}))["orders"]
        found |= {node["metadata"]["demo"]: node for node in page["nodes"] if "demo" in node["metadata"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def _enter(counter: Counter, deals: Sequence[Deal], there: dict[str, Node], asker: Asker) -> None:
    new = [deal for deal in deals if deal.key not in there]
    inputs = [
        {
            "retailerId": counter.retailers[deal.shop.code],
            "vendorId": counter.vendor_id,
            "items": [{"vendorProductId": counter.offers[place], "quantity": many} for place, many in deal.items],
            "metadata": {"demo": deal.key},
            **({"prepaid": str(deal.prepaid)} if deal.prepaid else {}),
        }
        for deal in new
    ]
    made = await each("orderCreate", "OrderCreateInput", inputs, asker, f"{{ order {{ {NODE} }} }}")
    there |= {deal.key: answer["order"] for deal, answer in zip(new, made, strict=True)}


Ours = Sequence[tuple[Deal, Node]]


def _due(ours: Ours, status: str) -> list[tuple[Deal, Node]]:
    """Those whose next step leads to this status."""
    place = STATUSES.index(status)

    def is_due(deal: Deal, node: Node) -> bool:
        end = ENDS.get(deal.fate, deal.fate if deal.fate in STATUSES else "DELIVERED")
        return node["status"] == STATUSES[place - 1] and STATUSES.index(end) >= place

    return [(deal, node) for deal, node in ours if is_due(deal, node)]


async def _to(
    status: str, verb: str, input_type: str, ours: Ours, asker: Asker, moment: str, place: int,
) -> None:  # fmt: skip
    due = _due(ours, status)
    inputs = [{"id": node["id"], moment: deal.moments[place].isoformat()} for deal, node in due]
    answers = await each(verb, input_type, inputs, asker, "{ order { status charged } }")
    for (_, node), answer in zip(due, answers, strict=True):
        node.update(answer["order"])


async def _give_up(ours: Ours, asker: Asker) -> None:
    """Orders that are cancelled, or that nobody confirmed in time."""
    placed = [(deal, node) for deal, node in ours if node["status"] == "PLACED"]
    reason = "The shop has ordered twice."
    called_off = [{"id": node["id"], "reason": reason} for deal, node in placed if deal.fate == "CANCELLED"]
    await each("orderCancel", "OrderCancelInput", called_off, asker)
    expired = [{"id": node["id"]} for deal, node in placed if deal.fate == "EXPIRED"]
    await each("orderExpire", "OrderIdInput", expired, asker)


async def _ship(ours: Ours, asker: Asker) -> None:
    due = _due(ours, "SHIPPED")
    inputs = [{"id": node["id"], "shippedAt": deal.moments[2].isoformat(), **_part(deal, node)} for deal, node in due]
    await each("orderShip", "OrderShipInput", inputs, asker)
    for deal, node in due:
        node["status"] = "SHIPPED"
        node["isWhole"] = deal.fate != "IN_PARTS"
    rest = [
        {"id": node["id"]}
        for deal, node in ours
        if deal.fate == "IN_PARTS" and node["status"] == "SHIPPED" and not node.get("isWhole", _is_shipped(node))
    ]
    await each("orderShip", "OrderShipInput", rest, asker)


def _is_shipped(node: Node) -> bool:
    return all(item["quantityShipped"] == item["quantity"] for item in node["items"])


def _part(deal: Deal, node: Node) -> dict[str, Any]:
    """What of an order is shipped first, where not all of it is; of an order that comes short, that is all."""
    if deal.fate not in ("IN_PARTS", "PART_SHIPPED", "SHORT"):
        return {}
    return {"items": [{"itemId": item["id"], "quantity": (item["quantity"] + 1) // 2} for item in node["items"]]}


async def _take_back(ours: Ours, asker: Asker) -> None:
    delivered = [(deal, node) for deal, node in ours if node["status"] == "DELIVERED"]
    whole = [(node, {"id": node["id"]}) for deal, node in delivered if deal.fate == "RETURNED"]
    some = [
        (node, {"id": node["id"], "items": [{"itemId": node["items"][0]["id"], "quantity": 1}]})
        for deal, node in delivered
        if deal.fate == "PART_RETURNED" and float(node["returnedTotal"]) == 0
    ]
    inputs = [given for _, given in (*whole, *some)]
    answer = "{ order { status returnedTotal } }"
    answers = await each("orderReturn", "OrderItemsInput", inputs, asker, answer)
    for (node, _), answered in zip((*whole, *some), answers, strict=True):
        node.update(answered["order"])
