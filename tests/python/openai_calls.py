"""Calls of the published OpenAI client: `openai_calls.py URL KEY`. The model's name says what the provider does."""

import asyncio
import sys

import openai

from outcome import tell

url, key = sys.argv[1:3]
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)
MESSAGES = [{"role": "user", "content": "hello"}]


def unary(model, who=client):
    answer = who.chat.completions.create(model=model, messages=MESSAGES)
    return {"text": answer.choices[0].message.content, "tokens": answer.usage.completion_tokens}


def stream(model, who=client):
    text = ""
    finish = None
    for chunk in who.chat.completions.create(model=model, messages=MESSAGES, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return {"text": text, "finish": finish}


def helper(model):
    with client.chat.completions.stream(model=model, messages=MESSAGES) as events:
        for _ in events:
            pass
        return {"text": events.get_final_completion().choices[0].message.content}


async def stream_async(model):
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as who:
        text = ""
        async for chunk in await who.chat.completions.create(model=model, messages=MESSAGES, stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
        return {"text": text}


def over_http2(model):
    http2 = openai.DefaultHttpxClient(http1=False, http2=True)
    with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=http2) as who:
        return stream(model, who)


def completion(model):
    text = ""
    for chunk in client.completions.create(model=model, prompt="hello", stream=True):
        text += chunk.choices[0].text
    return {"text": text}


def azure(model):
    who = openai.AzureOpenAI(azure_endpoint=url, api_key=key, api_version="2024-10-21", max_retries=0)
    return stream(model, who)


def embeddings(model):
    answer = client.embeddings.create(model=model, input=["one", "two"])
    return {"vectors": [len(item.embedding) for item in answer.data], "first": answer.data[0].embedding[:2]}


tell("unary", lambda: unary("ok"))
tell("stream", lambda: stream("ok"))
tell("helper", lambda: helper("ok"))
tell("async", lambda: asyncio.run(stream_async("ok")))
tell("http2", lambda: over_http2("ok"))
tell("completion", lambda: completion("ok"))
tell("azure", lambda: azure("ok"))
tell("embeddings", lambda: embeddings("ok"))
tell("models", lambda: [model.id for model in client.models.list()])
tell("model", lambda: client.models.retrieve("listed").id)
tell("heartbeats", lambda: stream("slow"))

tell("wrong key", lambda: unary("ok", client.with_options(api_key="sk-wrong")))
for status in (400, 401, 403, 404, 422, 429, 500, 503):
    tell(f"status {status}", lambda: unary(f"status-{status}"))
    tell(f"status {status} of a stream", lambda: stream(f"status-{status}"))
    tell(f"first event {status}", lambda: stream(f"first-{status}"))
tell("retried", lambda: unary("status-429-retry", client.with_options(max_retries=2)))
tell("client timeout", lambda: unary("silent", client.with_options(timeout=0.5)))
tell("gateway timeout", lambda: stream("silent"))
tell("cut", lambda: stream("cut"))
tell("cut helper", lambda: helper("cut"))
tell("cut async", lambda: asyncio.run(stream_async("cut")))
tell("cut http2", lambda: over_http2("cut"))
tell("cut completion", lambda: completion("cut"))
tell("no marker", lambda: stream("no-marker"))
tell("cut body", lambda: unary("cut"))
tell("html", lambda: unary("html"))
tell("html stream", lambda: stream("html"))
