"""Check responses against X's own OpenAPI description. Names that it does not have are errors, too."""

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

# Names in recorded or quoted responses of X that its description lacks.
LIVE = (
    "body.data.image",  # of an upload; described since 2.167
    "body.data.edit_history_tweet_ids",  # of a new post; the same
    "body.meta",  # required by 2.166 for uploads, but not described
    "body.data.processing_info.type",  # the same
)


class Description:
    """X's OpenAPI description, read from a file."""

    def __init__(self, path: Path) -> None:
        self.spec: dict[str, Any] = json.loads(path.read_text())
        self.version = self.spec["info"]["version"]
        resource = DRAFT4.create_resource(self.spec)
        self._registry = Registry[Any]().with_resource("urn:x", resource)

    @cached_property
    def operations(self) -> dict[str, Any]:
        """Operations by endpoint name, as the sandbox writes it: "GET /2/users/:/mentions"."""
        return {
            plain(f"{method.upper()} {path}"): operation
            for path, methods in self.spec["paths"].items()
            for method, operation in methods.items()
            if method in ("get", "post", "put", "delete")
        }

    def schema(self, endpoint: str, status: int) -> Any:
        """Return the schema of the JSON body, or None."""
        responses = self.operations[plain(endpoint)]["responses"]
        content = responses[str(status)]["content"] if str(status) in responses else None
        return content["application/json"]["schema"] if content else None

    def lists(self, endpoint: str) -> dict[str, str]:
        """Return every value of each parameter that takes a list of names: all fields and all expansions."""
        parameters = (self.resolved(parameter) for parameter in self.operations[plain(endpoint)].get("parameters", []))
        return {
            parameter["name"]: ",".join(parameter["schema"]["items"]["enum"])
            for parameter in parameters
            if "enum" in parameter["schema"].get("items", {}) and parameter["name"] != "exclude"
        }

    def resolved(self, schema: Any) -> Any:
        """Follow references until there is none."""
        while "$ref" in schema:
            schema = self._at(schema["$ref"])
        return schema

    def _at(self, reference: str) -> Any:
        node: Any = self.spec
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        return node

    def find_errors(self, endpoint: str, status: int, body: Any) -> list[str]:
        """Return one message for each part of a response that does not conform."""
        if status >= 400:
            return self._find_problem_errors(body)
        schema = self.schema(endpoint, status)
        if schema is None:
            return [f"{endpoint} is not described to answer {status}"]
        partial = [text for error in body.get("errors", []) for text in self._find_problem_errors(error)]
        return self._invalid(schema, body) + sorted(self.unknown(schema, body)) + partial

    def _find_problem_errors(self, problem: dict[str, Any]) -> list[str]:
        """Check a problem by its type. A type that X does not describe (about:blank) needs the common shape."""
        base = self.spec["components"]["schemas"]["Problem"]
        reference = base["discriminator"]["mapping"].get(problem.get("type"))
        if reference:
            return self._invalid({"$ref": reference}, problem)
        return [] if {"type", "title"} <= set(problem) else [f"no problem at all: {problem}"]

    def _invalid(self, schema: Any, body: Any) -> list[str]:
        absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:x#/'))
        validator = OAS30Validator(absolute, registry=self._registry, format_checker=oas30_format_checker)
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(body)]

    def unknown(self, schema: Any, body: Any, where: str = "body") -> set[str]:
        """Return names in the response that its description lacks."""
        schema = self.resolved(schema)
        if isinstance(body, list):
            return {text for item in body for text in self.unknown(schema.get("items", {}), item, where)}
        if not isinstance(body, dict):
            return set()
        known = self._properties(schema, body)
        if not known and schema.get("type") == "object":
            return set()
        paths = {f"{where}.{name}" for name in body if name not in known}
        errors = {f"{path} is unknown" for path in paths if path not in LIVE}
        for name, value in body.items():
            errors |= self.unknown(known.get(name, {}), value, f"{where}.{name}") if name in known else set()
        return errors

    def _properties(self, schema: Any, body: dict[str, Any]) -> dict[str, Any]:
        """Return the properties of all parts of a schema, with those of the type that a media or problem names."""
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


def plain(endpoint: str) -> str:
    """Return an endpoint with each path parameter as `:`."""
    return re.sub(r"\{\w+\}|:\w+", ":", endpoint)
