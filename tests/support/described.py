"""X's own description of its API, asked whether an answer fits. Names it does not know are wrong, too."""

import json
import re
from functools import cached_property

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

# What the recorded or quoted answers of the live X hold though its description does not name it.
LIVE = (
    "body.data.image",  # of an upload; named since 2.167
    "body.data.edit_history_tweet_ids",  # of a new post; the same
    "body.meta",  # required by 2.166 for uploads, and named nowhere
    "body.data.processing_info.type",  # the same
)


class Description:
    def __init__(self, path):
        self.spec = json.loads(path.read_text())
        self.version = self.spec["info"]["version"]
        resource = Resource(contents=self.spec, specification=DRAFT4)
        self._registry = Registry().with_resource("urn:x", resource)

    @cached_property
    def operations(self):
        """By the sandbox's way to name them: "GET /2/users/:/mentions", whatever the argument is called."""
        return {
            plain(f"{method.upper()} {path}"): operation
            for path, methods in self.spec["paths"].items()
            for method, operation in methods.items()
            if method in ("get", "post", "put", "delete")
        }

    def schema(self, endpoint, status):
        responses = self.operations[plain(endpoint)]["responses"]
        content = responses[str(status)]["content"] if str(status) in responses else None
        return content["application/json"]["schema"] if content else None

    def lists(self, endpoint):
        """Every value of every parameter that takes a list of names: all fields and all expansions."""
        parameters = (self.resolved(one) for one in self.operations[plain(endpoint)].get("parameters", []))
        return {
            one["name"]: ",".join(one["schema"]["items"]["enum"])
            for one in parameters
            if "enum" in one["schema"].get("items", {}) and one["name"] != "exclude"
        }

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self._at(schema["$ref"])
        return schema

    def _at(self, reference):
        found = self.spec
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return found

    def complaints(self, endpoint, status, body):
        """Everything that does not fit, in words; nothing when it fits."""
        if status >= 400:
            return self._of_problem(body)
        schema = self.schema(endpoint, status)
        if schema is None:
            return [f"{endpoint} is not described to answer {status}"]
        partial = [one for error in body.get("errors", []) for one in self._of_problem(error)]
        return self._invalid(schema, body) + sorted(self.unknown(schema, body)) + partial

    def _of_problem(self, problem):
        """By its type; what X's description knows no type for (about:blank since 2.167) must have the common shape."""
        base = self.spec["components"]["schemas"]["Problem"]
        reference = base["discriminator"]["mapping"].get(problem.get("type"))
        if reference:
            return self._invalid({"$ref": reference}, problem)
        return [] if {"type", "title"} <= set(problem) else [f"no problem at all: {problem}"]

    def _invalid(self, schema, body):
        absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:x#/'))
        validator = OAS30Validator(absolute, registry=self._registry, format_checker=oas30_format_checker)
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(body)]

    def unknown(self, schema, body, where="body"):
        """Names that stand in the answer and nowhere in its description."""
        schema = self.resolved(schema)
        if isinstance(body, list):
            return {one for item in body for one in self.unknown(schema.get("items", {}), item, where)}
        if not isinstance(body, dict):
            return set()
        known = self._properties(schema, body)
        if not known and schema.get("type") == "object":
            return set()
        paths = {f"{where}.{name}" for name in body if name not in known}
        found = {f"{path} is unknown" for path in paths if path not in LIVE}
        for name, value in body.items():
            found |= self.unknown(known.get(name, {}), value, f"{where}.{name}") if name in known else set()
        return found

    def _properties(self, schema, body):
        """All parts of a schema together; of a media or a problem also those of the kind that it says it is."""
        schema = self.resolved(schema)
        discriminator = schema.get("discriminator", {})
        kind = discriminator.get("mapping", {}).get(body.get(discriminator.get("propertyName")))
        known = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            inner = self.resolved(part)
            known |= inner.get("properties", {})
        for part in [{"$ref": kind}] if kind else []:
            for piece in self.resolved(part).get("allOf", [self.resolved(part)]):
                known |= self.resolved(piece).get("properties", {})
        return known


def plain(endpoint):
    return re.sub(r"\{\w+\}|:\w+", ":", endpoint)
