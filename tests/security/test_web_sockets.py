"""Attacks 40 to 43 come through a web socket, and there is none: no subscription in the schema, and whoever asks for
another protocol is answered in this one."""

import asyncio

import pytest

from gql.schema import build_schema
from tests.http.servers import Running, refusal

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: {upgrade}\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: {protocol}\r\nOrigin: {origin}\r\n\r\n"
)


def test_the_schema_has_nothing_to_subscribe_to() -> None:
    assert build_schema()._schema.subscription_type is None


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", ""])
@pytest.mark.parametrize("protocol", ["graphql-transport-ws", "graphql-ws"])
@pytest.mark.parametrize("path", ["/graphql", "/"])
async def test_an_upgrade_is_refused(production: Running, path: str, protocol: str, origin: str) -> None:
    """Attacks 40, 41, 42 and 43."""
    host = production.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    try:
        handshake = HANDSHAKE.format(path=path, host=host, upgrade="websocket", protocol=protocol, origin=origin)
        writer.write(handshake.encode())
        status = (await asyncio.wait_for(reader.readline(), 30)).split()[1]
        assert int(status) in (307, 400, 404, 405, 406)
        headers = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).lower()
        assert b"sec-websocket" not in headers
        assert b"upgrade: websocket" not in headers
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_subscription_is_no_operation_of_ours(production: Running, token: str) -> None:
    for asking in (token, None):
        answer = await production.ask("subscription { clients { id } }", token=asking)
        assert refusal(answer)[:2] == (400, "GRAPHQL_VALIDATION_FAILED")
