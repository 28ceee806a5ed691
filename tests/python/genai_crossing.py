"""Google's published client on any upstream."""

from google import genai
from google.genai import errors, types

from crossing import CITY, WEATHER, key, tell_all, told, url

client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, timeout=20_000))
GET_WEATHER = types.FunctionDeclaration(name="get_weather", description=WEATHER, parameters_json_schema=CITY)
TOOLS = [types.Tool(function_declarations=[GET_WEATHER])]


def config(**more):
    off = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(system_instruction="Be brief.", automatic_function_calling=off, **more)


def parts_told(parts, last, **more):
    text = "".join(part.text for part in parts if part.text and not part.thought)
    calls = [(part.function_call.name, part.function_call.args) for part in parts if part.function_call]
    usage = [last.usage_metadata.prompt_token_count, last.usage_metadata.candidates_token_count]
    return told(text, last.candidates[0].finish_reason.value, usage, calls, model=last.model_version, **more)


def unary(model, text, **more):
    answer = client.models.generate_content(model=model, contents=text, config=config(**more))
    return parts_told(answer.candidates[0].content.parts, answer)


def stream(model, text, **more):
    chunks = list(client.models.generate_content_stream(model=model, contents=text, config=config(**more)))
    parts = []
    for chunk in chunks:
        for candidate in chunk.candidates or []:
            parts += candidate.content.parts or [] if candidate.content else []
    pieces = sum(bool(part.text) for part in parts)
    return parts_told(parts, chunks[-1], pieces=pieces)


def result(model):
    question = types.Content(role="user", parts=[types.Part(text="How is the weather?")])
    first = client.models.generate_content(model=model, contents=[question], config=config(tools=TOOLS))
    said = first.candidates[0].content
    call = next(part.function_call for part in said.parts if part.function_call)
    output = types.FunctionResponse(id=call.id, name=call.name, response={"result": "21 degrees"})
    turns = [question, said, types.Content(role="user", parts=[types.Part(function_response=output)])]
    answer = client.models.generate_content(model=model, contents=turns, config=config(tools=TOOLS))
    return parts_told(answer.candidates[0].content.parts, answer)


def thought(model):
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    answer = client.models.generate_content(model=model, contents="Think.", config=config(thinking_config=thinking))
    parts = answer.candidates[0].content.parts
    return {"text": answer.text, "thought": "".join(part.text for part in parts if part.thought)}


def refused(model, text, generate=client.models.generate_content):
    try:
        list(generate(model=model, contents=text))
    except errors.APIError as error:
        after = error.response.headers.get("retry-after")
        return {"class": type(error).__name__, "status": error.code, "name": error.status, "retry-after": after}


def count(model):
    return client.models.count_tokens(model=model, contents="Hello?").total_tokens


tell_all({
    "text": lambda model: unary(model, "Hello?"),
    "stream": lambda model: stream(model, "Hello?"),
    "tool": lambda model: unary(model, "How is the weather?", tools=TOOLS),
    "tool stream": lambda model: stream(model, "How is the weather?", tools=TOOLS),
    "both": lambda model: unary(model, "And in both?", tools=TOOLS),
    "both stream": lambda model: stream(model, "And in both?", tools=TOOLS),
    "result": result,
    "long": lambda model: unary(model, "A long story.", max_output_tokens=3),
    "thought": thought,
    "limited": lambda model: refused(model, "You are limited."),
    "limited stream": lambda model: refused(model, "You are limited.", client.models.generate_content_stream),
    "too long": lambda model: refused(model, "This is too long."),
    "count": count,
    "listed": lambda model: [it.name for it in client.models.list()],
    "got": lambda model: client.models.get(model=model).name,
})
