"""Drawing the orders of a year, what becomes of each, and how it is paid. What becomes of an order hangs on its number
alone, so that a demo that was interrupted goes on with the same ones on another day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from gql.demo.trade.goods import Shop, Ware
from gql.demo.trade.model import Distributor

DAYS: Final = 365
# What becomes of an order, of which share of them, and between which shares of the list, the oldest first.
SPECIAL: Final = (
    ("CANCELLED", 0.03, 0.0, 0.9),
    ("EXPIRED", 0.01, 0.0, 0.9),
    ("RETURNED", 0.01, 0.1, 0.8),
    ("PART_RETURNED", 0.02, 0.1, 0.8),
    ("IN_PARTS", 0.05, 0.0, 0.8),
    ("SHORT", 0.02, 0.0, 0.8),
    ("PREPAID", 0.02, 0.0, 0.8),
)
# The newest are still under way, in turns.
OPEN: Final = ("SHIPPED", "PART_SHIPPED", "CONFIRMED", "PLACED", "DRAFT")
OPEN_SHARE: Final = 0.04
# How an order that was delivered is paid, where not as its retailer usually does.
PAID: Final = (
    ("BOUNCED", 0.002, 0.5, 0.8),
    ("TAKEN_BACK", 0.002, 0.1, 0.5),
    ("PENDING", 0.004, 0.6, 0.8),
    ("CLEARED", 0.004, 0.0, 0.6),
    ("TWICE", 0.003, 0.0, 0.8),
    ("TOO_MUCH", 0.003, 0.1, 0.8),
    ("INSTALMENTS", 0.05, 0.0, 0.8),
    ("PART_PAID", 0.03, 0.3, 0.8),
    ("UNPAID", 0.04, 0.4, 0.8),
)
CHEQUES: Final = ("BOUNCED", "TAKEN_BACK", "PENDING", "CLEARED")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment of a share of what an order was charged and kept; `extra` comes on top. `outcome` is what becomes of
    it: RECEIVED, REVERSED; of a cheque CLEARED, PENDING, BOUNCED, or TAKEN_BACK after it was cleared."""

    transaction_id: str
    received_at: datetime
    method: str
    share: Decimal = Decimal(1)
    extra: Decimal = Decimal(0)
    outcome: str = "RECEIVED"

    @property
    def pays(self) -> bool:
        return self.outcome in ("RECEIVED", "CLEARED")


@dataclass(frozen=True, slots=True)
class Deal:
    """An order: who buys what of whom, what becomes of it and when, and its payments."""

    key: str
    vendor: str
    shop: Shop
    items: tuple[tuple[int, int], ...]
    """Of which of the vendor's products, by its place, how many."""
    total: Decimal
    fate: str
    moments: tuple[datetime, datetime, datetime, datetime]
    """When it was placed, confirmed, shipped and delivered, if it was."""
    receipts: tuple[Receipt, ...] = ()

    @property
    def prepaid(self) -> Decimal:
        return self.total if self.fate == "PREPAID" else Decimal(0)

    @property
    def left_open(self) -> Decimal:
        """How much of its line it needs in the end, at most."""
        if self.fate in ("CANCELLED", "EXPIRED", "RETURNED", "PREPAID", "DRAFT"):
            return Decimal(0)
        return self.total * max(Decimal(0), 1 - sum(receipt.share for receipt in self.receipts if receipt.pays))


def draw_deals(
    distributor: Distributor, shops: list[Shop], wares: dict[str, list[Ware]], today: date
) -> dict[str, list[Deal]]:
    """The orders by their vendor's code, oldest first."""
    random = Random(f"{distributor.slug}: orders")  # noqa: S311 - the same demo each time, and nothing secret in it
    count = distributor.orders
    fates = _draw_names(count, random, SPECIAL)
    still_open = max(2 * len(OPEN), round(count * OPEN_SHARE))
    for place in range(still_open):
        fates[count - place] = OPEN[place % len(OPEN)]
    ways = _draw_names(count, random, PAID, taken={number for number, fate in fates.items() if fate != "IN_PARTS"})
    days_ago = sorted((random.randint(1, DAYS) for _ in range(count)), reverse=True)
    deals: dict[str, list[Deal]] = {vendor.code: [] for vendor in distributor.sellers}
    for number, ago in enumerate(days_ago, 1):
        [shop] = random.choices(shops, [shop.weight for shop in shops])
        vendor = random.choice(shop.sellers)
        offered = wares[vendor]
        # The first of the list sell best.
        places = {
            int(random.random() ** 1.6 * len(offered))
            for _ in range(random.choices((1, 2, 3, 4, 5, 6), (6, 6, 3, 2, 1, 1))[0])
        }
        items = tuple((place, random.randint(2, 18)) for place in sorted(places))
        fate = fates.get(number, "DELIVERED")
        day = today - timedelta(days=min(ago, 6) if fate in OPEN else ago)
        moments = _draw_moments(day, today, random)
        deals[vendor].append(
            Deal(
                key=f"demo:order-{number:05}",
                vendor=vendor,
                shop=shop,
                items=items,
                total=sum((offered[place].price_of(quantity) for place, quantity in items), Decimal(0)),
                fate=fate,
                moments=moments,
                receipts=_draw_receipts(number, fate, ways.get(number, "PAID"), shop, moments[3], today, random),
            )
        )
    return deals


def _draw_names(
    count: int, random: Random, special: tuple[tuple[str, float, float, float], ...], taken: set[int] | None = None
) -> dict[int, str]:
    """Which orders, by their numbers from 1, meet something special; each of it is met at least once."""
    names: dict[int, str] = {}
    for name, share, first, last in special:
        free = [
            number
            for number in range(1 + int(count * first), 1 + int(count * last))
            if number not in names and number not in (taken or ())
        ]
        names |= dict.fromkeys(random.sample(free, max(1, round(count * share))), name)
    return names


def _draw_moments(day: date, today: date, random: Random) -> tuple[datetime, datetime, datetime, datetime]:
    last = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(minutes=1)
    day -= timedelta(days=day.weekday() == 6)  # nobody works on a Sunday
    morning = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    placed = morning + timedelta(minutes=random.randint(0, 660))
    confirmed = placed + timedelta(minutes=random.randint(10, 300))
    sent = random.randint(1, 2)
    shipped = morning + timedelta(days=sent, minutes=random.randint(0, 180))
    delivered = morning + timedelta(days=sent + random.randint(0, 3), minutes=random.randint(240, 600))
    return min(placed, last), min(confirmed, last), min(shipped, last), min(delivered, last)


def _draw_receipts(
    number: int, fate: str, way: str, shop: Shop, delivered: datetime, today: date, random: Random
) -> tuple[Receipt, ...]:
    # All is drawn for each, so that another day draws the same for all the others.
    late, half, token = random.randint(-4, 9), Decimal(random.randint(35, 65)) / 100, f"{random.getrandbits(36):09X}"
    first = max(delivered + timedelta(hours=3), delivered + timedelta(days=shop.terms_days + shop.delay + late))
    last = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(minutes=1)
    if fate in (*OPEN, "CANCELLED", "EXPIRED", "RETURNED", "PREPAID") or way == "UNPAID":
        return ()
    if way in CHEQUES:  # these are there on whatever day
        first = min(first, last)
    if first > last:
        return ()
    method = "CHEQUE" if way in CHEQUES else shop.method
    if method == "CHEQUE" and way not in ("PAID", *CHEQUES):
        method = "BANK_TRANSFER"

    def receipt(place: int = 1, **facts: Any) -> Receipt:
        moment = min(last, first + timedelta(days=13) * (place - 1))
        outcome = "CLEARED" if method == "CHEQUE" else "RECEIVED"
        return Receipt(f"{token}{number:05}{place}", moment, method, **{"outcome": outcome, **facts})

    match way:
        case "BOUNCED" | "TAKEN_BACK" | "PENDING":
            return (receipt(outcome=way),)
        case "TWICE":
            return (receipt(), receipt(2, outcome="REVERSED"))
        case "TOO_MUCH":
            return (receipt(extra=Decimal(500)),)
        case "INSTALMENTS":
            return (receipt(share=half), receipt(2, share=1 - half))
        case "PART_PAID":
            return (receipt(share=half),)
    return (receipt(),)
