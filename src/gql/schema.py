"""The schema: every domain's declarations, gathered."""

from collections.abc import Mapping
from functools import cache
from typing import Final

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
from gql.engine.declarations import Declarations
from gql.iam import accounts as people
from gql.iam import (
    analysts,
    apps,
    audit_log,
    external_people,
    google_accounts,
    invites,
    join_requests,
    memberships,
    message_channels,
    my_account,
    my_sessions,
    tenants,
    totp_devices,
    trusted_issuers,
    users,
)
from gql.ledger import accounts, reports, transfers
from gql.roles import notes
from gql.trade import ageing as trade_ageing
from gql.trade import (
    credit_adjustments,
    credit_entries,
    credit_lines,
    credit_scores,
    messages,
    order_items,
    orders,
    products,
    retailer_payments,
    retailer_stats,
    retailers,
    vendor_products,
    vendors,
)

DOMAINS = (
    tenants,
    memberships,
    invites,
    join_requests,
    my_account,
    my_sessions,
    totp_devices,
    trusted_issuers,
    external_people,
    audit_log,
    apps,
    message_channels,
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
    vendors,
    retailers,
    credit_lines,
    products,
    vendor_products,
    orders,
    order_items,
    credit_entries,
    retailer_payments,
    credit_adjustments,
    messages,
    retailer_stats,
    credit_scores,
    trade_ageing,
)
BY_PYTHON = (users, people, totp_devices, invites, join_requests, my_account)
OPEN_FIELDS = google_accounts.OPEN_FIELDS.union(*(each.OPEN_FIELDS for each in BY_PYTHON))
"""The root fields that a stranger may ask for."""
OWN_FIELDS = frozenset[str]().union(*(each.OWN_FIELDS for each in BY_PYTHON))
"""Those of them that answer only to whoever is signed in, about themselves."""
OF_A_PERSON: Final = "iam:self"
"""What all people may do and no app: come in, and see to what is theirs alone."""
PYTHON_FIELDS: Final[Mapping[str, str]] = (
    dict.fromkeys(OPEN_FIELDS, OF_A_PERSON)
    | apps.PYTHON_FIELDS
    | analysts.PYTHON_FIELDS
    | message_channels.PYTHON_FIELDS
)
"""The root fields that go through Python, each with the permission that a caller needs who is known."""


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
        mutations=(
            users.SignInMutation,
            people.AccountMutation,
            google_accounts.GoogleMutation,
            totp_devices.TotpMutation,
            invites.InviteMutation,
            join_requests.JoinRequestMutation,
            my_account.MyAccountMutation,
            apps.AppMutation,
            analysts.AnalystMutation,
            message_channels.MessageChannelMutation,
        ),
        notes=notes(declarations(), PYTHON_FIELDS, OPEN_FIELDS - OWN_FIELDS),
    )
