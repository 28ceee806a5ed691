"""Prints what became of a call, one JSON line each."""

import json


def tell(case, call):
    """Runs `call` and prints its result, or the error that it raised with all its base classes."""
    try:
        line = {"case": case, "raised": None, "result": call()}
    except Exception as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        status = getattr(error, "status_code", None)
        line = {"case": case, "raised": names, "status": status, "message": str(error)}
    # In one piece: calls may run side by side.
    print(json.dumps(line) + "\n", end="", flush=True)
