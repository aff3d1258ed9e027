"""Traces, where the environment asks for them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from gql.cli.console import CommandFailed
from gql.tracing.switch import PACKAGES_MISSING, NotTraceable, is_asked_for

if TYPE_CHECKING:
    from gql.app import Kinds
    from gql.worker.worker import Ways


@contextmanager
def traces_of(service: str) -> Iterator[bool]:
    """Whether the body is to be traced; its spans are exported then. Raises CommandFailed."""
    try:
        is_traced = is_asked_for(os.environ)
    except NotTraceable as problem:
        raise CommandFailed(str(problem), 2) from None
    if not is_traced:
        yield False
        return
    try:
        from gql.tracing.provider import exporting
    except ImportError:
        raise CommandFailed(PACKAGES_MISSING, 2) from None
    with exporting(service, version("countinghouse")):
        yield True


def kinds_of(is_traced: bool) -> "Kinds":
    """The kinds of things that a server is made of."""
    from gql.app import Kinds

    if not is_traced:
        return Kinds()
    from gql.tracing.operations import TracedEndpoint, TracedEngine
    from gql.tracing.statements import TracedDatabase

    return Kinds(TracedDatabase, TracedEngine, TracedEndpoint)


def ways_of(is_traced: bool) -> "Ways":
    """How a worker works."""
    from gql.worker.worker import Ways

    if not is_traced:
        return Ways()
    from gql.tracing.jobs import traced
    from gql.tracing.statements import TracedDatabase

    return Ways(TracedDatabase, traced)
