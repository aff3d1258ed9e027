"""Why a file cannot be imported, and where in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a table of text. Lines and columns count from 1; `heading` is the column's name, where it has one."""

    line: int
    column: int
    heading: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}" + (f" ({self.heading})" if self.heading else "")


class FileRefused(Exception):
    """The file is broken at this place. Nothing of it was imported."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(f"{place}: {problem}.")
        self.place = place
        self.problem = problem


class ImportStopped(Exception):
    """The server refused a part of the import; the text says what is imported already."""
