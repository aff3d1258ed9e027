"""`python -m bench.ledger`: transfers a second, from the command line."""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.ledger.run import QUICK, Scope, run
from bench.ledger.told import print_table, write_page
from bench.run import terminal_say


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description="See what money costs to move.")
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each round")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write LEDGER.md and its plot")
    given = parser.parse_args()
    scope = QUICK if given.quick else Scope()
    if given.rounds:
        scope = replace(scope, rounds=given.rounds)
    if given.seconds:
        scope = replace(scope, seconds=given.seconds)
    say = terminal_say()
    try:
        result = asyncio.run(run(scope, say))
    finally:
        say("")
    console = Console()
    print_table(result, console if console.is_terminal else Console(width=200))
    if given.output:
        write_page(result, scope, "make bench-ledger", given.output)


if __name__ == "__main__":
    main()
