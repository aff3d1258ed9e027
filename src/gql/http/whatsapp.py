"""/hooks/whatsapp/<channel>: where the WhatsApp Cloud API brings messages.

What it brings is believed by its signature alone, and taken once however often it comes: the messenger repeats what was
not answered with 200 for days. Reading it is the worker's.
"""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from gql.database.context import Context
from gql.database.pool import Database
from gql.engine.calls import call, calling
from gql.errors import INTERNAL_MESSAGE, ApiError, RequestRefused
from gql.http.authentication import origin_of
from gql.http.bodies import BodyRefused, body_of
from gql.http.headers import request_id_of
from gql.iam.credentials.channel_secrets import Channel, ChannelSecrets

log = logging.getLogger(__name__)

PATH: Final = "/hooks/whatsapp/{channel}"
MOST_BYTES: Final = 1_000_000
LONGEST_BODY: Final = 4096
LONGEST_MEDIA: Final = 15_000
ROLE: Final = "worker"
NOT_BELIEVED: Final = "No channel of this address has signed this."
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NUMBER: Final = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
_RECEIVE: Final = calling("trade.messages_receive")


class Metadata(msgspec.Struct):
    """Which number of the business it is about."""

    display_phone_number: str


class Value(msgspec.Struct):
    """What has happened: messages, or what became of those that were sent, which is passed over."""

    metadata: Metadata
    messages: list[dict[str, Any]] = []


class Change(msgspec.Struct):
    """One thing that has happened."""

    value: Value


class Entry(msgspec.Struct):
    """What has happened with one account."""

    changes: list[Change] = []


class Notification(msgspec.Struct):
    """The body."""

    entry: list[Entry] = []


class Incoming(msgspec.Struct):
    """A message, as far as every kind of them has it."""

    sender: str = msgspec.field(name="from")
    id: str
    timestamp: str
    type: str


_notification: Final = msgspec.json.Decoder(Notification)


class WhatsApp:
    """Takes what is brought."""

    def __init__(self, database: Database, secrets: ChannelSecrets) -> None:
        self._database = database
        self._secrets = secrets

    async def verify(self, request: Request) -> Response:
        """The messenger asks whether it may send here, and shows the token that its settings were given."""
        try:
            channel = await self._channel(request)
        except ApiError as problem:
            return _unavailable(problem)
        asked = request.query_params
        told = channel is not None and channel.was_told(asked.get("hub.verify_token", ""))
        if asked.get("hub.mode") != "subscribe" or not told:
            return JSONResponse({"error": NOT_BELIEVED}, 403)
        return PlainTextResponse(asked.get("hub.challenge", ""))

    async def receive(self, request: Request) -> Response:
        """The answer, whatever happens: 200 for what need not come again."""
        request_id = request_id_of(request.headers.get("x-request-id", "").encode("latin-1"))
        try:
            body = await body_of(request, MOST_BYTES)
            channel = await self._channel(request)
            if channel is None or not channel.has_signed(body, request.headers.get("x-hub-signature-256", "")):
                return JSONResponse({"error": NOT_BELIEVED}, 401)
            messages = list(_messages(_notification.decode(body), channel))
            if messages:
                await self._take(channel, messages, request, request_id)
        except BodyRefused as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status, refusal.headers)
        except (msgspec.DecodeError, RecursionError):
            return JSONResponse({"error": "The body is no notification of the WhatsApp Cloud API."}, 400)
        except ApiError as problem:
            return _unavailable(problem)
        except RequestRefused as refused:
            return _unavailable(refused.errors[0])
        except Exception:
            log.exception("request %s failed in a way that nobody foresaw", request_id)
            return JSONResponse({"error": INTERNAL_MESSAGE}, 500)
        return JSONResponse({"received": len(messages)})

    async def _channel(self, request: Request) -> Channel | None:
        named = request.path_params["channel"]
        return await self._secrets.channel(UUID(named)) if _ID.fullmatch(named) else None

    async def _take(self, channel: Channel, messages: list[dict[str, Any]], request: Request, request_id: str) -> None:
        context = Context(channel.tenant_id, None, ROLE, is_scoped=False)
        origin = origin_of(request.scope, dict(request.scope["headers"]), request_id)
        await call(self._database, _RECEIVE, context, origin, messages)


def _messages(notification: Notification, channel: Channel) -> Iterator[dict[str, Any]]:
    """The messages to the channel's own number, as trade.messages_receive() takes them."""
    for entry in notification.entry:
        for change in entry.changes:
            if "+" + re.sub(r"\D", "", change.value.metadata.display_phone_number) != channel.phone_number:
                continue
            for raw in change.value.messages:
                if (found := _message(raw, channel.phone_number)) is not None:
                    yield found


def _message(raw: dict[str, Any], to_number: str) -> dict[str, Any] | None:
    """One of them; None for what has no sender or time that we know what to do with."""
    try:
        said = msgspec.convert(raw, Incoming)
        sent_at = datetime.fromtimestamp(int(said.timestamp), UTC)
    except (msgspec.ValidationError, ValueError, OverflowError, OSError):
        return None
    if not _NUMBER.fullmatch(said.sender) or not 1 <= len(said.id) <= 200:
        return None
    content = raw.get(said.type)
    text = content.get("body") if said.type == "text" and isinstance(content, dict) else None
    if text is not None:
        text = str(text).replace("\0", "")[:LONGEST_BODY]
    return {
        "message_id": said.id,
        "from_number": f"+{said.sender}",
        "to_number": to_number,
        "direction": "INBOUND",
        "body": text,
        "media": {} if said.type == "text" else _media(said.type, content),
        "sent_at": sent_at.isoformat(),
    }


def _media(kind: str, content: Any) -> dict[str, Any]:
    """What came along, as far as it can be kept: a message that was refused for it would come again for days."""
    told = {"type": kind, kind: content}
    written = msgspec.json.encode(told)
    is_kept = len(written) <= LONGEST_MEDIA and b"\\u0000" not in written
    return told if is_kept else {"type": kind[:100].replace("\0", "")}


def _unavailable(problem: ApiError) -> Response:
    return JSONResponse({"error": problem.message}, 503, {"Retry-After": str(problem.retry_after or 1)})
