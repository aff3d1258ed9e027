"""What a failure of the database means to a caller.

Only three kinds of text leave here: sentences of this module, sentences that our own SQL functions raise under the
SQLSTATE class CH, and sentences written as comments on our constraints. What PostgreSQL itself says is logged.
"""

import logging
import re
from collections.abc import Mapping
from typing import Final

import asyncpg

from gql.database.comments import read_comments
from gql.errors import INTERNAL_MESSAGE, ApiError, Code

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 2


# The comment on a constraint by its name: `REASON input.field: Sentence for the user.`, the field optional.
Sentences = Mapping[str, str]
COMMENT: Final = re.compile(r"(?P<reason>[A-Z][A-Z0-9_]*)(?: (?P<field>input[\w.]*))?: (?P<sentence>.+)", re.DOTALL)

NOT_PERMITTED: Final = "NOT_PERMITTED"
"""The reason where the database itself refuses a role. Whoever was let in and meets it has lost their rights since."""

# core.refuse() raises these.
_OURS: Final = {
    "CH400": Code.BAD_USER_INPUT,
    "CH403": Code.FORBIDDEN,
    "CH404": Code.NOT_FOUND,
    "CH409": Code.CONFLICT,
}

# A broken constraint: the code, and what is said when no comment says it better.
_CONSTRAINTS: Final = {
    "23503": (Code.NOT_FOUND, "REFERENCE_NOT_FOUND", "Something that the request refers to does not exist."),
    "23505": (Code.CONFLICT, "ALREADY_EXISTS", "There is one with this value already."),
    "23514": (Code.BAD_USER_INPUT, "VALUE_NOT_ALLOWED", "A value is not allowed here."),
    "23P01": (Code.CONFLICT, "OVERLAPS", "It overlaps with one that exists already."),
}

_UNREADABLE: Final = (Code.BAD_USER_INPUT, "INVALID_VALUE", "A value is malformed or out of range.")
_CROWDED: Final = (
    Code.UNAVAILABLE,
    "DATABASE_CROWDED",
    "The database has no connection left just now. Try again shortly.",
)
_SLOW: Final = (Code.TIMEOUT, "STATEMENT_TIMEOUT", "It took longer than is allowed. Ask for less at once.")
_AGAIN: Final = (Code.CONFLICT, "RETRY", "Someone changed the same things at the same moment. Try again.")
_DOWN: Final = (Code.UNAVAILABLE, "DATABASE_UNREACHABLE", "The database cannot be reached just now. Try again shortly.")
_FULL: Final = (
    Code.UNAVAILABLE,
    "DATABASE_FULL",
    "There is no room to keep anything new just now, so nothing was changed; what is there can be read. Whoever runs "
    "this service has to make room. Send it again later.",
)
_ONLY_READS: Final = (
    Code.UNAVAILABLE,
    "DATABASE_READ_ONLY",
    "Nothing can be changed just now, and nothing was; what is there can be read. Send it again in a moment.",
)
_UNWELL: Final = (
    Code.UNAVAILABLE,
    "DATABASE_UNWELL",
    "The database could not do this just now, and nothing was changed. Try again shortly, or ask for less at once.",
)
_LARGE: Final = (
    Code.LIMIT_EXCEEDED,
    "STATEMENT_TOO_LARGE",
    "It needs more than one statement of the database may have. Ask for less at once.",
)
UNREACHABLE: Final = _DOWN[1]
CROWDED: Final = _CROWDED[1]

_STATES: Final = {
    "22P02": _UNREADABLE,  # invalid text representation
    "22003": _UNREADABLE,  # numeric value out of range
    "22007": _UNREADABLE,  # invalid datetime format
    "22008": _UNREADABLE,  # datetime field overflow
    "22021": _UNREADABLE,  # character not in repertoire: NUL
    "22P05": _UNREADABLE,  # untranslatable character: NUL in JSON
    "57014": _SLOW,
    "25P03": _SLOW,  # idle in transaction
    "25P04": _SLOW,  # transaction time-out, on 17 and later
    "55P03": (Code.CONFLICT, "LOCKED", "Someone else is changing this just now. Try again in a moment."),
    "40001": _AGAIN,
    "40P01": _AGAIN,
    "42501": (Code.FORBIDDEN, NOT_PERMITTED, "You may not do this."),
    "25006": _ONLY_READS,  # a standby, or default_transaction_read_only
    "53000": _UNWELL,  # insufficient resources: too many open files
    "53100": _FULL,
    "53200": _UNWELL,  # out of memory
    "53300": _CROWDED,
    "53400": _LARGE,  # a limit of the configuration: temp_file_limit
    "54000": _LARGE,  # a limit of PostgreSQL itself, and the next three
    "54001": _LARGE,  # too complex: the stack is not deep enough
    "54011": _LARGE,  # too many columns
    "54023": _LARGE,  # too many arguments
    "58000": _UNWELL,  # an error of the system around it
    "58030": _UNWELL,  # reading or writing failed
}

# An operator has to see to these, and after so long it is worth a try again.
_OPERATORS: Final = {"DATABASE_FULL": 30, "DATABASE_READ_ONLY": 5, "DATABASE_UNWELL": 5, "DATABASE_CROWDED": 2}

# The server says these when it hangs up or does not let us in: shutting down, crashed, starting, database dropped,
# idle too long.
_HANGS_UP: Final = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05"})


def is_lost(error: BaseException) -> bool:
    """Whether this error means that there is no connection any more."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state.startswith("08") or state in _HANGS_UP
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # asyncpg has no type for it
    if isinstance(error, asyncpg.InternalClientError):
        return True  # the server hung up between two statements, and the driver is not done with its last words
    return isinstance(error, OSError) and not isinstance(error, TimeoutError)


def is_read_only(error: BaseException) -> bool:
    """Whether this error means that nothing can be written where the connection leads: to a standby, as a rule."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate == "25006"


def has_crossed_others(error: BaseException) -> bool:
    """Whether this error means that others changed the same things at the same moment, in an order in which not all
    could have their way: a serialization failure or a deadlock. Nothing was kept, and another time it may well work."""
    return isinstance(error, asyncpg.PostgresError) and _STATES.get(error.sqlstate or "") is _AGAIN


def translate(error: BaseException, sentences: Sentences | None = None) -> ApiError:
    """The refusal that this failure is to the caller. `sentences` are the comments on constraints, by name; without
    it, those of our SQL files.

    What nobody foresaw is logged with its traceback, and answered as INTERNAL_SERVER_ERROR.
    """
    if isinstance(error, ApiError):
        return error
    if is_lost(error):
        log.warning("lost the connection to the database: %s", error)
        return unreachable()
    if isinstance(error, TimeoutError):
        # The database keeps its own time-outs. Where it does not even say that one is over, nobody hears it.
        log.warning("the database did not answer in time")
        return unreachable()
    if isinstance(error, asyncpg.PostgresError):
        refusal = _translate_state(error, error.sqlstate or "", sentences)
        if refusal is not None:
            return refusal
    if isinstance(error.__cause__, UnicodeEncodeError):
        return _refusal(_UNREADABLE)  # asyncpg could not send a text that holds half a character
    log.error("the database failed in a way that nobody foresaw", exc_info=error)
    return ApiError(Code.INTERNAL_SERVER_ERROR, INTERNAL_MESSAGE)


def unreachable() -> ApiError:
    refusal = _refusal(_DOWN)
    refusal.retry_after = RETRY_AFTER_SECONDS
    return refusal


def not_let_in(error: BaseException) -> ApiError:
    """What it is to the caller that no connection could be opened."""
    is_crowded = isinstance(error, asyncpg.TooManyConnectionsError)
    return _refusal(_CROWDED) if is_crowded else unreachable()


def commit_unknown() -> ApiError:
    """The connection was lost during COMMIT: neither success nor failure may be claimed."""
    return ApiError(
        Code.UNAVAILABLE,
        "The connection to the database was lost while your change was being saved, and nobody can say whether it was. "
        "Send it again with the same Idempotency-Key; if you sent none, look first.",
        reason="COMMIT_UNKNOWN",
        retry_after=RETRY_AFTER_SECONDS,
    )


def _translate_state(error: asyncpg.PostgresError, state: str, sentences: Sentences | None) -> ApiError | None:
    if state in _OURS:
        message = str(error.args[0])
        return ApiError(_OURS[state], message, reason=_given(error.constraint_name), field=_given(error.column_name))
    if state == "23502":
        field = f"input.{camel_case(error.column_name)}" if error.column_name else None
        return ApiError(Code.BAD_USER_INPUT, "A value is required here.", reason="REQUIRED", field=field)
    if state in _CONSTRAINTS:
        return _broken_constraint(error, state, read_comments().constraints if sentences is None else sentences)
    if state not in _STATES:
        return None
    meaning = _STATES[state]
    if state == "42501":
        log.warning("the database refused permission: %s", error)
    elif meaning[1] in _OPERATORS:
        log.error("the database is in trouble (%s, SQLSTATE %s): %s", meaning[1], state, error)
    elif meaning is _LARGE:
        log.warning("a statement was too large for the database (SQLSTATE %s): %s", state, error)
    return unreachable() if meaning is _DOWN else _refusal(meaning)


def _broken_constraint(error: asyncpg.PostgresError, state: str, sentences: Sentences) -> ApiError:
    code, reason, message = _CONSTRAINTS[state]
    said = COMMENT.fullmatch(sentences.get(error.constraint_name or "", ""))
    if said is None:
        return ApiError(code, message, reason=reason)
    return ApiError(code, said["sentence"], reason=said["reason"], field=said["field"])


def camel_case(column: str) -> str:
    """The name that a column has in GraphQL."""
    first, *rest = column.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _refusal(meaning: tuple[Code, str, str]) -> ApiError:
    code, reason, message = meaning
    return ApiError(code, message, reason=reason, retry_after=_OPERATORS.get(reason))


def _given(text: str | None) -> str | None:
    return text or None
