"""What all spans have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes

from gql.errors import ApiError

TRACER: Final = trace.get_tracer("countinghouse")
ERROR_TYPE: Final = "error.type"


def is_traced() -> bool:
    """Whether this happens for something that is recorded: what the house does by itself is not."""
    return trace.get_current_span().is_recording()


@contextmanager
def step(name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes = None) -> Iterator[Span]:
    """The body as a part of what is recorded. What it raises is told by its kind: the text of an error may have the
    values of somebody's row in it."""
    if not is_traced():
        yield trace.INVALID_SPAN
        return
    with TRACER.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            failed(span, said_of(error))
            raise


def failed(span: Span, word: str) -> None:
    """It did not go well."""
    span.set_attribute(ERROR_TYPE, word)
    span.set_status(Status(StatusCode.ERROR))


def said_of(error: BaseException) -> str:
    """What went wrong, in a word of ours."""
    if isinstance(error, ApiError):
        return f"{error.code.value}/{error.reason}" if error.reason else error.code.value
    return type(error).__name__
