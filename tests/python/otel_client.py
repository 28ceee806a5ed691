"""A client that is traced by OpenTelemetry's SDK: `otel_client.py URL` makes a call and prints its span; with more arguments it
prints what the SDK makes of each of them as a `traceparent`."""

import json
import sys
import urllib.request

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider

url, *seen = sys.argv[1:]
trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("client")


def told(context):
    return {
        "trace_id": trace.format_trace_id(context.trace_id),
        "span_id": trace.format_span_id(context.span_id),
        "sampled": context.trace_flags.sampled,
        "valid": context.is_valid,
    }


for header in seen:
    context = trace.get_current_span(extract({"traceparent": header})).get_span_context()
    print(json.dumps(told(context)))
if not seen:
    with tracer.start_as_current_span("ask") as span:
        headers = {"content-type": "application/json"}
        inject(headers)
        body = {"model": "double", "messages": [{"role": "user", "content": "hello"}]}
        request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
            answer.read()
        print(json.dumps(told(span.get_span_context())))
