"""Asking our server, as each part does: a process started for the purpose, and questions asked in turns."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any, Final

from bench.growth.scope import Scope
from bench.load import Load, Sample, ask, in_process_of_its_own
from bench.peers.ours import Ours
from bench.peers.peer import Place
from bench.works import Facts

Say = Callable[[str], None]
Requests = Callable[[], Awaitable[list[list[bytes]]]]
"""The requests of each tenant, made anew for each round, because a token lives for ten minutes."""
CROWD: Final = 16
"""Connections where throughput is measured."""
HASTE_SECONDS: Final = 0.3


@dataclass(frozen=True)
class Question:
    """What is asked in one round, and over how many connections."""

    name: str
    requests: Requests
    connections: int = 1
    weights: Sequence[float] | None = None
    """How often each tenant is chosen; all alike unless said."""
    varies: bool = False
    """Whether some answers are far shorter than others."""


@asynccontextmanager
async def server(
    place: Place, facts: list[Facts], directory: Path, settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Ours]:
    """A new process of our server, for the body, with more settings where they are given."""
    ours = Ours(place, facts, directory, settings)
    try:
        await ours.start()
        yield ours
    finally:
        # At the first signal it goes on for some seconds, so that load balancers notice; the second one is for haste.
        for process_id in ours.process_ids:
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGTERM)
        await asyncio.sleep(HASTE_SECONDS)
        await ours.stop()


async def answer(ours: Ours, request: bytes) -> tuple[Any, int]:
    """The data of an answer and the bytes of its body. Raises RuntimeError where it is none."""
    _, body = await ask(ours.port, request)
    found = json.loads(body)
    if found.get("errors") or not found.get("data"):
        raise RuntimeError(f"This is no answer: {body[:600]!r}")
    return found["data"], len(body)


async def sampled(ours: Ours, question: Question, scope: Scope, postmaster: int, seed: int) -> Sample:
    """One round of one question."""
    requests = await question.requests()
    _, size = await answer(ours, requests[0][0])
    return await in_process_of_its_own(
        Load(
            port=ours.port,
            requests=requests,
            weights=list(question.weights or [1.0] * len(requests)),
            connections=question.connections,
            warm_seconds=scope.warm_seconds,
            seconds=scope.seconds,
            seed=seed,
            least_bytes=0 if question.varies else size // 4,
            looks_for_errors=question.varies,
            server_ids=ours.process_ids,
            postmaster_id=postmaster,
        )
    )


async def in_turns(
    ours: Ours, questions: Sequence[Question], scope: Scope, postmaster: int, say: Say
) -> dict[str, list[Sample]]:
    """The rounds of all questions, interleaved, so that what the machine does meanwhile falls on all alike."""
    found: dict[str, list[Sample]] = {question.name: [] for question in questions}
    for number in range(scope.rounds):
        for question in questions:
            say(f"round {number + 1} of {scope.rounds}: {question.name}")
            found[question.name].append(await sampled(ours, question, scope, postmaster, number))
    return found


def middle(samples: Sequence[Sample], figure: str) -> float:
    """The median of the rounds."""
    return float(median(getattr(sample, figure) for sample in samples))
