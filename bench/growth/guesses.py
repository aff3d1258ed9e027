"""Guesses: what lists take while strangers try passwords, which are dear to verify."""

import asyncio
from collections import Counter
from statistics import median
from typing import Final

from bench.database import bench_database
from bench.growth.asking import Question, Say, sampled, server
from bench.growth.guessing import Guessed, Guessing, in_process_of_its_own
from bench.growth.scope import Scope
from bench.growth.section import Section, Table, judged
from bench.load import Sample

PER_SECOND: Final = 200
MOST: Final = 2.0
"""How many times as long the slowest hundredth of lists may take."""
CONNECTIONS: Final = 4
QUIET: Final = "nobody guesses"
CASES: Final = {QUIET: None, "200 a second from one address": False, "200 a second, each from another": True}


async def measure(scope: Scope, say: Say) -> Section:
    """Rounds without guesses and with them, in turns."""
    samples: dict[str, list[Sample]] = {case: [] for case in CASES}
    guessed: dict[str, list[Guessed]] = {case: [] for case in CASES}
    async with (
        bench_database(scope.sizes, scope.dataset, say) as database,
        server(database.place, database.facts, scope.dataset) as ours,
    ):

        async def lists() -> list[list[bytes]]:
            return [[await ours.request("list", database.facts[0], 0)]]

        question = Question("list", lists, CONNECTIONS)
        for number in range(scope.rounds):
            for case, many in CASES.items():
                say(f"round {number + 1} of {scope.rounds}: {case}")
                asking = sampled(ours, question, scope, database.postmaster_id, number)
                if many is None:
                    samples[case].append(await asking)
                    continue
                seconds = scope.warm_seconds + scope.seconds + 0.5
                guessing = in_process_of_its_own(Guessing(ours.port, PER_SECOND, seconds, many))
                sample, answers = await asyncio.gather(asking, guessing)
                samples[case].append(sample)
                guessed[case].append(answers)
    return _section(scope, database.version, samples, guessed)


def _section(
    scope: Scope, version: str, samples: dict[str, list[Sample]], guessed: dict[str, list[Guessed]]
) -> Section:
    rows: list[tuple[str, ...]] = []
    found: list[str] = []
    for case, taken in samples.items():
        p99 = median(sample.p99_ms for sample in taken)
        reasons: Counter[str] = Counter()
        for each in guessed[case]:
            reasons.update(each.reasons)
        sent = sum(each.sent for each in guessed[case])
        told = ", ".join(f"{reason} {many / sent:.0%}" for reason, many in reasons.most_common())
        rows.append(
            (
                case,
                f"{median(sample.per_second for sample in taken):,.0f}",
                f"{median(sample.p50_ms for sample in taken):.2f}",
                f"{p99:.2f}",
                f"{max(sample.peak_mb for sample in taken):.0f}",
                told or "-",
            )
        )
        if case != QUIET:
            quiet = samples[QUIET]
            times = median(mine.p99_ms / without.p99_ms for mine, without in zip(taken, quiet, strict=True))
            found.append(f"With {case} the p99 of a list is {times:.2f} times that without; {judged(times, MOST)}.")
    return Section(
        "Guesses: lists while strangers try passwords",
        version,
        how=[
            f"The dataset of the comparison ({scope.sizes}); {scope.rounds} rounds of {scope.seconds:g} s of each case,"
            f" in turns, {CONNECTIONS} connections that ask one tenant's list without a pause.",
            f"Beside it {PER_SECOND} sign-ins a second, of accounts that nobody has, with wrong passwords, sent by a"
            " process that does not wait for answers. All share the cores with PostgreSQL and the load.",
        ],
        tables=[Table(("guesses", "lists/s", "p50 ms", "p99 ms", "server peak MB", "what guessers are told"), rows)],
        found=found,
    )
