"""Calls of Amazon's published client: `bedrock_calls.py URL KEY`. The model's name says what the provider does."""

import json
import sys

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config

from outcome import tell

url, key = sys.argv[1:3]
session = botocore.session.get_session()
client = session.create_client(
    "bedrock-runtime",
    region_name="us-east-1",
    endpoint_url=url,
    config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, read_timeout=20),
)


def authorize(request, **_):
    # The client itself says a bearer's key over TLS only.
    request.headers["authorization"] = f"Bearer {key}"


client.meta.events.register("before-send.bedrock-runtime", authorize)
MESSAGES = [{"role": "user", "content": [{"text": "hello"}]}]
CLAUDE = json.dumps(
    {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "hello"}],
    }
)


def readable(value):
    """The same with text in the place of bytes."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {name: readable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    return value


def converse(model, **more):
    answer = client.converse(modelId=model, messages=MESSAGES, **more)
    return readable({name: answer[name] for name in ("output", "stopReason", "usage")})


def converse_stream(model):
    answer = client.converse_stream(modelId=model, messages=MESSAGES)
    return [readable(event) for event in answer["stream"]]


def invoke(model):
    return json.loads(client.invoke_model(modelId=model, body=CLAUDE)["body"].read())


def invoke_stream(model):
    answer = client.invoke_model_with_response_stream(modelId=model, body=CLAUDE)
    return [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]


for model in ("text", "agent"):
    tell(f"converse {model}", lambda: converse(model))
    tell(f"converse stream {model}", lambda: converse_stream(model))
tell("invoke", lambda: invoke("anthropic.claude-text"))
tell("invoke stream", lambda: invoke_stream("anthropic.claude-text"))
for model in ("exception", "error", "spoiled", "refused"):
    tell(f"converse stream {model}", lambda: converse_stream(model))
    tell(f"invoke stream {model}", lambda: invoke_stream(f"anthropic.claude-{model}"))
tell("converse refused", lambda: converse("refused"))
