"""Invoice lines: what is charged for. They are written together with their invoice."""

from strawberry import UNSET

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import DateTime, Decimal, Money

TABLE = "billing.invoice_lines"


@noun(
    table=TABLE,
    plural="invoiceLines",
    scope="client_id",
    permission="billing:read",
    default_order="CREATED_AT_DESC",
)
class InvoiceLine:
    position: int = column()
    description: str = column()
    quantity: Decimal = column()
    unit_price: Money = column()
    discount: Money = column()
    tax_rate: Decimal = column()
    amount: Money = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    invoice = to_one("Invoice", "invoice_id")


@described(TABLE, "One line of an invoice; its place is its place in the list.")
class InvoiceLineInput:
    description: str
    quantity: Decimal
    unit_price: Money
    discount: Money | None = UNSET
    tax_rate: Decimal | None = UNSET


DECLARED = (InvoiceLine,)
