"""The terms on which a mutation is sent, as its headers say them: `Idempotency-Key`, and `Prefer: tx=rollback` for a
rehearsal. And the headers that say which of them were kept.

The key is taken as it is written, quotation marks included, as a text that only its caller understands. The draft of
its standard (draft-ietf-httpapi-idempotency-key-header) names no header for an answer that is given again; the one here
is what such services commonly send.
"""

import re
from collections.abc import Iterable
from typing import Final

from gql.engine.operations import Changed, Terms
from gql.errors import ApiError, Code
from gql.http.headers import Headers

KEY: Final = b"idempotency-key"
PREFER: Final = b"prefer"
VISIBLE: Final = re.compile(rb"[!-~]{1,255}")

LONGEST_PREFER: Final = 1000
# RFC 7240: preferences between commas, each a name, perhaps with a value, perhaps quoted, perhaps with parameters.
PREFERENCE: Final = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*+"?)++')
ROLLBACK: Final = ("rollback", '"rollback"')

REPLAYED: Final = (b"idempotent-replayed", b"true")
REHEARSED: Final = (b"preference-applied", b"tx=rollback")


def terms_of(headers: Iterable[tuple[bytes, bytes]]) -> Terms:
    """The terms that these headers ask for. Raises ApiError BAD_USER_INPUT, reason IDEMPOTENCY_KEY_INVALID.

    A preference that is unknown or cannot be read is passed over, as its standard has it.
    """
    given = list(headers)
    preferences = b",".join(value for name, value in given if name == PREFER)
    return Terms(_key([value for name, value in given if name == KEY]), _asks_for_rehearsal(preferences))


def told_by(changed: Changed) -> Headers:
    """The headers that tell how the answer came about."""
    return [REPLAYED] * changed.is_replay + [REHEARSED] * changed.is_rehearsal


def _key(given: list[bytes]) -> str | None:
    if not given:
        return None
    if len(given) > 1 or not VISIBLE.fullmatch(given[0]):
        raise ApiError(
            Code.BAD_USER_INPUT,
            "An Idempotency-Key has 1 to 255 visible ASCII characters, such as a uuid, and is sent once.",
            reason="IDEMPOTENCY_KEY_INVALID",
        )
    return given[0].decode("ascii")


def _asks_for_rehearsal(preferences: bytes) -> bool:
    """Whether the first preference `tx`, the only one that counts, says rollback."""
    for preference in PREFERENCE.findall(preferences[:LONGEST_PREFER].decode("latin-1")):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "tx":
            return value.strip() in ROLLBACK
    return False
