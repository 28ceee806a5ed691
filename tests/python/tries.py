"""Calls of the published clients with retries of their own: `tries.py URL KEY`. The model's name says what the provider does."""

import sys
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai

from outcome import tell

url, key = sys.argv[1:3]
MESSAGES = [{"role": "user", "content": "hello"}]
openai_client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, timeout=30)
anthropic_client = anthropic.Anthropic(base_url=url, api_key=key, timeout=30)


def chat(model, **more):
    answer = openai_client.chat.completions.create(model=model, messages=MESSAGES, **more)
    return [str(chunk) for chunk in answer] if more else str(answer)


def message(model, **more):
    answer = anthropic_client.messages.create(model=model, messages=MESSAGES, max_tokens=64, **more)
    return [str(event) for event in answer] if more else str(answer)


def case(client, call, name, **more):
    tell(f"{client} {name}", lambda: call(f"{client}-{name}", **more))


# Side by side: most of the time the clients wait for their next try.
with ThreadPoolExecutor(20) as pool:
    for client, call in (("openai", chat), ("anthropic", message)):
        for name in ("status-500", "status-400", "status-401", "status-429", "status-529", "lost"):
            pool.submit(case, client, call, name)
        for name in ("first-529", "role-then-cut", "cut", "no-marker"):
            pool.submit(case, client, call, name, stream=True)
