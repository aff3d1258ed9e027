"""Growth is measured from end to end, on next to nothing. How fast anything is, no test judges."""

from pathlib import Path

import pytest

from bench.dataset import Sizes
from bench.growth.bends import bend, powers
from bench.growth.documents import nested, rows_of
from bench.growth.flood import unseen
from bench.growth.page import write_page
from bench.growth.run import run
from bench.growth.scope import PARTS, Scope
from bench.growth.section import Section, Table, judged, short
from bench.plot import bars
from tests.harness.thoroughness import IS_THOROUGH


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_every_part_is_measured_and_told(tmp_path: Path) -> None:
    """A usual run measures one of them: each takes a database and a server of its own."""
    parts = PARTS if IS_THOROUGH else ("documents",)
    scope = Scope(
        parts=parts,
        invoices=(60, 300),
        paid_invoices=(60, 300),
        orders=(60, 300),
        products=300,
        neighbours=2,
        tenants=(2, 4),
        connections=(2, 4, 8),
        pools=(1, 2),
        sign_ups=1,
        unseen=40,
        readings=10,
        rounds=1,
        seconds=0.1,
        warm_seconds=0.0,
        load_seconds=0.3,
        sizes=Sizes(tenants=2, clients=3, invoices=20, lines=1),
        dataset=tmp_path / "dataset",
        cache=tmp_path,
    )
    sections = await run(scope)
    assert list(sections) == list(parts)
    for name, section in sections.items():
        assert section.title.lower().startswith(f"{name}: ")
        assert section.found
        assert all(len(row) == len(table.headings) for table in section.tables for row in table.rows)
        assert all(table.rows for table in section.tables)
    if IS_THOROUGH:
        assert [row[0] for row in sections["rows"].tables[1].rows] == ["60", "300"]
        assert [row[0] for row in sections["everyday"].tables[1].rows] == ["60", "300"]
        assert int(sections["everyday"].tables[1].rows[-1][1]) > 300, "payments, and their figures were found right"
        assert [row[0] for row in sections["trade"].tables[1].rows] == ["60", "300"]
        assert [row[:2] for row in sections["search"].tables[0].rows] == [
            ("none such", "0"), ("zebu", "1"), ("rice", "3"), ("flour", "42"), ("zawadi", "37")
        ]  # fmt: skip
        assert [row[0] for row in sections["tenants"].tables[1].rows] == ["2", "4"]
        assert sections["memory"].tables[1].rows[-1][0] == "40"
        quiet, *guessed = sections["guesses"].tables[0].rows
        assert quiet[-1] == "-"
        assert all("SIGN_IN_BUSY" in row[-1] or "INVALID" in row[-1] or "FAILURES" in row[-1] for row in guessed)
        assert [row[0] for row in sections["noisy"].tables[0].rows] == [
            "alone",
            "beside a busy core",
            "beside the noise",
        ]
    assert [table.rows[-1][1] for table in sections["documents"].tables[:1]] == ["6"], "six levels of one row each"
    assert not (tmp_path / "bench-growth-rows").exists()
    assert not (tmp_path / "bench-growth-tenants").exists()

    written = tmp_path / "written"
    write_page(written, sections, "a test")
    page = (written / "GROWTH.md").read_text()
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        f"## {section.title}" for section in sections.values()
    ]
    for section in sections.values():
        for name in section.plots:
            assert f"]({name})" in page
            assert (written / name).read_text().rstrip().endswith("</svg>")


def test_a_part_that_is_measured_again_takes_its_own_place(tmp_path: Path) -> None:
    def section(part: str, figure: str) -> Section:
        return Section(f"{part}: a title", "18", tables=[Table(("what", "figure"), [("all", figure)])])

    write_page(tmp_path, {"memory": section("Memory", "1")}, "a first command")
    write_page(tmp_path, {"rows": section("Rows", "2")}, "a second command")
    write_page(tmp_path, {"memory": section("Memory", "3")}, "a third command")
    page = (tmp_path / "GROWTH.md").read_text()
    assert page.count("## ") == 2
    assert page.index("## Rows") < page.index("| all | 2 |") < page.index("## Memory") < page.index("| all | 3 |")
    assert "a second command" in page
    assert "a first command" not in page


def test_a_plot_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        path = tmp_path / "plot.svg"
        bars(path, "Rates", ["list", "point"], {"ours": [3000, 0], "another": [10, None]}, logarithmic=True)
        texts.append(path.read_text())
    assert texts[0] == texts[1]
    assert "<script" not in texts[0]


def test_where_a_curve_bends() -> None:
    assert [round(power, 6) for power in powers([10, 100, 1000], [2.0, 2.0, 20.0])] == [0, 1]
    told = bend("p50", "rows", [10, 100, 1_000, 10_000], [2.0, 2.0, 2.0, 20.0])
    assert told.startswith("p50 bends most at 1k rows: ten times as many make it 1.00 times as large")
    assert told.endswith("10.00 times from there on.")
    assert "too few" in bend("p50", "rows", [10, 100], [1.0, 2.0])


def test_the_words_for_figures() -> None:
    assert [short(number) for number in (60, 1_000, 1_500, 10_000, 1_000_000)] == ["60", "1k", "1.5k", "10k", "1M"]
    assert judged(1.1, 1.2) == "the goal of at most 1.2 is met"
    assert judged(180, 150, " MB") == "the goal of at most 150 MB is missed by 20%"
    assert rows_of({"client": {"name": "A", "invoices": {"nodes": [{"number": "1"}, {"number": "2"}]}}}) == 4
    assert nested(2, 5, "id").count("client") == 2
    assert len({unseen(number, "id") for number in range(100)}) == 100
