"""LangChain on any upstream: by its adapters for chat completions, for Responses and for messages."""

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from crossing import key, tell_all, told, url


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"21 degrees in {city}"


class Place(BaseModel):
    """A place and how many live there."""

    city: str
    people: int


def chat(model):
    return ChatOpenAI(base_url=f"{url}/v1", api_key=key, model=model, max_retries=0, timeout=20, stream_usage=True)


def responses(model):
    return ChatOpenAI(base_url=f"{url}/v1", api_key=key, model=model, max_retries=0, timeout=20, use_responses_api=True)


def anthropic(model):
    return ChatAnthropic(base_url=url, api_key=key, model=model, max_retries=0, timeout=20, max_tokens=1024)


def of_message(message):
    told_why = message.response_metadata
    stop = told_why.get("finish_reason") or told_why.get("stop_reason") or told_why.get("status")
    usage = [message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"]]
    calls = [(call["name"], call["args"]) for call in message.tool_calls]
    return told(message.text, stop, usage, calls)


def stream(who, text):
    whole = None
    for chunk in who.stream(text):
        whole = chunk if whole is None else whole + chunk
    return of_message(whole)


def called(who):
    return stream(who.bind_tools([get_weather]), "How is the weather?")


def schema(who):
    return who.with_structured_output(Place).invoke("A place, please.").model_dump()


def turn(who):
    """One turn of an agent: the model wants a tool, the tool runs, the model answers."""
    bound = who.bind_tools([get_weather])
    messages = [HumanMessage("How is the weather?")]
    first = bound.invoke(messages)
    results = [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in first.tool_calls]
    return of_message(bound.invoke([*messages, first, *results]))


cases = {}
for name, who in {"chat": chat, "responses": responses, "anthropic": anthropic}.items():
    cases[f"{name} text"] = lambda model, who=who: of_message(who(model).invoke("Hello?"))
    cases[f"{name} stream"] = lambda model, who=who: stream(who(model), "Hello?")
    cases[f"{name} tool stream"] = lambda model, who=who: called(who(model))
    cases[f"{name} result"] = lambda model, who=who: turn(who(model))
    cases[f"{name} limited"] = lambda model, who=who: of_message(who(model).invoke("You are limited."))
    cases[f"{name} too long"] = lambda model, who=who: of_message(who(model).invoke("This is too long."))
for name, who in {"chat": chat, "responses": responses}.items():
    cases[f"{name} schema"] = lambda model, who=who: schema(who(model))
tell_all(cases)
