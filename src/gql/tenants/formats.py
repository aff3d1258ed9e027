"""The two forms of an export: how a row is written in SQL, and what is still done to the bytes that come."""

from typing import Final

from gql.tenants.parts import Column, Kind, Part

# No JSON text holds these as they are, so that COPY has nothing to quote and every line is its row.
_NEVER: Final = {"delimiter": "\x02", "quote": "\x01"}
# What a spreadsheet would take for a formula; and the apostrophe itself, so that it can be taken away again.
_GUARDED: Final = r"^[=+@''\t\r-]"


class JsonLines:
    """A JSON object on each line. Decimals are texts, so that no reader rounds them; times are ISO 8601 in UTC."""

    suffix = "jsonl"
    options: Final[dict[str, str]] = {"format": "csv", **_NEVER}

    def __init__(self) -> None:
        self.rows = 0

    @staticmethod
    def query(part: Part) -> str:
        """One column: the line."""
        columns = ", ".join(
            f"{each.value}{'::text' if each.kind is Kind.DECIMAL else ''} as {each.quoted}" for each in part.columns
        )
        return _ordered(part, "row_to_json(line)::text", f"select {columns}")

    def pass_on(self, data: bytes) -> bytes:
        """The bytes as they go into the file."""
        self.rows += data.count(b"\n")
        return data


class Csv:
    """RFC 4180 with a line of names: CRLF, and quotes where they are needed. Nothing is NULL, "" an empty text.

    A text that begins with = + - @ ' a tab or a return has an apostrophe in front, which a reader takes away again:
    clients' names come from strangers, and a spreadsheet would run them.
    """

    suffix = "csv"
    options: Final[dict[str, object]] = {"format": "csv", "header": True}

    def __init__(self) -> None:
        self.rows = -1  # the line of names is none
        self._is_quoted = False

    @staticmethod
    def query(part: Part) -> str:
        """The columns, as texts."""
        columns = ", ".join(f"{_cell(each)} as {each.quoted}" for each in part.columns)
        return _ordered(part, "line.*", f"select {columns}")

    def pass_on(self, data: bytes) -> bytes:
        """PostgreSQL ends lines with LF alone. A quote inside of quotes comes twice, which changes nothing here."""
        pieces = data.split(b'"')
        for number, piece in enumerate(pieces):
            if self._is_quoted == bool(number % 2):
                self.rows += piece.count(b"\n")
                pieces[number] = piece.replace(b"\n", b"\r\n")
        if not len(pieces) % 2:
            self._is_quoted = not self._is_quoted
        return b'"'.join(pieces)


Format = type[JsonLines] | type[Csv]
FORMATS: Final[dict[str, tuple[Format, ...]]] = {"jsonl": (JsonLines,), "csv": (Csv,), "both": (JsonLines, Csv)}


def _ordered(part: Part, line: str, selected: str) -> str:
    """By the primary key, whose index has them so: the same rows make the same file."""
    order = f" order by {', '.join(part.key)}" if part.key else ""
    return f"select {line} from ({selected} from {part.table} where {part.condition}{order}) as line"


def _cell(column: Column) -> str:
    name = column.value
    if column.kind is Kind.TEXT:
        return f"case when {name}::text ~ '{_GUARDED}' then '''' || {name}::text else {name}::text end"
    if column.kind is Kind.MOMENT:
        return f"to_json({name}) #>> '{{}}'"
    if column.kind is Kind.LIST:
        return f"to_json({name})::text"
    return f"{name}::text"
