"""What every client is asked to do on every upstream: `SCRIPT URL KEY MODEL…`, one case of each for each model."""

import sys

from outcome import tell

url, key, *models = sys.argv[1:]
WEATHER = "The weather of a city."
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PLACE = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}


def told(text, stop, usage, calls=(), **more):
    """What a client understood of an answer."""
    calls = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return {"text": text, "stop": stop, "usage": usage, "calls": calls, **more}


def tell_all(cases):
    for model in models:
        for case, call in cases.items():
            tell(f"{model}: {case}", lambda: call(model))
