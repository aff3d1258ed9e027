"""Who starts the embedded PostgreSQL again when it dies: every process that works on it for long.

It has no operator and no service manager, and what it had committed is in its log. So whoever is first to see that
there is no postmaster any more starts one at the same address, under the lock that every start takes.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gql.database.embedded.cluster import EmbeddedServerError
from gql.database.embedded.server import EmbeddedServer

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""A server that dies again sooner than this is given more and more time before it is started once more."""


@contextmanager
def guarded(server: EmbeddedServer) -> Iterator[None]:
    """While the body runs, the server is started again whenever it dies. The body must not stop it."""
    done = threading.Event()
    guard = threading.Thread(target=_watch, args=(server, done), name="guard of the embedded PostgreSQL", daemon=True)
    guard.start()
    try:
        yield
    finally:
        done.set()
        guard.join()


def _watch(server: EmbeddedServer, done: threading.Event) -> None:
    pause, last_trouble = LOOK_SECONDS, 0.0
    while not done.wait(pause):
        begun = time.monotonic()
        try:
            if not server.revive():
                pause = LOOK_SECONDS if begun - last_trouble > STEADY_SECONDS else pause
                continue
            log.warning(
                "the embedded PostgreSQL had died; it was started again and recovered in %.1f s",
                time.monotonic() - begun,
            )
        except (EmbeddedServerError, OSError) as problem:
            log.error("the embedded PostgreSQL has died and cannot be started again: %s", problem)
        last_trouble = time.monotonic()
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
