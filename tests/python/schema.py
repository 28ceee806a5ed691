"""Validates YAML files with a JSON Schema and prints what is wrong with each, one JSON line each."""

import json
import sys

import yaml
from jsonschema import Draft202012Validator

schema, *files = sys.argv[1:]
with open(schema) as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for name in files:
    with open(name) as file:
        document = yaml.safe_load(file)
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]
    print(json.dumps({"file": name, "errors": errors}))
