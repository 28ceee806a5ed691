"""Calls of the published Anthropic client: `anthropic_calls.py URL KEY`. The model's name says what the provider does."""

import asyncio
import sys

import anthropic

from outcome import tell

url, key = sys.argv[1:3]
client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=20)
BODY = {"max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}


def unary(model, who=client):
    answer = who.messages.create(model=model, **BODY)
    return {"text": answer.content[0].text, "tokens": answer.usage.output_tokens}


def stream(model, who=client):
    text = ""
    last = None
    for event in who.messages.create(model=model, stream=True, **BODY):
        last = event.type
        if event.type == "content_block_delta":
            text += event.delta.text
    return {"text": text, "last": last}


def helper(model):
    with client.messages.stream(model=model, **BODY) as events:
        for _ in events:
            pass
        message = events.get_final_message()
        return {"text": message.content[0].text, "stop": message.stop_reason}


async def stream_async(model):
    async with anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=0) as who:
        text = ""
        async with who.messages.stream(model=model, **BODY) as events:
            async for piece in events.text_stream:
                text += piece
        return {"text": text}


def bearer(model):
    with anthropic.Anthropic(base_url=url, auth_token=key, api_key=None, max_retries=0) as who:
        return unary(model, who)


tell("unary", lambda: unary("ok"))
tell("bearer", lambda: bearer("ok"))
tell("stream", lambda: stream("ok"))
tell("helper", lambda: helper("ok"))
tell("async", lambda: asyncio.run(stream_async("ok")))
tell("models", lambda: [model.id for model in client.models.list()])
tell("heartbeats", lambda: stream("slow"))

tell("wrong key", lambda: unary("ok", client.with_options(api_key="sk-wrong")))
for status in (400, 401, 403, 404, 413, 422, 429, 500, 503, 529):
    tell(f"status {status}", lambda: unary(f"status-{status}"))
    tell(f"status {status} of a stream", lambda: stream(f"status-{status}"))
    tell(f"first event {status}", lambda: stream(f"first-{status}"))
tell("retried", lambda: unary("status-429-retry", client.with_options(max_retries=2)))
tell("client timeout", lambda: unary("silent", client.with_options(timeout=0.5)))
tell("gateway timeout", lambda: stream("silent"))
tell("cut", lambda: stream("cut"))
tell("cut helper", lambda: helper("cut"))
tell("cut async", lambda: asyncio.run(stream_async("cut")))
tell("no marker", lambda: stream("no-marker"))
tell("no marker helper", lambda: helper("no-marker"))
tell("cut body", lambda: unary("cut"))
tell("html", lambda: unary("html"))
tell("html stream", lambda: stream("html"))
