"""`schema`, `errors` and `roles`: documents that are made from the code, for files that are kept beside it."""

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
