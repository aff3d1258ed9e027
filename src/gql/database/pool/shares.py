"""What part of several pools one tenant may hold.

A connection that works is a core that is busy, whether it reads or writes. So while others are about, whoever asks for
all that they may leaves them cores too, and not only connections: each tenant holds its share of each pool, and of all
of them together. Alone it may have what its cap allows.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Final

Tenant = Hashable
"""Whoever has one share. Strangers (sign-in) do as if they were one tenant, so that a flood of them leaves room for
the others."""

ABOUT_SECONDS: Final = 1.0
"""For so long after it was last lent something a tenant counts as being about."""


class Shares:
    """Who is about, and how much each of them holds of everything together."""

    def __init__(self, about_seconds: float = ABOUT_SECONDS) -> None:
        self.about_seconds = about_seconds
        self._size = 0
        self._held: dict[Tenant, int] = {}
        self._about: OrderedDict[Tenant, float] = OrderedDict()
        """When each tenant was last lent something, the latest last."""
        self._hand_out: list[Callable[[], None]] = []

    def join(self, size: int, hand_out: Callable[[], None]) -> None:
        """Share so much more. `hand_out` is called whenever somebody may hold one more of all."""
        self._size += size
        self._hand_out.append(hand_out)

    def allow(self, tenant: Tenant, held: int, size: int) -> bool:
        """Whether the tenant, who holds so many of something of this size, may have one more. Whoever holds nothing
        may always."""
        self._forget(monotonic())
        sharers = len(self._about) + (tenant not in self._about)
        # A share is rounded up, so that all of them are used.
        return held * sharers < size and self._held.get(tenant, 0) * sharers < self._size

    def is_about(self, tenant: Tenant) -> None:
        """From now on, and for a while."""
        now = self._about[tenant] = monotonic()
        self._about.move_to_end(tenant)
        self._forget(now)

    def taken(self, tenant: Tenant) -> None:
        """Count one more."""
        self._held[tenant] = self._held.get(tenant, 0) + 1

    def given_back(self, tenant: Tenant, hand_out: Callable[[], None]) -> None:
        """Count one less, and have what is idle handed out to those who may have it now: last where it came from, or
        who waits there would have all that the tenant may."""
        held = self._held[tenant] - 1
        if held:
            self._held[tenant] = held
        else:
            del self._held[tenant]
        for other in self._hand_out:
            if other != hand_out:
                other()
        hand_out()

    def _forget(self, now: float) -> None:
        """Whoever was last lent something too long ago is not about any more."""
        while self._about and next(iter(self._about.values())) < now - self.about_seconds:
            self._about.popitem(last=False)
