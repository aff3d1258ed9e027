"""Clients: whom the organisation invoices."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.billing.imports import IMPORT_REPORT
from gql.engine.declare import answers, column, computed, noun, to_many
from gql.engine.inputs import described
from gql.engine.scalars import JSON, Date, DateTime, Decimal, Money
from gql.engine.verbs import Verb

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


@strawberry.enum(description="How well a client pays.")
class ClientHealth(Enum):
    EXCELLENT = "EXCELLENT"
    GOOD = "GOOD"
    WARNING = "WARNING"
    AT_RISK = "AT_RISK"


DAYS_OVERDUE = "greatest(core.today() - {row}.oldest_due_date, 0)"


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
    balance: Money = column(minor="balance_minor", filtered=True, ordered=True, aggregated=True)
    lifetime_billed: Money = column()
    lifetime_paid: Money = column()
    total_payments: int = column()
    average_payment_amount: Money | None = column()
    last_payment_date: Date | None = column()
    avg_payment_days: Decimal | None = column()
    days_overdue: int = computed(
        DAYS_OVERDUE,
        description="How many days its oldest overdue invoice is past due, in the organisation's time zone; else 0.",
    )
    health: ClientHealth = computed(
        f"""case
            when {DAYS_OVERDUE} > 60 then 'AT_RISK'
            when {DAYS_OVERDUE} > 0 then 'WARNING'
            when {{row}}.avg_payment_days <= case {{row}}.payment_terms
                when 'DUE_ON_RECEIPT' then 0 when 'NET_15' then 15 when 'NET_60' then 60
                when 'NET_90' then 90 else 30 end
            then 'EXCELLENT'
            else 'GOOD'
        end""",
        description="How well it pays: AT_RISK when more than 60 days overdue, WARNING when overdue at all, EXCELLENT"
        " when nothing is overdue and it paid within its terms on average, else GOOD, as without any history.",
    )
    external_ref: str | None = column(filtered=True)
    deleted_at: DateTime | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    contacts = to_many("ClientContact", "client_id", listed=True, order="created_at")
    notes = to_many("ClientNote", "client_id")
    invoices = to_many("Invoice", "client_id")
    payments = to_many("Payment", "client_id")
    credit_notes = to_many("CreditNote", "client_id")
    statement = answers("ClientStatementLine", client="id")


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
