"""Messages to people: a code, a link, a warning. One interface, and who carries them: a mail server, or the console.

They leave in the background: whoever asked is answered at once and in the same time, whether anything was sent or not.
Few wait, each is tried a few times, and what they say is never written to a log.
"""

import asyncio
import logging
import re
import ssl
import sys
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Final, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from gql.errors import ApiError, Code
from gql.settings import Settings

log = logging.getLogger(__name__)

# One address and nothing else: in a header, a comma or a line would begin another.
_ADDRESS: Final = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+")

MOST_WAITING: Final = 1000
CARRIERS_AT_ONCE: Final = 2
PAUSES_SECONDS: Final = (1.0, 5.0, 25.0)
"""Between the tries of one message: together as long as somebody looks at an empty inbox."""
CARRY_SECONDS: Final = 20.0


class Message(NamedTuple):
    """What somebody is told: `to` is an e-mail address, or a telephone number as +4479…"""

    to: str
    subject: str
    text: str


class Carrier(Protocol):
    """Takes a message to whom it is for. Raises OSError or aiosmtplib.SMTPException where that fails, ValueError where
    it can never succeed."""

    async def carry(self, message: Message) -> None: ...


class Console:
    """Shows messages where the server was started: for the demo, where nobody has an inbox."""

    async def carry(self, message: Message) -> None:
        line = f"To {message.to}: {message.subject}\n{message.text}"
        sys.stderr.write("".join(f"  | {each}\n" for each in line.splitlines()))
        sys.stderr.flush()


class Smtp:
    """Gives messages to a mail server. Telephone numbers go to a gateway that takes them as addresses of its domain."""

    def __init__(
        self, url: str, sender: str, *, sms_domain: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        address = urlsplit(url)
        self._host = address.hostname or "localhost"
        self._is_tls = address.scheme == "smtps"
        self._port = address.port or (465 if self._is_tls else 587)
        self._user = unquote(address.username) if address.username else None
        self._password = unquote(address.password) if address.password else None
        # In clear only to this very machine: a password or a code on the wire is everybody's.
        self._starts_tls = not self._is_tls and self._host not in ("localhost", "127.0.0.1", "::1")
        self._tls = tls
        self._sender = sender
        self._sms_domain = sms_domain

    async def carry(self, message: Message) -> None:
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = self._address(message.to)
        mail["Subject"] = message.subject
        mail["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].rstrip(">"))
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        await aiosmtplib.send(
            mail,
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._is_tls,
            start_tls=self._starts_tls,
            tls_context=self._tls,
            timeout=CARRY_SECONDS,
        )

    def _address(self, to: str) -> str:
        if "@" not in to:
            if self._sms_domain is None:
                raise ValueError("no COUNTINGHOUSE_SMS_DOMAIN is set")
            to = f"{to}@{self._sms_domain}"
        if not _ADDRESS.fullmatch(to):
            raise ValueError("this is no address")
        return to


class Post:
    """Takes messages and sees to it that they leave. Use it from one event loop, and close it at the end."""

    def __init__(self, carrier: Carrier | None, *, pauses: Sequence[float] = PAUSES_SECONDS) -> None:
        self._carrier = carrier
        self._pauses = pauses
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(MOST_WAITING)
        self._workers: list[asyncio.Task[None]] = []

    @classmethod
    def from_settings(cls, settings: Settings) -> "Post":
        """By mail where a mail server is named; else on the console in development, and not at all in production, where
        codes have no business in a log."""
        if settings.smtp_url is not None:
            return cls(Smtp(settings.smtp_url, settings.mail_from, sms_domain=settings.sms_domain))
        return cls(Console() if settings.environment == "development" else None)

    def demand(self) -> None:
        """Raises ApiError UNAVAILABLE, reason MESSAGES_OFF or MESSAGES_BUSY, where nothing could be sent now."""
        if self._carrier is None:
            raise ApiError(
                Code.UNAVAILABLE,
                "This house sends no messages: its operator has named no mail server.",
                reason="MESSAGES_OFF",
            )
        if self._waiting.full():
            raise ApiError(
                Code.UNAVAILABLE,
                "Too many messages wait to be sent just now. Try again in a minute.",
                reason="MESSAGES_BUSY",
                retry_after=60,
            )

    def send(self, message: Message) -> None:
        """Have it carried, soon. Raises ApiError as `demand`."""
        self.demand()
        self._waiting.put_nowait(message)
        if not self._workers:
            self._workers = [asyncio.create_task(self._work()) for _ in range(CARRIERS_AT_ONCE)]

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        await self._waiting.join()

    async def close(self, within: float) -> None:
        """Wait up to so many seconds for what is on its way, and let no more leave."""
        if self._workers:
            try:
                async with asyncio.timeout(within):
                    await self.settled()
            except TimeoutError:
                log.warning("%d messages were not sent", self._waiting.qsize())
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            self._workers = []

    async def _work(self) -> None:
        while True:
            message = await self._waiting.get()
            try:
                await self._carry(message)
            finally:
                self._waiting.task_done()

    async def _carry(self, message: Message) -> None:
        assert self._carrier is not None
        for pause in (*self._pauses, None):
            try:
                await self._carrier.carry(message)
            except (OSError, aiosmtplib.SMTPException, ValueError) as problem:
                # Whom it was for and what it said stays out of the log.
                log.warning("a message could not be sent: %s", type(problem).__name__)
                if pause is None or _is_refused(problem):
                    return
            else:
                return
            await asyncio.sleep(pause)


def _is_refused(problem: Exception) -> bool:
    """Whether the mail server will not have it, however often it is asked."""
    code = getattr(problem, "code", None)
    return isinstance(problem, aiosmtplib.SMTPRecipientsRefused | ValueError) or (isinstance(code, int) and code >= 500)
