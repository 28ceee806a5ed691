"""Both published clients on a double that repeats what it was asked, and counts."""

import anthropic
import openai

from crossing import CITY, WEATHER, key, tell_all, told, url

chat = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)
messages = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=20)
TEXT = "Grüße, 你好, and the marmalade of 42 — repeat me, please."


def said(text):
    return [{"role": "user", "content": text}]


def chat_stream(model, text=TEXT):
    options = {"include_usage": True}
    asked = {"model": model, "messages": said(text), "stream_options": options}
    with chat.chat.completions.stream(**asked) as events:
        pieces = sum(event.type == "content.delta" for event in events)
        answer = events.get_final_completion()
    choice = answer.choices[0]
    usage = [answer.usage.prompt_tokens, answer.usage.completion_tokens]
    return told(choice.message.content, choice.finish_reason, usage, pieces=pieces)


def responses_stream(model, text=TEXT):
    with chat.responses.stream(model=model, input=text) as events:
        pieces = sum(event.type == "response.output_text.delta" for event in events)
        answer = events.get_final_response()
    usage = [answer.usage.input_tokens, answer.usage.output_tokens]
    return told(answer.output_text, answer.status, usage, pieces=pieces)


def messages_stream(model, text=TEXT, **more):
    with messages.messages.stream(**{"model": model, "max_tokens": 4096, "messages": said(text), **more}) as events:
        pieces = sum(event.type == "text" for event in events)
        answer = events.get_final_message()
    text = "".join(block.text for block in answer.content if block.type == "text")
    calls = [(block.name, block.input) for block in answer.content if block.type == "tool_use"]
    usage = [answer.usage.input_tokens, answer.usage.output_tokens]
    kinds = [block.type for block in answer.content]
    return told(text, answer.stop_reason, usage, calls, pieces=pieces, kinds=kinds)


def thought(model):
    return messages_stream(model, thinking={"type": "enabled", "budget_tokens": 1024})


def count(model):
    return messages.messages.count_tokens(model=model, messages=said(TEXT)).input_tokens


TOOLS = [{"name": f"read_{city}", "description": WEATHER, "input_schema": CITY} for city in ("paris", "oslo")]
# Anthropic takes names of 128 letters, OpenAI of 64.
LONG = [{**TOOLS[0], "name": "look_at_" + "the_weather_" * 9}]

tell_all({
    "chat stream": chat_stream,
    "responses stream": responses_stream,
    "messages stream": messages_stream,
    "thought": thought,
    "count": count,
    "chat cut": lambda model: chat_stream(model, "[[llmsim:cut]] chat"),
    "responses cut": lambda model: responses_stream(model, "[[llmsim:cut]] responses"),
    "messages cut": lambda model: messages_stream(model, "[[llmsim:cut]] messages"),
    "messages limited": lambda model: messages_stream(model, "[[llmsim:limited]] messages"),
    "messages tools": lambda model: messages_stream(model, "[[llmsim:tools]]", tools=TOOLS),
    "messages long name": lambda model: messages_stream(model, "[[llmsim:any]]", tools=LONG),
})
