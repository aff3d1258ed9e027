"""The schema: every domain's declarations, gathered."""

from functools import cache

import strawberry

from gql.billing import (
    ageing,
    allocations,
    client_contacts,
    client_notes,
    clients,
    credit_notes,
    invoice_lines,
    invoice_messages,
    invoices,
    payment_methods,
    payments,
    recurring_invoices,
    revenue,
    revenue_months,
    statements,
)
from gql.database.comments import read_comments
from gql.engine.assembly import assemble
from gql.engine.nouns import Declarations
from gql.iam import accounts as people
from gql.iam import analysts, memberships, my_sessions, tenants, totp_devices, users
from gql.ledger import accounts, reports, transfers

DOMAINS = (
    tenants,
    memberships,
    my_sessions,
    totp_devices,
    analysts,
    accounts,
    transfers,
    reports,
    clients,
    client_contacts,
    client_notes,
    invoices,
    invoice_lines,
    invoice_messages,
    recurring_invoices,
    revenue_months,
    payment_methods,
    payments,
    credit_notes,
    allocations,
    ageing,
    statements,
    revenue,
)
OPEN_FIELDS = users.OPEN_FIELDS | people.OPEN_FIELDS | totp_devices.OPEN_FIELDS | analysts.OPEN_FIELDS
"""The root fields that a stranger may ask for."""


@cache
def declarations() -> Declarations:
    """The nouns and verbs of all domains."""
    gathered = Declarations()
    for domain in DOMAINS:
        gathered.add(*domain.DECLARED)
    return gathered


@cache
def build_schema() -> strawberry.Schema:
    """The Strawberry schema that the server serves and `countinghouse schema` prints."""
    return assemble(
        declarations(),
        read_comments(),
        mutations=(users.SignInMutation, people.AccountMutation, totp_devices.TotpMutation, analysts.AnalystMutation),
    )
