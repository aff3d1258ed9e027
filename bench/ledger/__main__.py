"""`python -m bench.ledger`: payments and orders a second, from the command line."""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.ledger.run import QUICK, WORKS, Scope, run
from bench.ledger.told import print_tables, write_page
from bench.run import terminal_say


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description="See what money costs to move.")
    parser.add_argument("works", nargs="*", metavar="work", help=f"of {', '.join(WORKS)}; all of them unless said")
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each round")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write LEDGER.md and its plots")
    given = parser.parse_args()
    if unknown := set(given.works) - set(WORKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(WORKS)}")
    scope = QUICK if given.quick else Scope()
    if given.works:
        scope = replace(scope, works=tuple(given.works))
    if given.rounds:
        scope = replace(scope, rounds=given.rounds)
    if given.seconds:
        scope = replace(scope, seconds=given.seconds)
    say = terminal_say()
    try:
        results = asyncio.run(run(scope, say))
    finally:
        say("")
    console = Console()
    print_tables(results, console if console.is_terminal else Console(width=200))
    if given.output:
        write_page(results, scope, "make bench-ledger", given.output)


if __name__ == "__main__":
    main()
