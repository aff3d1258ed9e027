"""What part of the time each tenant has had, where a share is less than one whole thing.

This is the generic cell rate algorithm, as networks use it: all that is kept of a tenant is the time at which its share
will have come up to what it has had.
"""

from typing import Final

from gql.fairness.crowd import Tenant

AHEAD_SECONDS: Final = 10.0
"""Whoever has asked for little may have the share of ten seconds at once: a page of charts is a dozen questions, and
then nothing for a while."""
MOST_REST_SECONDS: Final = 2.0
"""For longer nobody is kept waiting because of one long statement; who waits is refused after five."""


class Accounts:
    """Who has had more than their share of the time, and until when they rest."""

    def __init__(self) -> None:
        self._even: dict[Tenant, float] = {}
        """When each tenant's share comes up to what it has had. Who stands in the past has had less."""

    def rests(self, tenant: Tenant, now: float) -> bool:
        """Whether the tenant is as far ahead as it may be."""
        return self._even.get(tenant, now) > now + AHEAD_SECONDS

    def charge(self, tenant: Tenant, seconds: float, share: float, now: float) -> None:
        """The tenant has had something for so long, and may have it for this part of the time."""
        even = max(self._even.get(tenant, now), now) + seconds / share
        self._even[tenant] = min(even, now + AHEAD_SECONDS + MOST_REST_SECONDS)

    def forget(self, now: float, most: int) -> None:
        """Let go of whoever is even, when more than so many are kept."""
        if len(self._even) > most:
            self._even = {tenant: even for tenant, even in self._even.items() if even > now}
