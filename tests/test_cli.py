"""What the command line says when a request makes no sense, or the database is not there."""

import os
import socket
from pathlib import Path

import pytest

from gql.settings import Settings
from tests.harness.command_line import countinghouse, environment

WHOLESALE = Path(__file__).parent / "imports" / "files" / "wholesale.csv"
COMMANDS = (
    *("serve", "work", "migrate", "demo", "import", "tenant", "analyst", "psql", "doctor"),
    *("schema", "errors", "roles", "reporting"),
)


async def test_help_names_every_command() -> None:
    outcome = await countinghouse("--help", env=environment())
    assert outcome.status == 0
    words = outcome.out.split()
    assert all(command in words for command in COMMANDS)


async def test_an_unknown_command_is_a_wrong_request() -> None:
    outcome = await countinghouse("servr", env=environment())
    assert outcome.status == 2
    assert "servr" in outcome.err


async def test_wrong_settings_are_all_named_with_what_was_expected() -> None:
    env = environment(PORT="many", POOL_MOD="session")
    outcome = await countinghouse("serve", env=env)
    assert outcome.status == 2
    assert outcome.err.splitlines() == [
        "countinghouse: COUNTINGHOUSE_PORT has the wrong value 'many'; expected a port from 0 (any free one) to 65535.",
        "countinghouse: COUNTINGHOUSE_POOL_MOD is no setting; did you mean COUNTINGHOUSE_POOL_MODE?",
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["doctor"],
        ["work"],
        ["psql"],
        ["psql", "--tenant", "acme"],
        ["import", "online-retail", WHOLESALE, "--tenant", "acme"],
    ],
    ids=lambda command: " ".join(map(str, command[:2])),
)
async def test_a_wrong_directory_is_told_and_left_alone(command: list[str | Path], tmp_path: Path) -> None:
    outcome = await countinghouse(*command, env=environment(DATA_DIR=str(tmp_path / "elsewhere")))
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"countinghouse: There is no database in {tmp_path / 'elsewhere'}.")
    assert os.listdir(tmp_path) == []


def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"postgresql://countinghouse_api:secret@127.0.0.1:{probe.getsockname()[1]}/countinghouse"


@pytest.mark.parametrize(
    "command", [["migrate"], ["demo"], ["doctor"], ["psql", "--tenant", "acme"]], ids=lambda command: command[0]
)
async def test_a_database_that_is_down_is_told_in_a_sentence(command: list[str], tmp_path: Path) -> None:
    address = unused_address()
    env = environment(DATABASE_URL=address, ADMIN_URL=address, DATA_DIR=str(tmp_path), ENVIRONMENT="development")
    outcome = await countinghouse(*command, env=env)
    assert outcome.status == 1
    assert outcome.err.startswith("countinghouse: The database ")
    assert len(outcome.err.splitlines()) == 1
    assert "secret" not in outcome.err


async def test_a_host_that_nobody_knows_is_told_in_a_sentence(tmp_path: Path) -> None:
    address = "postgresql://countinghouse_api:secret@no.such.host.example/countinghouse"
    outcome = await countinghouse(
        "doctor", env=environment(DATABASE_URL=address, ADMIN_URL=address, DATA_DIR=str(tmp_path))
    )
    assert outcome.status == 1
    assert outcome.err == ("countinghouse: The database cannot be reached. Is it running, and is its address right?\n")


async def test_a_wrong_password_of_the_database_is_told_in_a_sentence(settings: Settings) -> None:
    assert settings.admin_url is not None
    before, _, after = settings.admin_url.partition("@")
    outcome = await countinghouse("doctor", env=environment(settings, ADMIN_URL=before[:-3] + "xyz@" + after))
    assert outcome.status == 1
    assert outcome.err == (
        'countinghouse: The database does not let us in: password authentication failed for user "postgres".\n'
    )


@pytest.mark.parametrize(
    "command", [["migrate"], ["demo"], ["doctor"], ["psql"], ["psql", "--tenant", "acme"]], ids=" ".join
)
async def test_what_needs_the_administrator_says_so(command: list[str], settings: Settings) -> None:
    env = environment(settings)
    del env["COUNTINGHOUSE_ADMIN_URL"]
    outcome = await countinghouse(*command, env=env)
    assert outcome.status == 2
    assert "COUNTINGHOUSE_ADMIN_URL" in outcome.err
    assert len(outcome.err.splitlines()) == 1


async def test_the_schema_is_printed_as_it_is_served() -> None:
    outcome = await countinghouse("schema", env=environment())
    assert (outcome.status, outcome.err) == (0, "")
    assert "type Invoice implements Node {" in outcome.out
    assert "signIn(" in outcome.out


async def test_the_catalogue_of_errors_is_printed() -> None:
    outcome = await countinghouse("errors", env=environment())
    assert (outcome.status, outcome.err) == (0, "")
    assert "CURRENCY_CODE" in outcome.out
