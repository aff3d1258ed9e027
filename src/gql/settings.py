"""Settings, read from the environment once, at start.

Every variable is named COUNTINGHOUSE_ and the name of a field below in capitals. All wrong values are named
together, each with what was expected; so is a variable with our prefix that is no setting (a misspelling would
otherwise leave a default in force unnoticed). A secret may stand in a file, which its name with _FILE names.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from gql.places import parts_of, places_of
from gql.secret_files import with_secrets

PREFIX: Final = "COUNTINGHOUSE_"
TEST_PREFIX: Final = "COUNTINGHOUSE_TEST_"  # read by the test suite only, and none of the server's business

PoolMode = Literal["session", "transaction"]
Environment = Literal["development", "production"]


class SettingsError(Exception):
    """The environment holds values that cannot be used. `errors` has one sentence for each."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def _setting(default: Any, read: Callable[[str], Any], expected: str, meaning: str, *, secret: bool = False) -> Any:
    """A field with what reads it (raising ValueError), what it expects, and whether its value may be shown."""
    metadata = {"read": read, "expected": expected, "meaning": meaning, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


def _database_address(text: str) -> str:
    address = parts_of(text)
    if address.scheme not in ("postgresql", "postgres") or len(address.path) < 2:
        raise ValueError
    places_of(text)
    return text


def _mail_server(text: str) -> str:
    address = urlsplit(text)
    if address.scheme not in ("smtp", "smtps") or not address.hostname or address.path not in ("", "/"):
        raise ValueError
    _ = address.port
    return text


def _mail_address(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", text):
        raise ValueError
    return text


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return read


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not all(word.split() == [word] for word in words):
        raise ValueError
    return words


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(word) for word in _words(text))


def _web_address(text: str) -> str:
    address = urlsplit(text)
    if address.scheme not in ("https", "http") or not address.hostname or address.fragment:
        raise ValueError
    _ = address.port
    return text


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _existing_file(text: str) -> Path:
    path = _path(text)
    if not path.is_file():
        raise ValueError
    return path


def _word(text: str) -> str:
    if text.split() != [text]:
        raise ValueError
    return text


ADDRESS: Final = "an address like postgresql://user:password@host:5432/database"


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process runs. Times are in milliseconds; sizes of pools in connections."""

    database_url: str | None = _setting(
        None, _database_address, ADDRESS, "The database, as countinghouse_api; unset: the embedded one.", secret=True
    )
    database_read_url: str | None = _setting(
        None, _database_address, ADDRESS, "A replica that answers queries; unset: the database itself.", secret=True
    )
    read_lag_limit_ms: int = _setting(
        10_000, _whole_number(500, 60_000), "milliseconds from 500 to 60000", "How far behind a replica may answer."
    )
    admin_url: str | None = _setting(
        None, _database_address, ADDRESS, "The same database as superuser, for migrate and tenant create.", secret=True
    )
    worker_url: str | None = _setting(
        None, _database_address, ADDRESS, "The same database as countinghouse_worker, for work.", secret=True
    )
    analyst_url: str | None = _setting(
        None,
        _database_address,
        "an address like postgresql://host:5432/database",
        "Where analysts are told to connect, without a user: the database or a replica; unset: the database.",
        secret=True,
    )
    data_dir: Path = _setting(
        Path(".countinghouse"), _path, "a path", "Where the embedded database and its secrets are kept."
    )
    host: str = _setting("127.0.0.1", _word, "a host name or an IP address", "The address to listen on.")
    port: int = _setting(
        8000, _whole_number(0, 65535), "a port from 0 (any free one) to 65535", "The port to listen on."
    )
    metrics_port: int | None = _setting(
        None,
        _whole_number(0, 65535),
        "a port from 0 (any free one) to 65535",
        "Where `work` tells /metrics and /healthz; unset: nowhere. The server tells them on its own port.",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        (),
        _networks,
        "addresses or networks like 10.0.0.0/8, with commas between them",
        "The proxies whose X-Forwarded-For and -Proto are believed; unset: nobody's.",
    )
    environment: Environment = _setting(
        "development",
        _one_of("development", "production"),
        "development or production",
        "Development shows GraphiQL and the schema to everyone. It is the default only with the embedded database.",
    )
    read_connections: int = _setting(
        10, _whole_number(1, 1000), "a whole number from 1 to 1000", "Connections for queries."
    )
    write_connections: int = _setting(
        6, _whole_number(1, 1000), "a whole number from 1 to 1000", "Connections for mutations and sign-in."
    )
    connections_per_tenant: int = _setting(
        8, _whole_number(1, 1000), "a whole number from 1 to 1000", "The most that one organisation may hold in a pool."
    )
    least_share_percent: int = _setting(
        5,
        _whole_number(1, 100),
        "a whole number from 1 to 100",
        "The part of one connection's time that an organisation always has, though more are about than connections.",
    )
    pool_mode: PoolMode = _setting(
        "session",
        _one_of("session", "transaction"),
        "session or transaction",
        "Transaction behind PgBouncer or a managed pooler that gives each transaction another connection.",
    )
    statement_timeout_ms: int = _setting(
        10_000, _whole_number(10, 3_600_000), "milliseconds from 10 to 3600000", "The longest that a statement may run."
    )
    acquire_timeout_ms: int = _setting(
        5_000, _whole_number(10, 600_000), "milliseconds from 10 to 600000", "The longest wait for a free connection."
    )
    signing_key_file: Path | None = _setting(
        None,
        _existing_file,
        "the path of a file that exists",
        "The Ed25519 private keys (PEM) of access tokens, the newest first; unset: made in the data directory.",
    )
    secret_keys_file: Path | None = _setting(
        None,
        _existing_file,
        "the path of a file that exists",
        "The house's secret keys, one in base64 on each line, the newest first; unset: one made in the data directory.",
    )
    smtp_url: str | None = _setting(
        None,
        _mail_server,
        "an address like smtp://user:password@host:587 or smtps://user:password@host:465",
        "The mail server that carries messages; unset: the console in development, none in production.",
        secret=True,
    )
    mail_from: str = _setting("countinghouse@localhost", _mail_address, "an e-mail address", "Whom messages come from.")
    sms_domain: str | None = _setting(
        None, _word, "a domain", "The mail domain of a gateway that sends what comes to +44…@domain as an SMS."
    )
    issuer: str = _setting("countinghouse", _word, "one word or address", "The `iss` of access tokens.")
    audience: str = _setting("countinghouse", _word, "one word or address", "The `aud` of access tokens.")
    google_client_ids: tuple[str, ...] = _setting(
        (), _words, "client ids with commas between them", "Whose Google ID tokens are taken; unset: none."
    )
    google_issuer: str = _setting(
        "https://accounts.google.com", _web_address, "an address like https://host", "The `iss` of Google's ID tokens."
    )
    google_jwks_url: str = _setting(
        "https://www.googleapis.com/oauth2/v3/certs",
        _web_address,
        "an address like https://host/keys",
        "Where Google's public keys are.",
    )
    private_issuers: bool = _setting(
        False,
        _yes_or_no,
        "true or false",
        "Whether keys are also fetched by http, and from this machine or a private network: for development.",
    )

    demo_orders: int = _setting(
        1200, _whole_number(40, 1200), "a whole number from 40 to 1200", "How many orders the demo of trade has."
    )

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the embedded one, which this process starts when nobody has."""
        return self.database_url is None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings; raises SettingsError with every fault found. An empty value counts as unset."""
        given = {
            name: value
            for name, value in (os.environ if environment is None else environment).items()
            if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX) and value != ""
        }
        known = {PREFIX + setting.name.upper(): setting for setting in fields(cls)}
        given, errors = with_secrets(given, [name for name, setting in known.items() if setting.metadata["secret"]])
        values: dict[str, Any] = {}
        for name, text in given.items():
            if name not in known:
                errors.append(_unknown(name, list(known)))
                continue
            setting = known[name]
            try:
                values[setting.name] = setting.metadata["read"](text)
            except ValueError:
                shown = "" if setting.metadata["secret"] else f" {text!r}"
                errors.append(f"{name} has the wrong value{shown}; expected {setting.metadata['expected']}.")
        errors += _contradictions(given)
        if errors:
            raise SettingsError(errors)
        if "environment" not in values and "database_url" in values:
            values["environment"] = "production"
        return cls(**values)


def _unknown(name: str, known: list[str]) -> str:
    """Compared without the prefix, which alone would make any two names alike."""
    words = {setting.removeprefix(PREFIX): setting for setting in known}
    near = get_close_matches(name.removeprefix(PREFIX), words, n=1, cutoff=0.6)
    return f"{name} is no setting" + (
        f"; did you mean {words[near[0]]}?" if near else f"; there are {', '.join(known)}."
    )


def _contradictions(given: Mapping[str, str]) -> list[str]:
    """Values that are good by themselves and make no sense together."""
    if PREFIX + "DATABASE_URL" in given:
        return []
    return [
        f"{PREFIX}{name} is set without {PREFIX}DATABASE_URL; set both, or neither to use the embedded database."
        for name in ("DATABASE_READ_URL", "ADMIN_URL", "WORKER_URL", "ANALYST_URL")
        if PREFIX + name in given
    ]
