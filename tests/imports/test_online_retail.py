"""What the rows of the online retailer say, and what is refused with line and column."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gql.imports.online_retail import HEADINGS, Row, read_rows
from gql.imports.refusal import FileRefused, Place
from gql.imports.sales import gather

FILES = Path(__file__).parent / "files"
HEADING = ",".join(HEADINGS)
ROW = "536365,85123A,WHITE HEART,6,12/1/10 8:26,2.55,17850,United Kingdom"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lines.csv"


def test_a_row_is_read_as_what_it_means(file: Path) -> None:
    file.write_text(f"{HEADING}\n{ROW}\n")
    assert read_rows(file) == [
        Row(
            line=2,
            invoice_number="536365",
            stock_code="85123A",
            description="WHITE HEART",
            quantity=6,
            sold_at=datetime(2010, 12, 1, 8, 26),  # noqa: DTZ001
            unit_price=Decimal("2.55"),
            customer_id="17850",
            country="United Kingdom",
        )
    ]


def test_every_row_of_a_file_is_read_with_its_line() -> None:
    rows = read_rows(FILES / "wholesale.csv")
    assert [row.line for row in rows] == list(range(2, 20))
    assert rows[1].description == "CANDLE, BEESWAX"
    assert rows[3].description == 'RULER 12" OAK'
    assert rows[3].sold_at.year == 2011
    assert rows[5].customer_id is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{HEADING}\n{ROW}\n".encode(), id="lines ended as on Unix"),
        pytest.param(f"{HEADING}\r\n{ROW}\r\n".encode(), id="lines ended as on Windows"),
        pytest.param(f"{HEADING}\n{ROW}".encode(), id="no end of the last line"),
        pytest.param(f"{HEADING}\n{ROW}\n\n\n".encode(), id="empty lines at the end"),
        pytest.param(f"\ufeff{HEADING}\n{ROW}\n".encode(), id="a mark of UTF-8 at the beginning"),
        pytest.param(f"{HEADING}\n{ROW.replace('12/1/10', '12/01/2010')}\n".encode(), id="a year of four digits"),
    ],
)
def test_a_file_may_be_written_in_several_ways(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert [row.amount for row in read_rows(file)] == [Decimal("15.30")]


def test_a_file_of_headings_alone_has_no_rows(file: Path) -> None:
    file.write_text(f"{HEADING}\n")
    assert read_rows(file) == []


def _with(old: str, new: str) -> str:
    """A file whose third line is broken."""
    assert old in ROW
    return f"{HEADING}\n{ROW}\n{ROW.replace(old, new)}\n{ROW}\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (_with(",6,", ",six,"), "line 3, column 4 (Quantity): 'six' is not a whole number of at most nine digits."),
        (_with(",6,", ",6.5,"), "line 3, column 4 (Quantity): '6.5' is not"),
        (_with(",6,", ",,"), "line 3, column 4 (Quantity): '' is not"),
        (_with(",6,", ",٦,"), "line 3, column 4 (Quantity): '٦' is not"),
        (_with(",6,", ",1000000000,"), "line 3, column 4 (Quantity): '1000000000' is not"),
        (_with("2.55", "2,55"), "line 3, column 9: the row goes on after its last column"),
        (_with("2.55", "NaN"), "line 3, column 6 (UnitPrice): 'NaN' is not a price in pounds like 2.55."),
        (_with("2.55", "1e9"), "line 3, column 6 (UnitPrice): '1e9' is not"),
        (_with("2.55", "£2.55"), "line 3, column 6 (UnitPrice): '£2.55' is not"),
        (_with("12/1/10 8:26", "31/12/10 8:26"), "line 3, column 5 (InvoiceDate): '31/12/10 8:26' is not a date"),
        (_with("12/1/10 8:26", "2/29/11 8:26"), "line 3, column 5 (InvoiceDate): '2/29/11 8:26' is not a date"),
        (_with("12/1/10 8:26", "2010-12-01"), "line 3, column 5 (InvoiceDate): '2010-12-01' is not a date"),
        (_with("536365", ""), "line 3, column 1 (InvoiceNo): '' is not an invoice number like 536365 or C536379."),
        (_with("85123A", " "), "line 3, column 2 (StockCode): '' is not"),
        (_with("17850", "Smith"), "line 3, column 7 (CustomerID): 'Smith' is not a customer number"),
        (_with("United Kingdom", ""), "line 3, column 8 (Country): '' is not the name of a country."),
        (_with("WHITE HEART", "x" * 501), "line 3, column 3 (Description): the text has 501 characters"),
        (_with("WHITE", "WH\x00ITE"), "line 3, column 3 (Description): there is a control character (code 0)"),
        (_with("WHITE", "WH\x1bITE"), "line 3, column 3 (Description): there is a control character (code 27)"),
        (_with("WHITE", '"WHITE'), "line 3, column 3 (Description): a quotation mark is opened here and not closed"),
        (_with("WHITE", '"WHITE\n"'), "line 3, column 3 (Description): a quotation mark is opened here and not closed"),
        (_with("WHITE HEART", '"WHITE" HEART'), "line 3, column 3 (Description): a quotation mark stands inside"),
        (_with("WHITE HEART", f'"{"x" * 200_000}"'), "line 3, column 3 (Description): the value is longer than"),
        (_with(",United Kingdom", ""), "line 3, column 8 (Country): the row ends before this column: it has 7"),
        (_with("Kingdom", "Kingdom,x"), "line 3, column 9: the row goes on after its last column: it has 9"),
        (_with(ROW, ""), "line 3, column 1 (InvoiceNo): the line is empty, and rows follow it."),
        (_with(",", ";"), "line 3, column 2 (StockCode): the row ends before this column: it has 1 columns"),
        (ROW, "line 1, column 1: the heading is '536365' and should be InvoiceNo; the first line must be"),
        (HEADING.replace("Quantity", "Qty"), "line 1, column 4: the heading is 'Qty' and should be Quantity"),
        (HEADING.replace(",Country", ""), "line 1, column 8: the heading Country is missing"),
        (HEADING.replace("StockCode,", ""), "line 1, column 2: the heading is 'Description' and should be StockCode"),
        (HEADING + ",Till", "line 1, column 9: there is a heading too many, 'Till'"),
        (HEADING.replace(",", ";"), "line 1, column 1: the heading is 'InvoiceNo;"),
        ("", "line 1, column 1: the file is empty."),
        (" \n", "line 1, column 1: the file is empty."),
    ],
)
def test_a_broken_file_is_refused_with_line_and_column(file: Path, content: str, complaint: str) -> None:
    file.write_text(content)
    with pytest.raises(FileRefused) as refused:
        read_rows(file)
    assert str(refused.value).startswith(complaint)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (f"{HEADING}\n{ROW}\n".encode("utf-16"), "line 1, column 1: the file is in UTF-16"),
        (f"{HEADING}\n{ROW}\n".encode("utf-16-be"), "line 1, column 1: the file is in UTF-16"),
        (f"{HEADING}\n{ROW}\n".encode("utf-32"), "line 1, column 1: the file is in UTF-16"),
        (_with("WHITE", "CAFÉ").encode("latin-1"), "line 3, column 3 (Description): the byte 0xC9 is not UTF-8"),
        (_with("United", "“United").encode("cp1252"), "line 3, column 8 (Country): the byte 0x93 is not UTF-8"),
        (HEADING.replace("Country", "Ländercode").encode("latin-1"), "line 1, column 8: the byte 0xE4 is not UTF-8"),
        (b"PK\x03\x04" + bytes(100), "line 1, column 1: the file is in UTF-16 or is no text at all"),
    ],
)
def test_another_encoding_is_refused_with_line_and_column(file: Path, content: bytes, complaint: str) -> None:
    file.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        read_rows(file)
    assert str(refused.value).startswith(complaint)


def outcome_of(file: Path) -> tuple[list[Row], Place | None]:
    """The rows, or where the file is broken. Nothing else may be raised."""
    try:
        return read_rows(file), None
    except FileRefused as refused:
        return [], refused.place


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([*HEADING, *ROW, "\n", "\r", '"', ",", "é", "\x00", "\ufeff"]), max_size=12).map("".join),
    st.integers(0, len(HEADING) + len(ROW) + 2),
    st.integers(0, 8),
)
def test_whatever_is_changed_in_a_file_is_understood_or_refused_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, inserted: str, place: int, removed: int
) -> None:
    text = f"{HEADING}\n{ROW}\n{ROW}\n"
    changed = text[:place] + inserted + text[place + removed :]
    file = tmp_path_factory.getbasetemp() / "changed.csv"
    file.write_bytes(changed.encode())
    rows, place_refused = outcome_of(file)
    if place_refused is None:
        sales = gather(rows)
        taken = [*(sale.rows for sale in sales.sales), *(each.rows for each in sales.cancellations)]
        assert sum(map(len, taken)) + len(sales.untaken) == len(rows)
    else:
        assert 1 <= place_refused.line <= changed.count("\n") + changed.count("\r") + 1
        assert 1 <= place_refused.column <= len(changed)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.csv"
    file.write_bytes(content)
    with pytest.raises(FileRefused):
        read_rows(file)
    file.write_bytes(f"{HEADING}\n{ROW}\n".encode() + content)
    rows, place = outcome_of(file)
    assert rows or (place is not None and place.line >= 2)
