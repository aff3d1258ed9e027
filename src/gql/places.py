"""What the address of a database says: the servers it names, one as a rule or a primary and its standbys with commas
between, and the rest.

postgresql://user:password@one:5432,two:5432/countinghouse
"""

import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

DEFAULT_PORT: Final = 5432
_AUTHORITY: Final = re.compile(r"[^/?#]+")
_PLACE: Final = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:@\[\],/]+))(?::(?P<port>\d{1,5}))?")


class Place(NamedTuple):
    """Where one server listens."""

    host: str
    port: int


def parts_of(url: str) -> SplitResult:
    """The address as `urlsplit` takes it apart, which by itself refuses brackets behind a comma. Raises ValueError."""
    scheme, separator, rest = url.partition("://")
    authority = _AUTHORITY.match(rest)
    netloc = authority[0] if authority else ""
    return urlsplit(scheme + separator + rest.removeprefix(netloc))._replace(netloc=netloc)


def places_of(url: str) -> tuple[Place, ...]:
    """All of them, in their order. Raises ValueError for an address that names none, or one that cannot be."""
    return tuple(map(_place, parts_of(url).netloc.rpartition("@")[2].split(",")))


def _place(text: str) -> Place:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError("there is no such place")
    port = int(found["port"] or DEFAULT_PORT)
    if port > 65535:
        raise ValueError("there is no such port")
    return Place(found["ipv6"] or unquote(found["host"]), port)
