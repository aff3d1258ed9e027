"""What part of several pools one tenant may hold.

A connection that works is a core that is busy, whether it reads or writes. So while others are about, whoever asks for
all that they may leaves them cores too, and not only connections: each tenant holds its share of each pool, and of all
of them together. Alone it may have what its cap allows.
"""

from collections import OrderedDict
from collections.abc import Hashable
from time import monotonic
from typing import Final, Protocol

Tenant = Hashable
"""Whoever has one share. Strangers (sign-in) do as if they were one tenant, so that a flood of them leaves room for
the others."""

ABOUT_SECONDS: Final = 1.0
"""For so long after it was last lent something a tenant counts as being about."""


class Shared(Protocol):
    """Something of which tenants hold parts, as Slots are."""

    @property
    def size(self) -> int: ...
    def held_by(self, tenant: Tenant) -> int: ...
    def hand_out(self) -> None: ...


class Shares:
    """Who is about, and what each of them may hold of all that is shared."""

    def __init__(self, about_seconds: float = ABOUT_SECONDS) -> None:
        self.about_seconds = about_seconds
        self._all: list[Shared] = []
        self._about: OrderedDict[Tenant, float] = OrderedDict()
        """When each tenant was last lent something, the latest last."""

    def join(self, shared: Shared) -> None:
        self._all.append(shared)

    def allow(self, tenant: Tenant, wanted: Shared) -> bool:
        """Whether the tenant may have one more of what is wanted. Whoever holds nothing may always."""
        self._forget(monotonic())
        sharers = len(self._about) + (tenant not in self._about)
        # A share is rounded up, so that all of them are used.
        return wanted.held_by(tenant) * sharers < wanted.size and (
            sum(each.held_by(tenant) for each in self._all) * sharers < sum(each.size for each in self._all)
        )

    def is_about(self, tenant: Tenant) -> None:
        """From now on, and for a while."""
        now = self._about[tenant] = monotonic()
        self._about.move_to_end(tenant)
        self._forget(now)

    def hand_out(self, last: Shared) -> None:
        """Something has come back: have what is idle handed out to those who may have it now. Last where it came from,
        or who waits there would have all that the tenant may."""
        for each in self._all:
            if each is not last:
                each.hand_out()
        last.hand_out()

    def _forget(self, now: float) -> None:
        """Whoever was last lent something too long ago is not about any more."""
        while self._about and next(iter(self._about.values())) < now - self.about_seconds:
            self._about.popitem(last=False)
