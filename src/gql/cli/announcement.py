"""What `serve` prints when it is ready: where it is, and what to try."""

import json
import shlex
from typing import Any, Final

from gql.cli.console import say
from gql.settings import Settings

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be told from, not to listen on
SIGN_IN: Final = (
    "mutation($email: String!, $password: String!)"
    " { signIn(input: {email: $email, password: $password}) { accessToken } }"
)
QUESTION: Final = (
    "{ invoices(filter: {isOverdue: {eq: true}}, orderBy: [DUE_DATE_ASC], first: 3)"
    " { totalCount nodes { number dueDate balance currency client { name } } } }"
)
SED_SCRIPT: Final = r's/.*"accessToken": *"\([^"]*\)".*/\1/'


def announce(address: tuple[Any, ...], settings: Settings, *, has_demo: bool) -> None:
    """Say that the server is ready at this socket address."""
    host, port = EVERYWHERE.get(address[0], address[0]), address[1]
    place = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    say(f"Countinghouse serves on {place}; Ctrl-C stops it.")
    say(
        "A worker beside it does what is due."
        if settings.is_embedded
        else "`countinghouse work` does what is due; one has to run somewhere."
    )
    if not has_demo:
        say("Make an organisation with `countinghouse tenant create`.")
        return
    from gql.demo import ORGANISATIONS, PASSWORD

    say()
    if settings.environment == "development":
        say(f"GraphiQL  {place}/graphiql")
    for organisation in ORGANISATIONS:
        owner = organisation.owner
        say(f"Sign in   {owner.email}, password {PASSWORD}: {owner.role} of {organisation.name}")
    say("          `countinghouse demo` lists everybody else.")
    say(f"Ask       {curl_line(place, ORGANISATIONS[0].owner.email, PASSWORD)}")


def curl_line(place: str, email: str, password: str) -> str:
    """One line for any shell with curl and sed that signs in, takes the token from the answer, and asks."""
    post = f"curl -s {place}/graphql -H 'Content-Type: application/json'"
    sign_in = json.dumps({"query": SIGN_IN, "variables": {"email": email, "password": password}})
    token = f"{post} -d {shlex.quote(sign_in)} | sed {shlex.quote(SED_SCRIPT)}"
    question = json.dumps({"query": QUESTION})
    return f'{post} -H "Authorization: Bearer $({token})" -d {shlex.quote(question)}; echo'
