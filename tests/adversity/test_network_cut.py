"""The connection to the database is cut, at every single message that a request costs.

(An invoice that is issued, with and without a pooler, is in tests/http/test_lost_changes.py.)
"""

from collections.abc import AsyncIterator
from itertools import count
from typing import Final

import httpx
import pytest

from gql.settings import Settings
from tests.adversity.kinds import DONE, KINDS, NOBODYS_FAULT, NOTHING, REFRESH, Effect, effect_of, reason_for_none
from tests.adversity.soundness import assert_no_connection_leaks
from tests.harness.postgres import TestDatabase
from tests.harness.proxy import Fate, Proxy, everything_passes
from tests.harness.tenants import make_tenant
from tests.harness.thoroughness import IS_THOROUGH
from tests.http.changes import Desk, behind_proxy

MOST_MESSAGES: Final = 80
SENT_AGAIN: Final = frozenset(KINDS) - {"sign_in"}
"""What the server itself sends again, where nothing was kept of it: all but what is a statement after the other."""

Line = tuple[Desk, Proxy]


@pytest.fixture(scope="module")
async def line(settings: Settings, database: TestDatabase) -> AsyncIterator[Line]:
    """A desk behind a proxy."""
    async with behind_proxy(settings, database.api_url, await make_tenant()) as (desk, proxy):
        yield desk, proxy


class Cut:
    """What the client sends as its message of this number has this fate, and then everything passes."""

    def __init__(self, number: int, fate: Fate) -> None:
        self.left = number
        self.has_struck = False
        self._fate = fate

    async def __call__(self, data: bytes) -> Fate:
        self.left -= 1
        if self.left != 0:
            return Fate.PASSES
        self.has_struck = True
        return self._fate


WAYS: Final = [
    *((kind, fate, True) for kind in KINDS for fate in (Fate.LOST, Fate.UNANSWERED)),
    # Each of these has its connections opened first, which takes much longer than what is then done.
    *((kind, Fate.LOST, False) for kind in (KINDS if IS_THOROUGH else ("read",))),
]


@pytest.mark.parametrize(("kind", "fate", "is_warm"), WAYS)
async def test_a_cut_at_any_message_loses_nothing_doubles_nothing_and_is_told_in_a_coded_error(
    line: Line, kind: str, fate: Fate, is_warm: bool
) -> None:
    desk, proxy = line
    ask = KINDS[kind]
    series = f"{kind}-{fate.name}-{is_warm}"
    assert reason_for_none(await ask(desk, f"{series}-first")) is None
    answered = 0
    for number in count(1):
        assert number < MOST_MESSAGES
        if not is_warm:
            proxy.cut()
        mark = f"{series}-{number}"
        cut = proxy.judge = Cut(number, fate)
        reason = reason_for_none(await ask(desk, mark))
        proxy.judge = everything_passes
        if not cut.has_struck:
            break
        assert reason in {None, *NOBODYS_FAULT}
        left = await effect_of(desk, mark)
        if reason is None:
            answered += 1
            assert left == DONE[kind]
        elif kind in SENT_AGAIN:
            assert left == NOTHING, "what the server sends again, and refuses in the end, it has not done"
        # The network is well: whoever asks again is answered, and under the same key it is done once.
        again = mark if kind == "keyed" else f"{mark}-again"
        assert reason_for_none(await ask(desk, again)) is None
        assert await effect_of(desk, again) == DONE[kind]
    assert number > 1
    if kind in SENT_AGAIN and is_warm:
        assert answered == number - 1, "what is cut once is done all the same"
    await assert_no_connection_leaks(desk.server)


async def test_a_refresh_whose_answer_was_lost_is_answered_again_and_its_session_goes_on(line: Line) -> None:
    """Who is cut off has the old token only; the server may have exchanged it already."""
    desk, proxy = line

    async def refresh() -> httpx.Response:
        given = {"input": {"refreshToken": held}}
        return await desk.server.ask(REFRESH, variables=given, headers={"User-Agent": "who refreshes"})

    held = (await KINDS["sign_in"](desk, "who refreshes")).json()["data"]["signIn"]["refreshToken"]
    for fate in (Fate.LOST, Fate.UNANSWERED):
        for number in count(1):
            assert number < MOST_MESSAGES
            cut = proxy.judge = Cut(number, fate)
            answer = await refresh()
            if reason_for_none(answer) is not None:
                answer = await refresh()
            proxy.judge = everything_passes
            held = answer.json()["data"]["sessionRefresh"]["refreshToken"]
            if not cut.has_struck:
                break
        assert number > 1
    assert await effect_of(desk, "who refreshes") == Effect(sessions=1)
    await assert_no_connection_leaks(desk.server)
