"""Drawing who buys, and what is sold."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, Final

from gql.demo.trade.model import Distributor, Vendor

CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Ware:
    """A product, and what its one vendor asks for it."""

    code: str
    sku: str
    name: str
    category: str
    sub_category: str
    hsn_code: str
    tax_rate: Decimal
    price: Decimal
    low_stock_level: int

    def price_of(self, quantity: int) -> Decimal:
        """What so many cost with tax, which is rounded for each item of an order."""
        net = (self.price * quantity).quantize(CENT, ROUND_HALF_UP)
        return net + (net * self.tax_rate / 100).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Shop:
    """A retailer, whom it buys of and how much, and how it pays: days after an invoice is due, and by what."""

    code: str
    name: str
    address: str
    email: str
    sellers: tuple[str, ...]
    terms_days: int
    weight: int
    delay: int
    method: str


def draw_wares(distributor: Distributor) -> dict[str, list[Ware]]:
    """The products by their vendor's code."""
    sellers = distributor.sellers
    return {
        vendor.code: _draw_wares(distributor, vendor, (distributor.products + place) // len(sellers))
        for place, vendor in enumerate(sellers)
    }


def _draw_wares(distributor: Distributor, vendor: Vendor, count: int) -> list[Ware]:
    random = Random(f"{distributor.slug}: {vendor.code}")  # noqa: S311 - the same demo each time, and nothing secret in it
    everything = [(brand, kind, pack) for brand in vendor.brands for kind in vendor.kinds for pack in kind.packs]
    wares = []
    for number, (brand, kind, (label, times)) in enumerate(random.sample(everything, count), 1):
        price = kind.price * times * random.randint(88, 118) / 100
        wares.append(
            Ware(
                code=f"{vendor.code}-{number:04}",
                sku=f"{kind.hsn_code}.{number:04}",
                name=f"{brand} {kind.name}, {label}",
                category=vendor.category,
                sub_category=kind.name,
                hsn_code=kind.hsn_code,
                tax_rate=kind.tax_rate,
                price=price.quantize(CENT, ROUND_HALF_UP),
                low_stock_level=random.choice((10, 20, 30)),
            )
        )
    return wares


# How many days after an invoice is due a shop pays it on average, and by what; and how many do.
DELAYS: Final = ((-9, 3), (-2, 5), (5, 3), (21, 2), (45, 1))
METHODS: Final = (("MOBILE_MONEY", 6), ("BANK_TRANSFER", 4), ("CASH", 1), ("CHEQUE", 2))


def draw_shops(distributor: Distributor) -> list[Shop]:
    """The retailers."""
    random = Random(f"{distributor.slug}: shops")  # noqa: S311 - the same demo each time, and nothing secret in it
    names = [(family, shop) for shop in distributor.shops for family in distributor.families]
    names = [names[0], *random.sample(names[1:], distributor.retailers - 1)]
    codes = [vendor.code for vendor in distributor.sellers]
    return [
        Shop(
            code=f"R-{number:04}",
            name=f"{family} {shop}",
            address=f"Plot {random.randint(2, 480)}, {random.choice(distributor.towns)}",
            email=f"{family}-{shop}@shops.example".lower().replace(" ", "-"),
            # The first buys much, and of the first vendor: these are the two whose people can sign in.
            sellers=(codes[0], codes[1]) if number == 1 else tuple(random.sample(codes, _one_of(random, SELLERS))),
            terms_days=_one_of(random, TERMS),
            weight=8 if number == 1 else random.choice((1, 2, 2, 3, 3, 4)),
            delay=_one_of(random, DELAYS),
            method=_one_of(random, METHODS),
        )
        for number, (family, shop) in enumerate(names, 1)
    ]


SELLERS: Final = ((1, 3), (2, 4), (3, 3))
TERMS: Final = ((14, 3), (30, 5), (45, 2))


def _one_of(random: Random, choices: tuple[tuple[Any, int], ...]) -> Any:
    return random.choices([choice for choice, _ in choices], [weight for _, weight in choices])[0]
