"""Fetching a document from an address that somebody has named: our own server must not become their hand inside.

The host's addresses are judged before anything is sent, and the connection goes to an address that was judged: asking
for the name again could give another one. Nothing is followed, waited for or read without a limit.
"""

import asyncio
import ipaddress
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

SECONDS: Final = 4.0
"""For all of it: finding the host, connecting, and reading to the end."""
CONNECT_SECONDS: Final = 1.5
LONGEST: Final = 64 * 1024
"""Bytes: dozens of keys."""
MOST_ADDRESSES: Final = 3
MOST_AT_ONCE: Final = 16

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host. Raises OSError."""


class FetchError(Exception):
    """It could not be fetched; the text says why, for the log."""


class Fetcher:
    """Fetches JSON. `private` allows http and addresses that are not the public internet's: for development."""

    def __init__(
        self, *, private: bool = False, resolve: Resolve | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        self._private = private
        self._resolve = resolve or self._look_up
        self._trust = trust
        self._prepared: ssl.SSLContext | None = None
        self._preparing = asyncio.Lock()
        # Of their own: who names a host whose name server is slow must not keep the other threads of this process.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="resolving")
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def json(self, address: str) -> Any:
        """The document at this address. Raises FetchError."""
        trust = await self._prepare()
        try:
            async with asyncio.timeout(SECONDS), self._room:
                return json.loads(await self._fetch(address, trust))
        except TimeoutError:
            raise FetchError(f"took longer than {SECONDS:g} s") from None
        except (ValueError, RecursionError):
            raise FetchError("is not JSON") from None

    async def _fetch(self, address: str, trust: ssl.SSLContext) -> bytes:
        import httpx

        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            raise FetchError("is no address") from None
        if url.scheme != "https" and not (self._private and url.scheme == "http"):
            raise FetchError("is no https address")
        if not url.host or url.userinfo:
            raise FetchError("names no host, or a password")
        judged = await self._judged(url.host, url.port or (443 if url.scheme == "https" else 80))
        # A client for each: no cookie and no connection goes from one address to another; and no proxy in between,
        # which would find the host by itself.
        limits = httpx.Timeout(SECONDS, connect=CONNECT_SECONDS)
        async with httpx.AsyncClient(verify=trust, trust_env=False, follow_redirects=False, timeout=limits) as client:
            return await _first(client, url, judged)

    async def _prepare(self) -> ssl.SSLContext:
        """What certificates are verified against. Loading it, and what fetches, takes 20 MB and half a second: it is
        done once, where something is fetched at all, and beside the requests that are under way."""

        def load() -> ssl.SSLContext:
            import httpx

            return self._trust or httpx.create_ssl_context()

        async with self._preparing:
            if self._prepared is None:
                self._prepared = await asyncio.get_running_loop().run_in_executor(self._threads, load)
            return self._prepared

    async def _judged(self, host: str, port: int) -> list[str]:
        """The addresses of the host. Raises FetchError unless all of them may be connected to."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise FetchError("names a host that is not found") from None
        if not found:
            raise FetchError("names a host that is not found")
        if not self._private and not all(is_public(each) for each in found):
            raise FetchError("names a host that is not on the public internet")
        return found[:MOST_ADDRESSES]

    async def _look_up(self, host: str, port: int) -> list[str]:
        def ask() -> list[str]:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))

        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)


async def _first(client: "httpx.AsyncClient", url: "httpx.URL", judged: list[str]) -> bytes:
    """What is at the first of these addresses of the host that answers. Raises FetchError."""
    import httpx

    for each in judged:
        try:
            # The certificate is still the host's: `sni_hostname` is the name that it is verified against.
            async with client.stream(
                "GET",
                url.copy_with(host=each),
                headers={"Host": url.netloc.decode(), "Accept": "application/json", "Accept-Encoding": "identity"},
                extensions={"sni_hostname": url.host},
            ) as response:
                return await _body(response)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
        except httpx.HTTPError as error:
            raise FetchError(f"failed: {type(error).__name__}") from None
    raise FetchError("cannot be connected to")


async def _body(response: "httpx.Response") -> bytes:
    if response.status_code != 200:
        raise FetchError(f"answered {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise FetchError("is compressed, which was not asked for")
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > LONGEST:
            raise FetchError(f"is longer than {LONGEST} bytes")
    return bytes(body)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and not of this machine or of a network around it."""
    try:
        # What stands behind % is a zone, and only addresses that are not public have one.
        found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved
