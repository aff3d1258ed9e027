"""Who is about: whoever was lent something within the last second."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

Tenant = Hashable
"""Whoever has one share. Strangers (sign-in) are None and count as one, so that a flood of them leaves room for the
others."""

ABOUT_SECONDS: Final = 1.0


class Crowd:
    """The tenants that are about. They are the same ones for all that is shared, whatever they ask for."""

    def __init__(self, about_seconds: float = ABOUT_SECONDS) -> None:
        self.about_seconds = about_seconds
        self._seen: OrderedDict[Tenant, float] = OrderedDict()
        """When each tenant was last lent something, the latest last."""

    @property
    def size(self) -> int:
        """How many were about when somebody last looked."""
        return len(self._seen)

    def size_with(self, tenant: Tenant, now: float) -> int:
        """How many are about, this tenant among them."""
        self._forget(now)
        return len(self._seen) + (tenant not in self._seen)

    def see(self, tenant: Tenant, now: float) -> None:
        """The tenant is about, from now on and for a while."""
        self._seen[tenant] = now
        self._seen.move_to_end(tenant)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._seen and next(iter(self._seen.values())) < now - self.about_seconds:
            self._seen.popitem(last=False)
