"""Compressed answers: zstd or gzip, for bodies that are worth it."""

import asyncio
import gzip
from typing import Final

import zstandard

LEAST_BYTES: Final = 1024
"""A shorter body fits into one packet as it is."""

MOST_BYTES_INLINE: Final = 64 * 1024
"""A fifth of a millisecond of gzip. What is larger is compressed in a thread, so that nobody else waits for it."""

GZIP_LEVEL: Final = 5
ZSTD_LEVEL: Final = 3

# A compressor is as dear to make as 9 kB are to compress, and serves one thread at a time: this one the event loop.
_inline: Final = zstandard.ZstdCompressor(level=ZSTD_LEVEL)


async def compressed(body: bytes, encoding: str) -> bytes:
    """The body in this encoding, `gzip` or `zstd`."""
    if len(body) > MOST_BYTES_INLINE:
        return await asyncio.to_thread(_gzip if encoding == "gzip" else _zstd, body)
    return _gzip(body) if encoding == "gzip" else _inline.compress(body)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)
