"""/hooks/whatsapp: what a messenger brings is believed by its signature alone, and taken once."""

import hmac
import json
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx
import pytest

from tests.harness.actors import as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person, make_tenant
from tests.harness.verbs import call
from tests.http.servers import Running, refusal

CREATE: Final = """
mutation ($input: MessageChannelCreateInput!) { messageChannelCreate(input: $input) { id path verifyToken } }
"""
UPDATE: Final = "mutation ($input: MessageChannelUpdateInput!) { messageChannelUpdate(input: $input) { id } }"
SECRET: Final = "0123456789abcdef0123456789abcdef"
OURS: Final = "+254700000001"


class Channel(NamedTuple):
    tenant: Tenant
    owners: str
    id: str
    path: str
    verify_token: str


@pytest.fixture
async def channel(server: Running) -> Channel:
    tenant = await make_tenant("Cordage & Twine")
    owners = server.token(tenant.owner, tenant)
    given = {"input": {"phoneNumber": OURS, "appSecret": SECRET}}
    made = (await server.ask(CREATE, token=owners, variables=given)).json()["data"]["messageChannelCreate"]
    return Channel(tenant, owners, made["id"], made["path"], made["verifyToken"])


def text(body: str, **facts: Any) -> dict[str, Any]:
    """A message of text, as the Cloud API has it."""
    said = {"from": "254712345678", "id": f"wamid.{uuid4().hex}", "timestamp": "1767225600", "type": "text"}
    return {**said, "text": {"body": body}, **facts}


def notification(*messages: dict[str, Any], number: str = OURS, **more: Any) -> bytes:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number.lstrip("+"), "phone_number_id": "1"},
        "contacts": [{"profile": {"name": "Ann"}, "wa_id": "254712345678"}],
        "messages": list(messages),
        **more,
    }
    changes = [{"field": "messages", "value": value}]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "0", "changes": changes}]}).encode()


def signature(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()}


async def bring(
    server: Running, channel: Channel, body: bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    return await server.client.post(channel.path, content=body, headers=signature(body) if headers is None else headers)


async def there(channel: Channel) -> list[dict[str, Any]]:
    async with as_tenant(channel.tenant) as connection:
        rows = await connection.fetch("select * from trade.messages order by created_at, id")
    return [dict(row) for row in rows]


async def test_what_is_signed_is_taken_once_however_often_it_comes(server: Running, channel: Channel) -> None:
    async with as_tenant(channel.tenant) as connection:
        retailer = await call(
            connection, "trade.retailer_create", retailer_code="R-1", name="Corner Shop", phone="+254712345678"
        )
    body = notification(text("order V-017\n10 RICE-5KG"), text("Good morning"))
    for _ in range(3):
        answer = await bring(server, channel, body)
        assert (answer.status_code, answer.json()) == (200, {"received": 2})
    found = await there(channel)
    assert [(row["body"], row["direction"]) for row in found] == [
        ("order V-017\n10 RICE-5KG", "INBOUND"),
        ("Good morning", "INBOUND"),
    ]
    first = found[0]
    assert (first["from_number"], first["to_number"], first["retailer_id"]) == ("+254712345678", OURS, retailer)
    assert first["sent_at"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert first["created_by"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature": "sha1=0"},
        signature(b"another body"),
        signature(notification(), "f" * 32),
    ],
)
async def test_what_is_not_signed_so_is_not_believed(
    server: Running, channel: Channel, headers: dict[str, str]
) -> None:
    answer = await bring(server, channel, notification(text("order V-017\n10 RICE-5KG")), headers)
    assert answer.status_code == 401
    assert await there(channel) == []


async def test_a_body_that_was_changed_on_its_way_is_not_believed(server: Running, channel: Channel) -> None:
    body = notification(text("order V-017\n10 RICE-5KG"))
    answer = await bring(server, channel, body.replace(b"10 RICE", b"99 RICE"), signature(body))
    assert answer.status_code == 401
    assert await there(channel) == []


async def test_one_channels_secret_is_good_for_no_other(server: Running, channel: Channel) -> None:
    other = await make_tenant("Brass Foundry")
    given = {"input": {"phoneNumber": OURS, "appSecret": "f" * 32}}
    made = (await server.ask(CREATE, token=server.token(other.owner, other), variables=given)).json()
    body = notification(text("Good morning"))
    answer = await server.client.post(
        made["data"]["messageChannelCreate"]["path"], content=body, headers=signature(body)
    )
    assert answer.status_code == 401
    unknown = await server.client.post(f"/hooks/whatsapp/{uuid4()}", content=body, headers=signature(body))
    assert (unknown.status_code, unknown.content) == (401, answer.content)
    nonsense = await server.client.post("/hooks/whatsapp/nonsense", content=body, headers=signature(body))
    assert (nonsense.status_code, nonsense.content) == (401, answer.content)


async def test_what_is_not_for_this_number_or_no_message_is_passed_over(server: Running, channel: Channel) -> None:
    statuses = [{"id": "wamid.1", "status": "delivered", "timestamp": "1", "recipient_id": "254712345678"}]
    for body in (
        notification(text("Hello"), number="+254700000009"),
        notification(statuses=statuses),
        notification(text("Hello", **{"from": "not a number"})),
        notification(text("Hello", timestamp="soon")),
        notification({"type": "text"}),
        b'{"object": "whatsapp_business_account", "entry": []}',
        b"{}",
    ):
        answer = await bring(server, channel, body)
        assert (answer.status_code, answer.json()) == (200, {"received": 0})
    assert await there(channel) == []


async def test_whatever_comes_along_is_kept_as_far_as_it_can_be(server: Running, channel: Channel) -> None:
    image = {"id": "42", "mime_type": "image/jpeg", "sha256": "x"}
    body = notification(
        text("", type="image", image=image),
        text("", type="document", document={"filename": "x" * 20_000}),
        text("", type="sticker", sticker={"id": "\0"}),
        text("x" * 5000 + "\0"),
    )
    assert (await bring(server, channel, body)).json() == {"received": 4}
    found = {row["message_id"]: row for row in await there(channel)}
    kept = [json.loads(row["media"]) for row in found.values()]
    assert {"type": "image", "image": image} in kept
    assert {"type": "document"} in kept
    assert {"type": "sticker"} in kept
    assert max(len(row["body"] or "") for row in found.values()) == 4096


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"entry": 1}', b"[" * 100_000])
async def test_what_is_no_notification_is_told_so(server: Running, channel: Channel, body: bytes) -> None:
    answer = await bring(server, channel, body)
    assert answer.status_code == 400
    assert (await bring(server, channel, b"x" * 1_000_001)).status_code == 413


async def test_the_messenger_is_answered_its_challenge_for_the_token_alone(server: Running, channel: Channel) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": channel.verify_token, "hub.challenge": "1158201444"}
    answer = await server.client.get(channel.path, params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "x"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": ""}):
        answer = await server.client.get(channel.path, params={**asked, **wrong})
        assert answer.status_code == 403
        assert "1158201444" not in answer.text


async def test_a_secret_changes_and_a_channel_is_closed(server: Running, channel: Channel) -> None:
    body = notification(text("Good morning"))
    changed = {"input": {"id": channel.id, "appSecret": "f" * 32}}
    assert (await server.ask(UPDATE, token=channel.owners, variables=changed)).json()["data"]
    assert (await bring(server, channel, body)).status_code == 401
    assert (await bring(server, channel, body, signature(body, "f" * 32))).status_code == 200
    closed = {"input": {"id": channel.id, "isActive": False}}
    assert (await server.ask(UPDATE, token=channel.owners, variables=closed)).json()["data"]
    assert (await bring(server, channel, body, signature(body, "f" * 32))).status_code == 401


async def test_a_suspended_organisation_takes_nothing(server: Running, channel: Channel) -> None:
    async with as_superuser() as connection:
        await connection.execute("update iam.tenants set suspended_at = now() where id = $1", channel.tenant.tenant_id)
    assert (await bring(server, channel, notification(text("Hello")))).status_code == 401


async def test_admins_alone_make_channels_and_nobody_reads_their_secrets(server: Running, channel: Channel) -> None:
    given = {"input": {"phoneNumber": "+254700000005", "appSecret": SECRET}}
    operator = await make_person(channel.tenant, "operator")
    answer = await server.ask(CREATE, token=server.token(operator, channel.tenant), variables=given)
    assert refusal(answer) == (403, "FORBIDDEN", "PERMISSION_MISSING")
    assert refusal(await server.ask(CREATE, variables=given)) == (401, "UNAUTHENTICATED", "TOKEN_MISSING")
    for wrong, reason in (
        ({"appSecret": "short"}, "SECRET_INVALID"),
        ({"appSecret": "ü" * 20}, "SECRET_INVALID"),
        ({"phoneNumber": "0712"}, "PHONE_INVALID"),
        ({"phoneNumber": OURS}, "CHANNEL_TAKEN"),
    ):
        answer = await server.ask(CREATE, token=channel.owners, variables={"input": {**given["input"], **wrong}})
        assert answer.json()["errors"][0]["extensions"]["reason"] == reason
    async with as_superuser() as connection:
        stored = str(await connection.fetch("select * from iam.message_channels"))
        logged = str(await connection.fetch("select * from core.audit_log where entity_type = 'MESSAGE_CHANNEL'"))
    assert SECRET not in stored
    assert channel.verify_token not in stored
    assert "encrypted_secret" not in logged
    assert channel.id in logged
