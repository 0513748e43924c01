"""data/openapi.yaml against what the server really answers: every answer that the tests get is checked.

What the file promises may grow, so it lets other members in; here an object with a member that the file does not tell is
wrong, so that the file cannot fall behind.
"""

import copy
import os
import re

import jsonschema
import yaml

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/openapi.yaml")
ROUTES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../daemon/api-routes.c")


def close(schema):
    """The schema with every object closed that names its members."""
    if isinstance(schema, dict):
        closed = {key: close(value) for key, value in schema.items()}
        if "properties" in schema and schema.get("type") == "object":
            closed.setdefault("additionalProperties", False)
        return closed
    return [close(item) for item in schema] if isinstance(schema, list) else schema


class Contract:
    def __init__(self):
        with open(FILE, encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        strict = copy.deepcopy(self.document)
        strict["components"]["schemas"] = close(strict["components"]["schemas"])
        self.resolver = jsonschema.RefResolver("", strict)
        self.paths = [(re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path) + "$"), path) for path in self.document["paths"]]
        self.seen = set()  # (path, method, status)

    def find(self, path):
        path = path.split("?")[0]
        return next((name for pattern, name in self.paths if pattern.match(path)), None)

    def check(self, method, path, status, media, value):
        """value: the body, parsed where it is JSON."""
        name = self.find(path)
        operation = self.document["paths"].get(name, {}).get(method.lower())
        if operation is None:
            assert status >= 400, f"{method} {path} is answered {status} and not in openapi.yaml"
            self.valid({"$ref": "#/components/schemas/Problem"}, value)
            return
        answer = operation["responses"].get(str(status))
        if answer is None:
            assert status >= 400, f"{method} {name} is answered {status}, which openapi.yaml does not tell"
            answer = operation["responses"]["default"]
        self.seen.add((name, method.upper(), status))
        content = answer.get("content")
        media = (media or "").split(";")[0]
        if not content:
            assert value is None, f"{method} {name} {status} has a body: {value!r}"
            return
        assert media in content, f"{method} {name} {status} is of type {media!r}, openapi.yaml tells {list(content)}"
        if "json" in media:
            self.valid(content[media]["schema"], value)
            if status >= 400:
                assert value["status"] == status and value["detail"], value

    def valid(self, schema, value):
        jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(value)

    def operations(self):
        return {(path, method.upper()) for path, methods in self.document["paths"].items() for method in methods}

    def routes(self):
        """What the daemon's table has, as the file would write it."""
        with open(ROUTES, encoding="utf-8") as file:
            return {(re.sub(r"\*", "{}", pattern), method)
                    for method, pattern in re.findall(r"\{EVHTTP_REQ_(\w+), \"([^\"]+)\"", file.read())}


CONTRACT = Contract()
