"""`key`: the house's keys, changed while servers run."""

import time
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated

import typer

from gql.cli.console import say
from gql.cli.databases import the_settings

app = typer.Typer(help="List the house's keys, and change them.", no_args_is_help=True)


class Which(Enum):
    """A kind of key."""

    SIGNING = "signing"
    SECRET = "secret"  # noqa: S105


@app.callback()
def keys() -> None:
    """List the house's keys, and change them."""


@app.command()
def rotate(
    which: Annotated[Which, typer.Argument(help="The key that signs access tokens, or that of codes and devices.")],
    after: Annotated[
        int, typer.Option(min=0, help="In how many seconds it is used: by then every server must have the file.")
    ] = 60,
) -> None:
    """Write a new key into its file. Servers that run follow it, and nobody is signed out."""
    from gql.iam.keys.rotation import rotate_secret_key, rotate_signing_key
    from gql.iam.keys.secrets import Secrets, secret_keys_file
    from gql.iam.keys.signing import OVERLAP_SECONDS, Keys, signing_key_file

    settings, now = the_settings(), time.time()
    if which is Which.SIGNING:
        Keys.from_settings(settings)  # makes the first one where there is none
        key, gone = rotate_signing_key(signing_key_file(settings), now=now, after=after)
        say(f"{key.id} signs from {_moment(now + after)}.")
        say(f"Tokens of the one before it are believed until {_moment(now + after + OVERLAP_SECONDS)}.")
        if gone:
            say(f"Taken away, because nothing of it is left: {gone}.")
    else:
        Secrets.from_settings(settings)
        path = secret_keys_file(settings)
        made = rotate_secret_key(path, now=now, after=after)
        say(f"{made.name} is used from {_moment(now + after)}.")
        say(f"What the others have made stays good until they are taken out of {path}.")


@app.command(name="list")
def list_keys() -> None:
    """Say which keys there are, by their ids and names, and until when they are believed."""
    from gql.iam.keys.secrets import Secrets
    from gql.iam.keys.signing import Keys, with_ends

    settings, now = the_settings(), time.time()
    signing = Keys.from_settings(settings)
    for key, end in with_ends(signing.ring):
        if key.id == signing.signing_id:
            state = "signs"
        elif key.in_use_from > now:
            state = f"signs from {_moment(key.in_use_from)}"
        elif end == float("inf"):
            state = "is believed"
        else:
            state = f"{'was' if end <= now else 'is'} believed until {_moment(end)}"
        say(f"signing {key.id} {state}")
    for place, name in enumerate(Secrets.from_settings(settings).names):
        say(f"secret {name} {'is believed' if place else 'is used'}")


def _moment(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M:%S} UTC"
