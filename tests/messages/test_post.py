"""Codes leave in the background, once each and soon: messages/post.py."""

import asyncio
import socket
from dataclasses import replace
from typing import Final

import pytest

from gql.errors import ApiError, Code
from gql.messages.carriers import NotCarried, Smtp
from gql.messages.message import Message
from gql.messages.post import MOST_WAITING, Post
from tests.harness.inbox import Inbox, mail_server

HELLO: Final = Message("somebody@example.org", "123456 is your code", "Your code is 123456.\n")
QUICK: Final = (0.01, 0.01)


async def sent(post: Post, *messages: Message) -> None:
    for message in messages:
        post.send(message)
    await post.close(10)


async def test_what_fails_is_tried_again_and_what_is_refused_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_server() as (server, port):
        server.refusals = ["451 later", "451 later"]
        await sent(Post(Smtp(f"smtp://127.0.0.1:{port}", "house@example.org"), pauses=QUICK), HELLO)
        assert len(server.received) == 1
        server.refusals = ["550 never", "550 never"]
        await sent(Post(Smtp(f"smtp://127.0.0.1:{port}", "house@example.org"), pauses=QUICK), HELLO)
        assert (len(server.received), len(server.refusals)) == (1, 1)
    assert "could not be sent" in caplog.text
    assert "123456" not in caplog.text
    assert "somebody" not in caplog.text


async def test_a_mail_server_that_is_away_is_given_up_after_a_few_tries(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        await sent(Post(Smtp(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", "house@example.org"), pauses=QUICK), HELLO)
    assert caplog.text.count("could not be sent") == 3


async def test_whoever_asks_does_not_wait_and_few_messages_do() -> None:
    class Stuck:
        async def carry(self, message: Message) -> None:
            await asyncio.sleep(3600)

    post = Post(Stuck())
    for _ in range(MOST_WAITING):
        post.send(HELLO)
    with pytest.raises(ApiError) as busy:
        post.send(HELLO)
    assert (busy.value.code, busy.value.reason) == (Code.UNAVAILABLE, "MESSAGES_BUSY")
    await post.close(0.01)


def test_without_a_carrier_nothing_is_promised() -> None:
    with pytest.raises(ApiError) as off:
        Post(None).demand()
    assert (off.value.code, off.value.reason) == (Code.UNAVAILABLE, "MESSAGES_OFF")


async def test_one_that_fails_does_not_hold_up_the_others() -> None:
    inbox = Inbox()

    class Careless(Inbox):
        async def carry(self, message: Message) -> None:
            if message.to == "nobody":
                raise NotCarried("Nobody is there.")
            await inbox.carry(message)

    await sent(Post(Careless(), pauses=QUICK), replace(HELLO, to="nobody"), HELLO, HELLO)
    assert len(inbox.messages) == 2
