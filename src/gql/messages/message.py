"""A message to somebody, and the e-mail that it becomes.

Names and subjects are written by people. In an e-mail they are a line each, and never another header or address.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from typing import Final
from uuid import UUID

HOUSE: Final = "Countinghouse"
MOST_OF_A_NAME: Final = 100
"""How many characters of an organisation's name stand in front of an address."""

# One address and nothing else: in a header, a comma or a line would begin another.
_ADDRESS: Final = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+")

_TURNING: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told: `to` is an e-mail address, or a telephone number as +4479…

    `sender_name` is for whom we write, and `reply_to` where an answer goes. `id` stays the same however often the
    message is carried, so that whoever gets it twice can tell.
    """

    to: str
    subject: str
    text: str
    sender_name: str | None = None
    reply_to: str | None = None
    id: UUID | None = None

    @property
    def shown_sender(self) -> str | None:
        """The name in front of the house's address, which says that the address is not the organisation's."""
        name = one_line(self.sender_name or "")
        if not name:
            return None
        if len(name) > MOST_OF_A_NAME:
            name = name[:MOST_OF_A_NAME].rstrip() + "…"
        return f"{name} via {HOUSE}"

    @property
    def answers_to(self) -> str | None:
        """Where an answer goes, if that is an address."""
        return self.reply_to if self.reply_to and is_address(self.reply_to) else None


def is_address(text: str) -> bool:
    """Whether this is one e-mail address and nothing else."""
    return _ADDRESS.fullmatch(text) is not None


def one_line(text: str) -> str:
    """The text on one line, without what is not seen, and without what a reader of e-mail would take for encoded."""
    text = text.replace("=?", "= ?")
    return " ".join("".join(" " if _is_unseen(each) else each for each in text).split())


def _is_unseen(character: str) -> bool:
    """Whether it ends a line, commands something, or turns the direction of what follows, as `via` in front of us."""
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in _TURNING
    )


def mail_of(message: Message, to: str, sender: str) -> EmailMessage:
    """The e-mail to this address. `sender` is the house's, with its own name in front or without."""
    name, address = parseaddr(sender)
    domain = address.rpartition("@")[2]
    mail = EmailMessage()
    mail["From"] = _address(address, message.shown_sender or name)
    mail["To"] = _address(to)
    if message.answers_to:
        mail["Reply-To"] = _address(message.answers_to)
    mail["Subject"] = one_line(message.subject)
    mail["Message-ID"] = f"<{message.id}@{domain}>" if message.id else make_msgid(domain=domain)
    mail["Date"] = datetime.now(UTC)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def _address(address: str, name: str = "") -> Address:
    """An address in its parts: the library would read a text and find more in it than is meant."""
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)
