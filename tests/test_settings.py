"""Settings: what is read, and what a person is told about values that cannot be used."""

from pathlib import Path

import pytest

from gql.places import places_of
from gql.settings import Settings, SettingsError

DATABASE = "postgresql://countinghouse_api:sesame@db.example.org:5432/countinghouse"


def refused(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment({f"COUNTINGHOUSE_{name}": value for name, value in variables.items()})
    return refusal.value.errors


def test_nothing_set_means_the_embedded_database_on_the_loopback_in_development() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.is_embedded
    assert (settings.host, settings.port, settings.environment) == ("127.0.0.1", 8000, "development")


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.touch()
    settings = Settings.from_environment(
        {
            "COUNTINGHOUSE_DATABASE_URL": DATABASE,
            "COUNTINGHOUSE_DATA_DIR": "~/books",
            "COUNTINGHOUSE_PORT": "9000",
            "COUNTINGHOUSE_POOL_MODE": "transaction",
            "COUNTINGHOUSE_SIGNING_KEY_FILE": str(key),
        }
    )
    assert settings.database_url == DATABASE
    assert settings.data_dir == Path.home() / "books"
    assert settings.port == 9000
    assert settings.pool_mode == "transaction"
    assert settings.signing_key_file == key


def test_google_and_private_issuers_are_read() -> None:
    settings = Settings.from_environment(
        {
            "COUNTINGHOUSE_GOOGLE_CLIENT_IDS": "1.example, 2.example",
            "COUNTINGHOUSE_GOOGLE_JWKS_URL": "http://127.0.0.1:8080/keys",
            "COUNTINGHOUSE_PRIVATE_ISSUERS": "true",
        }
    )
    assert settings.google_client_ids == ("1.example", "2.example")
    assert settings.google_issuer == "https://accounts.google.com"
    assert settings.private_issuers is True
    assert Settings().private_issuers is False
    assert len(refused(GOOGLE_CLIENT_IDS="a,,b", GOOGLE_ISSUER="google", PRIVATE_ISSUERS="yes")) == 3


def test_a_database_of_ones_own_means_production_unless_said_otherwise() -> None:
    own = {"COUNTINGHOUSE_DATABASE_URL": DATABASE}
    assert Settings.from_environment(own).environment == "production"
    assert Settings.from_environment({**own, "COUNTINGHOUSE_ENVIRONMENT": "development"}).environment == "development"


def test_every_wrong_value_is_named_at_once_with_what_was_expected() -> None:
    assert refused(PORT="http", READ_CONNECTIONS="0", ENVIRONMENT="staging", SIGNING_KEY_FILE="/no/such/key") == [
        "COUNTINGHOUSE_PORT has the wrong value 'http'; expected a port from 0 (any free one) to 65535.",
        "COUNTINGHOUSE_READ_CONNECTIONS has the wrong value '0'; expected a whole number from 1 to 1000.",
        "COUNTINGHOUSE_ENVIRONMENT has the wrong value 'staging'; expected development or production.",
        "COUNTINGHOUSE_SIGNING_KEY_FILE has the wrong value '/no/such/key'; expected the path of a file that exists.",
    ]


@pytest.mark.parametrize(
    "address",
    ["db.example.org", "mysql://u:sesame@h/d", "postgresql:///d", "postgresql://u:sesame@h", "postgresql://h:x/d"],
)
def test_an_address_that_is_none_is_refused_without_repeating_its_password(address: str) -> None:
    (sentence,) = refused(DATABASE_URL=address)
    assert sentence == (
        "COUNTINGHOUSE_DATABASE_URL has the wrong value; "
        "expected an address like postgresql://user:password@host:5432/database."
    )


@pytest.mark.parametrize(
    ("places", "named"),
    [
        ("one", [("one", 5432)]),
        ("one:6432,two", [("one", 6432), ("two", 5432)]),
        ("192.0.2.1,[2001:db8::1]:7000", [("192.0.2.1", 5432), ("2001:db8::1", 7000)]),
        ("[::1],[::2]", [("::1", 5432), ("::2", 5432)]),
    ],
    ids=["one", "two", "numbers", "brackets"],
)
def test_an_address_may_name_several_servers(places: str, named: list[tuple[str, int]]) -> None:
    address = f"postgresql://u:se,same@{places}/d?target_session_attrs=read-write"
    settings = Settings.from_environment({"COUNTINGHOUSE_DATABASE_URL": address})
    assert settings.database_url == address
    assert list(places_of(address)) == named


@pytest.mark.parametrize("places", ["one,", ",two", "one:x,two", "one:70000,two", "one two", "[::1,two", "/run,two"])
def test_an_address_of_several_that_cannot_be_is_refused(places: str) -> None:
    assert len(refused(DATABASE_URL=f"postgresql://u:sesame@{places}/d")) == 1


def test_a_misspelt_variable_is_named_with_the_one_that_was_meant() -> None:
    assert refused(DATABSE_URL=DATABASE) == [
        "COUNTINGHOUSE_DATABSE_URL is no setting; did you mean COUNTINGHOUSE_DATABASE_URL?"
    ]
    (sentence,) = refused(COLOUR="blue")
    assert "COUNTINGHOUSE_COLOUR is no setting; there are COUNTINGHOUSE_DATABASE_URL, " in sentence


def test_addresses_that_make_no_sense_without_a_database_are_refused() -> None:
    assert refused(ADMIN_URL=DATABASE, DATABASE_READ_URL=DATABASE) == [
        f"COUNTINGHOUSE_{name} is set without COUNTINGHOUSE_DATABASE_URL; "
        "set both, or neither to use the embedded database."
        for name in ("DATABASE_READ_URL", "ADMIN_URL")
    ]


def test_empty_values_and_variables_of_others_count_for_nothing() -> None:
    assert (
        Settings.from_environment({"COUNTINGHOUSE_PORT": "", "PORT": "x", "COUNTINGHOUSE_TEST_POSTGRES": "15"})
        == Settings()
    )


def test_passwords_do_not_show_when_settings_are_printed() -> None:
    assert "sesame" not in repr(Settings(database_url=DATABASE, admin_url=DATABASE, database_read_url=DATABASE))


def test_every_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    secrets = {"database_url": DATABASE, "worker_url": f"{DATABASE}_w", "smtp_url": "smtp://user:sesame@mail.example"}
    for name, secret in secrets.items():
        (tmp_path / name).write_text(f"{secret}\n")
    settings = Settings.from_environment(
        {f"COUNTINGHOUSE_{name.upper()}_FILE": str(tmp_path / name) for name in secrets}
    )
    assert {name: getattr(settings, name) for name in secrets} == secrets
    assert settings.environment == "production"


def test_a_file_that_gives_no_secret_is_named_and_what_is_in_it_is_not(tmp_path: Path) -> None:
    paths = {name: tmp_path / name for name in ("empty", "binary", "wrong", "gone")}
    paths["empty"].write_text(" \n")
    paths["binary"].write_bytes(b"\xff\xfe")
    paths["wrong"].write_text("sesame")
    given = {
        "DATABASE_URL_FILE": "wrong",
        "ADMIN_URL_FILE": "empty",
        "WORKER_URL_FILE": "binary",
        "SMTP_URL_FILE": "gone",
    }
    assert sorted(refused(**{name: str(paths[path]) for name, path in given.items()})) == [
        f"COUNTINGHOUSE_ADMIN_URL_FILE names {str(paths['empty'])!r}, which is empty.",
        "COUNTINGHOUSE_DATABASE_URL has the wrong value; "
        "expected an address like postgresql://user:password@host:5432/database.",
        f"COUNTINGHOUSE_SMTP_URL_FILE names {str(paths['gone'])!r}, which cannot be read: No such file or directory.",
        f"COUNTINGHOUSE_WORKER_URL_FILE names {str(paths['binary'])!r}, which is no text.",
    ]


def test_a_secret_and_its_file_are_not_both_taken_and_what_is_none_has_no_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(DATABASE)
    assert refused(DATABASE_URL=DATABASE, DATABASE_URL_FILE=str(file)) == [
        "COUNTINGHOUSE_DATABASE_URL and COUNTINGHOUSE_DATABASE_URL_FILE are both set; set one of them."
    ]
    assert refused(ISSUER_FILE=str(file)) == [
        "COUNTINGHOUSE_ISSUER_FILE is no setting; did you mean COUNTINGHOUSE_ISSUER?"
    ]


def test_trusted_proxies_are_networks() -> None:
    given = {"COUNTINGHOUSE_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::7", "COUNTINGHOUSE_METRICS_PORT": "9464"}
    settings = Settings.from_environment(given)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "2001:db8::7/128"]
    assert settings.metrics_port == 9464
    assert Settings().trusted_proxies == ()
    for wrong in ("*", "10.0.0.1/8", "proxy.example", "10.0.0.0/8,"):
        assert len(refused(TRUSTED_PROXIES=wrong)) == 1
