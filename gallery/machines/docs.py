"""The page that describes the API, drawn from the same OpenAPI document that machines read. Knows no SQL."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from markupsafe import Markup, escape
from starlette.responses import Response

from gallery.drawn import draw

SCHEMA = "#/components/schemas/"
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Part:
    """A parameter, or a field of an answer."""

    name: str
    kind: str
    words: str
    refers_to: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One address of the API."""

    path: str
    words: str
    parameters: list[Part]
    answer: str
    group: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What an answer looks like."""

    name: str
    words: str
    fields: list[Part]


class Described(FastAPI):
    """Describes problems as what they are sent as: FastAPI knows one type for all the answers of an address."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            for methods in super().openapi()["paths"].values():
                for status, answer in methods["get"]["responses"].items():
                    if status >= "400":
                        answer["content"] = {PROBLEM: answer["content"]["application/json"]}
        return super().openapi()


async def docs(request: Request) -> Response:
    """The API in words."""
    described = request.app.openapi()
    operations = list(_operations(described["paths"]))
    groups = {each.group: [one for one in operations if one.group == each.group] for each in operations}
    shapes = [_shape(name, one) for name, one in described["components"]["schemas"].items() if _is_answer(name)]
    return await draw(request, "api.html", groups=groups, shapes=shapes, in_code=in_code)


def in_code(words: str) -> Markup:
    """Words with what stands in `backticks` set as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(words))))  # noqa: S704


def _operations(paths: dict[str, Any]) -> Iterable[Operation]:
    for path, methods in paths.items():
        for each in (methods[method] for method in methods if method == "get"):
            content = each["responses"]["200"]["content"]["application/json"]["schema"]
            parameters = [
                Part(one["name"], _kind(one["schema"]), _also(one, one["schema"])) for one in each.get("parameters", [])
            ]
            yield Operation(path, each.get("description", ""), parameters, _referred(content), each["tags"][0])


def _shape(name: str, schema: dict[str, Any]) -> Shape:
    fields = [
        Part(field, _kind(one), one.get("description", ""), _referred(one))
        for field, one in schema.get("properties", {}).items()
    ]
    return Shape(name, schema.get("description", ""), fields)


def _also(parameter: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a parameter is for, and what it is where it is left out."""
    words = parameter.get("description", "") or schema.get("description", "")
    default = schema.get("default")
    return f"{words} (left out: {default})" if default not in (None, "") else words


def _kind(schema: dict[str, Any]) -> str:
    """The type in a word or two."""
    if "anyOf" in schema:
        kinds = [_kind(one) for one in schema["anyOf"]]
        return " or ".join(kinds)
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(SCHEMA)
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    words = {
        "object": "names and texts",
        "string": "text",
        "integer": "number",
        "null": "null",
        "boolean": "true or false",
    }
    return words.get(schema.get("type", ""), "anything")


def _referred(schema: dict[str, Any]) -> str:
    """The shape that a type speaks of; empty for plain ones."""
    for one in (schema, schema.get("items", {}), *schema.get("anyOf", [])):
        if "$ref" in one:
            return str(one["$ref"]).removeprefix(SCHEMA)
    return ""


def _is_answer(name: str) -> bool:
    return name.endswith("Json") or name in ("Links", "State")
