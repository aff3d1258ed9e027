"""Who tries to come in has to wait longer after each failure: counted in the database, so that all servers know."""

import hashlib
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code

# Numbers as text: asyncpg would ask the catalog about an array of them, on every new connection.
TRY: Final = "select iam.throttle($1, $2::text[]::integer[])"
FORGIVE: Final = "select iam.throttle_forgive($1, $2)"

FROM_HERE: Final = 5
"""Failures of one account from one address before the first wait."""
OF_ACCOUNT: Final = 30
"""Of one account from anywhere: more, because who does not know the password could keep its owner out so."""
OF_ADDRESS: Final = 60
"""Of one address with any account: a whole office may have one."""


class Allowances(NamedTuple):
    """How many failures are free; None where they do not count at all."""

    from_here: int = FROM_HERE
    of_account: int | None = OF_ACCOUNT
    of_address: int = OF_ADDRESS


OF_PEOPLE: Final = Allowances()


class Attempt(NamedTuple):
    """A try to come in: with which account, from where, by which way (signing in, a code)."""

    way: str
    account: str
    origin: Origin
    allowances: Allowances = OF_PEOPLE

    @property
    def own(self) -> tuple[str, ...]:
        """The account from this address, and from anywhere if that counts."""
        from_here = _hashed(self.way, "from", network(self.origin), self.account)
        if self.allowances.of_account is None:
            return (from_here,)
        return from_here, _hashed(self.way, "account", self.account)

    @property
    def shared(self) -> str:
        """The address, whatever the account."""
        return _hashed(self.way, "address", network(self.origin))


class Throttle:
    """Counts tries, before anything dear is done for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def demand(self, attempt: Attempt) -> None:
        """Count the try as a failure, until it is forgiven. Raises ApiError RATE_LIMITED, reason TOO_MANY_FAILURES."""
        subjects = [*attempt.own, attempt.shared]
        free = [str(allowance) for allowance in attempt.allowances if allowance is not None]
        row = await self._database.ask(TRY, subjects, free)
        assert row is not None
        seconds = row[0]
        if seconds:
            raise ApiError(
                Code.RATE_LIMITED,
                "That went wrong too often. Wait before the next try; each further failure makes the wait longer.",
                reason="TOO_MANY_FAILURES",
                retry_after=seconds,
            )

    async def forgive(self, attempt: Attempt) -> None:
        """It went well."""
        await self._database.ask(FORGIVE, list(attempt.own), [attempt.shared])

    @asynccontextmanager
    async def trying(
        self, way: str, account: str, origin: Origin, allowances: Allowances = OF_PEOPLE
    ) -> AsyncIterator[None]:
        """The body is a try: it counts as a failure unless it ends without an exception."""
        attempt = Attempt(way, account, origin, allowances)
        await self.demand(attempt)
        yield
        await self.forgive(attempt)


def network(origin: Origin) -> str:
    """The address, or of IPv6 the network of 64 bits, of which whoever has one has all addresses."""
    try:
        address = ipaddress.ip_address(origin.ip_address or "")
    except ValueError:
        return origin.ip_address or ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
