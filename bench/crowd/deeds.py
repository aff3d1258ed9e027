"""What people change: orders on their way from draft to delivery, goods that come in, payments, addresses.

An order is taken through its steps by whoever made it, one of their writes after the other, with thinking in between.
"""

import json
import random
import re
from collections import deque
from typing import Any, Final

import msgspec

CREATE, PLACE, CONFIRM, SHIP, DELIVER = "orderCreate", "orderPlace", "orderConfirm", "orderShip", "orderDeliver"
RECEIVE, PAY, RENAME = "stockReceive", "retailerPaymentRecord", "retailerUpdate"
NEXT: Final = {CREATE: PLACE, PLACE: CONFIRM, CONFIRM: SHIP, SHIP: DELIVER}
"""What becomes possible with the order of a deed."""
WEIGHTS: Final = {CREATE: 26, PLACE: 22, CONFIRM: 16, SHIP: 8, DELIVER: 6, RECEIVE: 8, PAY: 6, RENAME: 8}
DEEDS: Final = tuple(WEIGHTS)
ITEMS: Final = (1, 2, 3, 4, 5)
_ANSWERS: Final = {
    RECEIVE: "vendorProduct { id freeStock isLow }",
    PAY: "retailerPayment { id paymentNumber amount }",
    RENAME: "retailer { id name address }",
}
_ORDER: Final = "order { id orderNumber status total }"
_ID: Final = re.compile(rb'"id":"([0-9a-f-]{36})"')


class Desk(msgspec.Struct):
    """What somebody writes about: lines of retailers with vendors, and what can be ordered of each vendor."""

    lines: list[tuple[str, str]]
    offers: dict[str, list[str]]


def document(deed: str) -> str:
    """The mutation of a deed, as a client keeps it."""
    given = f"$input: {deed[0].upper()}{deed[1:]}Input!"
    return f"mutation({given}) {{ {deed}(input: $input) {{ {_ANSWERS.get(deed, _ORDER)} }} }}"


class Writer:
    """Somebody who writes: with orders of their own on their way."""

    def __init__(self, desk: Desk, chance: random.Random) -> None:
        self._desk = desk
        self._chance = chance
        self._waiting: dict[str, deque[str]] = {deed: deque() for deed in NEXT.values()}
        """Orders that wait for each deed."""

    def next_deed(self) -> tuple[str, bytes]:
        """What to do next, and the body of its request. Where no order waits for it, one is brought that far first."""
        deed = self._chance.choices(DEEDS, list(WEIGHTS.values()))[0]
        while deed in self._waiting and not self._waiting[deed]:
            deed = next(before for before, after in NEXT.items() if after == deed)
        given = {"id": self._waiting[deed].popleft()} if deed in self._waiting else self._input(deed)
        return deed, json.dumps({"query": document(deed), "variables": {"input": given}}).encode()

    def done(self, deed: str, answer: bytes) -> None:
        """What has been done, as the answer without errors says."""
        if deed in NEXT and (found := _ID.search(answer)):
            self._waiting[NEXT[deed]].append(found[1].decode())

    def _input(self, deed: str) -> dict[str, Any]:
        chance = self._chance
        retailer, vendor = chance.choice(self._desk.lines)
        offers = self._desk.offers[vendor]
        match deed:
            case "orderCreate":
                chosen = chance.sample(offers, min(chance.choice(ITEMS), len(offers)))
                items = [{"vendorProductId": offer, "quantity": chance.randint(1, 6)} for offer in chosen]
                return {"retailerId": retailer, "vendorId": vendor, "items": items}
            case "stockReceive":
                return {"id": chance.choice(offers), "quantity": chance.randint(10, 200), "note": "Delivered"}
            case "retailerPaymentRecord":
                amount = f"{chance.randint(1, 40)}.00"
                paid = {"method": "BANK_TRANSFER", "transactionId": f"T-{chance.getrandbits(64):x}", "amount": amount}
                return {"retailerId": retailer, "vendorId": vendor, **paid}
            case _:
                return {"id": retailer, "address": f"{chance.randint(1, 999)} Market Street"}
