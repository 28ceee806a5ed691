"""The published Anthropic client on any upstream."""

import json

import anthropic

from crossing import CITY, WEATHER, key, tell_all, told, url

client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=20)
TOOLS = [{"name": "get_weather", "description": WEATHER, "input_schema": CITY}]


def asked(model, text, **more):
    messages = [{"role": "user", "content": text}]
    return {"model": model, "max_tokens": 1024, "system": "Be brief.", "messages": messages, **more}


def of_message(answer):
    text = "".join(block.text for block in answer.content if block.type == "text")
    calls = [(block.name, block.input) for block in answer.content if block.type == "tool_use"]
    usage = [answer.usage.input_tokens, answer.usage.output_tokens]
    # What a model keeps of its thoughts for itself goes before, to be sent back.
    order = [block.type for block in answer.content if block.type != "thinking"]
    return told(text, answer.stop_reason, usage, calls, model=answer.model, order=order)


def unary(model, text, **more):
    return of_message(client.messages.create(**asked(model, text, **more)))


def stream(model, text, **more):
    with client.messages.stream(**asked(model, text, **more)) as events:
        pieces = sum(event.type == "text" for event in events)
        return {**of_message(events.get_final_message()), "pieces": pieces}


def result(model, **more):
    first = client.messages.create(**asked(model, "How is the weather?", tools=TOOLS))
    call = next(block for block in first.content if block.type == "tool_use")
    output = {"type": "tool_result", "tool_use_id": call.id, "content": "21 degrees", **more}
    turns = [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": [output]},
    ]
    return of_message(client.messages.create(**{**asked(model, "", tools=TOOLS), "messages": turns}))


def thought(model):
    more = {"max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    answer = client.messages.create(**asked(model, "Think.", **more))
    by_type = {block.type: block for block in answer.content}
    return {"text": by_type["text"].text, "thought": by_type["thinking"].thinking}


def thought_stream(model):
    more = {"max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    with client.messages.stream(**asked(model, "Think.", **more)) as events:
        by_type = {block.type: block for block in events.get_final_message().content}
    return {"text": by_type["text"].text, "thought": by_type["thinking"].thinking}


def refused(model, text, **more):
    try:
        client.messages.create(**asked(model, text, **more))
    except anthropic.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "type": json.loads(error.response.text)["error"]["type"],
            "retry-after": error.response.headers.get("retry-after"),
        }


def count(model):
    counted = client.messages.count_tokens(**{k: v for k, v in asked(model, "Hello?").items() if k != "max_tokens"})
    return counted.input_tokens


tell_all({
    "text": lambda model: unary(model, "Hello?"),
    "stream": lambda model: stream(model, "Hello?"),
    "tool": lambda model: unary(model, "How is the weather?", tools=TOOLS),
    "tool stream": lambda model: stream(model, "How is the weather?", tools=TOOLS),
    "both": lambda model: unary(model, "And in both?", tools=TOOLS),
    "both stream": lambda model: stream(model, "And in both?", tools=TOOLS),
    "result": result,
    "long": lambda model: unary(model, "A long story.", max_tokens=3),
    "filtered": lambda model: unary(model, "Something foul."),
    "filtered stream": lambda model: stream(model, "Something foul."),
    "thought": thought,
    "thought stream": thought_stream,
    "limited": lambda model: refused(model, "You are limited."),
    "limited stream": lambda model: refused(model, "You are limited.", stream=True),
    "too long": lambda model: refused(model, "This is too long."),
    "count": count,
})
