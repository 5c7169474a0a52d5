"""W3C trace context through the outbox: one order's trace runs through all services.

Source: W3C Trace Context, https://www.w3.org/TR/trace-context/ .
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_tracer = trace.get_tracer("packhorse")
_exporting = False
"""Without an exporter there are no spans to keep: only the context is passed on."""


def configure(service: str, endpoint: str | None) -> "TracerProvider | None":
    """Exports spans over OTLP where an endpoint is set; otherwise only passes the context on."""
    global _exporting  # noqa: PLW0603 -- as the tracer provider, one a process
    if endpoint is None:
        return None
    # Here, for they take a fifth of a service's start, and most runs export nothing.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"packhorse-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    _exporting = True
    return provider


def trace_id(traceparent: str | None) -> str | None:
    """The trace id inside a `traceparent`."""
    return traceparent.split("-")[1] if traceparent else None


def child_of(traceparent: str | None) -> str:
    """The `traceparent` for what is said now: the current span's, else a new span of the cause's trace."""
    if _exporting:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    known = trace_id(traceparent) or f"{random.getrandbits(128) | 1:032x}"
    return f"00-{known}-{random.getrandbits(64) | 1:016x}-01"


@contextmanager
def reacting(name: str, traceparent: str | None) -> Iterator[str]:
    """A span around one reaction, child of its cause; gives the `traceparent` for what follows from it."""
    if not _exporting:
        yield child_of(traceparent)
        return
    parent = None
    if traceparent:
        _, trace_part, span_part, flags = traceparent.split("-")
        remote = SpanContext(int(trace_part, 16), int(span_part, 16), True, TraceFlags(int(flags, 16)))
        parent = set_span_in_context(NonRecordingSpan(remote))
    with _tracer.start_as_current_span(name, parent, kind=SpanKind.CONSUMER) as span:
        context = span.get_span_context()
        yield f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
