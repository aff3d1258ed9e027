"""What a demo organisation consists of. The numbers are drawn from a seed, so that every demo is the same one, seen
from the day on which it is made."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in. A member speaks for the client of this external reference; who comes from a vendor or a
    retailer, for the one of this code."""

    name: str
    email: str
    role: str
    speaks_for: str | None = None


@dataclass(frozen=True, slots=True)
class Firm:
    """An organisation of the demo. Its owner comes first among its people."""

    slug: str
    name: str
    profile: dict[str, Any]
    people: tuple[Person, ...]

    @property
    def owner(self) -> Person:
        return self.people[0]

    @property
    def currency(self) -> str:
        return str(self.profile["currency"])


@dataclass(frozen=True, slots=True)
class Article:
    """Something that is sold, at a price in the organisation's own currency. Quantities go from `least` to `most` in
    steps of `step`."""

    description: str
    price: Decimal
    tax_rate: Decimal
    least: Decimal = Decimal(1)
    most: Decimal = Decimal(1)
    step: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Customer:
    """A client, with its people and what was noted about it. `weight` is how much business is done with it."""

    external_ref: str
    name: str
    facts: dict[str, Any]
    contacts: tuple[tuple[str, str], ...]
    """Names and what they do; the first is the primary contact."""
    notes: tuple[tuple[str, str], ...] = ()
    """Kinds and texts."""
    weight: int = 2

    @property
    def currency(self) -> str:
        return str(self.facts["currency"])


@dataclass(frozen=True, slots=True)
class Organisation(Firm):
    """A demo organisation that sends invoices."""

    customers: tuple[Customer, ...]
    articles: tuple[Article, ...]
    rates: dict[str, Decimal] = field(default_factory=dict)
    """What one unit of the own currency is in the others that clients pay in."""
    invoices: int = 150
