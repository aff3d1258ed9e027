"""How much of everything is measured, and for how long."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench.database import DIRECTORY
from bench.dataset import Sizes

PARTS: Final = (
    *("rows", "tenants", "connections", "documents"),
    *("everyday", "trade", "search", "memory", "guesses", "noisy"),
)
"""The first four are the scale: what an operator sees grow."""


@dataclass(frozen=True)
class Scope:
    """The sizes that each part goes through, and the length of its rounds."""

    parts: tuple[str, ...] = PARTS
    invoices: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    """Of one tenant, one step after the other."""
    paid_invoices: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """Of one tenant that has payments too, twice as many."""
    orders: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """Of one tenant that trades."""
    products: int = 100_000
    """Of one tenant, among whose names is searched."""
    neighbours: int = 199
    """Other tenants beside that one."""
    tenants: tuple[int, ...] = (10, 1_000, 10_000)
    connections: tuple[int, ...] = (10, 50, 100, 200, 500, 1_000, 2_000)
    """Of clients."""
    pools: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    """Connections to PostgreSQL."""
    sign_ups: int = 100
    """How many are watched at each number of tenants."""
    unseen: int = 1_000_000
    """Documents that the server has never seen."""
    readings: int = 100
    """Of its memory while it answers them."""
    rounds: int = 5
    seconds: float = 3.0
    warm_seconds: float = 1.0
    load_seconds: float = 60.0
    """Of the mixed load after which memory is read."""
    sizes: Sizes = field(default_factory=Sizes)
    """Of the dataset that documents and memory are measured on: that of the comparison."""
    dataset: Path = DIRECTORY
    cache: Path = DIRECTORY.parent
    """Where the databases that grow are made."""
    keep: bool = False
    """Whether they stay when all is measured."""

    def at_most(self, most: int) -> "Scope":
        """No more invoices, orders, products, tenants and unseen documents than this; of what has steps the smallest
        stays."""
        return replace(
            self,
            invoices=_up_to(self.invoices, most),
            paid_invoices=_up_to(self.paid_invoices, most),
            orders=_up_to(self.orders, most),
            products=min(self.products, most),
            tenants=_up_to(self.tenants, most),
            unseen=min(self.unseen, most),
        )


def _up_to(steps: tuple[int, ...], most: int) -> tuple[int, ...]:
    return tuple(step for step in steps if step <= most) or steps[:1]


QUICK: Final = Scope(
    invoices=(10_000, 100_000),
    paid_invoices=(10_000, 50_000),
    orders=(2_000, 10_000),
    products=5_000,
    neighbours=20,
    tenants=(10, 100),
    connections=(10, 100, 500),
    pools=(1, 4, 16),
    sign_ups=3,
    unseen=20_000,
    readings=20,
    rounds=1,
    seconds=0.3,
    warm_seconds=0.1,
    load_seconds=5.0,
    sizes=Sizes(tenants=10),
    dataset=DIRECTORY.parent / "bench-growth-quick",
)
