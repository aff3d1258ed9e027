"""Answers, put together from the bytes of their members and from errors."""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec
from graphql import GraphQLError

from gql.database.pool import Origin
from gql.database.refusals import NOT_PERMITTED
from gql.engine.plans import DATA_CLOSING, DATA_OPENING
from gql.errors import INTERNAL_MESSAGE, ApiError, Code, RequestRefused

log = logging.getLogger(__name__)

REFUSES_ALL: Final = frozenset({Code.UNAVAILABLE, Code.RATE_LIMITED})
"""What concerns no field: the request as a whole is refused."""


def refuses_all(problem: ApiError) -> bool:
    """Whether this refuses the request as a whole. Where the database refuses the caller's role itself, it does."""
    return problem.code in REFUSES_ALL or problem.reason == NOT_PERMITTED


def member(body: bytes) -> bytes:
    """The one member inside the bytes of `{"data":{…}}`."""
    return body[len(DATA_OPENING) + 1 : -len(DATA_CLOSING) - 1]


def null(key: str) -> bytes:
    """A member that is null."""
    return f'"{key}":null'.encode()


def answer(found: Sequence[bytes], problems: Sequence[ApiError], origin: Origin) -> bytes:
    """The members that were found, with the errors, if any, of those that are null."""
    errors = b""
    if problems:
        errors = b',"errors":' + msgspec.json.encode([each.as_dict(origin.request_id) for each in problems])
    return b'{"data":{' + b",".join(found) + b"}" + errors + b"}"


def refused_whole(problem: ApiError, origin: Origin) -> bytes:
    """The answer of an operation of which nothing stands."""
    return b'{"data":null,"errors":' + msgspec.json.encode([problem.as_dict(origin.request_id)]) + b"}"


def masked(problem: GraphQLError) -> ApiError:
    """The error as a caller may see it. What we did not foresee is logged and told by its request id only."""
    original = problem.original_error
    if isinstance(original, ApiError):
        return original.at(tuple(problem.path or ()))
    if isinstance(original, RequestRefused):
        return original.errors[0].at(tuple(problem.path or ()))
    if original is None or isinstance(original, GraphQLError):
        return ApiError(Code.BAD_USER_INPUT, problem.message, path=tuple(problem.path or ()) or None)
    log.error("a resolver failed", exc_info=original)
    return ApiError(Code.INTERNAL_SERVER_ERROR, INTERNAL_MESSAGE, path=tuple(problem.path or ()))
