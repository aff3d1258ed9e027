"""What the client accepts: the media type of the answer and its compression."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
OFFERED: Final = (JSON, GRAPHQL_RESPONSE)
ENCODINGS: Final = ("zstd", "gzip")
"""The compressions that we know, the better one first."""

LONGEST_HEADER: Final = 1000
MOST_CHOICES: Final = 256


@lru_cache(MOST_CHOICES)
def media_type(accept: bytes | None) -> str | None:
    """The media type to answer in, or None when the client accepts neither.

    A client that names neither (`*/*`, or no header at all) is taken for one older than the GraphQL over HTTP
    specification, and gets application/json.
    """
    if accept is None:
        return JSON
    best: tuple[float, int, str] | None = None
    for place, (value, parameters, quality) in enumerate(_ranked(accept)):
        if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
            continue
        offered = JSON if value in ("*/*", "application/*") else value
        # Among equals the one named first; what is named is meant more than a wildcard.
        choice = (quality, -place if offered == value else -MOST_CHOICES - place, offered)
        if offered in OFFERED and quality > 0 and (best is None or choice[:2] > best[:2]):
            best = choice
    return best[2] if best else None


@lru_cache(MOST_CHOICES)
def encoding(accept_encoding: bytes | None) -> str | None:
    """The compression to answer in: the most wanted of those we know; None for none."""
    if not accept_encoding:
        return None
    wanted = {value: quality for value, _, quality in _ranked(accept_encoding)}
    qualities = {name: wanted.get(name, wanted.get("*", 0.0)) for name in ENCODINGS}
    best = max(ENCODINGS, key=lambda name: qualities[name])
    # Whoever prefers the plain answer by name gets it.
    return best if qualities[best] > 0 and qualities[best] >= wanted.get("identity", 0.0) else None


@lru_cache(MOST_CHOICES)
def content_type(header: bytes) -> tuple[str, str]:
    """A Content-Type as its media type and its charset, both in lower case; UTF-8 where it names none."""
    value, parameters = _split(header[:LONGEST_HEADER].decode("latin-1"))
    return value, parameters.get("charset", "utf-8").lower()


def _ranked(header: bytes) -> Iterator[tuple[str, dict[str, str], float]]:
    """(value, parameters, quality) of each entry. An entry whose quality cannot be read is passed over."""
    for entry in header[:LONGEST_HEADER].decode("latin-1").split(","):
        value, parameters = _split(entry)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if value and 0 <= quality <= 1:
            yield value, parameters, quality


def _split(entry: str) -> tuple[str, dict[str, str]]:
    value, *rest = (part.strip() for part in entry.split(";"))
    pairs = (part.partition("=") for part in rest)
    return value.lower(), {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}
