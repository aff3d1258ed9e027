"""Speaking to the person at the terminal, or to the pipe behind it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

OUT: Final = Console()
ERR: Final = Console(stderr=True)


class CommandFailed(Exception):
    """The command could not do what it was asked; the text says why and what to do. `status` is 1 for a failure and 2
    for a request that makes no sense as it stands."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


def say(text: str = "") -> None:
    """Write a line to standard output as it is: nothing is wrapped, coloured or taken for markup."""
    OUT.print(text, markup=False, highlight=False, soft_wrap=True, emoji=False)


def write(text: str) -> None:
    """Write a whole document to standard output, byte for byte."""
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a line to standard error as it is."""
    ERR.print(text, markup=False, highlight=False, soft_wrap=True, emoji=False)


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while the body runs, if that is a terminal. The body is given a function that moves it
    on by so many."""
    if not ERR.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=ERR, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda steps: progress.advance(task, steps)
