"""The worker, telling of each job: a trace of its own, which names the duty and not whom it is done for."""

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import Attributes

from gql.tracing.spans import TRACER, failed, said_of
from gql.worker.doing import Do
from gql.worker.queue import Due


def traced(duty: str, do: Do) -> Do:
    """What does the jobs of the duty, within a span."""

    async def done(due: Due, attempts: int) -> None:
        attributes: Attributes = {"countinghouse.duty": duty, "countinghouse.attempt": attempts + 1}
        with TRACER.start_as_current_span(
            duty, kind=SpanKind.CONSUMER, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                await do(due, attempts)
            except BaseException as error:
                failed(span, said_of(error))
                raise

    return done
