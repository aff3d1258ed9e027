"""`serve`: the server, with the embedded database around it where no other is named."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from contextlib import nullcontext
from typing import Annotated, Final

import typer

from gql.cli.announcement import announce
from gql.cli.console import CommandFailed
from gql.cli.databases import Addresses, admin_connection, the_database, the_settings
from gql.cli.listening import listening_socket
from gql.cli.traces import kinds_of, traces_of
from gql.cli.work import a_worker_beside
from gql.settings import Settings

DRAIN_SECONDS: Final = 10
"""How long a running request may take to end, once the server was told to."""
TURN_SECONDS: Final = 0.0001
"""After which a thread that is busy with Python lets another one go on."""


class StopSignal:
    """Whoever stops us by a signal means what a Ctrl-C means: the database is stopped, too.

    The interruption that is raised for it is lost where a finalizer runs at that moment, or a task just ends. So it is
    remembered as well; and what takes a moment only, such as making the application, is not interrupted at all.
    """

    def __init__(self) -> None:
        self.has_come = False
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)

    def hold(self) -> None:
        """From now on it is only remembered."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self._remember)

    def _interrupt(self, *_: object) -> None:
        self.has_come = True
        signal.raise_signal(signal.SIGINT)

    def _remember(self, *_: object) -> None:
        self.has_come = True


def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Make the demo when the database is fresh.")] = False,
) -> None:
    """Serve GraphQL until Ctrl-C. Where no other database is named, the embedded one and a worker run with it."""
    settings = the_settings()
    stop = StopSignal()
    try:
        with listening_socket(settings.host, settings.port) as listener, the_database(settings, make=True) as addresses:
            people = _prepare_demo(settings, addresses, make=demo)
            beside = a_worker_beside() if settings.is_embedded else nullcontext()
            with addresses.kept_alive(), beside, traces_of("countinghouse-server") as is_traced:
                _serve(settings, addresses, listener, stop, has_demo=people, is_traced=is_traced)
    except KeyboardInterrupt:
        pass


def _prepare_demo(settings: Settings, addresses: Addresses, *, make: bool) -> bool:
    """Make the demo if that was asked for and the database is fresh. Whether there is one to sign in to."""
    from gql.cli.demo import demo_is_complete, make_demo

    if addresses.admin_url is None:
        if make:
            addresses.demand_admin_url()
        return False

    async def look() -> tuple[bool, bool]:
        async with admin_connection(addresses) as admin:
            strangers = await admin.fetchval("select exists (select from iam.tenants where slug <> all ($1))", _slugs())
            return await demo_is_complete(admin), bool(strangers)

    is_complete, has_strangers = asyncio.run(look())
    if is_complete or not make or has_strangers:
        return is_complete
    make_demo(settings, addresses)
    return True


def _slugs() -> list[str]:
    from gql.demo import ORGANISATIONS

    return [organisation.slug for organisation in ORGANISATIONS]


def _spare_the_collector() -> None:
    """The schema and all modules stay for good: the collector need not look at them again and again. Requests under way
    are some hundred objects each, and hardly ever refer to themselves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def _take_short_turns() -> None:
    """While a thread reads what one caller sent, the event loop answers others: it should not have to wait for its turn
    each time as long as it takes to answer."""
    sys.setswitchinterval(TURN_SECONDS)


def _serve(
    settings: Settings,
    addresses: Addresses,
    listener: socket.socket,
    stop: StopSignal,
    *,
    has_demo: bool,
    is_traced: bool,
) -> None:
    stop.hold()
    import uvicorn

    from gql.app import create_app
    from gql.http.joining import JoiningProtocol
    from gql.http.serving import KEPT_SECONDS, NOTICE_SECONDS, Server, many_times, open_many_files

    class AnnouncedServer(Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if stop.has_come:
                self.should_exit = True
            elif self.started:
                announce(listener.getsockname(), settings, has_demo=has_demo)

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    open_many_files()
    app = create_app(settings, addresses.api_url, kinds_of(is_traced))
    _spare_the_collector()
    _take_short_turns()
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=JoiningProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe whoever is on this machine; gql.http.forwarding asks who it is
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    # In production whoever spreads the load is given time to see that we leave; a person at a terminal is not kept.
    server = AnnouncedServer(config, app.health, NOTICE_SECONDS if settings.environment == "production" else 0.0)
    if not stop.has_come:
        server.run(sockets=many_times(listener))
    if not server.started and not stop.has_come:
        raise CommandFailed("The server did not start; what it logged above says why.")
