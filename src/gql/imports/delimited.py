"""Reading comma-separated files strictly: a file is either understood wholly, or refused with line and column.

A record is one line. That is stricter than the format, and deliberately so: in files of numbers and names a quotation
mark that nobody closed would otherwise swallow everything up to the next one.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from gql.imports.refusal import FileRefused, Place

UTF_8_MARK: Final = b"\xef\xbb\xbf"
WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LONGEST_SHOWN: Final = 40


def read_records(path: Path, headings: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Each record after the headings, with the number of its line, which counts from 1 as editors do.

    Raises FileRefused for an encoding other than UTF-8, other headings, more or fewer columns and open quotation
    marks, and OSError for a file that cannot be read.
    """
    text = _decoded(path.read_bytes(), headings)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    blank_line = 0
    for number, record in _numbered(lines, text, headings):
        if number == 1:
            _judge_headings(record, headings)
        elif not record:
            blank_line = blank_line or number
        elif blank_line:
            raise FileRefused(_place(blank_line, 1, headings), "the line is empty, and rows follow it")
        else:
            _judge_width(number, record, headings)
            yield number, record


def shown(text: str) -> str:
    """A value as an error message quotes it: shortened, and in quotation marks of its own."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…")


def _decoded(content: bytes, headings: Sequence[str]) -> str:
    if content.startswith(WIDE_MARKS) or b"\0" in content.partition(b"\n")[0]:
        raise FileRefused(Place(1, 1), "the file is in UTF-16 or is no text at all; save it as CSV in UTF-8")
    content = content.removeprefix(UTF_8_MARK)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        raise FileRefused(
            _place_after(before, headings),
            f"the byte 0x{content[error.start]:02X} is not UTF-8; save the file as CSV in UTF-8",
        ) from None
    if not text.strip():
        raise FileRefused(Place(1, 1), "the file is empty")
    if found := CONTROL_CHARACTER.search(text):
        raise FileRefused(
            _place_after(text[: found.start()], headings),
            f"there is a control character (code {ord(found[0])}) in the text",
        )
    return text


def _place_after(before: str, headings: Sequence[str]) -> Place:
    """Where the text goes on: its line, and the column of the record that its last line is in."""
    lines = io.StringIO(before + "|", newline="").readlines()
    return _place(len(lines), len(next(csv.reader(lines[-1:]))), headings)


def _place(line: int, column: int, headings: Sequence[str]) -> Place:
    return Place(line, column, headings[column - 1] if line > 1 and column <= len(headings) else "")


def _numbered(lines: Any, text: str, headings: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Each record of csv's reader with its number; a record of several lines is an open quotation mark."""
    number = 0
    while True:
        number += 1
        try:
            record = next(lines, None)
        except csv.Error:
            raise _unreadable(text, number, headings) from None
        if record is None:
            return
        if lines.line_num != number:
            raise _unreadable(text, number, headings)
        yield number, record


def _unreadable(text: str, number: int, headings: Sequence[str]) -> FileRefused:
    """The refusal of a line whose quotation marks do not agree, or one of whose values has no end."""
    line = io.StringIO(text, newline="").readlines()[number - 1]
    column = 1
    length = 0
    is_quoted = False
    for character in line:
        length += 1
        if character == '"':
            is_quoted = not is_quoted
        elif character == "," and not is_quoted:
            column += 1
            length = 0
        elif length > csv.field_size_limit():
            break
    if length > csv.field_size_limit():
        problem = f"the value is longer than {csv.field_size_limit()} characters"
    elif is_quoted:
        # The mark that stays open is in the last column counted, because commas after it belong to its text.
        problem = "a quotation mark is opened here and not closed on its line"
    else:
        column = _column_of_stray_mark(line)
        problem = "a quotation mark stands inside a value; a value with one is quoted, and its marks doubled"
    return FileRefused(_place(number, column, headings), problem)


def _column_of_stray_mark(line: str) -> int:
    """The first column that the strict reader cannot finish."""
    fields = re.split(r",", line.rstrip("\r\n"))
    for count in range(1, len(fields) + 1):
        try:
            next(csv.reader([",".join(fields[:count])], strict=True))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                return count
    return 1


def _judge_headings(found: Sequence[str], expected: Sequence[str]) -> None:
    for column, heading in enumerate(expected, 1):
        if column > len(found):
            raise FileRefused(
                Place(1, column), f"the heading {heading} is missing; the first line must be {','.join(expected)}"
            )
        if found[column - 1] != heading:
            raise FileRefused(
                Place(1, column),
                f"the heading is {shown(found[column - 1])} and should be {heading};"
                f" the first line must be {','.join(expected)}",
            )
    if len(found) > len(expected):
        raise FileRefused(
            Place(1, len(expected) + 1),
            f"there is a heading too many, {shown(found[len(expected)])}; the first line must be {','.join(expected)}",
        )


def _judge_width(number: int, record: Sequence[str], headings: Sequence[str]) -> None:
    if len(record) < len(headings):
        missing = len(record) + 1
        raise FileRefused(
            _place(number, missing, headings),
            f"the row ends before this column: it has {len(record)} columns and should have {len(headings)}",
        )
    if len(record) > len(headings):
        raise FileRefused(
            Place(number, len(headings) + 1),
            f"the row goes on after its last column: it has {len(record)} columns and should have {len(headings)}",
        )
