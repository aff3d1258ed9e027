"""Bringing sales in through the public mutations, batch by batch, and reporting what became of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from gql.imports.cancellations import Cancellation
from gql.imports.operations import Asker, OperationRefused
from gql.imports.refusal import ImportStopped
from gql.imports.sales import Sale, Sales, Untaken
from gql.imports.sales_terms import CURRENCY

BATCH_INVOICES: Final = 100  # what one list of a filter may hold, so that a batch can be counted again
BATCH_LINES: Final = 2000
BATCH_CLIENTS: Final = 500
NOBODY: Final = "00000000-0000-0000-0000-000000000000"  # stands for what was refused, and is refused in turn

# One operation is one transaction: a batch is in the database with its clients, or it is not.
IMPORT: Final = """
mutation Import($clients: [ClientCreateInput!]!, $invoices: [InvoiceImportRow!]!) {
  clientsImport(input: { rows: $clients }) { rows { index outcome message } }
  invoicesImport(input: { rows: $invoices }) { rows { index outcome message } }
}
"""
COUNT: Final = """
query Imported($references: [String!]!) {
  invoiceGroups(filter: { externalRef: { in: $references } }, by: [CURRENCY]) { key { currency } count total { sum } }
}
"""
KNOWN: Final = """
query Known($notes: [String!]!, $clients: [String!]!, $invoices: [String!]!) {
  creditNotes(filter: { externalRef: { in: $notes } }, first: 100) { nodes { externalRef } }
  clients(filter: { externalRef: { in: $clients } }, first: 100) { nodes { externalRef id } }
  invoices(filter: { externalRef: { in: $invoices } }, first: 100) { nodes { externalRef id } }
}
"""
CREDIT_INVOICE: Final = """
mutation Credit($note: InvoiceCreditNoteInput!) { invoiceCreditNote(input: $note) { creditNote { id } } }
"""
CREDIT_CLIENT: Final = """
mutation Credit($note: CreditNoteCreateInput!) { creditNoteCreate(input: $note) { creditNote { id } } }
"""
COUNT_CREDITS: Final = """
query Credited($references: [String!]!) {
  creditNoteGroups(filter: { externalRef: { in: $references } }, by: [CURRENCY]) { total { sum } }
}
"""


@dataclass(slots=True)
class Report:
    """What an import did. `total` is the sum of the invoices less the credit notes as the database has them, whether
    they are new or were there before."""

    rows: int
    clients: Counter[str] = field(default_factory=Counter)
    """How many were CREATED, were EXISTING, were REFUSED."""
    invoices: Counter[str] = field(default_factory=Counter)
    credit_notes: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    total: Decimal = Decimal("0.00")
    currency: str = CURRENCY
    untaken: list[Untaken] = field(default_factory=list)

    @property
    def invoices_taken(self) -> int:
        return self.invoices["CREATED"] + self.invoices["EXISTING"]

    @property
    def credit_notes_taken(self) -> int:
        return self.credit_notes["CREATED"] + self.credit_notes["EXISTING"]

    @property
    def clients_taken(self) -> int:
        return self.clients["CREATED"] + self.clients["EXISTING"]


async def transfer(sales: Sales, asker: Asker, progress: Callable[[int], None] | None = None) -> Report:
    """Import the sales and count them in the database. `progress` is told how many invoices and credit notes
    were just dealt with.

    What is there already stays as it is, so an import that was interrupted can simply be run again. A row that the
    server refuses is reported, with its sentence. Raises ImportStopped when an operation fails as a whole.
    """
    report = Report(sales.rows, untaken=list(sales.untaken))
    for clients, batch in _batches(sales):
        await _transfer_batch(clients, batch, asker, report)
        if progress:
            progress(len(batch))
    for start in range(0, len(sales.cancellations), BATCH_INVOICES):
        cancellations = sales.cancellations[start : start + BATCH_INVOICES]
        await _credit_batch(cancellations, asker, report)
        if progress:
            progress(len(cancellations))
    report.untaken.sort(key=lambda each: each.row.line)
    return report


async def _transfer_batch(clients: list[Mapping[str, Any]], batch: list[Sale], asker: Asker, report: Report) -> None:
    references = [sale.external_ref for sale in batch]
    try:
        answer = await asker.ask(IMPORT, {"clients": clients, "invoices": [sale.as_invoice() for sale in batch]})
        groups = (await asker.ask(COUNT, {"references": references}))["invoiceGroups"] if references else []
    except OperationRefused as refused:
        raise ImportStopped(
            f"{refused} The import stopped after {report.invoices_taken} invoices, which are in the database;"
            " run it again to go on."
        ) from refused
    report.clients.update(row["outcome"] for row in answer["clientsImport"]["rows"])
    for row in answer["invoicesImport"]["rows"]:
        report.invoices[row["outcome"]] += 1
        sale = batch[row["index"]]
        if row["outcome"] == "REFUSED":
            report.untaken += [Untaken(each, row["message"]) for each in sale.rows]
        else:
            report.lines += len(sale.rows)
    report.total += sum((Decimal(group["total"]["sum"]) for group in groups), Decimal(0))


async def _credit_batch(batch: Sequence[Cancellation], asker: Asker, report: Report) -> None:
    """Each credit note is an operation of its own, so that a refused one takes no other with it."""
    known = await asker.ask(
        KNOWN,
        {
            "notes": [each.external_ref for each in batch],
            "clients": list({each.client_ref for each in batch}),
            "invoices": [each.sale_ref for each in batch if each.sale_ref],
        },
    )
    there = {node["externalRef"] for node in known["creditNotes"]["nodes"]}
    ids = {node["externalRef"]: node["id"] for kind in ("clients", "invoices") for node in known[kind]["nodes"]}
    for each in batch:
        try:
            if each.external_ref not in there:
                await _credit(each, ids, asker)
        except OperationRefused as refused:
            report.credit_notes["REFUSED"] += 1
            report.untaken += [Untaken(row, str(refused)) for row in each.rows]
        else:
            report.credit_notes["EXISTING" if each.external_ref in there else "CREATED"] += 1
            report.lines += len(each.rows)
    groups = (await asker.ask(COUNT_CREDITS, {"references": [each.external_ref for each in batch]}))["creditNoteGroups"]
    report.total -= sum((Decimal(group["total"]["sum"]) for group in groups), Decimal(0))


async def _credit(cancellation: Cancellation, ids: Mapping[str, str], asker: Asker) -> None:
    """The credit note, of the invoice where there is one."""
    note = cancellation.as_credit_note()
    if cancellation.sale_ref is None:
        await asker.ask(CREDIT_CLIENT, {"note": note | {"clientId": ids.get(cancellation.client_ref, NOBODY)}})
    else:
        await asker.ask(CREDIT_INVOICE, {"note": note | {"id": ids.get(cancellation.sale_ref, NOBODY)}})


def _batches(sales: Sales) -> Iterator[tuple[list[Mapping[str, Any]], list[Sale]]]:
    """Sales in the order of the file, each batch with the clients that are met first in it. Clients of whom nothing
    was taken come last, with no sales."""
    waiting = dict(sales.clients)
    batch: list[Sale] = []
    lines = 0

    def clients_of(batch: list[Sale]) -> list[Mapping[str, Any]]:
        references = dict.fromkeys(sale.client_ref for sale in batch)
        return [waiting.pop(reference) for reference in references if reference in waiting]

    for sale in sales.sales:
        if batch and (len(batch) == BATCH_INVOICES or lines + len(sale.rows) > BATCH_LINES):
            yield clients_of(batch), batch
            batch, lines = [], 0
        batch.append(sale)
        lines += len(sale.rows)
    rest = clients_of(batch) + list(waiting.values())
    yield rest[:BATCH_CLIENTS], batch
    for start in range(BATCH_CLIENTS, len(rest), BATCH_CLIENTS):
        yield rest[start : start + BATCH_CLIENTS], []
