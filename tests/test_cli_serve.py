"""`serve --demo`, from a directory with nothing in it to a server that has stopped: what `make run` does."""

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from gql.demo import DISTRIBUTOR, INVOICERS, PASSWORD, STUDIO, WHOLESALER
from gql.settings import Settings
from tests.harness.command_line import PROGRAM, countinghouse, environment

TRADED = "{ vendors { totalCount } orders { totalCount } }"
NAMES = "{ clients(first: 100) { totalCount nodes { name } } }"


@dataclass
class Serving:
    """A server that has said that it is ready."""

    process: asyncio.subprocess.Process
    place: str
    lines: list[str] = field(default_factory=list)

    @property
    def curl_line(self) -> str:
        return self.said("Ask")

    def said(self, word: str) -> str:
        """What stands after the word at the beginning of a line."""
        return next(line.removeprefix(word).strip() for line in self.lines if line.startswith(word))

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{self.place}/graphql", json={"query": query, "variables": variables}, headers=headers
            )
        return answer.json()

    async def sign_in(self, email: str, organisation: str) -> str:
        answer = await self.ask(
            "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }",
            input={"email": email, "password": PASSWORD, "organisation": organisation},
        )
        token: str = answer["data"]["signIn"]["accessToken"]
        return token

    async def stop(self, number: signal.Signals) -> str:
        """Send the signal; what was said on standard error. It must end well, and by itself."""
        self.process.send_signal(number)
        _, err = await asyncio.wait_for(self.process.communicate(), 30)
        assert self.process.returncode == 0
        return err.decode()


@asynccontextmanager
async def serving(env: dict[str, str]) -> AsyncIterator[Serving]:
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "serve",
        "--demo",
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Ask"):
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            if not line:
                pytest.fail((await process.communicate())[1].decode())
            lines.append(line.decode().rstrip("\n"))
        found = re.search(r"http://\S+:\d+", lines[0])
        assert found is not None
        yield Serving(process, found[0], lines)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.communicate()


def servers_in(directory: Path) -> list[str]:
    """The command lines of processes that work in this directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(directory) in command:
            found.append(command)
    return found


def children_of(parent: int) -> list[Path]:
    """Where the system tells of the children of a process."""
    return [Path("/proc", child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def command_of(process: Path) -> str:
    return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def is_running(process: Path) -> bool:
    return process.exists()


async def in_a_shell(line: str) -> Any:
    shell = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, _ = await shell.communicate()
    return json.loads(out)


async def test_from_nothing_to_a_server_that_has_stopped(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("served")
    env = environment(DATA_DIR=str(directory / "data"), PORT="0")
    async with serving(env) as server:
        overdue = (await in_a_shell(server.curl_line))["data"]["invoices"]
        assert overdue["totalCount"] > 10
        assert len(overdue["nodes"]) == 3
        async with httpx.AsyncClient() as browser:
            page = await browser.get(server.said("GraphiQL"), headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "GraphiQL" in page.text
        assert "A worker beside it does what is due." in server.lines
        assert any("work --with-parent" in command_of(child) for child in children_of(server.process.pid))

        tokens = [await server.sign_in(each.owner.email, each.slug) for each in INVOICERS]
        seen = [(await server.ask(NAMES, token))["data"]["clients"] for token in tokens]
        assert [clients["totalCount"] for clients in seen] == [len(STUDIO.customers), len(WHOLESALER.customers)]
        names = [{client["name"] for client in clients["nodes"]} for clients in seen]
        assert not names[0] & names[1]

        both = [await server.sign_in("priya@ledgerline.example", each.slug) for each in INVOICERS]
        assert [(await server.ask(NAMES, token))["data"]["clients"] for token in both] == seen
        member = await server.sign_in("ruth@harbour-books.example", STUDIO.slug)
        assert (await server.ask(NAMES, member))["data"]["clients"]["nodes"] == [{"name": "Harbour Books"}]

        theirs = [await server.sign_in(person.email, DISTRIBUTOR.slug) for person in DISTRIBUTOR.people]
        counts = [(await server.ask(TRADED, token))["data"] for token in theirs]
        assert [(each["vendors"]["totalCount"], each["orders"]["totalCount"]) for each in counts[:2]] == [(6, 40)] * 2
        assert all(0 < each["orders"]["totalCount"] < 40 for each in counts[2:])

        # Meanwhile others work on the same database, and leave it running.
        made = await countinghouse(
            "tenant", "create", "--slug", "third", "--name", "Third", "--owner-email", "t@t.example", env=env
        )
        assert made.status == 0
        described = json.loads((await countinghouse("demo", "--json", env=env)).out)
        token = described["organisations"][1]["users"][0]["accessToken"]
        assert (await server.ask(NAMES, token))["data"]["clients"] == seen[1]

        said = await server.stop(signal.SIGINT)
        # Where the directory's parents are closed to everybody else and we are root, it says that it opened the way.
        assert [line for line in said.splitlines() if not line.startswith("PostgreSQL does not run as root")] == []
    assert servers_in(directory) == []

    async with serving(env) as server:
        assert (await in_a_shell(server.curl_line))["data"]["invoices"] == overdue
        assert (await server.ask("{ clients { totalCount } }", tokens[0]))["data"]["clients"]["totalCount"] == 18
        # A server of its own, which no other test has left a role in, keeps every rule.
        doctor = await countinghouse("doctor", env=env)
        assert (doctor.status, doctor.err) == (0, ""), doctor.out
        first, second = doctor.out.splitlines()
        assert first.endswith(" rules hold.")
        assert second == "Books that balance, and audit logs whose seals hold: of all 4 organisations."
        assert await server.stop(signal.SIGTERM) == ""
    assert servers_in(directory) == []


async def test_a_server_that_is_killed_takes_its_worker_and_its_database_with_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("killed")
    env = environment(DATA_DIR=str(directory / "data"), PORT="0")
    async with serving(env) as server:
        children = children_of(server.process.pid)
        server.process.kill()
        await server.process.wait()
        async with asyncio.timeout(30):
            while servers_in(directory) or any(map(is_running, children)):  # noqa: ASYNC110 - the system tells nobody
                await asyncio.sleep(0.1)


async def test_a_taken_port_is_told_before_anything_is_started(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("never-served") / "data"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        outcome = await countinghouse("serve", env=environment(DATA_DIR=str(directory), PORT=str(port)))
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == (
        f"countinghouse: 127.0.0.1:{port} is taken by another program."
        " Stop that, or choose another port with COUNTINGHOUSE_PORT.\n"
    )
    assert not os.path.exists(directory)  # noqa: ASYNC240


@pytest.mark.parametrize("host", ["no.such.host.example", "192.0.2.1"])
async def test_a_host_that_is_not_this_machine_is_told(host: str, tmp_path: Path) -> None:
    outcome = await countinghouse("serve", env=environment(DATA_DIR=str(tmp_path), HOST=host, PORT="0"))
    assert outcome.status in (1, 2)
    assert host in outcome.err
    assert len(outcome.err.splitlines()) == 1


async def test_it_serves_a_database_of_somebody_else_too(settings: Settings) -> None:
    await countinghouse("demo", env=environment(settings))
    async with serving(environment(settings, PORT="0")) as server:
        assert "`countinghouse work` does what is due; one has to run somewhere." in server.lines
        token = await server.sign_in(STUDIO.owner.email, STUDIO.slug)
        assert (await server.ask(NAMES, token))["data"]["clients"]["totalCount"] == 18
        assert await server.stop(signal.SIGTERM) == ""


async def test_a_server_that_is_told_to_stop_while_it_starts_does(settings: Settings) -> None:
    """At moments all over its start, none of which may lose the signal: it is sent once."""
    env = environment(settings, PORT="0")

    async def stopped_after(seconds: float) -> tuple[int | None, bytes]:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "serve", env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGTERM)
        try:
            _, said = await asyncio.wait_for(process.communicate(), 60)
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode, said

    outcomes = await asyncio.gather(*(stopped_after(seconds) for seconds in (0.6, 1.2, 1.8, 2.4, 3.0, 4.0)))
    # Before Python has read the program, the signal ends it in its own way.
    assert {status for status, _ in outcomes} <= {0, -signal.SIGTERM}
    assert all(said == b"" for _, said in outcomes)
    assert outcomes[-1][0] == 0
