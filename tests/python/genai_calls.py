"""Calls of Google's published client: `genai_calls.py URL KEY`. The model's name says what the provider does."""

import sys

from google import genai
from google.genai import types

from outcome import tell

url, key = sys.argv[1:3]
client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, timeout=20_000))


def plain(answer):
    return answer.model_dump(mode="json", exclude_none=True, exclude={"sdk_http_response", "parsed"})


def unary(model, contents="hello"):
    return plain(client.models.generate_content(model=model, contents=contents))


def stream(model):
    return [plain(answer) for answer in client.models.generate_content_stream(model=model, contents="hello")]


for model in ("text", "agent", "blocked", "refused"):
    tell(f"unary {model}", lambda: unary(model))
for model in ("text", "agent", "refused", "late"):
    tell(f"stream {model}", lambda: stream(model))
tell("count", lambda: plain(client.models.count_tokens(model="text", contents="hello")))
tell("models", lambda: [model.name for model in client.models.list()])
tell("rejected", lambda: unary("text", [types.Content(role="assistant", parts=[types.Part(text="a")])]))
