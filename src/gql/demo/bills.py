"""Drawing the invoices of a demo organisation from a seed."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, Final

from gql.demo.fates import Fate, draw_fates
from gql.demo.model import Article, Customer, Organisation

DAYS: Final = 548  # eighteen months
DRAFTS: Final = 4  # the newest, at least
CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice as invoicesImport takes it, and what is to become of it."""

    row: dict[str, Any]
    fate: Fate

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
    customers = [
        random.choices(organisation.customers, [each.weight for each in organisation.customers])[0] for _ in days
    ]
    fates = draw_fates(organisation, customers, days, today)
    bills = []
    for number, (customer, day, fate) in enumerate(zip(customers, days, fates, strict=True), 1):
        lines = _draw_lines(organisation, customer, random)
        is_new = (today - day).days < 21 and random.random() < 0.3
        if number > organisation.invoices - DRAFTS or (is_new and fate.name in ("SENT", "VIEWED")):
            fate = Fate("DRAFT")
        row: dict[str, Any] = {
            "externalRef": f"demo:invoice-{number:04}",
            "clientExternalRef": customer.external_ref,
            "issue": fate.name != "DRAFT",
            "issueDate": day.isoformat(),
            "currency": customer.currency,
            "lines": lines,
        }
        if fate.name == "COMPLIMENTARY":
            row["discount"] = str(_subtotal(lines))
            row["notes"] = "With our compliments: there is nothing to pay."
        elif random.random() < 0.08:
            row["discount"] = str((_subtotal(lines) / 10).quantize(CENT, ROUND_HALF_UP))
            row["notes"] = "Less ten per cent, as agreed."
        bills.append(Bill(row, fate))
    return bills


def _working_day(day: date, today: date) -> date:
    """The day, or the Friday before its weekend; never today or later."""
    day -= timedelta(days=max(0, day.weekday() - 4))
    return min(day, today - timedelta(days=1))


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
