"""What every peer is asked for, in words that hang on no peer.

A work is asked for one tenant at a time. What it needs to know of the tenant's rows (ids, a cursor's place) is in
`Facts`, read from the database once, so that every peer is asked for the same rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TENANTS: Final = 200
CLIENTS: Final = 50
INVOICES: Final = 20
"""Of each client."""
LINES: Final = 3
"""Of each invoice."""


@dataclass(frozen=True)
class Work:
    """A question that a dashboard asks."""

    name: str
    meaning: str


WORKS: Final[Mapping[str, Work]] = {
    work.name: work
    for work in (
        Work("list", "the 20 newest invoices, each with client and lines"),
        Work("point", "one invoice with client and lines"),
        Work("tree", "50 clients, each with 20 invoices and their lines"),
        Work("report", "invoices grouped by month and status, with count and sum"),
        Work("overdue", "the overdue invoices of one client, by amount"),
        Work("page50", "the 50th page of 20 invoices, by cursor"),
    )
}


@dataclass(frozen=True)
class Facts:
    """What a work needs to know of one tenant: who asks, and about which rows."""

    tenant_id: str
    user_id: str
    role: str
    """The tenant's PostgreSQL role."""
    client_id: str
    invoice_ids: tuple[str, ...]
    page49_issue_date: str
    page49_id: str
    """The last row of the 49th page, newest first."""
