"""Paying the demo's orders: received, in parts, twice by mistake; cheques that are cleared, wait, or bounce."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from gql.demo.together import batches, each
from gql.demo.trade.deals import Deal, Receipt
from gql.demo.trade.goods import CENT
from gql.demo.trade.opening import Counter, lines_of
from gql.imports.operations import Asker

PAYMENTS: Final = """
query($numbers: [String!]!) {
  retailerPayments(filter: { transactionId: { in: $numbers } }, first: 100) {
    nodes { id transactionId chequeState isReversed }
  }
}
"""
NODE: Final = "{ retailerPayment { id transactionId chequeState isReversed } }"
Node = dict[str, Any]


async def pay(counter: Counter, ours: Sequence[tuple[Deal, Node]], asker: Asker) -> None:
    """Record what was paid of these orders, and clear the cheques. What bounces does so in the end."""
    paid = [(deal, order, receipt) for deal, order in ours for receipt in deal.receipts]
    there = await _payments([receipt for _, _, receipt in paid], asker)
    new = [
        _payment(counter, deal, order, receipt)
        for deal, order, receipt in paid
        if receipt.transaction_id not in there and _due(order) > 0
    ]
    made = await each("retailerPaymentRecord", "RetailerPaymentRecordInput", new, asker, NODE)
    there |= {answer["retailerPayment"]["transactionId"]: answer["retailerPayment"] for answer in made}
    clear, back = [], []
    for _, order, receipt in paid:
        node = there.get(receipt.transaction_id)
        if node is None:
            continue
        if receipt.outcome in ("CLEARED", "TAKEN_BACK") and node["chequeState"] == "PENDING":
            clear.append({"id": node["id"], "allocations": [_share(order, receipt)]})
        elif receipt.outcome == "REVERSED" and not node["isReversed"]:
            back.append({"id": node["id"], "reason": "Entered twice."})
    await each("chequeClear", "ChequeClearInput", clear, asker)
    await each("retailerPaymentReverse", "RetailerPaymentReverseInput", back, asker)


async def settle_cheques(counter: Counter, asker: Asker) -> None:
    """Let cheques bounce, which suspends their lines; where the retailer has made up for it, resume the line. One line
    is suspended for another reason."""
    bad = [
        (deal, receipt)
        for deal in counter.deals
        for receipt in deal.receipts
        if receipt.outcome in ("BOUNCED", "TAKEN_BACK")
    ]
    there = await _payments([receipt for _, receipt in bad], asker)
    bounced = [
        {"id": node["id"], "reason": "Refer to drawer."}
        for _, receipt in bad
        if (node := there[receipt.transaction_id])["chequeState"] != "BOUNCED"
    ]
    await each("chequeBounce", "ChequeBounceInput", bounced, asker)
    lines = await lines_of(counter, asker)
    stays = {deal.shop.code for deal, receipt in bad if receipt.outcome == "BOUNCED"}
    closed = next((deal.shop.code for deal in counter.deals if deal.shop.code not in stays), None)
    resumed = {deal.shop.code for deal, _ in bad} - stays - {closed}
    lines = {code: lines[retailer_id] for code, retailer_id in counter.retailers.items() if retailer_id in lines}
    inputs = [{"id": lines[code]["id"]} for code in sorted(resumed) if lines[code]["state"] == "SUSPENDED"]
    await each("creditLineResume", "CreditLineIdInput", inputs, asker)
    if closed and lines[closed]["state"] == "ACTIVE":
        reason = "The shop is closed while it is rebuilt."
        await each(
            "creditLineSuspend", "CreditLineSuspendInput", [{"id": lines[closed]["id"], "reason": reason}], asker
        )


async def _payments(receipts: Sequence[Receipt], asker: Asker) -> dict[str, Node]:
    """The payments that are there, by their references."""
    there: dict[str, Node] = {}
    for batch in batches(receipts, 100):
        found = await asker.ask(PAYMENTS, {"numbers": [receipt.transaction_id for receipt in batch]})
        there |= {node["transactionId"]: node for node in found["retailerPayments"]["nodes"]}
    return there


def _due(order: Node) -> Decimal:
    return Decimal(order["charged"]) - Decimal(order["returnedTotal"])


def _share(order: Node, receipt: Receipt) -> dict[str, str]:
    """What it pays of the order. The second part of two is what the first has left."""
    due = _due(order)
    share = (due * receipt.share).quantize(CENT, ROUND_HALF_UP)
    if receipt.transaction_id.endswith("2") and receipt.share < 1:
        share = due - (due * (1 - receipt.share)).quantize(CENT, ROUND_HALF_UP)
    return {"orderId": order["id"], "amount": str(share)}


def _payment(counter: Counter, deal: Deal, order: Node, receipt: Receipt) -> dict[str, Any]:
    """What retailerPaymentRecord takes. A cheque pays when it is cleared, and what came twice pays nothing."""
    share = _share(order, receipt)
    if receipt.method == "CHEQUE":
        pays: dict[str, Any] = {}
    else:
        pays = {"allocations": [] if receipt.outcome == "REVERSED" else [share]}
    return {
        "retailerId": counter.retailers[deal.shop.code],
        "vendorId": counter.vendor_id,
        "method": receipt.method,
        "amount": str(Decimal(share["amount"]) + receipt.extra),
        "transactionId": receipt.transaction_id,
        "receivedAt": receipt.received_at.isoformat(),
        **pays,
    }
