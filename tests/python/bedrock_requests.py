"""Judges bodies of Converse requests by the service's model: `bedrock_requests.py FILE...`.

Amazon's client refuses on its own what has the wrong type, what is missing and what is not known. Enumerations, patterns
and lengths are judged by the service; its model tells them, so they are judged here as well. At last the client writes
the request that it has read, which must be the same.
"""

import base64
import json
import pathlib
import re
import sys

import botocore.session
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from outcome import tell

model = botocore.session.get_session().get_service_model("bedrock-runtime")
operation = model.operation_model("Converse")


def params(shape, value, place):
    """What the client is given for this JSON."""
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure":
        assert isinstance(value, dict), f"{place}: {value}"
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{place}: unknown {unknown}"
        assert not getattr(shape, "is_tagged_union", False) or len(value) == 1, f"{place}: {value}"
        return {name: params(shape.members[name], item, f"{place}.{name}") for name, item in value.items()}
    check_size(shape, value, place)
    if shape.type_name == "list":
        return [params(shape.member, item, f"{place}[{at}]") for at, item in enumerate(value)]
    if shape.type_name == "map":
        return {name: params(shape.value, item, f"{place}.{name}") for name, item in value.items()}
    if shape.type_name == "blob":
        return base64.b64decode(value, validate=True)
    if shape.type_name == "string":
        assert not shape.enum or value in shape.enum, f"{place}: {value!r} is none of {shape.enum}"
        pattern = shape.metadata.get("pattern")
        assert not pattern or re.fullmatch(pattern, value), f"{place}: {value!r} is not {pattern}"
    return value


def check_size(shape, value, place):
    size = value if isinstance(value, (int, float)) else len(value)
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    assert least is None or size >= least, f"{place}: less than {least}"
    assert most is None or size <= most, f"{place}: more than {most}"


def judge(body):
    given = {"modelId": "double", **body}
    read = params(operation.input_shape, given, "")
    report = ParamValidator().validate(read, operation.input_shape)
    assert not report.has_errors(), report.generate_report()
    serializer = create_serializer(model.metadata["protocol"])
    written = serializer.serialize_to_request(read, operation)["body"]
    assert json.loads(written) == body, f"the client writes {written}"


for file in sys.argv[1:]:
    tell(pathlib.Path(file).stem, lambda: judge(json.loads(pathlib.Path(file).read_text())))
