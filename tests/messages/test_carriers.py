"""Messages leave, once each, and nothing of them stays in a log: messages/carriers.py."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gql.errors import ApiError, Code
from gql.messages.carriers import MOST_WAITING, Console, Message, Post, Smtp
from gql.settings import Settings, SettingsError
from tests.harness.inbox import Inbox, mail_server

HELLO: Final = Message("somebody@example.org", "123456 is your code", "Your code is 123456. Überraschung!\n")
QUICK: Final = (0.01, 0.01)


async def sent(post: Post, *messages: Message) -> None:
    for message in messages:
        post.send(message)
    await post.close(10)


async def test_a_mail_server_gets_each_message_once() -> None:
    async with mail_server() as (server, port):
        post = Post(Smtp(f"smtp://127.0.0.1:{port}", "Countinghouse <house@example.org>"))
        await sent(post, HELLO, HELLO._replace(to="other@example.org"))
    assert {tuple(recipients) for _, recipients, _ in server.received} == {
        ("somebody@example.org",),
        ("other@example.org",),
    }
    for sender, _, mail in server.received:
        assert sender == "house@example.org"
        assert mail["Subject"] == "123456 is your code"
        assert mail["From"] == "Countinghouse <house@example.org>"
        assert mail["Message-ID"].endswith("@example.org>")
        assert mail.get_content().strip() == HELLO.text.strip()


async def test_the_server_is_given_name_and_password() -> None:
    seen: list[tuple[bytes, bytes]] = []

    def authenticate(server: object, session: object, envelope: object, mechanism: object, data: object) -> AuthResult:
        seen.append((getattr(data, "login", b""), getattr(data, "password", b"")))
        return AuthResult(success=True)

    async with mail_server(authenticator=authenticate, auth_require_tls=False) as (server, port):
        await sent(Post(Smtp(f"smtp://us%40er:p%2Fw@127.0.0.1:{port}", "house@example.org")), HELLO)
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


async def test_over_tls_it_is_the_server_of_that_name_or_nobody(caplog: pytest.LogCaptureFixture) -> None:
    serving, pem = certified()
    trusting = ssl.create_default_context(cadata=pem)
    async with mail_server(tls=serving) as (server, port):
        url = f"smtps://127.0.0.1:{port}"
        await sent(Post(Smtp(url, "house@example.org", tls=trusting)), HELLO)
        assert len(server.received) == 1
        await sent(Post(Smtp(url, "house@example.org"), pauses=()), HELLO)
        assert len(server.received) == 1
    assert caplog.text.count("could not be sent") == 1


async def test_what_fails_is_tried_again_and_what_is_refused_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_server() as (server, port):
        server.refusals = ["451 later", "451 later"]
        await sent(Post(Smtp(f"smtp://127.0.0.1:{port}", "house@example.org"), pauses=QUICK), HELLO)
        assert len(server.received) == 1
        server.refusals = ["550 never", "550 never"]
        await sent(Post(Smtp(f"smtp://127.0.0.1:{port}", "house@example.org"), pauses=QUICK), HELLO)
        assert (len(server.received), len(server.refusals)) == (1, 1)
    assert "could not be sent" in caplog.text
    assert "123456" not in caplog.text
    assert "somebody" not in caplog.text


async def test_a_mail_server_that_is_away_is_given_up_after_a_few_tries(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        await sent(Post(Smtp(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", "house@example.org"), pauses=QUICK), HELLO)
    assert caplog.text.count("could not be sent") == 3


async def test_a_password_never_goes_to_another_machine_in_clear() -> None:
    assert Smtp("smtp://user:password@mail.example.com", "house@example.org")._starts_tls
    assert not Smtp("smtps://user:password@mail.example.com", "house@example.org")._starts_tls  # it is TLS already
    assert not Smtp("smtp://localhost:25", "house@example.org")._starts_tls


async def test_a_telephone_is_reached_through_the_gateway_or_not_at_all(caplog: pytest.LogCaptureFixture) -> None:
    message = HELLO._replace(to="+447911123456")
    async with mail_server() as (server, port):
        url = f"smtp://127.0.0.1:{port}"
        await sent(Post(Smtp(url, "house@example.org", sms_domain="sms.example.org")), message)
        await sent(Post(Smtp(url, "house@example.org"), pauses=()), message)
    assert [recipients for _, recipients, _ in server.received] == [["+447911123456@sms.example.org"]]
    assert caplog.text.count("could not be sent") == 1


async def test_no_header_can_be_smuggled_in(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_server() as (server, port):
        for to in (
            "a@example.org\nBcc: b@example.org",
            "a@example.org\r\nSubject: x",
            "a@example.org>, <b@example.org",
        ):
            await sent(Post(Smtp(f"smtp://127.0.0.1:{port}", "house@example.org"), pauses=()), HELLO._replace(to=to))
    assert all("b@example.org" not in recipients for _, recipients, _ in server.received)


async def test_whoever_asks_does_not_wait_and_few_messages_do() -> None:
    class Stuck:
        async def carry(self, message: Message) -> None:
            await asyncio.sleep(3600)

    post = Post(Stuck())
    for _ in range(MOST_WAITING):
        post.send(HELLO)
    with pytest.raises(ApiError) as busy:
        post.send(HELLO)
    assert (busy.value.code, busy.value.reason) == (Code.UNAVAILABLE, "MESSAGES_BUSY")
    await post.close(0.01)


async def test_the_console_shows_messages_in_development_alone(capsys: pytest.CaptureFixture[str]) -> None:
    await sent(Post.from_settings(Settings.from_environment({})), HELLO)
    assert "123456" in capsys.readouterr().err
    production = Settings.from_environment({"COUNTINGHOUSE_ENVIRONMENT": "production"})
    with pytest.raises(ApiError) as off:
        Post.from_settings(production).demand()
    assert (off.value.code, off.value.reason) == (Code.UNAVAILABLE, "MESSAGES_OFF")
    assert isinstance(Post.from_settings(Settings.from_environment({}))._carrier, Console)


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://host:port"])
def test_what_is_no_mail_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingsError) as problem:
        Settings.from_environment({"COUNTINGHOUSE_SMTP_URL": url})
    assert "COUNTINGHOUSE_SMTP_URL has the wrong value" in problem.value.errors[0]


async def test_one_that_fails_does_not_hold_up_the_others() -> None:
    inbox = Inbox()

    class Careless(Inbox):
        async def carry(self, message: Message) -> None:
            if message.to == "nobody":
                raise OSError
            await inbox.carry(message)

    await sent(Post(Careless(), pauses=QUICK), HELLO._replace(to="nobody"), HELLO, HELLO)
    assert len(inbox.messages) == 2
