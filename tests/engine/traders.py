"""Vendors, retailers, lines, products and offers in numbers, entered through the verbs."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.trade.packing import LONG_AGO

Call = Callable[[str, dict[str, Any]], Awaitable[Any]]
OURS = "+254700000001"


async def fill_trade(call: Call, number: int, marker: str) -> None:
    """So many of each: of the same number, they have to do with one another. Every third vendor is not approved, few
    lines are suspended, few products and offers cannot be ordered, and few offers are low."""
    for each in range(number):
        vendor = {"vendor_code": f"{marker}V-{each}", "name": f"{marker}Vendor {each}", "metadata": {"of": marker}}
        vendor_id = await call("trade.vendor_create", {**vendor, "credit_limit": f"{100 + each}.50"})
        if each % 3 != 2:
            await call("trade.vendor_approve", {"id": vendor_id})
        retailer = {"retailer_code": f"{marker}R-{each}", "name": f"{marker}Retailer {each}"}
        phone = {"phone": f"+2547{each:08}"} if each % 2 else {}
        retailer_id = await call("trade.retailer_create", {**retailer, **phone, "address": f"{marker}Stall"})
        parties = {"retailer_id": retailer_id, "vendor_id": vendor_id}
        line_id = await call("trade.credit_line_set", {**parties, "credit_limit": f"{1000 + each}.25"})
        if each % 20 == 19:
            await call("trade.credit_line_suspend", {"id": line_id, "reason": f"{marker}Late"})
        product = {
            "product_code": f"{marker}P-{each}",
            "name": f"{marker}Product {each}",
            "category": f"{marker}Kind {each % 20}",
            "is_active": each % 20 != 17,
        }
        product_id = await call("trade.product_create", product)
        offer = {
            "vendor_id": vendor_id,
            "product_id": product_id,
            "sku": f"{marker}S-{each}",
            "vendor_price": f"{1 + each}.25",
            "low_stock_level": 3,
            "is_available": each % 20 != 13,
        }
        offer_id = await call("trade.vendor_product_set", offer)
        stock = {"id": offer_id, "quantity": 2 if each % 20 == 11 else 5 + each, "note": f"{marker}Delivery"}
        await call("trade.stock_receive", stock)
        if each % 3 != 2 and each % 20 not in (13, 17, 19):
            item = {"vendor_product_id": offer_id, "quantity": 1}
            await _order(call, {**parties, "items": [item], "metadata": {"of": marker}}, each, marker)
        await _settle(call, parties, line_id, each, marker)
        await _write(call, each, marker)
    secret = {"encrypted_secret": f"{marker}secret", "verify_hash": "ab" * 32}
    await call("iam.message_channel_create", {"phone_number": OURS, **secret})


STEPS = (
    ("place", "confirm", "ship", "deliver"),
    (),
    ("place",),
    ("place", "confirm", "ship", "deliver", "return"),
    ("place", "confirm"),
    ("place", "cancel"),
    ("place", "confirm", "ship"),
    ("place", "expire"),
)


async def _order(call: Call, given: dict[str, Any], number: int, marker: str) -> None:
    """Three orders, as far as their numbers take them, and one that is delivered where none of these is; of a few
    something is paid beforehand."""
    steps = [STEPS[each % len(STEPS)] for each in range(number, number + 3)]
    for each, verbs in enumerate(steps if STEPS[0] in steps else [*steps, STEPS[0]], number):
        prepaid = {"prepaid": "0.25"} if each % 10 == 4 else {}
        order_id = await call("trade.order_create", {**given, **prepaid})
        for verb in verbs:
            reason = {"reason": f"{marker}Late"} if verb == "cancel" else {}
            await call(f"trade.order_{verb}", {"id": order_id, **reason})


async def _settle(call: Call, parties: dict[str, Any], line_id: str, number: int, marker: str) -> None:
    """Some payments of the line; few cheques, few of them taken back, and few adjustments that somebody asks for."""
    for each in range(3):
        reference = {"method": "BANK_TRANSFER", "transaction_id": f"{marker}transfer {number} {each}"}
        paid = {"amount": f"{1 + number % 9}.{each}5", "metadata": {"of": marker}}
        payment_id = await call("trade.retailer_payment_record", {**parties, **reference, **paid})
    if number % 20 == 3:
        await call("trade.retailer_payment_reverse", {"id": payment_id, "reason": f"{marker}Twice"})
    if number % 20 == 7:
        cheque = {"method": "CHEQUE", "transaction_id": f"{marker}cheque {number}", "amount": "2.00"}
        cheque_id = await call("trade.retailer_payment_record", {**parties, **cheque})
        if number % 40 == 7:
            await call("trade.cheque_bounce", {"id": cheque_id, "reason": f"{marker}No funds"})
    asked = {"credit_line_id": line_id, "amount": "0.50", "reason": f"{marker}Broken bags"}
    await call("trade.credit_adjust", {**asked, "kind": "DEBIT"})


async def _write(call: Call, number: int, marker: str) -> None:
    """Some messages of everybody; few went out, which was long ago, and few were seen to."""
    for each in range(3):
        theirs = f"+2547{number:08}"
        is_outbound = number % 20 == 1 and each == 0
        numbers = (
            {"from_number": OURS, "to_number": theirs} if is_outbound else {"from_number": theirs, "to_number": OURS}
        )
        said = {"direction": "OUTBOUND" if is_outbound else "INBOUND", "body": f"{marker}Good morning"}
        if is_outbound:
            said["sent_at"] = LONG_AGO
        message_id = f"{marker}wamid.{number}.{each}"
        made = await call("trade.message_ingest", {"message_id": message_id, **numbers, **said})
        if number % 20 == 9 and each == 0:
            await call("trade.message_process", {"id": made, "note": f"{marker}Called back"})
