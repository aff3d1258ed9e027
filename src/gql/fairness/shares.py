"""What part of what is shared one tenant may hold: of several pools, say, or of threads.

A connection that works is a core that is busy, whether it reads or writes. So while others are about, whoever asks for
all that they may leaves them cores too, and not only connections: each tenant holds its share of each pool, and of all
of them together. Alone it may have what its cap allows.

Where more are about than there are connections, a share is less than one. It is a part of the time, then: whoever has
had more than that rests. Else one busy connection for each of them would still be every core there is.
"""

from time import monotonic
from typing import Final, Protocol

from gql.fairness.accounts import Accounts, Pace
from gql.fairness.crowd import Crowd, Tenant

USUAL_PACE: Final = Pace(least=0.05, ahead=10.0, most_rest=2.0)
"""For what works for somebody: a page of charts is a dozen questions, and then nothing for a while; and nobody is
refused because of one long statement, as everybody waits for two and a half seconds at least."""


class Shared(Protocol):
    """Something of which tenants hold parts, as Slots are."""

    @property
    def size(self) -> int: ...
    def held_by(self, tenant: Tenant) -> int: ...
    def hand_out(self) -> None: ...


class Shares:
    """What each tenant in the crowd may hold of all that is shared."""

    def __init__(self, crowd: Crowd | None = None, pace: Pace = USUAL_PACE) -> None:
        self.crowd = crowd or Crowd()
        self._all: list[Shared] = []
        self._size = 0
        self._accounts = Accounts(pace)

    def join(self, shared: Shared) -> None:
        self._all.append(shared)
        self._size += shared.size

    def allow(self, tenant: Tenant, wanted: Shared) -> bool:
        """Whether the tenant may have one more of what is wanted. Whoever holds nothing, and has had no more than their
        share of the time, may always."""
        now = monotonic()
        sharers = self.crowd.size_with(tenant, now)
        # A share is rounded up, so that all of them are used.
        return (
            wanted.held_by(tenant) * sharers < wanted.size
            and sum(each.held_by(tenant) for each in self._all) * sharers < self._size
            and not (sharers > self._size and self._accounts.rests(tenant, now))
        )

    def charge(self, tenant: Tenant, seconds: float, now: float) -> None:
        """The tenant has held a part for so long. Strangers are many people, each of whom may be of a tenant that has
        had nothing yet: their time is nobody's."""
        sharers = self.crowd.size
        if sharers > self._size and tenant is not None:
            self._accounts.charge(tenant, seconds, self._size / sharers, now)

    def hand_out(self, last: Shared) -> None:
        """Something has come back: have what is idle handed out to those who may have it now. Last where it came from,
        or who waits there would have all that the tenant may."""
        for each in self._all:
            if each is not last:
                each.hand_out()
        last.hand_out()
