"""Letting the demo's invoices meet their fates: seen, voided, credited, paid, disputed, given up. What has happened
already is left alone, so that a demo that was interrupted goes on where it was."""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from gql.demo.bills import Bill
from gql.demo.fates import Receipt
from gql.demo.together import batches, each
from gql.imports.operations import Asker

INVOICES: Final = """
query($references: [String!]!) {
  invoices(filter: { externalRef: { in: $references } }, first: 100) {
    nodes { id externalRef clientId status total credited viewedAt balance }
  }
}
"""
PAYMENTS: Final = """
query($requests: [String!]!) {
  payments(filter: { requestId: { in: $requests } }, first: 100) {
    nodes { id requestId status isReconciled refundedAmount }
  }
}
"""
CENT: Final = Decimal("0.01")
OPEN: Final = ("SENT", "VIEWED", "PARTIALLY_PAID")
Node = dict[str, Any]


async def settle(bills: Sequence[Bill], asker: Asker, step: Callable[[int], None]) -> None:
    """Bring what was drawn about, in the order in which it happened."""
    invoices = await _invoices(bills, asker)
    await _show_and_void(bills, invoices, asker)
    await _credit(bills, invoices, asker)
    invoices = await _invoices(bills, asker)
    receipts = sorted(
        ((receipt, invoices[bill.external_ref]) for bill in bills for receipt in bill.fate.receipts),
        key=lambda each: (each[0].day, each[0].request_id),
    )
    await _pay([each for each in receipts if not each[0].comes_after], asker, step)
    await _pay([each for each in receipts if each[0].comes_after], asker, step)
    await _end(bills, invoices, asker)


async def _invoices(bills: Sequence[Bill], asker: Asker) -> dict[str, Node]:
    """The invoices by external reference."""
    found: dict[str, Node] = {}
    for batch in batches(bills, 100):
        answer = await asker.ask(INVOICES, {"references": [bill.external_ref for bill in batch]})
        found |= {node["externalRef"]: node for node in answer["invoices"]["nodes"]}
    return found


async def _show_and_void(bills: Iterable[Bill], invoices: dict[str, Node], asker: Asker) -> None:
    sent = [(bill, node) for bill in bills if (node := invoices[bill.external_ref])["status"] == "SENT"]
    await each(
        "invoiceMarkViewed", "InvoiceIdInput", [{"id": node["id"]} for bill, node in sent if bill.fate.is_viewed], asker
    )
    reason = "Entered twice by mistake."
    void = [{"id": node["id"], "reason": reason} for bill, node in sent if bill.fate.name == "CANCELLED"]
    await each("invoiceVoid", "InvoiceVoidInput", void, asker)


async def _credit(bills: Iterable[Bill], invoices: dict[str, Node], asker: Asker) -> None:
    notes = []
    for bill in sorted(bills, key=lambda bill: str(bill.fate.credited_on)):
        node = invoices[bill.external_ref]
        if bill.fate.credit and Decimal(node["credited"]) == 0:
            amount = (Decimal(node["total"]) * bill.fate.credit).quantize(CENT, ROUND_HALF_UP)
            reason = "Sent back whole." if bill.fate.credit == 1 else "Less was delivered than invoiced."
            day = str(bill.fate.credited_on)
            notes.append({"id": node["id"], "amount": str(amount), "reason": reason, "issueDate": day})
    await each("invoiceCreditNote", "InvoiceCreditNoteInput", notes, asker)


async def _pay(receipts: Sequence[tuple[Receipt, Node]], asker: Asker, step: Callable[[int], None]) -> None:
    """Record the payments, then bring them to what became of them."""
    for batch in batches(receipts, 50):
        there = await _payments(batch, asker)
        new = [_payment(receipt, node) for receipt, node in batch if receipt.request_id not in there]
        await each("paymentRecord", "PaymentRecordInput", new, asker)
        there = await _payments(batch, asker)
        known = [(receipt, there[receipt.request_id]) for receipt, _ in batch]
        failed = [node for receipt, node in known if receipt.outcome == "FAILED" and node["status"] == "PROCESSING"]
        reason = "The bank declined the card."
        await each("paymentFail", "PaymentFailInput", [{"id": node["id"], "reason": reason} for node in failed], asker)
        bounced = [node for receipt, node in known if receipt.outcome == "REVERSED" and node["status"] == "CONFIRMED"]
        reason = "Sent back by the bank: no funds."
        await each(
            "paymentReverse", "PaymentReverseInput", [{"id": node["id"], "reason": reason} for node in bounced], asker
        )
        given = [
            {"id": node["id"], "amount": str(receipt.extra), "reason": "Paid too much.", "refundedOn": str(receipt.day)}
            for receipt, node in known
            if receipt.outcome == "GIVEN_BACK" and Decimal(node["refundedAmount"]) == 0
        ]
        await each("paymentRefund", "PaymentRefundInput", given, asker)
        found = [{"id": node["id"]} for receipt, node in known if receipt.is_reconciled and not node["isReconciled"]]
        await each("paymentReconcile", "PaymentIdInput", found, asker)
        step(len(batch))


async def _payments(receipts: Sequence[tuple[Receipt, Node]], asker: Asker) -> dict[str, Node]:
    """The payments that are there, by request id."""
    answer = await asker.ask(PAYMENTS, {"requests": [receipt.request_id for receipt, _ in receipts]})
    return {node["requestId"]: node for node in answer["payments"]["nodes"]}


def _payment(receipt: Receipt, invoice: Node) -> dict[str, Any]:
    """What paymentRecord takes. The second part of two is what the first has left."""
    due = Decimal(invoice["total"]) - Decimal(invoice["credited"])
    share = (due * receipt.share).quantize(CENT, ROUND_HALF_UP)
    if receipt.request_id.endswith("-2") and receipt.share < 1:
        share = due - (due * (1 - receipt.share)).quantize(CENT, ROUND_HALF_UP)
    status = {"FAILED": "PROCESSING", "PENDING": "PENDING"}.get(receipt.outcome, "CONFIRMED")
    return {
        "clientId": invoice["clientId"],
        "method": receipt.method,
        "amount": str(share + receipt.extra),
        "status": status,
        "receivedAt": f"{receipt.day}T12:00:00Z",
        "reference": receipt.reference,
        "requestId": receipt.request_id,
        "allocations": [{"invoiceId": invoice["id"], "amount": str(share)}],
        **({} if status != "CONFIRMED" else {"processingTimeMs": receipt.milliseconds}),
    }


async def _end(bills: Iterable[Bill], invoices: dict[str, Node], asker: Asker) -> None:
    still = [(bill.fate.name, node) for bill in bills if (node := invoices[bill.external_ref])["status"] in OPEN]
    reason = "The price is not the one that was quoted."
    disputed = [{"id": node["id"], "reason": reason} for fate, node in still if fate == "DISPUTED"]
    await each("invoiceDispute", "InvoiceReasonInput", disputed, asker)
    reason = "Two reminders came back; there is nobody left to pay."
    lost = [{"id": node["id"], "reason": reason} for fate, node in still if fate == "WRITTEN_OFF"]
    await each("invoiceWriteOff", "InvoiceReasonInput", lost, asker)
