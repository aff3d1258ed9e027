"""Where spans go: to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, in batches, by a thread of their own. One
that is away slows nobody: spans wait in a bounded queue, and those that find no room are dropped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

FLUSH_SECONDS: Final = 3.0
"""How long the end of the process waits for the last spans. The exporter itself would try for half a minute."""


@contextmanager
def exporting(service: str, version: str) -> Iterator[None]:
    """Spans of this process are exported during the body. The sampler, the queue and the collector are as the variables
    of OpenTelemetry have them."""
    told = OTELResourceDetector().detect()
    ours = Resource({SERVICE_NAME: service, SERVICE_VERSION: version})
    provider = TracerProvider(resource=Resource.create().merge(ours).merge(told), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        ending = Thread(target=provider.shutdown, daemon=True, name=f"{service} {os.getpid()}: the last spans")
        ending.start()
        ending.join(FLUSH_SECONDS)
