"""`schema`, `errors`, `roles` and `reporting`: what is made from the code and kept beside it in files."""

from gql.cli.console import write


def schema() -> None:
    """Print the GraphQL schema in its own language."""
    from gql.schema import build_schema

    write(build_schema().as_str().rstrip("\n") + "\n")


def errors() -> None:
    """Print the catalogue of errors, as docs/errors.md holds it."""
    from gql.http.catalogue import render_catalogue

    write(render_catalogue().rstrip("\n") + "\n")


def roles() -> None:
    """Print which role may do what, as docs/roles.md holds it."""
    from gql.roles import render_roles
    from gql.schema import OPEN_FIELDS, OWN_FIELDS, PYTHON_FIELDS, declarations

    write(render_roles(declarations(), PYTHON_FIELDS, OPEN_FIELDS - OWN_FIELDS) + "\n")


def reporting() -> None:
    """Print the SQL of the views that analysts read, as sql/reporting/views.sql holds it."""
    from gql.database.comments import read_comments
    from gql.engine.reporting import reporting_sql
    from gql.schema import declarations

    write(reporting_sql(declarations(), read_comments()).rstrip("\n") + "\n")
