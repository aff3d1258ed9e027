"""`work`: the worker, which does what is due by itself."""

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gql.cli.console import CommandFailed, say
from gql.cli.databases import the_database, the_settings
from gql.cli.listening import listening_socket
from gql.cli.traces import traces_of, ways_of
from gql.settings import Settings

if TYPE_CHECKING:
    from gql.worker.worker import Worker

STOP_SECONDS: Final = 15
"""How long a worker that was started here may take to end: it finishes what it is doing."""


def work(
    with_parent: Annotated[bool, typer.Option(hidden=True, help="Stop when standard input ends.")] = False,
) -> None:
    """Do what is due, until Ctrl-C: recurring invoices, e-mails, expired holds, reports, the audit log. Any number may
    run."""
    settings = the_settings()
    with the_database(settings) as addresses:
        url = addresses.demand_worker_url()
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        with addresses.kept_alive(), traces_of("countinghouse-worker") as is_traced:
            asyncio.run(_work(url, settings, with_parent=with_parent, is_traced=is_traced))


async def _work(url: str, settings: Settings, *, with_parent: bool, is_traced: bool) -> None:
    from gql.messages.carriers import carrier_of
    from gql.worker.worker import NotLoaded, Worker

    worker = Worker(url, carrier=carrier_of(settings), ways=ways_of(is_traced))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, worker.stop)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), worker.stop)
    try:
        async with _told(worker, settings):
            await worker.run(
                lambda: None if with_parent else say("Countinghouse works on what is due; Ctrl-C stops it.")
            )
    except NotLoaded:
        raise CommandFailed("The database is empty. Run `countinghouse migrate` first.") from None


@asynccontextmanager
async def _told(worker: "Worker", settings: Settings) -> AsyncIterator[None]:
    """Tell how the work goes during the body, if that is asked for."""
    if settings.metrics_port is None:
        yield
        return
    from gql.worker.telling import telling

    with listening_socket(settings.host, settings.metrics_port, "METRICS_PORT") as listener:
        async with telling(worker.figures, listener):
            host, port = listener.getsockname()[:2]
            say(f"How it goes is told on http://{f'[{host}]' if ':' in host else host}:{port}/metrics.")
            yield


@contextmanager
def a_worker_beside() -> Iterator[None]:
    """A worker in a process of its own while the body runs. However this process ends, the worker ends with it: it
    reads from a pipe that nobody writes to, and that the system closes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gql.cli", "work", "--with-parent"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
