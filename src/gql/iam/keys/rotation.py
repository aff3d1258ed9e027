"""A new key in place of the newest, while servers run: it is written down first, and used later."""

from pathlib import Path

from gql.iam.keys.files import alone, marked, replace
from gql.iam.keys.secrets import SecretKey, new_line
from gql.iam.keys.secrets import keys_in as secrets_in
from gql.iam.keys.signing import BLOCK, Key, keys_in, new_key, with_ends


def rotate_signing_key(path: Path, *, now: float, after: float) -> tuple[Key, int]:
    """Write a new signing key into the file, in use so many seconds from now (seconds since 1970); and take away those
    whose last token has expired. Answers the new one, and how many went.

    Raises SettingsError where the file is not of keys, OSError where it cannot be written.
    """
    with alone(path):
        ends = [end for _, end in with_ends(keys_in(path))]
        text = path.read_text()
        kept, place = [], 0
        for block, end in zip(BLOCK.finditer(text), ends, strict=True):
            if now < end:
                kept.append(text[place : block.end()])
            place = block.end()
        made = new_key()
        replace(path, (marked(now + after) + made.decode() + "".join(kept)).encode())
    return keys_in(path)[0], len(ends) - len(kept)


def rotate_secret_key(path: Path, *, now: float, after: float) -> SecretKey:
    """Write a new secret key into the file, in use so many seconds from now; the others stay. Answers the new one.

    Raises SettingsError where the file is not of keys, OSError where it cannot be written.
    """
    with alone(path):
        secrets_in(path)
        replace(path, (marked(now + after) + new_line() + path.read_text()).encode())
        return secrets_in(path)[0]
