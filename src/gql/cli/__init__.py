"""The command line: `countinghouse`.

A command that fails says why in a sentence or two on standard error and exits with 1; one that was asked for something
that makes no sense exits with 2. A traceback is a defect.
"""

import socket
import sys

import asyncpg
import typer

from gql.cli import (
    analysts,
    demo,
    departures,
    documents,
    imports,
    keys,
    psql,
    schema,
    serve,
    tenant_states,
    tenants,
    work,
)
from gql.cli.console import CommandFailed, complain
from gql.database.embedded.cluster import EmbeddedServerError
from gql.database.loader import MigrationError
from gql.database.refusals import is_lost
from gql.errors import ApiError
from gql.settings import SettingsError

app = typer.Typer(
    help="Countinghouse: a financial back office for many organisations, spoken to in GraphQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(serve.serve)
app.command()(work.work)
app.command()(schema.migrate)
app.command()(demo.demo)
app.add_typer(imports.app, name="import")
app.add_typer(tenants.app, name="tenant")
app.add_typer(analysts.app, name="analyst")
app.add_typer(keys.app, name="key")
tenants.app.command("list")(tenant_states.list_tenants)
tenants.app.command()(tenant_states.suspend)
tenants.app.command()(tenant_states.resume)
tenants.app.command()(departures.export)
tenants.app.command()(departures.offboard)
app.command()(psql.psql)
app.command()(schema.doctor)
app.command()(documents.schema)
app.command()(documents.errors)
app.command()(documents.roles)
app.command()(documents.reporting)

__all__ = ["app", "main"]


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    try:
        app()
    except SettingsError as error:
        _fail("\n".join(error.errors), 2)
    except CommandFailed as error:
        _fail(str(error), error.status)
    except (EmbeddedServerError, MigrationError) as error:
        _fail(str(error))
    except ApiError as error:
        _fail(error.message)
    except (asyncpg.PostgresConnectionError, ConnectionError, TimeoutError, socket.gaierror):
        _fail("The database cannot be reached. Is it running, and is its address right?")
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if not is_lost(error):
            raise
        _fail("The connection to the database was lost before the end. Run the same command again when it is back.")
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        _fail(f"The database does not let us in: {error}.")
    except asyncpg.InvalidCatalogNameError as error:
        _fail(f"There is no such database: {error}.")
    except asyncpg.PostgresError as error:
        _fail(f"The database answered with an error: {error}.")
    except OSError as error:
        _fail(f"{error.filename or 'The system'}: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(text: str, status: int = 1) -> None:
    for line in text.splitlines():
        complain(f"countinghouse: {line}")
    sys.exit(status)
