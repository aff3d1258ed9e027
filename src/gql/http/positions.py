"""`Countinghouse-Position`: up to where in the database's log a client is to find what was written.

A mutation answers with it where queries may come from a replica. A query that brings it is answered by nobody who has
not got there, on whichever server it arrives. One that was made up, which nobody has reached, is as any that the
replica has not: the primary answers, and nobody but its sender has anything of it.
"""

import re
from typing import Final

from gql.database.pool.replica import read, written
from gql.errors import ApiError, Code
from gql.http.headers import Headers
from gql.http.requests import Given

POSITION: Final = b"countinghouse-position"
WRITTEN: Final = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")


def position_of(headers: Given) -> int:
    """The position that the request brings, 0 where it has none. Raises ApiError BAD_USER_INPUT, POSITION_INVALID."""
    given = headers.get(POSITION)
    if given is None:
        return 0
    text = given.decode("latin-1")
    if not WRITTEN.fullmatch(text):
        raise ApiError(
            Code.BAD_USER_INPUT,
            "A Countinghouse-Position is sent as the answer to a mutation had it, such as 0/16B3748.",
            reason="POSITION_INVALID",
        )
    return read(text)


def position_told(position: int | None) -> Headers:
    """The header that tells a position."""
    return [(POSITION, written(position).encode())] if position is not None else []
