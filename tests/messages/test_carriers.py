"""Messages are carried as they are meant, and nothing of them stays in a log: messages/carriers.py."""

import asyncio
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gql.messages import carriers
from gql.messages.carriers import Console, NotCarried, Smtp, carrier_of
from gql.messages.message import Message
from gql.settings import Settings, SettingsError
from tests.harness.inbox import mail_server

HELLO: Final = Message("somebody@example.org", "123456 is your code", "Your code is 123456. Überraschung!\n")
INVOICE: Final = Message(
    "client@example.net",
    "Invoice 2026-1 from Möller & Söhne",
    "To be paid.\n",
    sender_name='Möller, Söhne & "Co"',
    reply_to="office@moeller.example",
    id=UUID("0199f7a2-0000-7000-8000-000000000001"),
)


async def test_a_mail_server_gets_each_message_once() -> None:
    async with mail_server() as (server, port):
        carrier = Smtp(f"smtp://127.0.0.1:{port}", "Countinghouse <house@example.org>")
        await carrier.carry(HELLO)
        await carrier.carry(replace(HELLO, to="other@example.org"))
    assert [recipients for _, recipients, _ in server.received] == [["somebody@example.org"], ["other@example.org"]]
    for sender, _, mail in server.received:
        assert sender == "house@example.org"
        assert mail["Subject"] == "123456 is your code"
        assert mail["From"] == "Countinghouse <house@example.org>"
        assert mail["Message-ID"].endswith("@example.org>")
        assert abs(mail["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=1)
        assert mail["Reply-To"] is None
        assert mail.get_content().strip() == HELLO.text.strip()
    assert len({mail["Message-ID"] for mail in server.mails}) == 2


async def test_who_writes_for_somebody_says_so_and_the_answer_goes_to_them() -> None:
    async with mail_server() as (server, port):
        carrier = Smtp(f"smtp://127.0.0.1:{port}", "house@example.org")
        await carrier.carry(INVOICE)
        await carrier.carry(INVOICE)
    for sender, _, mail in server.received:
        assert sender == "house@example.org"
        [shown] = mail["From"].addresses
        assert (shown.display_name, shown.addr_spec) == (
            'Möller, Söhne & "Co" via Countinghouse',
            "house@example.org",
        )
        assert mail["Reply-To"] == "office@moeller.example"
        assert mail["Message-ID"] == "<0199f7a2-0000-7000-8000-000000000001@example.org>"


async def test_the_server_is_given_name_and_password() -> None:
    seen: list[tuple[bytes, bytes]] = []

    def authenticate(server: object, session: object, envelope: object, mechanism: object, data: object) -> AuthResult:
        seen.append((getattr(data, "login", b""), getattr(data, "password", b"")))
        return AuthResult(success=True)

    async with mail_server(authenticator=authenticate, auth_require_tls=False) as (server, port):
        await Smtp(f"smtp://us%40er:p%2Fw@127.0.0.1:{port}", "house@example.org").carry(HELLO)
    assert seen == [(b"us@er", b"p/w")]
    assert len(server.received) == 1


def certified() -> tuple[ssl.SSLContext, str]:
    """What a mail server of this machine shows, and the certificate that whoever trusts it knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a mail server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM).decode()
    with TemporaryDirectory() as directory:
        path = Path(directory, "server.pem")
        path.write_text(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
        serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serving.load_cert_chain(path)
    return serving, pem


async def refusal(carrier: Smtp, message: Message = HELLO) -> NotCarried:
    """Why it was not carried: that, and nothing of whom it was for or what it says."""
    with pytest.raises(NotCarried) as caught:
        await carrier.carry(message)
    told = f"{caught.value} {caught.value.__cause__}"
    assert not any(word in told for word in ("123456", "somebody", "example"))
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


async def test_over_tls_it_is_the_server_of_that_name_or_nobody() -> None:
    serving, pem = certified()
    trusting = ssl.create_default_context(cadata=pem)
    async with mail_server(tls=serving) as (server, port):
        url = f"smtps://127.0.0.1:{port}"
        await Smtp(url, "house@example.org", tls=trusting).carry(HELLO)
        assert len(server.received) == 1
        problem = await refusal(Smtp(url, "house@example.org"))
        assert len(server.received) == 1
    assert not problem.is_final  # a certificate is renewed


@pytest.mark.parametrize(
    ("at_recipient", "answer", "reason", "is_final"),
    [
        (False, "451 later", "The mail server does not take the message now (451).", False),
        (False, "550 somebody@example.org never", "The mail server refused the message (550).", True),
        (True, "450 greylisted", "The mail server does not take the message now (450).", False),
        (True, "550 no such person", "The mail server refused the message (550).", True),
    ],
)
async def test_for_good_is_what_the_server_says_of_recipient_and_text(
    at_recipient: bool, answer: str, reason: str, is_final: bool
) -> None:
    async with mail_server() as (server, port):
        (server.refusals_of_recipients if at_recipient else server.refusals).append(answer)
        problem = await refusal(Smtp(f"smtp://127.0.0.1:{port}", "house@example.org"))
        await Smtp(f"smtp://127.0.0.1:{port}", "house@example.org").carry(HELLO)
    assert (problem.reason, problem.is_final) == (reason, is_final)
    assert len(server.received) == 1


async def test_a_wrong_password_is_ours_to_mend() -> None:
    def refuse(server: object, session: object, envelope: object, mechanism: object, data: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    async with mail_server(authenticator=refuse, auth_require_tls=False) as (_, port):
        problem = await refusal(Smtp(f"smtp://user:wrong@127.0.0.1:{port}", "house@example.org"))
    assert (problem.reason, problem.is_final) == ("The mail server takes no messages from us (535).", False)


async def test_letters_that_the_server_does_not_know_are_a_refusal() -> None:
    async with mail_server() as (_, port):
        carrier = Smtp(f"smtp://127.0.0.1:{port}", "house@example.org")
        problem = await refusal(carrier, replace(HELLO, to="überraschung@beispiel.de"))
    assert problem.is_final
    async with mail_server(enable_SMTPUTF8=True) as (server, port):
        await Smtp(f"smtp://127.0.0.1:{port}", "house@example.org").carry(replace(HELLO, to="überraschung@beispiel.de"))
    assert [recipients for _, recipients, _ in server.received] == [["überraschung@beispiel.de"]]


async def test_a_mail_server_that_is_away_is_no_refusal() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        problem = await refusal(Smtp(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", "house@example.org"))
    assert (problem.reason, problem.is_final) == ("The mail server cannot be reached.", False)


async def test_a_mail_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "CARRY_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        problem = await refusal(Smtp(f"smtp://127.0.0.1:{silent.getsockname()[1]}", "house@example.org"))
    assert (problem.reason, problem.is_final) == ("The mail server cannot be reached.", False)


async def test_what_was_taken_was_taken_whatever_the_farewell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is sent a message twice because a server hangs up instead of saying goodbye, or says nothing."""
    monkeypatch.setattr(carriers, "GOODBYE_SECONDS", 0.1)
    heard: list[bytes] = []

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(*lines: bytes) -> None:
            writer.write(b"".join(line + b"\r\n" for line in lines))
            await writer.drain()

        await say(b"220 mail.example.org")
        while (line := await reader.readline()) != b"":
            word = line[:4].upper()
            heard.append(word)
            if word == b"QUIT":
                await reader.read()
                break
            await say({b"DATA": b"354 go on"}.get(word, b"250 OK"))
            if word == b"DATA":
                await reader.readuntil(b"\r\n.\r\n")
                await say(b"250 taken")
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    async with server:
        await Smtp(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", "house@example.org").carry(HELLO)
    assert heard == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"QUIT"]


async def test_a_password_never_goes_to_another_machine_in_clear() -> None:
    assert Smtp("smtp://user:password@mail.example.com", "house@example.org")._starts_tls
    assert not Smtp("smtps://user:password@mail.example.com", "house@example.org")._starts_tls  # it is TLS already
    assert not Smtp("smtp://localhost:25", "house@example.org")._starts_tls


async def test_a_telephone_is_reached_through_the_gateway_or_not_at_all() -> None:
    message = replace(HELLO, to="+447911123456")
    async with mail_server() as (server, port):
        url = f"smtp://127.0.0.1:{port}"
        await Smtp(url, "house@example.org", sms_domain="sms.example.org").carry(message)
        assert (await refusal(Smtp(url, "house@example.org"), message)).is_final
    assert [recipients for _, recipients, _ in server.received] == [["+447911123456@sms.example.org"]]


@pytest.mark.parametrize(
    "to", ["a@example.org\nBcc: b@example.org", "a@example.org\r\nSubject: x", "a@example.org>, <b@example.org"]
)
async def test_no_recipient_can_be_smuggled_in(to: str) -> None:
    async with mail_server() as (server, port):
        problem = await refusal(Smtp(f"smtp://127.0.0.1:{port}", "house@example.org"), replace(HELLO, to=to))
    assert problem.is_final
    assert server.received == []


async def test_the_console_shows_what_a_mail_would_say(capsys: pytest.CaptureFixture[str]) -> None:
    await Console().carry(HELLO)
    assert capsys.readouterr().err == (
        "  | To somebody@example.org: 123456 is your code\n  | Your code is 123456. Überraschung!\n"
    )
    await Console().carry(replace(INVOICE, text="\x1b[2JPaid.\r\tAll of it.\n"))
    assert capsys.readouterr().err == (
        "  | To client@example.net: Invoice 2026-1 from Möller & Söhne\n"
        '  | From Möller, Söhne & "Co" via Countinghouse\n'
        "  | Answers to office@moeller.example\n"
        "  | �[2JPaid.\n"
        "  | \tAll of it.\n"
    )


def test_messages_go_to_the_console_in_development_alone() -> None:
    assert isinstance(carrier_of(Settings.from_environment({})), Console)
    assert carrier_of(Settings.from_environment({"COUNTINGHOUSE_ENVIRONMENT": "production"})) is None
    mail = {"COUNTINGHOUSE_ENVIRONMENT": "production", "COUNTINGHOUSE_SMTP_URL": "smtp://mail.example.com"}
    assert isinstance(carrier_of(Settings.from_environment(mail)), Smtp)


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://host:port"])
def test_what_is_no_mail_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingsError) as problem:
        Settings.from_environment({"COUNTINGHOUSE_SMTP_URL": url})
    assert "COUNTINGHOUSE_SMTP_URL has the wrong value" in problem.value.errors[0]
