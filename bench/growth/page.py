"""The page: one section for each part. A part that is measured again takes the place of what it said before."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table as Grid

from bench.growth.scope import PARTS
from bench.growth.section import Section, Table
from bench.machine import machine, versions

PAGE: Final = "GROWTH.md"
_HEADING: Final = "\n## "


def write_page(directory: Path, sections: dict[str, Section], command: str) -> None:
    """Write the page and the plots of these parts; sections of other parts stay as they are."""
    directory.mkdir(parents=True, exist_ok=True)
    for section in sections.values():
        for name, draw in section.plots.items():
            draw(directory / name)
    path = directory / PAGE
    told = _told(path.read_text()) if path.exists() else {}
    told |= {name: _text(section, command) for name, section in sections.items()}
    opening = (
        "# What grows, and what then takes longer\n\n"
        "Written by `python -m bench.growth`; `make bench-growth` measures all of it anew. Countinghouse alone is"
        " asked; `RESULTS.md` has it beside others. Rows, tenants, connections and documents are the scale: a"
        " plot each, where the curve bends, and why. The load generator, the server and PostgreSQL share the cores.\n"
    )
    path.write_text(opening + "".join(_HEADING + told[name] for name in PARTS if name in told))


def _told(text: str) -> dict[str, str]:
    """The sections of a page by part, whose name is the first word of the heading."""
    _, *sections = text.split(_HEADING)
    return {section.split(":", 1)[0].lower(): section for section in sections}


def _text(section: Section, command: str) -> str:
    lines = [section.title, ""]
    lines += [
        f"Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by `{command}`.",
        "",
        f"- Machine: {machine()}.",
        f"- Versions: {versions(section.postgres)}.",
        *(f"- {sentence}" for sentence in section.how),
        "",
    ]
    for name in section.plots:
        lines += [f"![{section.title}]({name})", ""]
    for table in section.tables:
        lines += [*_markdown(table), ""]
    lines += [f"- {sentence}" for sentence in section.found]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(table: Table) -> list[str]:
    figures = len(table.headings) - table.labels
    return [
        "| " + " | ".join(table.headings) + " |",
        "|" + "---|" * table.labels + "--:|" * figures,
        *("| " + " | ".join(row) + " |" for row in table.rows),
    ]


def print_section(section: Section, console: Console) -> None:
    """The figures and what they say, on the terminal."""
    console.print(section.title, style="bold", highlight=False)
    for table in section.tables:
        grid = Grid()
        for number, heading in enumerate(table.headings):
            grid.add_column(heading, justify="left" if number < table.labels else "right")
        for row in table.rows:
            grid.add_row(*row)
        console.print(grid)
    for sentence in section.found:
        console.print(sentence, markup=False, highlight=False)
