"""The benchmark: start the peers, see that they agree, ask them in turns, and tell what came of it."""

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final, Protocol

from bench.database import CONNECTIONS, DIRECTORY, BenchDatabase, bench_database
from bench.dataset import Sizes
from bench.load import Load, Sample, ask, in_process_of_its_own, zipf
from bench.peers.floors import BareAsgi
from bench.peers.ours import Ours
from bench.peers.peer import Peer
from bench.peers.pgbench import PgBench, SelectOne
from bench.works import WORKS, Facts

ONE: Final = "one tenant"
MANY: Final = "many tenants"
ELSEWHERE: Final = {
    "postgraphile": ("bench.peers.postgraphile", "PostGraphile"),
    "tuned": ("bench.peers.postgraphile", "TunedPostGraphile"),
    "strawberry": ("bench.peers.stock_strawberry", "StockStrawberry"),
    "pooled": ("bench.peers.pooled", "Pooled"),
}
PEERS: Final = ("ours", *ELSEWHERE, "pgbench", "floors")
USUAL_PEERS: Final = tuple(name for name in PEERS if name != "pooled")
"""Whoever asks what a pooler costs has one."""
COMPARED_TENANTS: Final = 3
COMPARED_VARIANTS: Final = 2
"""How many requests of each of these tenants have their answers compared, before anything is timed."""
VARIANTS: Final = {ONE: 100, MANY: 10}
"""How many requests of each tenant are made before; they differ where the work is about one of many rows."""


@dataclass(frozen=True)
class Scope:
    """What is run: works, peers, crowds (one tenant, many), rounds, and the seconds of each."""

    works: Sequence[str] = tuple(WORKS)
    peers: Sequence[str] = USUAL_PEERS
    crowds: Sequence[str] = (ONE, MANY)
    rounds: int = 7
    seconds: float = 2.0
    warm_seconds: float = 0.5
    sizes: Sizes = field(default_factory=Sizes)
    directory: Path = DIRECTORY


QUICK: Final = Scope(
    works=("list", "point", "tree"),
    peers=("ours", "postgraphile", "pgbench"),
    crowds=(ONE,),
    rounds=3,
    seconds=1.5,
    warm_seconds=0.5,
)


@dataclass(frozen=True)
class Result:
    """All samples, by crowd, work and contestant, and what there is to know about how they were taken."""

    samples: dict[tuple[str, str, str], list[Sample]]
    notes: list[str]
    postgres_version: str


class Contestant(Protocol):
    """Something that can be asked for a work."""

    name: str

    async def sample(self, work: str, crowd: str, round_number: int) -> Sample | None:
        """One round, or None where this work with this crowd is none of its."""


class HttpContestant:
    """A peer, asked over HTTP by the load generator."""

    def __init__(self, peer: Peer, database: BenchDatabase, scope: Scope, sizes: dict[str, int]) -> None:
        self.name = peer.name
        self._peer, self._database, self._scope, self._sizes = peer, database, scope, sizes

    async def sample(self, work: str, crowd: str, round_number: int) -> Sample | None:
        tenants = self._database.facts[:1] if crowd == ONE else self._database.facts
        requests = [
            [await self._peer.request(work, tenant, number) for number in range(VARIANTS[crowd])] for tenant in tenants
        ]
        return await in_process_of_its_own(
            Load(
                port=self._peer.port,
                requests=requests,
                weights=zipf(len(tenants)),
                connections=CONNECTIONS,
                warm_seconds=self._scope.warm_seconds,
                seconds=self._scope.seconds,
                seed=round_number,
                least_bytes=self._sizes[work] // 2,
                server_ids=self._peer.process_ids,
                postmaster_id=self._database.postmaster_id,
            )
        )


class SqlContestant:
    """pgbench, for one tenant; `works` are those that it is asked for."""

    def __init__(self, bench: PgBench | SelectOne, database: BenchDatabase, scope: Scope, works: Sequence[str]) -> None:
        self.name = bench.name
        self._bench, self._database, self._scope, self._works = bench, database, scope, works

    async def sample(self, work: str, crowd: str, round_number: int) -> Sample | None:
        if crowd != ONE or work not in self._works:
            return None
        scope = self._scope
        return await self._bench.sample(work, self._database.facts[0], scope.warm_seconds, scope.seconds)


async def run(scope: Scope, say: Callable[[str], None] = lambda _: None) -> Result:
    """The whole benchmark. Peers that are not there, or answer otherwise than we do, are left out with a note."""
    notes: list[str] = []
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench_database(scope.sizes, scope.directory, say))
        ours = Ours(database.place, database.facts, scope.directory)
        stack.push_async_callback(ours.stop)
        say("Starting countinghouse")
        await ours.start()
        answers = {work: await _answers(ours, work, database.facts) for work in scope.works}
        sizes = {work: size for work, (_, size) in answers.items()}
        peers: list[Peer] = [ours]
        for name in scope.peers:
            if name in ELSEWHERE:
                say(f"Starting {name}")
                peer = await _started(name, database, stack, notes)
                if peer is not None and await _agrees(peer, answers, database.facts, notes):
                    peers.append(peer)
        contestants: list[Contestant] = [HttpContestant(peer, database, scope, sizes) for peer in peers]
        if "pgbench" in scope.peers:
            contestants.append(SqlContestant(PgBench(database), database, scope, scope.works))
        if "floors" in scope.peers:
            floor = BareAsgi(database.place, database.facts, sizes, ours)
            stack.push_async_callback(floor.stop)
            await floor.start()
            contestants.append(HttpContestant(floor, database, scope, sizes))
            contestants.append(SqlContestant(SelectOne(database), database, scope, scope.works[:1]))
        samples = await _rounds(scope, contestants, notes, say)
        return Result(samples, notes, database.version)


async def _rounds(
    scope: Scope, contestants: Sequence[Contestant], notes: list[str], say: Callable[[str], None]
) -> dict[tuple[str, str, str], list[Sample]]:
    """In turns, so that whatever the machine does meanwhile falls on all alike."""
    samples: dict[tuple[str, str, str], list[Sample]] = {}
    failed: set[tuple[str, str, str]] = set()
    for crowd in scope.crowds:
        for work in scope.works:
            for number in range(scope.rounds):
                for contestant in contestants:
                    key = (crowd, work, contestant.name)
                    if key in failed:
                        continue
                    say(f"{crowd}, {work}, round {number + 1} of {scope.rounds}: {contestant.name}")
                    try:
                        sample = await contestant.sample(work, crowd, number)
                    except RuntimeError as problem:
                        notes.append(f"{contestant.name} failed at {work} with {crowd}: {str(problem)[:300]}")
                        failed.add(key)
                        continue
                    if sample is not None:
                        samples.setdefault(key, []).append(sample)
    return samples


async def _started(name: str, database: BenchDatabase, stack: AsyncExitStack, notes: list[str]) -> Peer | None:
    module_name, class_name = ELSEWHERE[name]
    try:
        made = getattr(importlib.import_module(module_name), class_name)(database.place, database.facts)
        assert isinstance(made, Peer)
        stack.push_async_callback(made.stop)
        await made.start()
    except Exception as problem:
        notes.append(f"{name} is left out: {str(problem)[:500]}")
        return None
    return made


async def _answers(peer: Peer, work: str, facts: Sequence[Facts]) -> tuple[list[object], int]:
    """The answers of some tenants in normal form, and how many bytes the first one has."""
    found, size = [], 0
    for tenant, number in product(facts[:COMPARED_TENANTS], range(COMPARED_VARIANTS)):
        _, body = await ask(peer.port, await peer.request(work, tenant, number))
        size = size or len(body)
        answer = json.loads(body)
        if answer.get("errors") or not answer.get("data"):
            raise ValueError(f"{peer.name} answers {work} with {body[:500]!r}")
        found.append(peer.normal(work, answer["data"]))
    return found, size


async def _agrees(
    peer: Peer, answers: dict[str, tuple[list[object], int]], facts: Sequence[Facts], notes: list[str]
) -> bool:
    """Whether the peer gives the answers that we give, to every work."""
    for work, (ours, _) in answers.items():
        try:
            theirs, _ = await _answers(peer, work, facts)
        except Exception as problem:
            notes.append(f"{peer.name} is left out, because it does not answer {work}: {str(problem)[:500]}")
            return False
        if theirs != ours:
            notes.append(f"{peer.name} is left out, because it answers {work} otherwise: {_difference(ours, theirs)}")
            return False
    return True


def _difference(ours: object, theirs: object, path: str = "") -> str:
    """The first place where two answers differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        return next(
            (_difference(ours[key], theirs[key], f"{path}.{key}") for key in ours if ours[key] != theirs[key]), ""
        )
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next((_difference(one, other, f"{path}[{place}]") for place, (one, other) in pairs if one != other), "")
    return f"at {path or 'the top'}, ours is {str(ours)[:200]} and theirs {str(theirs)[:200]}"


def terminal_say() -> Callable[[str], None]:
    """Progress on one line of a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        return lambda _: None

    def say(text: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()

    return say


def run_scope(scope: Scope) -> Result:
    """The benchmark, with progress on a terminal."""
    say = terminal_say()
    try:
        return asyncio.run(run(scope, say))
    finally:
        say("")
