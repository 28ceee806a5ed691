"""Limits that the published OpenAI client brings along: `openai_timeouts.py URL KEY`. Every call is to end by one of 1 s."""

import sys

import openai

from outcome import tell

url, key = sys.argv[1:3]
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)
BODY = {"extra_body": {"timeout": 1}}
HEADER = {"extra_headers": {"x-litellm-timeout": "1"}}
MOCK = {"extra_body": {"timeout": 1, "mock_timeout": True}}
MESSAGES = [{"role": "user", "content": "hello"}]


def chat(**more):
    return client.chat.completions.create(model="double", messages=MESSAGES, **more)


def completion(**more):
    return client.completions.create(model="double", prompt="hello", **more)


def embedding(**more):
    return client.embeddings.create(model="double", input="hello", **more)


for name, limit in (("body", BODY), ("header", HEADER), ("mock", MOCK)):
    tell(f"chat by {name}", lambda: str(chat(**limit)))
    tell(f"stream by {name}", lambda: [str(chunk) for chunk in chat(stream=True, **limit)])
    tell(f"completion by {name}", lambda: str(completion(**limit)))
tell("embedding by body", lambda: str(embedding(**BODY)))
