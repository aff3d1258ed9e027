"""`python -m bench.growth`: what grows with use, from the command line."""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.growth.page import print_section, write_page
from bench.growth.run import run
from bench.growth.scope import PARTS, QUICK, Scope
from bench.growth.section import Section
from bench.run import terminal_say


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description="See what takes longer when rows, tenants and documents grow."
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all of them unless said")
    parser.add_argument("--quick", action="store_true", help="small sizes and short rounds, in under two minutes")
    parser.add_argument(
        "--most",
        type=int,
        metavar="N",
        help="no more invoices, orders, products, tenants and unseen documents than this",
    )
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each round")
    parser.add_argument("--keep", action="store_true", help="leave the databases that were made for it")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write GROWTH.md and its plots")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if given.most is not None and given.most < 1_000:
        parser.error("--most is at least 1000")
    scope = replace(QUICK if given.quick else Scope(), parts=tuple(given.parts) or PARTS, keep=given.keep)
    if given.most:
        scope = scope.at_most(given.most)
    if given.rounds:
        scope = replace(scope, rounds=given.rounds)
    if given.seconds:
        scope = replace(scope, seconds=given.seconds)
    say = terminal_say()
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)

    def done(name: str, section: Section) -> None:
        say("")
        print_section(section, console)
        if given.output:
            write_page(given.output, {name: section}, _command(given))

    try:
        asyncio.run(run(scope, say, done))
    finally:
        say("")


def _command(given: argparse.Namespace) -> str:
    """What was asked for, without where it was written."""
    words = ["python -m bench.growth", *given.parts]
    for name, value in vars(given).items():
        if name not in ("parts", "output") and value:
            words.append(f"--{name}" if value is True else f"--{name} {value}")
    return " ".join(words)


if __name__ == "__main__":
    main()
