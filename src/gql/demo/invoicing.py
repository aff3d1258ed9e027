"""What an organisation that sends invoices works with: its clients, and eighteen months of invoices and payments."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from gql.demo.bills import draw_bills
from gql.demo.model import Customer, Organisation
from gql.demo.settling import settle
from gql.demo.together import batches, each
from gql.imports.operations import Asker

IMPORT_CLIENTS: Final = """
mutation($rows: [ClientCreateInput!]!) {
  clientsImport(input: { rows: $rows, allOrNothing: true }) { rows { id outcome } }
}
"""
IMPORT_INVOICES: Final = """
mutation($rows: [InvoiceImportRow!]!) {
  invoicesImport(input: { rows: $rows, allOrNothing: true }) { rows { id outcome } }
}
"""
CLIENTS: Final = """
query($references: [String!]!) {
  clients(filter: { externalRef: { in: $references } }, first: 100) {
    nodes { id externalRef contacts { id } notes(first: 1) { nodes { id } } }
  }
}
"""


def count_steps(organisation: Organisation) -> int:
    """How far the progress bar goes."""
    return len(organisation.customers) + 2 * organisation.invoices  # about one payment for each invoice


async def send_invoices(
    organisation: Organisation, asker: Asker, today: date, step: Callable[[int], None]
) -> dict[str, UUID]:
    """Make what is missing. The ids of the clients, by external reference."""
    client_ids = await _make_clients(organisation.customers, asker, step)
    bills = draw_bills(organisation, today)
    for batch in batches(bills, 100):
        await asker.ask(IMPORT_INVOICES, {"rows": [bill.row for bill in batch]})
        step(len(batch))
    await settle(bills, asker, step)
    return client_ids


async def _make_clients(customers: Sequence[Customer], asker: Asker, step: Callable[[int], None]) -> dict[str, UUID]:
    """The clients with their contacts and notes; their ids by external reference."""
    rows = [{"externalRef": each.external_ref, "name": each.name, **each.facts} for each in customers]
    await asker.ask(IMPORT_CLIENTS, {"rows": rows})
    found = await asker.ask(CLIENTS, {"references": [each.external_ref for each in customers]})
    nodes = {node["externalRef"]: node for node in found["clients"]["nodes"]}
    for batch in batches(customers, 3):  # so few that all contacts of a client are made in one operation
        contacts: list[dict[str, Any]] = []
        notes: list[dict[str, Any]] = []
        for customer in batch:
            node = nodes[customer.external_ref]
            if not node["contacts"]:
                contacts += _contacts(customer, node["id"])
            if not node["notes"]["nodes"]:
                notes += [{"clientId": node["id"], "type": kind, "content": text} for kind, text in customer.notes]
        await each("clientContactCreate", "ClientContactCreateInput", contacts, asker)
        await each("clientNoteCreate", "ClientNoteCreateInput", notes, asker)
        step(len(batch))
    return {reference: UUID(node["id"]) for reference, node in nodes.items()}


def _contacts(customer: Customer, client_id: str) -> list[dict[str, Any]]:
    domain = customer.facts["email"].partition("@")[2]
    return [
        {
            "clientId": client_id,
            "name": name,
            "role": what,
            "email": f"{_ascii(name)}@{domain}",
            "isPrimary": place == 0,
        }
        for place, (name, what) in enumerate(customer.contacts)
    ]


def _ascii(name: str) -> str:
    """A name as it might stand in an e-mail address."""
    words = name.removeprefix("Dr. ").removeprefix("Dr ").lower().split()
    return ".".join("".join(letter for letter in word.translate(LETTERS) if letter.isalnum()) for word in words)


LETTERS: Final = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "å": "aa", "ø": "oe", "ı": "i", "ń": "n",
    "ś": "s", "ł": "l", "á": "a", "ř": "r",
})  # fmt: skip
