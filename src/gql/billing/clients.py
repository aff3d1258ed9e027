"""Clients: whom the organisation invoices."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.billing.imports import IMPORT_REPORT
from gql.engine.declare import column, noun, to_many
from gql.engine.inputs import described
from gql.engine.nouns import Verb
from gql.engine.scalars import JSON, DateTime, Money

TABLE = "billing.clients"


@strawberry.enum(description="Whether business is done with a client.")
class ClientStatus(Enum):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    ARCHIVED = "ARCHIVED"


@strawberry.enum(description="How many days after its issue an invoice is due.")
class PaymentTerms(Enum):
    DUE_ON_RECEIPT = "DUE_ON_RECEIPT"
    NET_15 = "NET_15"
    NET_30 = "NET_30"
    NET_60 = "NET_60"
    NET_90 = "NET_90"


@noun(
    table=TABLE,
    plural="clients",
    scope="id",
    permission="billing:read",
    visible="{row}.deleted_at is null",
    default_order="NAME_ASC",
    currency="currency",
)
class Client:
    name: str = column(key="name_key", filtered=True, ordered=True)
    email: str | None = column(key="email_key", filtered=True)
    phone: str | None = column()
    address: str | None = column()
    city: str | None = column()
    state: str | None = column()
    zip_code: str | None = column()
    country: str | None = column()
    tax_id: str | None = column()
    website: str | None = column()
    status: ClientStatus = column(filtered=True, grouped=True)
    payment_terms: PaymentTerms = column()
    currency: str = column(grouped=True)
    summary: str | None = column(permission="billing:internal")
    metadata: JSON = column()
    outstanding: Money = column(minor="outstanding_minor", filtered=True, ordered=True, aggregated=True)
    external_ref: str | None = column(filtered=True)
    deleted_at: DateTime | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    contacts = to_many("ClientContact", "client_id", listed=True, order="created_at")
    notes = to_many("ClientNote", "client_id")
    invoices = to_many("Invoice", "client_id")


@described(TABLE, "What can be said of a client.")
class ClientDetails:
    email: str | None = UNSET
    phone: str | None = UNSET
    address: str | None = UNSET
    city: str | None = UNSET
    state: str | None = UNSET
    zip_code: str | None = UNSET
    country: str | None = UNSET
    tax_id: str | None = UNSET
    website: str | None = UNSET
    payment_terms: PaymentTerms | None = UNSET
    currency: str | None = UNSET
    summary: str | None = UNSET
    metadata: JSON | None = UNSET
    external_ref: str | None = UNSET


@described(TABLE, "What a new client needs.")
class ClientCreateInput(ClientDetails):
    name: str


@described(TABLE, "What changes of a client. A field that is left out stays as it is; null empties it.")
class ClientUpdateInput(ClientDetails):
    id: strawberry.ID
    name: str | None = UNSET
    status: ClientStatus | None = UNSET


@described(TABLE, "Which client.")
class ClientIdInput:
    id: strawberry.ID


@described(TABLE, "Many clients at once, at most 1000.")
class ClientsImportInput:
    rows: list[ClientCreateInput] = strawberry.field(description="The clients, each answered for in its place.")
    all_or_nothing: bool | None = strawberry.field(
        default=UNSET, description="Whether one refused row refuses them all. Otherwise the others are entered."
    )


DECLARED = (
    Client,
    Verb("billing.client_create", ClientCreateInput, "Client", "billing:write"),
    Verb("billing.client_update", ClientUpdateInput, "Client", "billing:write"),
    Verb("billing.client_archive", ClientIdInput, "Client", "billing:write"),
    Verb("billing.client_restore", ClientIdInput, "Client", "billing:write"),
    Verb("billing.client_delete", ClientIdInput, "Client", "billing:write"),
    Verb("billing.clients_import", ClientsImportInput, IMPORT_REPORT, "billing:write"),
)
