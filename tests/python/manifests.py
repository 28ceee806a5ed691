"""What others say of packaging/: `manifests.py TASK FILE…`, a JSON line for each thing."""

import json
import sys

import yaml


def say(thing):
    print(json.dumps(thing))


def objects(*files):
    """The documents of YAML files."""
    for file in files:
        with open(file) as text:
            for document in yaml.safe_load_all(text):
                say(document)


def kubernetes(file, *versions):
    """What is wrong with manifests, by the schemas of these versions of Kubernetes."""
    import kubernetes_validate

    with open(file) as text:
        manifests = [it for it in yaml.safe_load_all(text) if it]
    for version in versions:
        for manifest in manifests:
            name = f"{version} {manifest['kind']}"
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
                say({"of": name, "wrong": None})
            except kubernetes_validate.ValidationError as error:
                say({"of": name, "wrong": f"{list(error.path)}: {error.message}"})


def lint(chart):
    """What Helm finds wrong with a chart."""
    import helm_python

    for message in helm_python.lint(chart)["messages"]:
        say(message)


def render(chart, name, values):
    """The objects of a chart with these values."""
    import helm_python

    with helm_python.Chart.load(chart) as it:
        values = json.loads(values)
        try:
            it.validate_schema(values)
        except helm_python.HelmError as error:
            return say({"refused": str(error)})
        for text in it.render(values, name=name, namespace="default").values():
            for document in yaml.safe_load_all(text):
                # Notes are no object.
                if isinstance(document, dict) and "kind" in document:
                    say(document)


def sbom(file):
    """What is wrong with a list of components."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    with open(file) as text:
        wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.read())
    say({"wrong": wrong and str(wrong)})


globals()[sys.argv[1]](*sys.argv[2:])
