"""`python -m bench.crowd`: two thousand people at once, from the command line."""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.crowd.run import QUICK, Scope, run
from bench.crowd.told import print_tables, write_page
from bench.run import terminal_say


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.crowd", description="See what a crowd waits for.")
    parser.add_argument("--quick", action="store_true", help="forty people for two seconds")
    parser.add_argument("--people", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each round")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write CROWD.md and its plot")
    given = parser.parse_args()
    wanted = {name: value for name in ("people", "rounds", "seconds") if (value := getattr(given, name)) is not None}
    scope = replace(QUICK if given.quick else Scope(), **wanted)
    say = terminal_say()
    try:
        result = asyncio.run(run(scope, say))
    finally:
        say("")
    console = Console()
    print_tables(result, scope, console if console.is_terminal else Console(width=200))
    if given.output:
        write_page(result, scope, "make bench-crowd", given.output)


if __name__ == "__main__":
    main()
