"""What goes over the wire for an answer, byte by byte: whoever adds a header to all of them, does so here as well."""

import asyncio
import json
import re
from typing import Final
from urllib.parse import urlsplit

from tests.http.servers import Running

BODY: Final = b'{"data":{"organisation":{"name":"Harbour Ropes","currency":"EUR"}}}'
HEAD: Final = b"""\
HTTP/1.1 200 OK
date: Sat, 21 Nov 2026 08:00:00 GMT
content-type: application/graphql-response+json; charset=utf-8
x-request-id: a-request
x-content-type-options: nosniff
content-security-policy: default-src 'none'; frame-ancestors 'none'
cross-origin-resource-policy: same-origin
cache-control: no-store
strict-transport-security: max-age=31536000; includeSubDomains
content-length: 67

""".replace(b"\n", b"\r\n")
IN_PRODUCTION_ONLY: Final = b"strict-transport-security: max-age=31536000; includeSubDomains\r\n"


async def answers(server: Running, token: str) -> list[tuple[bytes, bytes]]:
    """Head and body of two answers to the same question over one connection; the second would begin with whatever the
    first had too much. Both came at eight o'clock."""
    address = urlsplit(server.url)
    question = json.dumps({"query": "{ organisation { name currency } }"})
    lines = [
        "POST /graphql HTTP/1.1",
        f"Host: {address.netloc}",
        "Accept: application/graphql-response+json",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(question)}",
        "X-Request-Id: a-request",
        "",
        question,
    ]
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    found = []
    try:
        for _ in range(2):
            writer.write("\r\n".join(lines).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            [length] = re.findall(rb"content-length: (\d+)\r\n", head)
            body = await reader.readexactly(int(length))
            found.append((re.sub(rb"date: .{29}\r\n", b"date: Sat, 21 Nov 2026 08:00:00 GMT\r\n", head), body))
    finally:
        writer.close()
        await writer.wait_closed()
    return found


def in_any_order(head: bytes) -> list[bytes]:
    """The lines of a head, each with its end: which header comes first says nothing."""
    return sorted(head.splitlines(keepends=True))


async def test_an_answer_in_production_has_a_head_of_399_bytes(production: Running, token: str) -> None:
    for head, body in await answers(production, token):
        assert in_any_order(head) == in_any_order(HEAD)
        assert len(head) == 399
        assert body == BODY


async def test_an_answer_in_development_lacks_the_line_about_tls(server: Running, token: str) -> None:
    for head, body in await answers(server, token):
        assert in_any_order(head) == in_any_order(HEAD.replace(IN_PRODUCTION_ONLY, b""))
        assert body == BODY
