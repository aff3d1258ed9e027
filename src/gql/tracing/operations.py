"""/graphql, telling of each operation: a span that goes on where the caller's `traceparent` was."""

from hashlib import sha256
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context as TraceContext
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Receive, Scope, Send

from gql.engine.engine import Engine, Operation
from gql.engine.workbench import Turn
from gql.http import metrics
from gql.http.endpoint import Answer, Exchange, GraphQLEndpoint
from gql.http.requests import ClientGone
from gql.tracing.spans import TRACER, failed

PROPAGATOR: Final = TraceContextTextMapPropagator()
CARRIED: Final = {b"traceparent": "traceparent", b"tracestate": "tracestate"}
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY"})
LONGEST_NAME: Final = 100
SERVER_ERROR: Final = 500


class TracedEngine(Engine):
    """Says on the span of the request which operation it is: by its name and the hash of its document, because a
    document may have values in it."""

    async def prepare(
        self,
        query: str,
        operation_name: str | None = None,
        variables: dict[str, Any] | None = None,
        *,
        introspection: bool,
        turn: Turn | None = None,
    ) -> Operation:
        operation = await super().prepare(query, operation_name, variables, introspection=introspection, turn=turn)
        span = trace.get_current_span()
        if span.is_recording():
            span.update_name(operation.kind)
            span.set_attribute("graphql.operation.type", operation.kind)
            span.set_attribute("countinghouse.document.sha256", sha256(query.encode()).hexdigest())
            name = operation.text.definition.name
            if name is not None:
                span.set_attribute("graphql.operation.name", name.value[:LONGEST_NAME])
        return operation


class TracedEndpoint(GraphQLEndpoint):
    """Answers within a span."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        attributes = {
            "http.request.method": method if method in METHODS else "_OTHER",
            "url.path": "/graphql",
            "url.scheme": scope["scheme"],
        }
        with TRACER.start_as_current_span(
            "graphql",
            context=_callers(scope),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ):
            await super().__call__(scope, receive, send)

    async def _answer(self, exchange: Exchange) -> Answer:
        span = trace.get_current_span()
        span.set_attribute("countinghouse.request_id", exchange.request_id)
        try:
            answer = await super()._answer(exchange)
        except ClientGone:
            failed(span, metrics.CLIENT_GONE)
            raise
        span.set_attribute("http.response.status_code", answer.status)
        if answer.code != metrics.OK:
            failed(span, answer.code)
        return answer


def _callers(scope: Scope) -> TraceContext:
    """Where the caller's trace stands; a new one where they say nothing, or nonsense."""
    carrier = {CARRIED[name]: value.decode("latin-1") for name, value in scope["headers"] if name in CARRIED}
    return PROPAGATOR.extract(carrier, context=TraceContext())
