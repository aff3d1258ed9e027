"""What people were sent: a carrier that keeps messages, and a real mail server that does."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.message import Message as Mail
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from gql.messages.message import Message
from gql.messages.post import Post


@dataclass
class Inbox:
    """Keeps what it carries."""

    messages: list[Message] = field(default_factory=list)
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.post = Post(self)

    async def carry(self, message: Message) -> None:
        self.messages.append(message)

    async def to(self, address: str) -> list[Message]:
        """What this address was sent."""
        await self.post.settled()
        return [message for message in self.messages if message.to == address]

    async def code_to(self, address: str) -> str:
        """The code of the newest message to this address."""
        found = re.search(r"\b[0-9]{6}\b", (await self.to(address))[-1].text)
        assert found is not None
        return found[0]


async def _at_once() -> None:
    """A mail server that waits for nothing."""


class MailServer:
    """Takes mail over SMTP. `refusals` are answers that it gives first, one after the other, in place of taking it, and
    `refusals_of_recipients` those to RCPT. `before_taking` is called when a message has come, before that is said."""

    def __init__(self) -> None:
        self.received: list[tuple[str, list[str], EmailMessage]] = []
        self.refusals: list[str] = []
        self.refusals_of_recipients: list[str] = []
        self.before_taking: Callable[[], Awaitable[None]] = _at_once

    @property
    def mails(self) -> list[EmailMessage]:
        """What it has taken."""
        return [mail for _, _, mail in self.received]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refusals_of_recipients:
            return self.refusals_of_recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        content: Any = envelope.content
        mail: Mail = BytesParser(policy=default).parsebytes(content)
        assert isinstance(mail, EmailMessage)
        self.received.append((envelope.mail_from or "", envelope.rcpt_tos, mail))
        await self.before_taking()
        return "250 OK"


@asynccontextmanager
async def mail_server(tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[tuple[MailServer, int]]:
    """A mail server on any free port of this machine, for the body; over TLS where its certificate is given."""
    handler = MailServer()
    sessions: list[SMTP] = []

    def session() -> SMTP:
        sessions.append(SMTP(handler, hostname="mail.example.org", **options))
        return sessions[-1]

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=tls)
    try:
        yield handler, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in sessions:
            if each.transport is not None:
                each.transport.close()
        await server.wait_closed()
        await asyncio.sleep(0)
