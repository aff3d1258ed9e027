"""Making a demo organisation: through the operator's functions for the organisation and its people, and through the
public mutations for everything that they work with."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from gql.demo.bills import draw_bills
from gql.demo.model import Customer, Organisation, Person
from gql.demo.settling import settle
from gql.demo.together import batches, each
from gql.iam.provisioning import Provisioner
from gql.imports.operations import Asker

PASSWORD: Final = "copper-kettle-sings"  # noqa: S105 - printed for everybody to try

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
Steps = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Maker:
    """What making needs: the operator's functions, a password's hash, and someone to ask for a person's sake."""

    provisioner: Provisioner
    hash_password: Callable[[str], Awaitable[str]]
    asker_for: Callable[[UUID, UUID], Awaitable[Asker]]
    """The asker for a person (user id) in an organisation (tenant id)."""
    today: date


def count_steps(organisation: Organisation) -> int:
    """How far the progress bar of one organisation goes."""
    return len(organisation.customers) + 2 * organisation.invoices  # about one payment for each invoice


async def is_made(organisation: Organisation, provisioner: Provisioner) -> bool:
    """Whether the organisation is complete. Its staff comes last, so that it is when they are there."""
    tenant_id = await provisioner.tenant_id(organisation.slug)
    if tenant_id is None:
        return False
    members: int = await provisioner.connection.fetchval(
        "select count(*) from iam.memberships where tenant_id = $1", tenant_id
    )
    return members >= len(organisation.people)


async def make(organisation: Organisation, maker: Maker, step: Steps) -> None:
    """Make what is missing of the organisation; one that was interrupted goes on where it was."""
    owner_id = await _person(organisation.owner, maker)
    tenant_id = await _tenant(organisation, owner_id, maker.provisioner)
    asker = await maker.asker_for(owner_id, tenant_id)
    client_ids = await _make_clients(organisation.customers, asker, step)
    bills = draw_bills(organisation, maker.today)
    for batch in batches(bills, 100):
        await asker.ask(IMPORT_INVOICES, {"rows": [bill.row for bill in batch]})
        step(len(batch))
    await settle(bills, asker, step)
    staff = [(person, await _person(person, maker)) for person in organisation.people[1:]]
    async with maker.provisioner.together():
        for person, user_id in staff:
            scope = [client_ids[person.speaks_for]] if person.speaks_for else []
            await maker.provisioner.create_membership(tenant_id, user_id, person.role, scope)


async def _tenant(organisation: Organisation, owner_id: UUID, provisioner: Provisioner) -> UUID:
    async with provisioner.together():
        tenant_id = await provisioner.tenant_id(organisation.slug)
        if tenant_id is None:
            tenant_id = await provisioner.create_tenant(
                slug=organisation.slug, name=organisation.name, **organisation.profile
            )
            await provisioner.create_membership(tenant_id, owner_id, "owner")
    return tenant_id


async def _person(person: Person, maker: Maker) -> UUID:
    """The person's account; one who belongs to both organisations has one account."""
    return await maker.provisioner.user_id(person.email) or await maker.provisioner.create_user(
        person.email, person.name, await maker.hash_password(PASSWORD)
    )


async def _make_clients(customers: Sequence[Customer], asker: Asker, step: Steps) -> dict[str, UUID]:
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
