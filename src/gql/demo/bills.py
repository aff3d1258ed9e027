"""Drawing the invoices of a demo organisation from a seed."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, Final

from gql.demo.model import Article, Customer, Organisation

DAYS: Final = 548  # eighteen months
DRAFTS: Final = 4  # the newest, at least
CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice as invoicesImport takes it, and the status that it is to be brought to."""

    row: dict[str, Any]
    status: str

    @property
    def external_ref(self) -> str:
        return str(self.row["externalRef"])


def draw_bills(organisation: Organisation, today: date) -> list[Bill]:
    """The invoices of the eighteen months before `today`, oldest first, as one gives them numbers."""
    random = Random(organisation.slug)  # noqa: S311 - the same demo each time, and nothing secret in it
    first_day = today - timedelta(days=DAYS)
    days = sorted(
        _working_day(first_day + timedelta(days=random.randint(0, DAYS - 1)), today)
        for _ in range(organisation.invoices)
    )
    bills = []
    for number, day in enumerate(days, 1):
        customer = random.choices(organisation.customers, [each.weight for each in organisation.customers])[0]
        lines = _draw_lines(organisation, customer, random)
        status = "DRAFT" if number > organisation.invoices - DRAFTS else _draw_status((today - day).days, random)
        row: dict[str, Any] = {
            "externalRef": f"demo:invoice-{number:04}",
            "clientExternalRef": customer.external_ref,
            "issue": status != "DRAFT",
            "issueDate": day.isoformat(),
            "currency": customer.currency,
            "lines": lines,
        }
        if status == "PAID":
            row["discount"] = str(_subtotal(lines))
            row["notes"] = "With our compliments: there is nothing to pay."
        elif random.random() < 0.08:
            row["discount"] = str((_subtotal(lines) / 10).quantize(CENT, ROUND_HALF_UP))
            row["notes"] = "Less ten per cent, as agreed."
        bills.append(Bill(row, status))
    return bills


def _working_day(day: date, today: date) -> date:
    """The day, or the Friday before its weekend; never today or later."""
    day -= timedelta(days=max(0, day.weekday() - 4))
    return min(day, today - timedelta(days=1))


def _draw_status(age: int, random: Random) -> str:
    """What an invoice of this age in days has come to. Payments are no part of the demo, so that only those that ask
    for nothing are paid."""
    drawn = random.random()
    if age < 21 and drawn < 0.3:
        return "DRAFT"
    if drawn < 0.05:
        return "CANCELLED"
    if drawn < 0.08:
        return "PAID"
    return "VIEWED" if drawn < (0.65 if age > 7 else 0.3) else "SENT"


def _draw_lines(organisation: Organisation, customer: Customer, random: Random) -> list[dict[str, Any]]:
    articles = random.sample(organisation.articles, random.choices((1, 2, 3, 4, 5, 6), (20, 30, 22, 14, 9, 5))[0])
    is_abroad = customer.facts["country"] != organisation.profile["country"]
    rate = organisation.rates.get(customer.currency, Decimal(1))
    return [
        {
            "description": article.description,
            "quantity": str(_draw_quantity(article, random)),
            "unitPrice": str((article.price * rate).quantize(CENT, ROUND_HALF_UP)),
            "taxRate": "0" if is_abroad else str(article.tax_rate),
        }
        for article in articles
    ]


def _draw_quantity(article: Article, random: Random) -> Decimal:
    steps = int((article.most - article.least) / article.step)
    return article.least + article.step * random.randint(0, steps)


def _subtotal(lines: list[dict[str, Any]]) -> Decimal:
    amounts = (Decimal(line["quantity"]) * Decimal(line["unitPrice"]) for line in lines)
    return sum((amount.quantize(CENT, ROUND_HALF_UP) for amount in amounts), Decimal(0))
