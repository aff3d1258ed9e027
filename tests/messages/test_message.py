"""What people write stays a name, a subject and a text, whatever it is: messages/message.py."""

import email
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP, default
from email.utils import getaddresses
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gql.messages.message import MOST_OF_A_NAME, Message, is_address, mail_of, one_line

HELLO: Final = Message("somebody@example.org", "Invoice 1", "To be paid.\n")
HEADERS: Final = [
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Date",
    "Auto-Submitted",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]
nasty: Final = st.text(
    st.sampled_from(list("\",;:<>()@\\.[]'=?_-!é漢😀👩🏽\n\r\t\x00\x1b\x85\u2028\u202e\u200d AZaz09"))
    | st.characters(exclude_categories=["Cs"]),
    max_size=120,
)


def on_the_wire(message: Message, sender: str = "house@example.org") -> tuple[bytes, EmailMessage]:
    raw = mail_of(message, message.to, sender).as_bytes(policy=SMTP)
    mail = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(mail, EmailMessage)
    return raw, mail


def without_spaces(text: str) -> str:
    """Between encoded words the library of Python loses or adds spaces, when writing and when reading."""
    return "".join(text.split())


@given(nasty, nasty)
@example('Smith, Jones & "Sons" <evil@example.com>', "Invoice, 1")
@example("House\r\nBcc: evil@example.com", "Invoice\r\nBcc: evil@example.com\r\n\r\nPay here")
@example("=?utf-8?q?evil=40example.com=0D=0ABcc:_x?=", "=?utf-8?q?=0D=0ABcc:_evil=40example.com?=")
@example("Tischlerei Möller 🪑 " * 9, "Rechnung über 🪑🪑🪑 " * 40)
@example("; ¡", ": ¡")
def test_a_name_is_a_name_and_a_subject_a_subject(name: str, subject: str) -> None:
    message = Message("somebody@example.org", subject, "To be paid.\n", sender_name=name)
    raw, mail = on_the_wire(message)
    assert mail.keys() == HEADERS
    assert mail.get_content().rstrip() == "To be paid."
    assert without_spaces(mail["Subject"]) == without_spaces(one_line(subject))
    [shown] = mail["From"].addresses
    assert shown.addr_spec == "house@example.org"
    assert without_spaces(shown.display_name) == without_spaces(message.shown_sender or "")
    # And as another reader of e-mail sees it.
    [(phrase, address)] = getaddresses([str(email.message_from_bytes(raw)["From"])])
    assert address == "house@example.org"
    assert without_spaces(str(make_header(decode_header(phrase)))) == without_spaces(message.shown_sender or "")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ashdown Joinery", "Ashdown Joinery via Countinghouse"),
        ('Smith, Jones & "Sons"', 'Smith, Jones & "Sons" via Countinghouse'),
        ("Two\nlines", "Two lines via Countinghouse"),
        ("Möller 👩🏽\u200d🌾", "Möller 👩🏽\u200d🌾 via Countinghouse"),
        ("Turned \u202earound", "Turned around via Countinghouse"),
        ("a" * 200, "a" * MOST_OF_A_NAME + "… via Countinghouse"),
        (" \n ", None),
        (None, None),
    ],
)
def test_the_sender_is_shown_as_one_whom_we_write_for(name: str | None, shown: str | None) -> None:
    message = Message("somebody@example.org", "Invoice 1", "", sender_name=name)
    assert message.shown_sender == shown
    [address] = on_the_wire(message)[1]["From"].addresses
    assert address.addr_spec == "house@example.org"
    assert without_spaces(address.display_name) == without_spaces(shown or "")


@pytest.mark.parametrize(
    "reply_to", ["", "office", "a@example.org, b@example.org", "a@example.org\nBcc: b@example.org", "A <a@example.org>"]
)
def test_an_answer_to_what_is_no_address_comes_to_the_house(reply_to: str) -> None:
    message = Message("somebody@example.org", "Invoice 1", "", reply_to=reply_to)
    assert message.answers_to is None
    assert on_the_wire(message)[1].keys() == HEADERS


@given(st.from_regex(r"[^\s@]+@[^\s@]+", fullmatch=True))
@example("a..b@example.org")
@example("überraschung@beispiel.de")
@example("=?utf-8?q?x?=@example.org")
def test_what_passes_for_an_address_is_the_only_one(address: str) -> None:
    if not is_address(address):
        return
    mail = mail_of(Message(address, "Invoice 1", "", reply_to=address), address, "house@example.org")
    for header in ("To", "Reply-To"):
        assert len(mail[header].addresses) == 1
    raw = mail.as_bytes(policy=SMTP.clone(utf8=True))
    read = email.message_from_bytes(raw)
    assert read.keys() == [*HEADERS[:2], "Reply-To", *HEADERS[2:]]


def test_a_message_that_is_carried_again_is_the_same_message() -> None:
    ids = {on_the_wire(HELLO)[1]["Message-ID"] for _ in range(3)}
    assert len(ids) == 3
