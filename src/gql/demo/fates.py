"""What becomes of the invoices of a demo organisation: most are paid, late or early as is the client's habit; some are
paid in parts, credited, disputed or given up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from gql.demo.model import Customer, Organisation

TERMS: Final = {"DUE_ON_RECEIPT": 0, "NET_15": 15, "NET_30": 30, "NET_60": 60, "NET_90": 90}
# Fates, how many invoices meet each, and between which shares of the list, the oldest first.
SPECIAL: Final = (
    ("WRITTEN_OFF", 2, 0.05, 0.4),
    ("RETURNED", 2, 0.1, 0.8),
    ("CREDITED", 6, 0.0, 0.85),
    ("INSTALMENTS", 10, 0.0, 0.8),
    ("OVERPAID", 3, 0.2, 0.8),
    ("GIVEN_BACK", 2, 0.1, 0.8),
    ("BOUNCED", 2, 0.1, 0.75),
    ("CANCELLED", 7, 0.0, 0.95),
    ("COMPLIMENTARY", 4, 0.0, 0.9),
    ("DISPUTED", 2, 0.65, 0.9),
    ("PART_PAID", 5, 0.7, 0.9),
    ("UNPAID", 4, 0.6, 0.85),
    ("FAILED", 2, 0.8, 0.93),
    ("EXPECTED", 2, 0.85, 0.95),
)
# How many days after an invoice is due a client pays it, on average.
HABITS: Final = ((-12, 3), (-3, 4), (6, 3), (24, 1))
METHODS: Final = (("BANK_TRANSFER", 6), ("CARD", 2), ("DIRECT_DEBIT", 2), ("CHEQUE", 1), ("PAYPAL", 1), ("STRIPE", 2))
BY_BANK: Final = frozenset({"BANK_TRANSFER", "DIRECT_DEBIT", "CHEQUE"})
DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment of a share of what an invoice asks for after its credit; `extra` comes on top. `outcome` is the status
    that it is brought to, where that is not CONFIRMED."""

    request_id: str
    day: date
    method: str
    reference: str
    milliseconds: int
    share: Decimal = Decimal(1)
    extra: Decimal = Decimal(0)
    outcome: str = "CONFIRMED"
    is_reconciled: bool = False
    comes_after: bool = False
    """Whether it comes after what became of the others."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an invoice: `credit` is the share that is taken back of it, if any."""

    name: str
    is_viewed: bool = False
    credit: Decimal = Decimal(0)
    credited_on: date | None = None
    receipts: tuple[Receipt, ...] = ()


def draw_fates(
    organisation: Organisation, customers: Sequence[Customer], days: Sequence[date], today: date
) -> list[Fate]:
    """The fate of each invoice, given its client and its day."""
    random = Random(f"{organisation.slug}: fates")  # noqa: S311 - the same demo each time, and nothing secret in it
    habits = {each.external_ref: _Habit.draw(random) for each in organisation.customers}
    names = _draw_names(len(days), random)
    return [
        _draw_fate(number, names.get(number, "PAID"), habits[customer.external_ref], customer, day, today, random)
        for number, (customer, day) in enumerate(zip(customers, days, strict=True), 1)
    ]


@dataclass(frozen=True, slots=True)
class _Habit:
    """How a client pays: so many days after an invoice is due, and by what."""

    delay: int
    method: str

    @classmethod
    def draw(cls, random: Random) -> "_Habit":
        [delay] = random.choices([days for days, _ in HABITS], [weight for _, weight in HABITS])
        [method] = random.choices([name for name, _ in METHODS], [weight for _, weight in METHODS])
        return cls(delay, method)


def _draw_names(count: int, random: Random) -> dict[int, str]:
    """Which invoices, by their places from 1, meet a special fate."""
    names: dict[int, str] = {}
    for name, often, first, last in SPECIAL:
        free = [number for number in range(1 + int(count * first), 1 + int(count * last)) if number not in names]
        names |= dict.fromkeys(random.sample(free, often), name)
    return names


def _draw_fate(
    number: int, name: str, habit: _Habit, customer: Customer, day: date, today: date, random: Random
) -> Fate:
    # All is drawn for each, so that another day draws the same for all the others.
    late = habit.delay + random.randint(-5, 8)
    seen, half, back = random.random(), Decimal(random.randint(40, 60)) / 100, Decimal(random.randint(8, 30)) / 100
    token, instant = f"{random.getrandbits(40):010x}", random.randint(700, 4200)
    yesterday = today - timedelta(days=1)
    paid_on = max(day + timedelta(days=1), day + timedelta(days=TERMS[customer.facts["paymentTerms"]] + late))
    is_viewed = seen < (0.85 if (today - day).days > 7 else 0.3)
    if name == "PAID" and paid_on > yesterday:
        return Fate("VIEWED" if is_viewed else "SENT", is_viewed)
    if name in ("CANCELLED", "COMPLIMENTARY", "DISPUTED", "UNPAID", "WRITTEN_OFF"):
        return Fate(name, is_viewed and name not in ("CANCELLED", "COMPLIMENTARY"))

    def receipt(place: int, later: int = 0) -> Receipt:
        on = min(paid_on + timedelta(days=later), yesterday)
        by_bank = habit.method in BY_BANK
        reference = f"{'Cheque ' if habit.method == 'CHEQUE' else ''}{token}{place}"
        return Receipt(
            request_id=f"demo:payment-{number:04}-{place}",
            day=on,
            method=habit.method,
            reference=reference,
            milliseconds=DAY if by_bank else instant * place,
            is_reconciled=by_bank and (today - on).days > 30,
        )

    receipts: tuple[Receipt, ...] = (receipt(1),)
    match name:
        case "RETURNED":
            return Fate(name, is_viewed, Decimal(1), min(day + timedelta(days=9), yesterday))
        case "CREDITED":
            return Fate(name, is_viewed, back, min(day + timedelta(days=6), yesterday, paid_on), receipts)
        case "INSTALMENTS":
            receipts = (replace(receipt(1), share=half), replace(receipt(2, 14), share=1 - half))
        case "PART_PAID":
            receipts = (replace(receipt(1), share=half),)
        case "OVERPAID":
            receipts = (replace(receipt(1), extra=Decimal(50)),)
        case "GIVEN_BACK":
            receipts = (replace(receipt(1), extra=Decimal(75), outcome="GIVEN_BACK"),)
        case "BOUNCED":
            bounced = replace(receipt(1), outcome="REVERSED", is_reconciled=False)
            receipts = (bounced, replace(receipt(2, 12), comes_after=True))
        case "FAILED":
            receipts = (replace(receipt(1), method="CARD", outcome="FAILED", is_reconciled=False),)
        case "EXPECTED":
            receipts = (replace(receipt(1), outcome="PENDING", is_reconciled=False),)
    return Fate(name, is_viewed, receipts=receipts)
