"""What part of the time each tenant has had, where a share is less than one whole thing.

This is the generic cell rate algorithm, as networks use it: all that is kept of a tenant is the time at which its share
will have come up to what it has had.
"""

from dataclasses import dataclass
from typing import Final

from gql.fairness.crowd import Tenant

FEW: Final = 100
"""Accounts that may be kept though they are even."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a share of the time is kept.

    `least`: the smallest share; in however large a crowd, whoever has long work gets on with it. `ahead`: whoever has
    asked for little may have the share of so many seconds at once. `most_rest`: for so many seconds somebody may be
    kept waiting after something that took very long.
    """

    least: float
    ahead: float
    most_rest: float


class Accounts:
    """Who has had more than their share of the time, and until when they rest."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._even: dict[Tenant, float] = {}
        """When each tenant's share comes up to what it has had. Who stands in the past has had less."""
        self._most = FEW

    def rests(self, tenant: Tenant, now: float) -> bool:
        """Whether the tenant is as far ahead as it may be."""
        return self._even.get(tenant, now) > now + self._pace.ahead

    def charge(self, tenant: Tenant, seconds: float, share: float, now: float) -> None:
        """The tenant has had something for so long until now, and may have it for this part of the time."""
        even = max(self._even.get(tenant, 0.0), now - seconds) + seconds / max(share, self._pace.least)
        self._even[tenant] = min(even, now + self._pace.ahead + self._pace.most_rest)
        if len(self._even) > self._most:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Let go of whoever is even. There may be twice as many as are left before it is done again, so that it costs
        nobody much."""
        self._even = {tenant: even for tenant, even in self._even.items() if even > now}
        self._most = max(2 * len(self._even), FEW)
