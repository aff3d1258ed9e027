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
    return len(taken), len({row["InvoiceNo"] for row in taken}), sum(amounts, Decimal(0))


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
        return [tuple(row) for row in rows]


async def test_our_own_file_is_imported_with_the_sums_of_the_file(tenant: Tenant, settings: Settings) -> None:
    outcome = await import_file(FILES / "wholesale.csv", tenant, settings, "--json")
    assert (outcome.status, outcome.err) == (0, "")
    report = json.loads(outcome.out)
    good = {"700001", "700002", "700004", "700009", "700010"}
    rows, invoices, total = recomputed(FILES / "wholesale.csv", good.__contains__)
    assert (report["rowsRead"], report["rowsImported"]) == (15, rows)
    assert [row["line"] for row in report["untaken"]] == [6, 8, 9, 10, 11, 12, 13, 16]
    assert (report["clients"], report["clientsCreated"]) == (7, 7)
    assert (report["invoices"], report["invoicesCreated"]) == (invoices, invoices)
    assert (report["total"], report["currency"]) == (f"{total:.2f}", "GBP")


if REAL_FILE.exists():

    async def test_the_real_file_is_imported_with_the_sums_of_the_file(tenant: Tenant, settings: Settings) -> None:
        rows, invoices, total = recomputed(REAL_FILE, str.isdecimal)
        report = json.loads((await import_file(REAL_FILE, tenant, settings, "--json")).out)
        assert report["rowsRead"] == len(REAL_FILE.read_text().splitlines()) - 1  # none has a line break inside
        assert (report["rowsImported"], report["invoices"]) == (rows, invoices)
        assert Decimal(report["total"]) == total
        assert len(report["untaken"]) == report["rowsRead"] - rows
        async with as_tenant(tenant) as connection:
            made = await connection.fetchrow(
                "select count(*), count(number), sum(total), count(distinct client_id), min(issue_date)::text"
                " from billing.invoices"
            )
            lines = await connection.fetchval("select count(*) from billing.invoice_lines")
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
    assert (second["clientsCreated"], second["invoicesCreated"]) == (0, 0)
    kept = ("rowsRead", "rowsImported", "clients", "invoices", "total", "untaken")
    assert [second[name] for name in kept] == [first[name] for name in kept]


async def test_a_pipe_gets_plain_lines(tenant: Tenant, settings: Settings) -> None:
    outcome = await import_file(FILES / "wholesale.csv", tenant, settings)
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "Not taken: 8 rows."
    assert lines[1] == (
        "line 6: C700003 10120, -2 at 3.39: A cancellation is a credit note, which cannot be imported yet."
    )
    assert "Invoices                   5   (5 new)" in lines
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
    assert "│ C700003" in shown
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
    assert (await facts(tenant))[: len(before)] == before


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
        f"countinghouse: {broken}, line 17, column 4 (Quantity): 'many' is not a whole number of at most nine digits."
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
