"""`python -m bench`: the benchmark from the command line."""

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.report import print_table, write_page
from bench.run import ELSEWHERE, MANY, ONE, PEERS, QUICK, Scope, run_scope
from bench.works import WORKS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Put us beside what one would pick instead.")
    parser.add_argument("--quick", action="store_true", help="three works, three peers, short rounds, one tenant")
    parser.add_argument("--works", help=f"of {', '.join(WORKS)}")
    parser.add_argument("--peers", help=f"of {', '.join(PEERS)}; ours is always there")
    parser.add_argument("--crowds", help="one, many or one,many tenants")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each round")
    parser.add_argument("--output", type=Path, help="where to write the page; nowhere unless said")
    given = parser.parse_args()
    scope = QUICK if given.quick else Scope()
    if given.works:
        scope = replace(scope, works=_chosen(parser, given.works, tuple(WORKS)))
    if given.peers:
        scope = replace(scope, peers=_chosen(parser, given.peers, PEERS))
    if given.crowds:
        names = {"one": ONE, "many": MANY}
        scope = replace(scope, crowds=[names[name] for name in _chosen(parser, given.crowds, tuple(names))])
    if given.rounds:
        scope = replace(scope, rounds=given.rounds)
    if given.seconds:
        scope = replace(scope, seconds=given.seconds)
    result = run_scope(scope)
    console = Console()
    print_table(result, console if console.is_terminal else Console(width=200))
    if given.output:
        write_page(result, scope, "make bench", given.output)
    if any(name in note for note in result.notes for name in (*ELSEWHERE, "failed")):
        raise SystemExit(1)


def _chosen(parser: argparse.ArgumentParser, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(known):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return names


if __name__ == "__main__":
    main()
