"""Spans in bodies of OTLP over HTTP: `otel_spans.py FILE...`, one JSON line each. What OpenTelemetry's messages do not know
fails."""

import json
import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def values(attributes):
    names = [it.key for it in attributes]
    assert len(names) == len(set(names)), f"twice: {names}"
    return {it.key: getattr(it.value, it.value.WhichOneof("value")) for it in attributes}


def known(message):
    assert len(UnknownFieldSet(message)) == 0, f"unknown: {message}"
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                known(inner)


for name in sys.argv[1:]:
    with open(name, "rb") as body:
        request = ExportTraceServiceRequest.FromString(body.read())
    known(request)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                assert (len(span.trace_id), len(span.span_id)) == (16, 8), span
                print(json.dumps({
                    "resource": values(resource.resource.attributes),
                    "scope": scope.scope.name,
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind),
                    "started": span.start_time_unix_nano,
                    "ended": span.end_time_unix_nano,
                    "status": Status.StatusCode.Name(span.status.code),
                    "flags": span.flags,
                    "attributes": values(span.attributes),
                }))
