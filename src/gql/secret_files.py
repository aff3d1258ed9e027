"""Secrets out of files: what COUNTINGHOUSE_DATABASE_URL is to be may stand in the file that
COUNTINGHOUSE_DATABASE_URL_FILE names, and so of every other secret. Containers and systemd hand them over like that;
an environment is shown to whoever may look at the process, and goes on to its children."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

SUFFIX: Final = "_FILE"
MOST_BYTES: Final = 10_000


def with_secrets(given: Mapping[str, str], secrets: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The variables, with those of these names that stand in files read from there; and a sentence for each that cannot
    be. White space around a secret is none of it: editors end a file with a new line."""
    found, errors = dict(given), []
    for name in secrets:
        path = found.pop(name + SUFFIX, None)
        if path is None:
            continue
        if name in found:
            errors.append(f"{name} and {name}{SUFFIX} are both set; set one of them.")
            continue
        try:
            with Path(path).expanduser().open("rb") as file:
                text = file.read(MOST_BYTES).decode().strip()
        except OSError as problem:
            errors.append(f"{name}{SUFFIX} names {path!r}, which cannot be read: {problem.strerror}.")
        except UnicodeDecodeError:
            errors.append(f"{name}{SUFFIX} names {path!r}, which is no text.")
        else:
            if text:
                found[name] = text
            else:
                errors.append(f"{name}{SUFFIX} names {path!r}, which is empty.")
    return found, errors
