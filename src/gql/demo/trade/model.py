"""What a distributor of the demo consists of."""

from dataclasses import dataclass, replace
from decimal import Decimal

from gql.demo.model import Firm

Pack = tuple[str, Decimal]
"""In what it is sold, and how many times the price of one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of goods: what it is called, its tax class and tax, and what one unit of it costs."""

    name: str
    hsn_code: str
    tax_rate: Decimal
    price: Decimal
    packs: tuple[Pack, ...]


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who sells: every kind of goods under every brand in every pack."""

    code: str
    name: str
    contact: str
    address: str
    category: str
    brands: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    is_approved: bool = True

    @property
    def email(self) -> str:
        return f"orders@{''.join(letter for letter in self.name.lower() if letter.isalpha())}.example"


@dataclass(frozen=True, slots=True)
class Distributor(Firm):
    """A demo organisation that trades: so many orders of so many retailers, of so many products."""

    vendors: tuple[Vendor, ...]
    families: tuple[str, ...]
    """Whose shops they are."""
    shops: tuple[str, ...]
    """What the shops are."""
    towns: tuple[str, ...]
    orders: int = 1200
    retailers: int = 200
    products: int = 2000

    @property
    def sellers(self) -> tuple[Vendor, ...]:
        return tuple(vendor for vendor in self.vendors if vendor.is_approved)

    def with_orders(self, orders: int) -> "Distributor":
        """The same with fewer orders, and so many fewer retailers and products."""
        return replace(
            self,
            orders=orders,
            retailers=min(self.retailers, max(10, self.retailers * orders // self.orders)),
            products=min(self.products, max(60, self.products * orders // self.orders)),
        )
