"""The published OpenAI client on any upstream, by chat completions and by Responses."""

import json

import openai

from crossing import CITY, PLACE, WEATHER, key, tell_all, told, url

client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)
TOOL = {"name": "get_weather", "description": WEATHER, "parameters": CITY}
TOOLS = [{"type": "function", "function": TOOL}]


def said(text):
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def of_completion(answer):
    choice = answer.choices[0]
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or []]
    usage = [answer.usage.prompt_tokens, answer.usage.completion_tokens]
    return told(choice.message.content or "", choice.finish_reason, usage, calls, model=answer.model)


def unary(model, text, **more):
    return of_completion(client.chat.completions.create(model=model, messages=said(text), **more))


def stream(model, text, **more):
    options = {"include_usage": True}
    with client.chat.completions.stream(model=model, messages=said(text), stream_options=options, **more) as events:
        pieces = sum(event.type == "content.delta" for event in events)
        return {**of_completion(events.get_final_completion()), "pieces": pieces}


def with_result(model, create):
    """Calls the tool that the model wants, and asks again."""
    messages = said("How is the weather?")
    first = client.chat.completions.create(model=model, messages=messages, tools=TOOLS).choices[0].message
    messages.append(first.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "21 degrees"})
    return create(model=model, messages=messages, tools=TOOLS)


def result(model):
    return of_completion(with_result(model, client.chat.completions.create))


def schema(model):
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": PLACE, "strict": True}}
    return json.loads(unary(model, "A place, please.", response_format=form)["text"])


def thought(model):
    choice = client.chat.completions.create(model=model, messages=said("Think."), reasoning_effort="low").choices[0]
    return {"text": choice.message.content, "thought": getattr(choice.message, "reasoning_content", None)}


def refused(model, text, create=client.chat.completions.create):
    try:
        create(model=model, messages=said(text))
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "retry-after": error.response.headers.get("retry-after"),
        }


def create_stream(**asked):
    return client.chat.completions.create(stream=True, **asked)


def of_response(answer):
    calls = [(item.name, json.loads(item.arguments)) for item in answer.output if item.type == "function_call"]
    usage = [answer.usage.input_tokens, answer.usage.output_tokens]
    return told(answer.output_text, answer.status, usage, calls, model=answer.model)


RESPONSES_TOOLS = [{"type": "function", **TOOL, "strict": False}]


def response(model, text, **more):
    return of_response(client.responses.create(model=model, instructions="Be brief.", input=text, **more))


def response_stream(model, text, **more):
    with client.responses.stream(model=model, instructions="Be brief.", input=text, **more) as events:
        pieces = sum(event.type == "response.output_text.delta" for event in events)
        return {**of_response(events.get_final_response()), "pieces": pieces}


def response_result(model):
    asked = [{"role": "user", "content": "How is the weather?"}]
    first = client.responses.create(model=model, input=asked, tools=RESPONSES_TOOLS, store=False)
    call = next(item for item in first.output if item.type == "function_call")
    again = [item.model_dump(exclude_none=True) for item in first.output]
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
    more = [*asked, *again, output]
    return of_response(client.responses.create(model=model, input=more, tools=RESPONSES_TOOLS, store=False))


def response_refused(model, text):
    return refused(model, text, lambda model, messages: client.responses.create(model=model, input=messages))


tell_all({
    "text": lambda model: unary(model, "Hello?"),
    "stream": lambda model: stream(model, "Hello?"),
    "tool": lambda model: unary(model, "How is the weather?", tools=TOOLS),
    "tool stream": lambda model: stream(model, "How is the weather?", tools=TOOLS),
    "both": lambda model: unary(model, "And in both?", tools=TOOLS),
    "both stream": lambda model: stream(model, "And in both?", tools=TOOLS),
    "result": result,
    "long": lambda model: unary(model, "A long story.", max_completion_tokens=3),
    "filtered": lambda model: unary(model, "Something foul."),
    "filtered stream": lambda model: stream(model, "Something foul."),
    "schema": schema,
    "thought": thought,
    "limited": lambda model: refused(model, "You are limited."),
    "limited stream": lambda model: refused(model, "You are limited.", create_stream),
    "too long": lambda model: refused(model, "This is too long."),
    "responses text": lambda model: response(model, "Hello?"),
    "responses stream": lambda model: response_stream(model, "Hello?"),
    "responses tool": lambda model: response(model, "How is the weather?", tools=RESPONSES_TOOLS),
    "responses tool stream": lambda model: response_stream(model, "How is the weather?", tools=RESPONSES_TOOLS),
    "responses both stream": lambda model: response_stream(model, "And in both?", tools=RESPONSES_TOOLS),
    "responses result": response_result,
    "responses limited": lambda model: response_refused(model, "You are limited."),
    "responses too long": lambda model: response_refused(model, "This is too long."),
})
