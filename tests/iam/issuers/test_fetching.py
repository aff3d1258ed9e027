"""Fetching what somebody has named an address of: iam/issuers/fetching.py."""

import asyncio
import datetime as dt
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gql.iam.issuers import fetching
from gql.iam.issuers.fetching import Fetcher, FetchError, Resolve, is_public
from tests.harness.issuer import KEYS, Issuer, an_issuer, curve_key

PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "8.8.8.8"]
NOT_PUBLIC = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0"),
    *("fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"),
    *("2002:7f00:1::1", "2002:a00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "nonsense", ""),
]


def resolving(*addresses: str) -> tuple[Resolve, list[str]]:
    """A name server that knows one answer, and what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return list(addresses)

    return resolve, asked


async def why_not(fetcher: Fetcher, address: str) -> str:
    with pytest.raises(FetchError) as refusal:
        await fetcher.json(address)
    return str(refusal.value)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet_is_one(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_here_or_around_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:169.254.169.254"]])
async def test_a_host_with_an_inner_address_is_refused_before_anything_is_sent(addresses: list[str]) -> None:
    async with an_issuer() as issuer:
        port = issuer.url.rpartition(":")[2]
        fetcher = Fetcher(resolve=resolving(*addresses)[0])
        assert await why_not(fetcher, f"https://login.example.com:{port}/keys") == (
            "names a host that is not on the public internet"
        )
        assert issuer.asked == []


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1/keys", "https://localhost/keys", "https://2130706433/", "https://0x7f.1/", "https://[::1]/"],
)
async def test_this_machine_is_refused_however_it_is_written(address: str) -> None:
    fetcher = Fetcher()
    assert "host" in await why_not(fetcher, address)
    fetcher.close()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://login.example.com/keys", "is no https address"),
        ("file:///etc/passwd", "is no https address"),
        ("gopher://login.example.com/", "is no https address"),
        ("https://user:word@login.example.com/", "names no host, or a password"),
        ("https:///keys", "names no host, or a password"),
        ("https://login.example.com:port/", "is no address"),
        ("nonsense", "is no https address"),
    ],
)
async def test_only_https_and_nothing_else_is_fetched(address: str, why: str) -> None:
    resolve, asked = resolving("8.8.8.8")
    assert await why_not(Fetcher(resolve=resolve), address) == why
    assert asked == []


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    """A name that is asked twice may be answered twice, and differently."""
    async with an_issuer() as issuer:
        resolve, asked = resolving("127.0.0.1")
        port = issuer.url.rpartition(":")[2]
        found = await Fetcher(private=True, resolve=resolve).json(f"http://no.such.host.example:{port}/keys?a=b")
        assert found == json.loads(issuer.body(KEYS))
        assert asked == ["no.such.host.example"]
        assert issuer.hosts == [f"no.such.host.example:{port}"]
        assert issuer.asked == ["/keys?a=b"]


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async with an_issuer() as issuer:
        port = issuer.url.rpartition(":")[2]
        assert await Fetcher(private=True, resolve=resolving("::1", "127.0.0.1")[0]).json(f"http://x.example:{port}/")
        fetcher = Fetcher(private=True, resolve=resolving("::1")[0])
        assert await why_not(fetcher, f"http://x.example:{port}/") == "cannot be connected to"


async def fault_of(issuer: Issuer, **changes: Any) -> str:
    for name, value in changes.items():
        setattr(issuer, name, value)
    return await why_not(Fetcher(private=True, trust=ssl.create_default_context()), issuer.jwks_url)


async def test_a_redirect_is_not_followed() -> None:
    async with an_issuer() as issuer, an_issuer() as inside:
        headers = f"Location: {inside.jwks_url}\r\n"
        assert await fault_of(issuer, status="302 Found", headers=headers) == "answered 302"
        assert inside.asked == []


async def test_what_is_slow_long_packed_broken_or_no_json_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    async with an_issuer() as issuer:
        assert await fault_of(issuer, delay=5.0) == "took longer than 0.3 s"
        issuer.delay = 0.0
        assert await fault_of(issuer, documents={KEYS: b" " * (64 * 1024 + 1)}) == "is longer than 65536 bytes"
        assert await fault_of(issuer, documents={KEYS: b"<html>"}) == "is not JSON"
        assert await fault_of(issuer, documents={KEYS: b"[" * 60_000}) == "is not JSON"
        assert await fault_of(issuer, documents={KEYS: b"\xff\xfe"}) == "is not JSON"
        assert "compressed" in await fault_of(issuer, headers="Content-Encoding: gzip\r\n")
        assert await fault_of(issuer, headers="", status="500 Broken") == "answered 500"
        assert (await fault_of(issuer, is_away=True)).startswith("failed")


async def test_no_more_than_a_few_are_fetched_at_once() -> None:
    async with an_issuer() as issuer:
        issuer.delay = 0.1
        fetcher = Fetcher(private=True)
        await asyncio.gather(*(fetcher.json(issuer.jwks_url) for _ in range(40)))
        assert len(issuer.asked) == 40
        assert issuer.most_waiting == fetching.MOST_AT_ONCE


def certified(name: str, directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server needs that is this host, and what whoever trusts it needs."""
    key = curve_key()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - dt.timedelta(1), now + dt.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    file = directory / f"{name}.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_the_certificate_is_the_host_s_and_not_the_address_s(tmp_path: Path) -> None:
    server, trust = certified("login.example.com", tmp_path)
    async with an_issuer(server) as issuer:
        port = issuer.url.rpartition(":")[2]
        fetcher = Fetcher(private=True, resolve=resolving("127.0.0.1")[0], trust=trust)
        assert await fetcher.json(f"https://login.example.com:{port}/keys") == json.loads(issuer.body(KEYS))
        assert await why_not(fetcher, f"https://other.example.com:{port}/keys") == "cannot be connected to"
        stranger = Fetcher(private=True, resolve=resolving("127.0.0.1")[0])
        assert await why_not(stranger, f"https://login.example.com:{port}/keys") == "cannot be connected to"
