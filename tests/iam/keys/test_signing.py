"""The keys of tokens: made once, kept private, changed without turning anybody away."""

import base64
import logging
import multiprocessing
from pathlib import Path
from stat import S_IMODE
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gql.iam.keys import signing as keys
from gql.iam.keys.signing import Keys, key_id, make_signing_key
from gql.iam.tokens.access import Tokens
from gql.settings import Settings, SettingsError
from tests.iam.forging import TENANT, USER, refusal_of

PLAIN: Final = NoEncryption()


def private_pem(key: Ed25519PrivateKey, encryption: NoEncryption | BestAvailableEncryption = PLAIN) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_the_id_of_a_key_is_its_thumbprint() -> None:
    """The example of RFC 8037, appendix A.3."""
    x = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert key_id(Ed25519PublicKey.from_public_bytes(x)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_key_is_made_at_the_first_start_and_found_at_the_next(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    text = Tokens.from_settings(settings).issue(USER, TENANT).text
    assert Tokens.from_settings(settings).verify(text).user_id == USER


def test_a_key_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    directory.mkdir(mode=0o755)
    Keys.from_settings(Settings(data_dir=tmp_path))
    assert S_IMODE(directory.stat().st_mode) == 0o700
    assert S_IMODE((directory / "signing.pem").stat().st_mode) == 0o600
    assert [path.name for path in directory.iterdir()] == ["signing.pem"]


def _read_key(directory: Path) -> str:
    return Keys.from_settings(Settings(data_dir=directory)).signing_id


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as processes:
        found = processes.map(_read_key, [tmp_path] * 16, chunksize=1)
    assert len(set(found)) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["signing.pem"]


def test_making_a_key_never_replaces_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one that another process has made since this one looked."""
    theirs = private_pem(Ed25519PrivateKey.generate())

    class TooLate:
        @staticmethod
        def generate() -> Ed25519PrivateKey:
            (tmp_path / "signing.pem").write_bytes(theirs)
            return Ed25519PrivateKey.generate()

    monkeypatch.setattr(keys, "Ed25519PrivateKey", TooLate)
    for _ in range(2):
        make_signing_key(tmp_path)
        assert (tmp_path / "signing.pem").read_bytes() == theirs
    assert [path.name for path in tmp_path.iterdir()] == ["signing.pem"]


def test_the_key_of_the_settings_signs_and_none_is_made(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    (tmp_path / "own.pem").write_bytes(private_pem(key))
    (tmp_path / "own.pem").chmod(0o600)
    found = Keys.from_settings(Settings(data_dir=tmp_path / "data", signing_key_file=tmp_path / "own.pem"))
    assert found.signing_id == key_id(key.public_key())
    assert not (tmp_path / "data").exists()


def test_tokens_of_the_old_key_are_believed_while_its_public_half_is_there(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    old = Tokens.from_settings(settings)
    text = old.issue(USER, TENANT).text
    directory = tmp_path / "keys"
    (directory / "old.pem").write_bytes(public_pem(Keys.from_settings(settings).signing.public_key()))
    (directory / "signing.pem").unlink()
    between = Tokens.from_settings(settings)
    assert between.verify(text).user_id == USER
    (directory / "old.pem").unlink()
    afterwards = Tokens.from_settings(settings)
    assert refusal_of(afterwards, text) == "TOKEN_INVALID"
    assert afterwards.verify(between.issue(USER, TENANT).text).user_id == USER
    assert refusal_of(old, between.issue(USER, TENANT).text) == "TOKEN_INVALID"


NOT_PRIVATE: Final = {
    "nothing": b"",
    "no key": b"a long and wooden bridge",
    "a public key": public_pem(Ed25519PrivateKey.generate().public_key()),
    "a key with a passphrase": private_pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"bridge")),
    "a key of another kind": generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ),
    "half a key": private_pem(Ed25519PrivateKey.generate())[:60],
}


@pytest.mark.parametrize("what", NOT_PRIVATE)
def test_a_file_without_a_signing_key_is_named_at_start(what: str, tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    path.write_bytes(NOT_PRIVATE[what])
    with pytest.raises(SettingsError, match=f"{path} holds no private Ed25519 key") as problem:
        Keys.from_settings(Settings(data_dir=tmp_path / "data", signing_key_file=path))
    assert "wooden" not in str(problem.value)


@pytest.mark.parametrize("text", [b"", b"no key", private_pem(Ed25519PrivateKey.generate())])
def test_a_file_without_a_public_key_beside_the_signing_one_is_named_at_start(text: bytes, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    Keys.from_settings(settings)
    (tmp_path / "keys" / "old.pem").write_bytes(text)
    with pytest.raises(SettingsError, match="old.pem holds no public Ed25519 key"):
        Keys.from_settings(settings)


def test_a_directory_that_cannot_be_made_is_named_at_start(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, where the directory should be")
    with pytest.raises(SettingsError, match="cannot be read or made"):
        Keys.from_settings(Settings(data_dir=tmp_path / "data"))


def test_a_key_that_everybody_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "own.pem"
    path.write_bytes(private_pem(Ed25519PrivateKey.generate()))
    settings = Settings(data_dir=tmp_path, signing_key_file=path)
    for mode, warnings in ((0o600, 0), (0o644, 1)):
        path.chmod(mode)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            Keys.from_settings(settings)
        assert len(caplog.records) == warnings
