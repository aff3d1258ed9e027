"""deploy/proxy/nginx.conf, run by a real nginx with a certificate of the test's own before a real server."""

import asyncio
import json
import shutil
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any, Final

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from prometheus_client.parser import text_string_to_metric_families

from gql.http.headers import STRICT_TRANSPORT
from gql.http.requests import MOST_BYTES, MOST_SECONDS
from gql.http.serving import KEPT_SECONDS
from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from tests.deploy.files import DEPLOY, replaced
from tests.harness.actors import as_superuser
from tests.harness.command_line import environment
from tests.harness.programs import PATIENCE_SECONDS, a_program
from tests.harness.tenants import Tenant, make_tenant

NGINX: Final = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
HOST: Final = "books.example.org"
CREATE: Final = 'mutation { clientCreate(input: {name: "Proxied"}) { client { id } } }'
JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@dataclass
class Front:
    """The proxy, the server behind it, and a token of somebody."""

    https: str
    http: str
    behind: str
    client: httpx.AsyncClient
    trust: ssl.SSLContext
    token: str

    async def ask(self, body: bytes, **headers: str) -> httpx.Response:
        given = JSON | {"Authorization": f"Bearer {self.token}"} | headers
        return await self.client.post("/graphql", content=body, headers=given)

    async def requests(self) -> float:
        """How many requests for GraphQL the server has counted."""
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{self.behind}/metrics")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "countinghouse_requests_total"
        )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def certify(directory: Path) -> ssl.SSLContext:
    """Write a certificate of this machine; who trusts it, and nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    names = [x509.DNSName(HOST), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    (directory / "fullchain.pem").write_bytes(certificate)
    (directory / "privkey.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return ssl.create_default_context(cadata=certificate.decode())


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """One that nginx's workers, who are nobody, may enter."""
    with tempfile.TemporaryDirectory(prefix="countinghouse-nginx-") as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="module")
async def house() -> Tenant:
    return await make_tenant("Behind Glass")


@pytest.fixture(scope="module")
async def front(settings: Settings, house: Tenant, directory: Path) -> AsyncIterator[Front]:
    trust = certify(directory)
    token = Tokens.from_settings(settings).issue(house.owner.user_id, house.tenant_id).text
    env = environment(settings, PORT="0", ENVIRONMENT="production", TRUSTED_PROXIES="127.0.0.1")
    async with a_program("serve", env=env) as server:
        https, http = free_port(), free_port()
        places = [
            f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        ]
        configuration = replaced(
            (DEPLOY / "proxy/nginx.conf").read_text(),
            {
                "user www-data;\n": "",
                "listen 80;": f"listen 127.0.0.1:{http};",
                "listen [::]:80;": "",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{https} ssl http2;",
                "listen [::]:443 ssl http2;": "",
                "/etc/ssl/countinghouse": str(directory),
                "/run/nginx.pid": str(directory / "pid"),
                "/var/log/nginx": str(directory),
                "127.0.0.1:8000": server.place.removeprefix("http://"),
                "client_body_timeout 10s;": "client_body_timeout 1s;",
                "http {\n": "http {\n" + "\n".join(places) + "\n",
            },
        )
        (directory / "nginx.conf").write_text(configuration)
        assert NGINX is not None
        process = await asyncio.create_subprocess_exec(
            *(NGINX, "-e", "stderr", "-c", directory / "nginx.conf", "-g", "daemon off;"),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await until_it_listens(process, https)
            place = f"https://127.0.0.1:{https}"
            async with httpx.AsyncClient(base_url=place, verify=trust, timeout=PATIENCE_SECONDS) as client:
                yield Front(place, f"http://127.0.0.1:{http}", server.place, client, trust, token)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


async def until_it_listens(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                if process.returncode is not None:
                    pytest.fail((await process.communicate())[1].decode())
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


def the_setting(name: str) -> str:
    """What a directive is set to, where it stands once."""
    lines = [line.strip() for line in (DEPLOY / "proxy/nginx.conf").read_text().splitlines()]
    [found] = [line.removeprefix(f"{name} ").rstrip(";") for line in lines if line.startswith(f"{name} ")]
    return found


def test_its_limits_are_those_of_the_server() -> None:
    assert int(the_setting("client_max_body_size")) == MOST_BYTES
    assert the_setting("client_body_timeout") == f"{MOST_SECONDS:g}s"
    assert STRICT_TRANSPORT in the_setting("add_header Strict-Transport-Security")
    keeping = DEPLOY.joinpath("proxy/nginx.conf").read_text().partition("upstream countinghouse {")[2].partition("}")[0]
    assert "keepalive_timeout 60s;" in keeping
    assert KEPT_SECONDS > 60, "a server must not hang up just when the proxy sends it something"


@needs_nginx
async def test_it_speaks_tls_and_says_so_for_a_year_once(front: Front) -> None:
    answer = await front.ask(b'{"query": "{ organisation { name } }"}')
    assert answer.json() == {"data": {"organisation": {"name": "Behind Glass"}}}
    assert answer.headers.get_list("strict-transport-security") == [STRICT_TRANSPORT]
    refused = await front.client.get("/nothing-here")
    assert (refused.status_code, refused.headers.get_list("strict-transport-security")) == (404, [STRICT_TRANSPORT])
    told = (await front.client.get("/.well-known/openid-configuration")).json()
    assert told["token_endpoint"].startswith("https://127.0.0.1")


@needs_nginx
async def test_plain_http_is_sent_to_https_with_its_body(front: Front) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{front.http}/graphql?a=b", headers={"Host": HOST}, json={"query": "{ __typename }"}
        )
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://{HOST}/graphql?a=b")


@needs_nginx
async def test_old_tls_is_refused(front: Front) -> None:
    port = int(front.https.rpartition(":")[2])

    def hands_shaken(most: ssl.TLSVersion) -> str | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = min(most, ssl.TLSVersion.TLSv1_2)
        context.maximum_version = most
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as line, context.wrap_socket(line) as safe:
            return safe.version()

    assert await asyncio.to_thread(hands_shaken, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert await asyncio.to_thread(hands_shaken, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.warns(DeprecationWarning, match="TLSv1_1"), pytest.raises(ssl.SSLError):
        await asyncio.to_thread(hands_shaken, ssl.TLSVersion.TLSv1_1)


@needs_nginx
async def test_the_server_knows_the_client_by_what_the_proxy_says_and_not_by_what_they_say(front: Front) -> None:
    """The client is this machine, so the proxy is seen to have told it where a forged address is not in its place."""
    answer = await front.ask(json.dumps({"query": CREATE}).encode(), **{"X-Forwarded-For": "203.0.113.7"})
    made = answer.json()["data"]["clientCreate"]["client"]["id"]
    async with httpx.AsyncClient() as client:
        headers = JSON | {"Authorization": f"Bearer {front.token}", "X-Forwarded-For": "203.0.113.7"}
        told = await client.post(f"{front.behind}/graphql", json={"query": CREATE}, headers=headers)
    past = told.json()["data"]["clientCreate"]["client"]["id"]
    async with as_superuser() as connection:
        noted = await connection.fetch(
            "select ip_address from core.audit_log where entity_id = any ($1::uuid[]) order by created_at", [made, past]
        )
    assert [row[0] for row in noted] == ["127.0.0.1", "203.0.113.7"]


@needs_nginx
async def test_a_body_of_more_than_the_server_takes_is_refused_as_the_server_does_it(front: Front) -> None:
    before = await front.requests()
    refused = await front.ask(b" " * (MOST_BYTES + 1))
    assert refused.status_code == 413
    assert await front.requests() == before, "it was refused before the server was asked"
    async with httpx.AsyncClient() as client:
        ours = await client.post(f"{front.behind}/graphql", content=b" " * (MOST_BYTES + 1), headers=JSON)
    assert without_id(refused.json()) == without_id(ours.json())
    assert refused.headers["content-type"].partition(";")[0] == "application/json"
    taken = await front.ask(b'{"query": "{ __typename }"}'.ljust(MOST_BYTES))
    assert taken.json() == {"data": {"__typename": "Query"}}


def without_id(body: Any) -> Any:
    for error in body["errors"]:
        error["extensions"].pop("requestId", None)
    return body


@needs_nginx
async def test_who_sends_slowly_is_waited_for_by_the_proxy_alone(front: Front) -> None:
    before = await front.requests()
    port = int(front.https.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=front.trust, server_hostname="127.0.0.1")
    head = f"POST /graphql HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode() + b'{"query":')
    await writer.drain()
    begun = monotonic()
    said = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    writer.close()
    assert said == b"" or said.startswith(b"HTTP/1.1 408")
    assert 0.5 < monotonic() - begun < 30
    assert await front.requests() == before


@needs_nginx
@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/docs", "/graphql/../metrics"])
async def test_what_is_not_for_the_world_is_not_there(front: Front, path: str) -> None:
    answer = await front.client.get(path)
    assert answer.status_code == 404


@needs_nginx
async def test_nothing_of_what_was_asked_is_in_its_log(front: Front, directory: Path) -> None:
    answer = await front.client.get(
        "/graphql",
        params={"query": '{ clients(filter: {name: {eq: "Bodkin"}}) { totalCount } }'},
        headers={"Authorization": f"Bearer {front.token}"},
    )
    assert answer.json() == {"data": {"clients": {"totalCount": 0}}}
    log = directory / "countinghouse.log"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while answer.headers["x-request-id"] not in log.read_text():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.02)
    assert " GET /graphql HTTP/" in log.read_text()
    assert "Bodkin" not in log.read_text()
    assert front.token not in log.read_text()
