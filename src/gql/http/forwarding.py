"""Who sent a request that a proxy of the house has passed on.

`X-Forwarded-For` and `X-Forwarded-Proto` are believed of the addresses that TRUSTED_PROXIES names, and of nobody else:
the throttles of signing in count by address, and whoever may say what theirs is has one for each guess.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from cachetools import LRUCache
from starlette.types import Scope

Networks = tuple[IPv4Network | IPv6Network, ...]
MOST_HOPS: Final = 32
"""Further to the left stands what the client wrote."""
MOST_PEERS: Final = 1024
SCHEMES: Final = {b"http": "http", b"https": "https"}


class TrustedProxies:
    """The proxies that are believed."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._known: LRUCache[str, bool] = LRUCache(MOST_PEERS)

    def apply(self, scope: Scope) -> None:
        """Put the client in the place of the proxy that passed the request on."""
        client = scope.get("client")
        if client is None or not self._trusts(client[0]):
            return
        if (address := self._sender(scope)) is not None:
            scope["client"] = (address, 0)
        if (scheme := _scheme(scope)) is not None:
            scope["scheme"] = scheme

    def _trusts(self, peer: str) -> bool:
        trusted = self._known.get(peer)
        if trusted is None:
            address = _address(peer)
            trusted = self._known[peer] = address is not None and self._is_ours(address)
        return trusted

    def _is_ours(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)

    def _sender(self, scope: Scope) -> str | None:
        """Each proxy writes whom it had it from at the end. So the client is the last one that is no proxy of ours;
        what stands before that, they have made up as they liked. What is no address ends the list."""
        found = None
        for hop in _hops(scope):
            address = _address(hop)
            if address is None:
                break
            found = str(address)
            if not self._is_ours(address):
                break
        return found


def _hops(scope: Scope) -> Iterator[str]:
    """The last one first."""
    given = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    hops = given.decode("latin-1").rsplit(",", MOST_HOPS)[-MOST_HOPS:] if given else []
    return (hop.strip() for hop in reversed(hops))


def _scheme(scope: Scope) -> str | None:
    given = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
    return SCHEMES.get(given[-1].rpartition(b",")[2].strip().lower()) if given else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Some proxies write the port behind it, and IPv6 in brackets then."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
