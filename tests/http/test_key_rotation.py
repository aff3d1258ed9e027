"""Attack 48: the signing key and the secret key change under two servers that people work at, and nobody is
sent away for it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jwt
import pytest

from gql.iam.keys.rotation import rotate_secret_key, rotate_signing_key
from gql.iam.keys.signing import OVERLAP_SECONDS
from gql.settings import Settings
from tests.database.pooling import until
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import Running, refusal, running
from tests.http.test_sessions import REFRESH, signed_in

ME = "{ me { role } }"
AFTER = 4.0
"""Longer than two servers need to see a file that has changed."""


@dataclass
class Load:
    """People at work at several servers, each at all of them in turn, going on with their sessions as they work."""

    servers: list[Running]
    answers: Counter[int] = field(default_factory=Counter)
    refused: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    has_ended: bool = False

    async def work(self, person: Tenant) -> None:
        held, _ = await signed_in(self.servers[0], person)
        turn = 0
        while not self.has_ended:
            turn += 1
            server = self.servers[turn % len(self.servers)]
            answer = await server.ask(ME, token=held["accessToken"])
            self._count(answer)
            if turn % 3 == 0:
                answer = await server.ask(REFRESH, variables={"input": {"refreshToken": held["refreshToken"]}})
                self._count(answer)
                held = (answer.json().get("data") or {}).get("sessionRefresh") or held
                self.keys.append(jwt.get_unverified_header(held["accessToken"])["kid"])

    def _count(self, answer: Any) -> None:
        self.answers[answer.status_code] += 1
        if "errors" in answer.json():
            self.refused.append(answer.json())

    async def more(self, number: int) -> None:
        wanted = self.answers.total() + number

        async def are_there() -> bool:
            await asyncio.sleep(0.01)
            return self.answers.total() >= wanted

        await until(are_there, f"{wanted} are answered", 60)


@pytest.fixture
async def servers(settings: Settings, database: TestDatabase, tmp_path: Path) -> AsyncIterator[list[Running]]:
    """Two servers with keys of their own."""
    async with AsyncExitStack() as stack:
        own = replace(settings, data_dir=tmp_path / "house")
        yield [await stack.enter_async_context(running(own, database.api_url)) for _ in range(2)]


async def test_keys_change_under_load_and_nobody_is_refused(servers: list[Running], tmp_path: Path) -> None:
    keys = tmp_path / "house" / "keys"
    load = Load(servers)
    async with asyncio.TaskGroup() as people:
        for _ in range(4):
            people.create_task(load.work(await make_tenant()))
        await load.more(100)
        old = set(load.keys)
        news = []
        for _ in range(2):
            new, _ = rotate_signing_key(keys / "signing.pem", now=time.time(), after=AFTER)
            rotate_secret_key(keys / "secrets.txt", now=time.time(), after=AFTER)
            news.append(new.id)

            async def signs(wanted: str = new.id) -> bool:
                await asyncio.sleep(0.05)
                return wanted in load.keys

            await until(signs, "the new key signs", 60)
            await load.more(100)
        load.has_ended = True
    for server in servers:
        shown = (await server.client.get("/.well-known/jwks.json")).json()["keys"]
        assert {key["kid"] for key in shown} == {*old, *news}
        assert not any("d" in key for key in shown)
    assert len(old) == 1
    assert list(dict.fromkeys(load.keys)) == [*old, *news]
    assert load.refused == []
    assert set(load.answers) == {200}


async def test_later_the_retired_key_is_refused_and_one_taken_out_at_once(
    servers: list[Running], tmp_path: Path
) -> None:
    path = tmp_path / "house" / "keys" / "signing.pem"
    person = await make_tenant()
    held, _ = await signed_in(servers[0], person)
    assert (await servers[1].ask(ME, token=held["accessToken"])).status_code == 200
    # As if it had been changed that long ago: its token is young, and its key is past its time.
    rotate_signing_key(path, now=time.time() - OVERLAP_SECONDS - 1, after=0)
    for server in servers:

        async def refuses(asked: Running = server) -> bool:
            await asyncio.sleep(0.1)
            return (await asked.ask(ME, token=held["accessToken"])).status_code == 401

        await until(refuses, "the token of the retired key is refused", 15)
        assert refusal(await server.ask(ME, token=held["accessToken"])) == (401, "UNAUTHENTICATED", "TOKEN_INVALID")
        shown = (await server.client.get("/.well-known/jwks.json")).json()["keys"]
        again, _ = await signed_in(server, person)
        assert [key["kid"] for key in shown] == [jwt.get_unverified_header(again["accessToken"])["kid"]]
        assert (await server.ask(ME, token=again["accessToken"])).status_code == 200
