"""Keys change while servers run: iam/keys/rotation.py, iam/keys/files.py, iam/keys/watch.py, cli/keys.py."""

import asyncio
import json
import logging
import time
from pathlib import Path
from stat import S_IMODE
from typing import Any, Final

import pytest

from gql.database.pool import Database, DatabaseOptions
from gql.iam.keys import files as key_files
from gql.iam.keys.rotation import rotate_secret_key, rotate_signing_key
from gql.iam.keys.secrets import Secrets
from gql.iam.keys.signing import OVERLAP_SECONDS, Keys
from gql.iam.keys.watch import KeyWatch
from gql.iam.services import Services
from gql.iam.tokens.access import LEEWAY_SECONDS, LIFE_SECONDS, Tokens
from gql.settings import Settings
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.command_line import countinghouse, environment
from tests.iam.forging import AUDIENCE, ISSUER, NOW, TENANT, USER, Clock, refusal_of

SOON: Final = 60.0


@pytest.fixture(autouse=True)
def _files_are_looked_at_whenever_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_files, "LOOKED_AT_SECONDS", 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signing_file(tmp_path: Path) -> Path:
    Keys.from_settings(Settings(data_dir=tmp_path))
    return tmp_path / "keys" / "signing.pem"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    Secrets.from_settings(Settings(data_dir=tmp_path))
    return tmp_path / "keys" / "secrets.txt"


def server(directory: Path, clock: Clock) -> tuple[Tokens, Keys]:
    """A server that has just started."""
    keys = Keys.from_settings(Settings(data_dir=directory), clock=clock)
    return Tokens(keys, issuer=ISSUER, audience=AUDIENCE, clock=clock), keys


def key_material(*files: Path) -> set[str]:
    """Every line of these files that is of a key."""
    lines = "".join(path.read_text() for path in files).splitlines()
    return {line for line in lines if len(line) > 20 and not line.startswith(("#", "-"))}


def test_a_key_is_believed_for_longer_than_any_token_of_it_lives() -> None:
    assert OVERLAP_SECONDS >= LIFE_SECONDS + 2 * LEEWAY_SECONDS


def test_a_new_key_is_known_before_it_signs_and_the_old_one_after_it_has_ceased_to(
    tmp_path: Path, signing_file: Path, clock: Clock
) -> None:
    """Attack 48. Row 48, by a clock: at no moment does a server refuse what another has just signed."""
    servers = [server(tmp_path, clock) for _ in range(2)]
    old = servers[0][1].signing_id
    last_of_old = servers[0][0].issue(USER, TENANT).text
    new, gone = rotate_signing_key(signing_file, now=clock.now, after=SOON)
    assert gone == 0
    signed_by = []
    for _ in range(100):
        servers[0][1].reread()  # the other one looks only where it meets a key that it does not know
        for tokens, keys in servers:
            issued = tokens.issue(USER, TENANT).text
            signed_by.append(keys.signing_id)
            assert all(other.verify(issued).user_id == USER for other, _ in servers)
            last_of_old = issued if keys.signing_id == old else last_of_old
        clock.now += 1
    assert signed_by[: 2 * int(SOON)] == [old] * 2 * int(SOON)
    assert set(signed_by[2 * int(SOON) :]) == {new.id}
    assert set(servers[0][1].believed) == {old, new.id}
    clock.now = NOW + SOON + LIFE_SECONDS - 1
    assert all(tokens.verify(last_of_old).user_id == USER for tokens, _ in servers)


def test_a_retired_key_is_refused_after_its_time_whatever_its_token_says(
    tmp_path: Path, signing_file: Path, clock: Clock
) -> None:
    """Attack 48."""
    stolen, keys = server(tmp_path, clock)
    old = keys.signing_id
    rotate_signing_key(signing_file, now=clock.now, after=SOON)
    clock.now = NOW + SOON + OVERLAP_SECONDS
    assert old not in Keys.from_settings(Settings(data_dir=tmp_path), clock=clock).believed
    # Whoever kept the old key signs on with it.
    forged = stolen.issue(USER, TENANT).text
    house, keys = server(tmp_path, clock)
    assert refusal_of(house, forged) == "TOKEN_INVALID"
    assert list(keys.believed) == [keys.signing_id]
    _, gone = rotate_signing_key(signing_file, now=clock.now, after=0)
    assert gone == 1
    assert signing_file.read_text().count("BEGIN PRIVATE KEY") == 2


def test_a_key_that_is_taken_out_is_refused_even_where_its_token_was_known(
    tmp_path: Path, signing_file: Path, clock: Clock
) -> None:
    tokens, keys = server(tmp_path, clock)
    text = tokens.issue(USER, TENANT).text
    assert tokens.verify(text).user_id == USER
    rotate_signing_key(signing_file, now=clock.now, after=0)
    new, _, _ = signing_file.read_text().partition("-----END PRIVATE KEY-----\n")
    signing_file.write_text(new + "-----END PRIVATE KEY-----\n")
    assert keys.reread()
    assert refusal_of(tokens, text) == "TOKEN_INVALID"
    assert tokens.verify(tokens.issue(USER, TENANT).text).user_id == USER


def test_of_several_changes_the_first_ends_the_old_key(tmp_path: Path, signing_file: Path, clock: Clock) -> None:
    first, old = Keys.from_settings(Settings(data_dir=tmp_path), clock=clock), NOW
    rotate_signing_key(signing_file, now=clock.now, after=0)
    clock.now += 600
    rotate_signing_key(signing_file, now=clock.now, after=0)
    clock.now = old + OVERLAP_SECONDS
    believed = Keys.from_settings(Settings(data_dir=tmp_path), clock=clock).believed
    assert len(believed) == 2
    assert first.signing_id not in believed


def test_a_file_that_makes_no_sense_changes_nothing_and_is_told_once(
    tmp_path: Path, signing_file: Path, secret_file: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    tokens, keys = server(tmp_path, clock)
    secrets = Secrets.from_settings(Settings(data_dir=tmp_path))
    text, kept = tokens.issue(USER, TENANT).text, secrets.encrypt("a purpose", "a text")
    signing_file.write_text("half a k")
    secret_file.write_text("half a k")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert not keys.reread()
            assert not secrets.reread()
    assert len(caplog.records) == 2
    assert tokens.verify(text).user_id == USER
    assert secrets.decrypt("a purpose", kept) == "a text"


def test_the_file_stays_its_readers_own(signing_file: Path, secret_file: Path) -> None:
    signing_file.chmod(0o640)
    for _ in range(3):
        rotate_signing_key(signing_file, now=time.time(), after=0)
        rotate_secret_key(secret_file, now=time.time(), after=0)
    assert S_IMODE(signing_file.stat().st_mode) == 0o640
    assert S_IMODE(secret_file.stat().st_mode) == 0o600
    assert sorted(path.name for path in signing_file.parent.iterdir()) == ["secrets.txt", "signing.pem"]


def test_what_was_made_with_an_old_secret_key_stays_good_while_it_is_listed(
    tmp_path: Path, secret_file: Path, clock: Clock
) -> None:
    """Attack 48."""
    here, there = (Secrets.from_settings(Settings(data_dir=tmp_path), clock=clock) for _ in range(2))
    old_seed, old_digest = here.encrypt("seed", "JBSWY3DP"), here.digests("code", "123456")[0]
    made = rotate_secret_key(secret_file, now=clock.now, after=SOON)
    assert here.reread()
    assert here.names[1:] == [made.name]
    assert here.digests("code", "123456")[0] == old_digest  # not yet
    clock.now += SOON
    assert here.names[0] == made.name
    new_seed, new_digests = here.encrypt("seed", "JBSWY3DP"), here.digests("code", "123456")
    assert new_digests[0] != old_digest
    assert old_digest in new_digests
    assert here.decrypt("seed", old_seed) == "JBSWY3DP"
    assert not here.is_of_the_newest("seed", old_seed)
    assert there.decrypt("seed", new_seed) == "JBSWY3DP"  # it looks into the file, which it had not read anew
    secret_file.write_text("".join(secret_file.read_text().splitlines(keepends=True)[:2]))
    assert here.reread()
    assert old_digest not in here.digests("code", "123456")
    with pytest.raises(ValueError, match="None of the secret keys"):
        here.decrypt("seed", old_seed)


def test_the_name_of_a_secret_key_tells_nothing_of_it(secret_file: Path) -> None:
    made = rotate_secret_key(secret_file, now=time.time(), after=0)
    assert made.name not in secret_file.read_text()
    assert made.key.hex().find(made.name) == -1
    assert len(made.name) == 12


async def test_which_keys_are_in_use_is_in_the_log_of_the_house_once(
    services: Services, tmp_path: Path, signing_file: Path, secret_file: Path
) -> None:
    keys, secrets = Keys.from_settings(Settings(data_dir=tmp_path)), Secrets.from_settings(Settings(data_dir=tmp_path))
    watches = [KeyWatch(services.database, keys, secrets) for _ in range(2)]

    async def noted() -> list[dict[str, Any]]:
        async with as_superuser() as connection:
            rows = await connection.fetch(
                "select facts from iam.house_log where event = 'KEYS' order by created_at, id"
            )
        facts = [json.loads(row["facts"]) for row in rows]
        ours = {*keys.believed, *secrets.names}
        return [each for each in facts if {each["newest"], *each["believed"]} & ours]

    for watch in watches * 2:
        await watch.look()
    old, old_secret = keys.signing_id, secrets.names[0]
    expected = [
        {"kind": "SIGNING", "newest": old, "believed": []},
        {"kind": "SECRET", "newest": old_secret, "believed": []},
    ]
    assert await noted() == expected
    new, _ = rotate_signing_key(signing_file, now=time.time(), after=0)
    secret = rotate_secret_key(secret_file, now=time.time(), after=0)
    for watch in watches * 2:
        await watch.look()
    expected += [
        {"kind": "SIGNING", "newest": new.id, "believed": [old]},
        {"kind": "SECRET", "newest": secret.name, "believed": [old_secret]},
    ]
    assert await noted() == expected
    lines = key_material(signing_file, secret_file)
    async with as_superuser() as connection:
        log = "\n".join(row[0] for row in await connection.fetch("select h::text from iam.house_log h"))
    assert lines
    assert not [line for line in lines if line in log]


async def test_a_database_that_is_down_does_not_keep_a_server_from_following_its_keys(
    tmp_path: Path, signing_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql.iam.keys.watch.EVERY_SECONDS", 0.01)
    down = await Database.open(DatabaseOptions(url="postgresql://nobody:x@127.0.0.1:1/none", acquire_timeout=0.1))
    keys = Keys.from_settings(Settings(data_dir=tmp_path))
    watching = asyncio.create_task(KeyWatch(down, keys, Secrets.from_settings(Settings(data_dir=tmp_path))).run())
    new, _ = rotate_signing_key(signing_file, now=time.time(), after=0)

    async def is_followed() -> bool:
        await asyncio.sleep(0.01)
        return keys.signing_id == new.id

    await until(is_followed, "the new key signs")
    watching.cancel()
    await down.close()


async def test_the_command_line_changes_keys_and_lists_them(tmp_path: Path) -> None:
    env = environment(DATA_DIR=str(tmp_path))
    for which in ("signing", "secret"):
        outcome = await countinghouse("key", "rotate", which, "--after", "3", env=env)
        assert (outcome.status, outcome.err) == (0, "")
    listed = (await countinghouse("key", "list", env=env)).out
    assert listed.count("signing ") == listed.count("secret ") == 2
    material = key_material(tmp_path / "keys" / "signing.pem", tmp_path / "keys" / "secrets.txt")
    assert not [line for line in material if line in listed]
    outcome = await countinghouse("key", "rotate", "both", env=env)
    assert outcome.status == 2
