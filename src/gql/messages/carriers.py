"""Who carries messages: a mail server, or the console. What they say, and to whom, is never written to a log."""

import asyncio
import ssl
import sys
from contextlib import suppress
from email.utils import parseaddr
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from gql.messages.message import Message, is_address, mail_of
from gql.settings import Settings

CARRY_SECONDS: Final = 20.0
"""How long a mail server may take over one message, however slowly it speaks."""
GOODBYE_SECONDS: Final = 2.0


class NotCarried(Exception):
    """A message was not taken. The text says why, and nothing of what it says or to whom; `is_final` that it never will
    be, however often it is carried."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class Carrier(Protocol):
    """Takes a message to whom it is for. Raises NotCarried where that fails, and nothing else."""

    async def carry(self, message: Message) -> None: ...


class Console:
    """Shows messages where the server was started: for the demo, where nobody has an inbox."""

    async def carry(self, message: Message) -> None:
        lines = [f"To {message.to}: {message.subject}"]
        if message.shown_sender:
            lines.append(f"From {message.shown_sender}")
        if message.answers_to:
            lines.append(f"Answers to {message.answers_to}")
        lines += message.text.splitlines()
        try:
            sys.stderr.write("".join(f"  | {_printable(each)}\n" for each in lines))
            sys.stderr.flush()
        except (OSError, ValueError):
            raise NotCarried("The console is closed.") from None


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
        to = self._address(message.to)
        try:
            await self._give(message, to)
        except Exception as problem:
            # Without the cause: what the server said and what the library quotes may name the recipient.
            raise _not_carried(problem, to) from None

    async def _give(self, message: Message, to: str) -> None:
        mail = mail_of(message, to, self._sender)
        server = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._is_tls,
            start_tls=self._starts_tls,
            tls_context=self._tls,
            timeout=CARRY_SECONDS,
        )
        try:
            async with asyncio.timeout(CARRY_SECONDS):
                await server.connect()
                await server.send_message(mail, sender=parseaddr(self._sender)[1], recipients=[to])
            # It has been taken; whatever becomes of the farewell, it must not be sent again.
            with suppress(OSError, aiosmtplib.SMTPException):
                await server.quit(timeout=GOODBYE_SECONDS)
        finally:
            server.close()

    def _address(self, to: str) -> str:
        if "@" not in to:
            if self._sms_domain is None:
                raise NotCarried("A telephone is not reached: no COUNTINGHOUSE_SMS_DOMAIN is set.", is_final=True)
            to = f"{to}@{self._sms_domain}"
        if not is_address(to):
            raise NotCarried("This is no address that an e-mail can go to.", is_final=True)
        return to


def carrier_of(settings: Settings) -> Carrier | None:
    """A mail server where one is named; else the console in development, and nobody in production, where codes and
    invoices have no business in a log."""
    if settings.smtp_url is not None:
        return Smtp(settings.smtp_url, settings.mail_from, sms_domain=settings.sms_domain)
    return Console() if settings.environment == "development" else None


def _not_carried(problem: Exception, to: str) -> NotCarried:
    """What a failure is to whoever had the message carried. For good is only what the server says of this recipient and
    this text: a wrong password or a certificate that has run out is ours to mend, and the message waits."""
    if isinstance(problem, aiosmtplib.SMTPRecipientsRefused):
        problem = problem.recipients[0]  # there is one
    if isinstance(problem, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError):
        if problem.code >= 500:
            return NotCarried(f"The mail server refused the message ({problem.code}).", is_final=True)
        return NotCarried(f"The mail server does not take the message now ({problem.code}).")
    if isinstance(problem, aiosmtplib.SMTPResponseException):
        return NotCarried(f"The mail server takes no messages from us ({problem.code}).")
    if isinstance(problem, aiosmtplib.SMTPNotSupported) and not to.isascii():
        return NotCarried("The mail server cannot write to an address with such letters.", is_final=True)
    if isinstance(problem, OSError):  # so are a connection that broke and a time that ran out
        return NotCarried("The mail server cannot be reached.")
    return NotCarried(f"The message could not be given to the mail server ({type(problem).__name__}).")


def _printable(line: str) -> str:
    """Without what moves a terminal's cursor or changes its colours."""
    return "".join(each if each.isprintable() or each == "\t" else "\N{REPLACEMENT CHARACTER}" for each in line)
