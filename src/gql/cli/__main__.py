"""The command line, for whoever starts it as `python -m gql.cli`."""

from gql.cli import main

main()
