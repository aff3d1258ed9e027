"""The house's secret keys: iam/keys/secrets.py."""

import base64
from pathlib import Path
from secrets import token_bytes

import pytest

from gql.iam.keys.secrets import Secrets, new_token, token_hash
from gql.settings import Settings, SettingsError

OLD, NEW = token_bytes(32), token_bytes(32)


def settings(directory: Path, **given: Path) -> Settings:
    names = {f"COUNTINGHOUSE_{name.upper()}": str(path) for name, path in given.items()}
    return Settings.from_environment({"COUNTINGHOUSE_DATA_DIR": str(directory), **names})


def test_what_is_encrypted_is_read_again_for_the_same_purpose_alone() -> None:
    secrets = Secrets([OLD])
    hidden = secrets.encrypt("totp", "a secret")
    assert "secret" not in hidden
    assert secrets.decrypt("totp", hidden) == "a secret"
    assert secrets.encrypt("totp", "a secret") != hidden
    for other, purpose in ((secrets, "webhook"), (Secrets([NEW]), "totp")):
        with pytest.raises(ValueError, match="None of the secret keys"):
            other.decrypt(purpose, hidden)


def test_a_hash_depends_on_the_key_and_on_the_purpose() -> None:
    digests = {
        Secrets([key]).digests(purpose, text)[0] for key in (OLD, NEW) for purpose in ("a", "b") for text in ("1", "2")
    }
    assert len(digests) == 8
    assert Secrets([OLD]).digests("a", "1") == Secrets([OLD]).digests("a", "1")


def test_after_a_change_of_keys_the_old_is_believed_and_the_new_is_used() -> None:
    before, after, later = Secrets([OLD]), Secrets([NEW, OLD]), Secrets([NEW])
    hidden, digest = before.encrypt("totp", "a secret"), before.digests("code", "123456")[0]
    assert after.decrypt("totp", hidden) == "a secret"
    assert digest in after.digests("code", "123456")
    assert after.digests("code", "123456")[0] == later.digests("code", "123456")[0]
    assert not after.is_of_the_newest("totp", hidden)
    again = after.encrypt("totp", after.decrypt("totp", hidden))
    assert after.is_of_the_newest("totp", again)
    assert later.decrypt("totp", again) == "a secret"


def test_keys_are_made_once_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    first = Secrets.from_settings(settings(tmp_path))
    path = tmp_path / "keys" / "secrets.txt"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    again = Secrets.from_settings(settings(tmp_path))
    assert again.decrypt("x", first.encrypt("x", "text")) == "text"


def test_a_file_of_ones_own_is_used_newest_line_first(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(base64.b64encode(key).decode() for key in (NEW, OLD)) + "\n\n")
    secrets = Secrets.from_settings(settings(tmp_path / "data", secret_keys_file=path))
    assert Secrets([NEW]).decrypt("x", secrets.encrypt("x", "text")) == "text"
    assert secrets.decrypt("x", Secrets([OLD]).encrypt("x", "text")) == "text"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content", ["", "\n", "short", "not base64 at all!", base64.b64encode(bytes(31)).decode()])
def test_a_file_with_a_line_that_is_no_key_is_refused_and_not_shown(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(base64.b64encode(NEW).decode() + "\n" + content if content.strip() else content)
    with pytest.raises(SettingsError) as problem:
        Secrets.from_settings(settings(tmp_path, secret_keys_file=path))
    [sentence] = problem.value.errors
    assert "openssl rand -base64 32" in sentence
    assert not content.strip() or content not in sentence


def test_a_token_cannot_be_guessed() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)
    assert len({token_hash(token) for token in tokens}) == 1000
