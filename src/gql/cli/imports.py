"""`import`: files from elsewhere."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gql.cli.callers import owner_context
from gql.cli.console import OUT, CommandFailed, progress_bar, say
from gql.cli.databases import Addresses, admin_connection, the_database, the_settings
from gql.settings import Settings

if TYPE_CHECKING:
    from gql.imports.online_retail import Row
    from gql.imports.sales import Sales
    from gql.imports.transfer import Report

app = typer.Typer(help="Bring in files from elsewhere.", no_args_is_help=True)


@app.callback()
def imports() -> None:
    """Bring in files from elsewhere."""


@app.command("online-retail")
def online_retail(
    file: Annotated[Path, typer.Argument(help="The CSV file of wholesale lines.")],
    tenant: Annotated[str, typer.Option(help="The organisation that it goes to, by its short name.")],
    user: Annotated[str | None, typer.Option("--as", help="Whose import it is (e-mail); else an owner's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Import the lines of the UCI data set "Online Retail": a client for each customer, an issued invoice for each
    invoice number, a credit note for each cancellation. What is there already stays as it is."""
    from gql.imports.online_retail import read_rows
    from gql.imports.refusal import FileRefused, ImportStopped
    from gql.imports.sales import gather

    try:
        sales = gather(read_rows(file))
    except FileRefused as refused:
        raise CommandFailed(f"{file}, {refused} Nothing was imported.") from None
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror or error}.", 2) from None
    settings = the_settings()
    with the_database(settings) as addresses:
        try:
            report = asyncio.run(_transfer(sales, settings, addresses, tenant, user))
        except ImportStopped as stopped:
            raise CommandFailed(str(stopped)) from None
    (_print_json if as_json else _print)(report)


async def _transfer(sales: "Sales", settings: Settings, addresses: Addresses, slug: str, user: str | None) -> "Report":
    from gql.cli.engines import asker, open_engine
    from gql.imports.transfer import transfer

    async with admin_connection(addresses) as admin:
        context = await owner_context(admin, slug, user)
    async with open_engine(settings, addresses.api_url) as engine:
        with progress_bar("Importing invoices", len(sales.sales) + len(sales.cancellations)) as advance:
            return await transfer(sales, asker(engine, context, "import online-retail"), advance)


def _print(report: "Report") -> None:
    if report.untaken:
        _print_untaken(report)
        say()
    say(f"Rows read       {report.rows:>12,}")
    say(f"Rows imported   {report.lines:>12,}")
    say(f"Rows not taken  {len(report.untaken):>12,}")
    say(f"Clients         {report.clients_taken:>12,}   ({report.clients['CREATED']} new)")
    say(f"Invoices        {report.invoices_taken:>12,}   ({report.invoices['CREATED']} new)")
    say(f"Credit notes    {report.credit_notes_taken:>12,}   ({report.credit_notes['CREATED']} new)")
    say(f"Total amount    {report.total:>12,.2f}   {report.currency}")


def _print_untaken(report: "Report") -> None:
    if not OUT.is_terminal:
        say(f"Not taken: {len(report.untaken)} rows.")
        for each in report.untaken:
            row = each.row
            say(
                f"line {row.line}: {row.invoice_number} {row.stock_code}, {row.quantity} at {_price(row)}:"
                f" {each.reason}"
            )
        return
    table = Table("Line", "Invoice", "Article", "Quantity", "Price", "Amount", "Reason", title="Not taken")
    for name in ("Line", "Quantity", "Price", "Amount"):
        next(column for column in table.columns if column.header == name).justify = "right"
    for each in report.untaken:
        row = each.row
        article = f"{row.stock_code} {row.description}".rstrip()
        figures = (str(row.quantity), _price(row), f"{row.amount:,.2f}")
        table.add_row(str(row.line), row.invoice_number, article, *figures, each.reason)
    OUT.print(table, markup=False)


def _price(row: "Row") -> str:
    """With pence, and with parts of a penny where it has such."""
    return f"{row.unit_price:,.2f}" if row.unit_price == round(row.unit_price, 2) else str(row.unit_price)


def _print_json(report: "Report") -> None:
    document = {
        "rowsRead": report.rows,
        "rowsImported": report.lines,
        "clients": report.clients_taken,
        "clientsCreated": report.clients["CREATED"],
        "invoices": report.invoices_taken,
        "invoicesCreated": report.invoices["CREATED"],
        "creditNotes": report.credit_notes_taken,
        "creditNotesCreated": report.credit_notes["CREATED"],
        "total": f"{report.total:.2f}",
        "currency": report.currency,
        "untaken": [
            {
                "line": each.row.line,
                "invoiceNo": each.row.invoice_number,
                "stockCode": each.row.stock_code,
                "description": each.row.description,
                "quantity": each.row.quantity,
                "unitPrice": str(each.row.unit_price),
                "reason": each.reason,
            }
            for each in report.untaken
        ],
    }
    say(json.dumps(document, ensure_ascii=False, indent=2))
