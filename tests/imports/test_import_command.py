"""`countinghouse import online-retail`, on a real database and with real files."""

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from gql.settings import Settings
from tests.harness.actors import as_tenant
from tests.harness.command_line import Outcome, countinghouse, environment, on_a_terminal
from tests.harness.tenants import Tenant, make_person, make_tenant

FILES = Path(__file__).parent / "files"
REAL_FILE = Path(__file__).parents[3] / "shared" / "data" / "online_retail_sample.csv"
CREATORS = "select array_agg(distinct created_by) from billing.invoices"
IMPORTED = [FILES / "wholesale.csv", *([REAL_FILE] if REAL_FILE.exists() else [])]


def recomputed(file: Path, is_taken: Callable[[str], bool]) -> tuple[int, int, Decimal]:
    """Rows, invoices and the total of the invoice numbers that can be taken, from the file alone."""
    with file.open(newline="") as lines:
        taken = [row for row in csv.DictReader(lines) if is_taken(row["InvoiceNo"])]
    amounts = (int(row["Quantity"]) * Decimal(row["UnitPrice"]) for row in taken)
    return (
        len(taken),
        len({row["InvoiceNo"] for row in taken if row["InvoiceNo"].isdecimal()}),
        sum(amounts, Decimal(0)),
    )


async def import_file(file: Path, tenant: Tenant, settings: Settings, *options: str) -> Outcome:
    return await countinghouse(
        "import", "online-retail", file, "--tenant", tenant.slug, *options, env=environment(settings)
    )


async def facts(tenant: Tenant) -> list[tuple[object, ...]]:
    """Everything there is about the tenant's invoices, to compare before and after."""
    async with as_tenant(tenant) as connection:
        rows = await connection.fetch(
            "select number, external_ref, issue_date, status, currency, total, updated_at, client_id, lines.*"
            " from billing.invoices, lateral (select count(*), sum(amount) from billing.invoice_lines as line"
            " where line.tenant_id = invoices.tenant_id and invoice_id = invoices.id) as lines order by number"
        )
        notes = await connection.fetch(
            "select number, external_ref, issue_date, currency, total, updated_at, client_id, invoice_id, lines.*"
            " from billing.credit_notes, lateral (select count(*), sum(amount) from billing.credit_note_lines as line"
            " where line.tenant_id = credit_notes.tenant_id and credit_note_id = credit_notes.id) as lines"
            " order by number desc"
        )
        return [tuple(row) for row in (*notes, *rows)]


async def test_our_own_file_is_imported_with_the_sums_of_the_file(tenant: Tenant, settings: Settings) -> None:
    outcome = await import_file(FILES / "wholesale.csv", tenant, settings, "--json")
    assert (outcome.status, outcome.err) == (0, "")
    report = json.loads(outcome.out)
    good = {"700001", "700002", "700004", "700009", "700010", "C700003", "C700011", "C700013"}
    rows, invoices, total = recomputed(FILES / "wholesale.csv", good.__contains__)
    assert (report["rowsRead"], report["rowsImported"]) == (18, rows)
    assert [row["line"] for row in report["untaken"]] == [8, 9, 10, 11, 12, 13, 17, 18]
    assert (report["clients"], report["clientsCreated"]) == (7, 7)
    assert (report["invoices"], report["invoicesCreated"]) == (invoices, invoices)
    assert (report["creditNotes"], report["creditNotesCreated"]) == (3, 3)
    assert (report["total"], report["currency"]) == (f"{total:.2f}", "GBP")
    async with as_tenant(tenant) as connection:
        rows_of_notes = await connection.fetch(
            "select note.external_ref, invoice.external_ref, note.applied_amount, note.unapplied_amount"
            " from billing.credit_notes note left join billing.invoices invoice on invoice.id = note.invoice_id"
            " order by note.number"
        )
    assert [tuple(row) for row in rows_of_notes] == [
        ("online-retail:C700003", "online-retail:700001", Decimal("6.78"), 0),
        ("online-retail:C700011", None, 0, Decimal("27.50")),
        ("online-retail:C700013", None, 0, Decimal("16.95")),
    ]


if REAL_FILE.exists():

    async def test_the_real_file_is_imported_with_the_sums_of_the_file(tenant: Tenant, settings: Settings) -> None:
        rows, invoices, total = recomputed(REAL_FILE, lambda _number: True)
        report = json.loads((await import_file(REAL_FILE, tenant, settings, "--json")).out)
        assert report["rowsRead"] == len(REAL_FILE.read_text().splitlines()) - 1  # none has a line break inside
        assert (report["rowsImported"], report["invoices"]) == (rows, invoices)
        assert Decimal(report["total"]) == total
        assert (report["creditNotes"], report["untaken"]) == (4, [])
        async with as_tenant(tenant) as connection:
            made = await connection.fetchrow(
                "select count(*), count(number), sum(total) - (select sum(total) from billing.credit_notes),"
                " count(distinct client_id), min(issue_date)::text"
                " from billing.invoices"
            )
            lines = await connection.fetchval(
                "select (select count(*) from billing.invoice_lines) + (select count(*) from billing.credit_note_lines)"
            )
            clients = await connection.fetchval("select count(*) from billing.clients")
        assert made is not None
        assert tuple(made)[:3] == (invoices, invoices, total)
        assert made[4] == "2010-12-01"
        assert (lines, clients) == (rows, report["clients"])


@pytest.mark.parametrize("file", IMPORTED, ids=lambda file: file.stem)
async def test_a_second_time_nothing_changes(file: Path, tenant: Tenant, settings: Settings) -> None:
    first = json.loads((await import_file(file, tenant, settings, "--json")).out)
    before = await facts(tenant)
    second = json.loads((await import_file(file, tenant, settings, "--json")).out)
    assert await facts(tenant) == before
    assert {second[f"{each}Created"] for each in ("clients", "invoices", "creditNotes")} == {0}
    kept = ("rowsRead", "rowsImported", "clients", "invoices", "creditNotes", "total", "untaken")
    assert [second[name] for name in kept] == [first[name] for name in kept]


async def test_a_pipe_gets_plain_lines(tenant: Tenant, settings: Settings) -> None:
    outcome = await import_file(FILES / "wholesale.csv", tenant, settings)
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "Not taken: 8 rows."
    assert lines[1] == (
        "line 8: 700005 10124, -30 at 0.00:"
        " A quantity of zero or less without a cancellation is a correction of stock and no sale."
    )
    assert "Invoices                   5   (5 new)" in lines
    assert "Credit notes               3   (3 new)" in lines
    assert lines[-1].endswith("GBP")


async def test_a_terminal_gets_a_progress_bar_and_a_table(tenant: Tenant, settings: Settings) -> None:
    shown = await on_a_terminal(
        "import",
        "online-retail",
        FILES / "wholesale.csv",
        "--tenant",
        tenant.slug,
        env=environment(settings) | {"COLUMNS": "160", "TERM": "xterm-256color"},
    )
    assert "Importing invoices" in shown
    assert "│ C700012" in shown
    assert "Invoices                   5   (5 new)" in shown


async def test_many_invoices_go_in_batches_that_add_up(tmp_path: Path, tenant: Tenant, settings: Settings) -> None:
    many = tmp_path / "many.csv"
    heading = (FILES / "wholesale.csv").read_text().splitlines()[0]
    rows = [f"{700000 + n},10120,LANTERN,{n % 7 + 1},3/2/11 7:09,3.39,{20000 + n % 60},France" for n in range(250)]
    many.write_text("\n".join([heading, *rows]) + "\n")
    _, invoices, total = recomputed(many, str.isdecimal)
    report = json.loads((await import_file(many, tenant, settings, "--json")).out)
    assert (report["clients"], report["invoices"], Decimal(report["total"])) == (60, invoices, total)
    assert [row[0] for row in await facts(tenant)] == [f"INV-{number:06}" for number in range(1, 251)]


async def test_an_import_that_was_cut_off_is_finished_by_the_next(
    tmp_path: Path, tenant: Tenant, settings: Settings
) -> None:
    part = tmp_path / "part.csv"
    part.write_text("".join((FILES / "wholesale.csv").read_text().splitlines(keepends=True)[:5]))
    await import_file(part, tenant, settings)
    before = await facts(tenant)
    report = json.loads((await import_file(FILES / "wholesale.csv", tenant, settings, "--json")).out)
    assert (report["invoices"], report["invoicesCreated"]) == (5, 3)
    # An invoice of the first part has a credit note since, and nothing else of it has changed.
    after = {row[1]: row for row in await facts(tenant)}
    assert all(after[row[1]][:3] + after[row[1]][7:] == row[:3] + row[7:] for row in before)


async def test_what_the_server_refuses_is_told_by_row_and_the_rest_goes_in(tenant: Tenant, settings: Settings) -> None:
    await import_file(FILES / "wholesale.csv", tenant, settings)
    async with as_tenant(other := await make_tenant()) as connection:
        await connection.fetchval(
            "select billing.clients_import($1::jsonb)",
            json.dumps({"rows": [{"name": "Customer 20002", "external_ref": "online-retail:20002"}]}),
        )
        await connection.fetchval(
            "select billing.client_archive(jsonb_build_object('id', id)) from billing.clients where name like '%20002'"
        )
    report = json.loads((await import_file(FILES / "wholesale.csv", other, settings, "--json")).out)
    assert (report["invoices"], report["clientsCreated"]) == (4, 6)
    refused = next(row for row in report["untaken"] if row["line"] == 5)
    assert "Customer 20002 is archived" in refused["reason"]


async def test_a_broken_file_imports_nothing(tmp_path: Path, tenant: Tenant, settings: Settings) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(
        (FILES / "wholesale.csv").read_text() + "700012,10120,LANTERN,many,3/2/11 7:09,3.39,20001,France\n"
    )
    outcome = await import_file(broken, tenant, settings)
    assert outcome.status == 1
    assert outcome.err == (
        f"countinghouse: {broken}, line 20, column 4 (Quantity): 'many' is not a whole number of at most nine digits."
        " Nothing was imported.\n"
    )
    assert await facts(tenant) == []


async def test_the_import_is_noted_as_the_owners_work(tenant: Tenant, settings: Settings) -> None:
    await import_file(FILES / "wholesale.csv", tenant, settings)
    async with as_tenant(tenant) as connection:
        assert await connection.fetchval(CREATORS) == [tenant.owner_id]


async def test_somebody_else_may_import_if_their_role_may(tenant: Tenant, settings: Settings) -> None:
    accountant = await make_person(tenant, "accountant")
    viewer = await make_person(tenant, "viewer")
    refused = await import_file(FILES / "wholesale.csv", tenant, settings, "--as", viewer.email)
    assert refused.status == 1
    assert "Your role, viewer, does not include billing:write." in refused.err
    assert "The import stopped after 0 invoices" in refused.err
    assert (await import_file(FILES / "wholesale.csv", tenant, settings, "--as", accountant.email)).status == 0
    async with as_tenant(tenant) as connection:
        assert await connection.fetchval(CREATORS) == [accountant.user_id]


async def test_another_organisation_sees_nothing_of_it(
    tenant: Tenant, other_tenant: Tenant, settings: Settings
) -> None:
    await import_file(FILES / "wholesale.csv", tenant, settings)
    assert await facts(other_tenant) == []


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["no-such-file.csv", "--tenant", "acme"], 2, "countinghouse: no-such-file.csv cannot be read: No such file"),
        ([FILES, "--tenant", "acme"], 2, "cannot be read: Is a directory."),
        ([FILES / "wholesale.csv", "--tenant", "nobody-here"], 1, "There is no organisation 'nobody-here'."),
        ([FILES / "wholesale.csv"], 2, "--tenant"),
    ],
)
async def test_a_wrong_request_is_answered_with_a_sentence(
    arguments: list[str | Path], status: int, complaint: str, settings: Settings
) -> None:
    outcome = await countinghouse("import", "online-retail", *arguments, env=environment(settings))
    assert outcome.status == status
    assert complaint in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
