"""Answers above a kilobyte are compressed as the client wants it."""

import gzip
import re
from urllib.parse import urlsplit

import httpx
import pytest
import zstandard
from graphql import get_introspection_query

from gql.http.compression import LEAST_BYTES, MOST_BYTES_INLINE
from gql.http.negotiation import encoding
from tests.http.servers import Running

LARGE = get_introspection_query(descriptions=True)


async def raw(server: Running, query: str, accept_encoding: str | None) -> tuple[httpx.Headers, bytes]:
    """The headers of the answer and its bytes as they came."""
    request = server.client.build_request("POST", "/graphql", json={"query": query})
    del request.headers["accept-encoding"]
    if accept_encoding is not None:
        request.headers["accept-encoding"] = accept_encoding
    answer = await server.client.send(request, stream=True)
    body = b"".join([piece async for piece in answer.aiter_raw()])
    assert int(answer.headers["content-length"]) == len(body)
    return answer.headers, body


def unpacked(headers: httpx.Headers, body: bytes) -> bytes:
    match headers.get("content-encoding"):
        case "gzip":
            return gzip.decompress(body)
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(body)
        case _:
            return body


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("br, deflate", None),
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("gzip;q=0, zstd;q=0.001", "zstd"),
        ("gzip;q=0, zstd;q=0", None),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "gzip"),
        ("*;q=0", None),
        ("identity;q=1, gzip;q=0.5", None),
        ("GZIP", "gzip"),
        ("gzip;q=nonsense, zstd;q=2", None),
    ],
)
async def test_the_compression_is_the_one_that_is_wanted_most(
    server: Running, accept_encoding: str | None, expected: str | None
) -> None:
    headers, body = await raw(server, LARGE, accept_encoding)
    assert headers.get("content-encoding") == expected
    assert headers["cache-control"] == "no-store"  # so no cache hands it to somebody who cannot read it
    _, plain = await raw(server, LARGE, None)
    assert unpacked(headers, body) == plain
    if expected is not None:
        assert len(body) < len(plain) / 5


async def test_a_short_answer_goes_as_it_is(server: Running) -> None:
    headers, body = await raw(server, "{ __typename }", "gzip, zstd")
    assert "content-encoding" not in headers
    assert body == b'{"data":{"__typename":"Query"}}'


async def test_answers_are_compressed_from_the_first_kilobyte_on(server: Running) -> None:
    empty = len('{"data":{"":"Query"}}')
    for size, expected in ((LEAST_BYTES - 1, None), (LEAST_BYTES, "zstd")):
        headers, body = await raw(server, "{ " + "a" * (size - empty) + ": __typename }", "zstd")
        assert headers.get("content-encoding") == expected
        assert len(unpacked(headers, body)) == size


async def test_a_large_answer_is_compressed_in_a_thread_and_is_the_same(server: Running) -> None:
    _, plain = await raw(server, LARGE, None)
    assert len(plain) > MOST_BYTES_INLINE
    for wanted in ("gzip", "zstd"):
        assert unpacked(*await raw(server, LARGE, wanted)) == plain


async def test_the_console_is_compressed_too(server: Running) -> None:
    page = await server.client.get("/graphiql/graphiql.min.js", headers={"Accept-Encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    assert re.search("Accept-Encoding", page.headers["vary"], re.IGNORECASE)
    assert urlsplit(str(page.url)).path == "/graphiql/graphiql.min.js"


def test_a_header_of_any_length_and_kind_is_only_a_wish() -> None:
    for header in (
        b"gzip," * 100_000,
        b"\xff\xfe",
        b";;;,,,==",
        b"gzip;q=" + b"9" * 10_000,
        b"gzip;q=-1",
        b"gzip;q=nan",
    ):
        assert encoding(header) in (None, "gzip")
