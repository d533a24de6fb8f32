"""JSON Schemas as Gemini takes them: its own `Schema`, which has only some of the keywords.

What it hasn't is said in other words where that keeps the meaning (references are put in place,
`const` is an `enum`, a list of types is `anyOf` or `nullable`) and left out where it doesn't: a
keyword that the server doesn't know makes it refuse the whole request. The arguments are checked
against the schema itself when the call runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_KEPT = frozenset(
    {"title", "description", "default", "example", "pattern", "propertyOrdering"}
    | {"minimum", "maximum", "minLength", "maxLength"}
    | {"minItems", "maxItems", "minProperties", "maxProperties"}
)
_FORMATS = {
    "string": ("date-time", "enum"),
    "integer": ("int32", "int64"),
    "number": ("float", "double"),
}
_Schema = dict[str, Any]
_ANYTHING = {"type": "STRING"}  # every schema has to have a type
_ITSELF = {"type": "object"}  # where a schema comes back to itself: there is no end to it


def schema_for_gemini(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """A JSON Schema in Gemini's form; None for an object without properties, which it refuses."""
    found = _Converter(schema).convert(schema)
    bare = found.get("type") == "OBJECT" and not found.get("properties")
    return None if bare or not found else found


class _Converter:
    """Converts the schemas in one schema, to whose definitions they refer."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def convert(self, schema: Any, within: frozenset[str] = frozenset()) -> dict[str, Any]:
        """A schema in Gemini's form; `within` are the references it was reached through."""
        if not isinstance(schema, Mapping):
            return {}
        schema, within = self._joined(schema, within)
        result = {key: schema[key] for key in schema if key in _KEPT and schema[key] is not None}
        self._type(schema, result)
        self._alternatives(schema, result, within)
        self._values(schema, result)
        self._contents(schema, result, within)
        return result

    def _joined(
        self, schema: Mapping[str, Any], within: frozenset[str]
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """The schema with what it refers to, and what it is all of, in it."""
        joined = dict(schema)
        reference = joined.pop("$ref", None)
        parts = [part for part in joined.pop("allOf", None) or [] if isinstance(part, Mapping)]
        if isinstance(reference, str):
            parts.append(_ITSELF if reference in within else self._referred(reference))
            within |= {reference}
        base: dict[str, Any] = {}
        for part in parts:
            whole, within = self._joined(part, within)
            base = _merged(base, whole)
        return _merged(base, joined), within

    def _referred(self, reference: str) -> Mapping[str, Any]:
        node: Any = self._root
        for key in reference.removeprefix("#").strip("/").split("/"):
            plain = key.replace("~1", "/").replace("~0", "~")
            node = node.get(plain) if isinstance(node, Mapping) else None
        return node if isinstance(node, Mapping) else {}

    def _type(self, schema: _Schema, result: _Schema) -> None:
        types = schema.get("type")
        names = [types] if isinstance(types, str) else [t for t in types or [] if t != "null"]
        if isinstance(types, list) and "null" in types:
            result["nullable"] = True
        if schema.get("nullable") is True:
            result["nullable"] = True
        if not names:
            names = [implied] if (implied := _implied(schema)) else []
        if len(names) == 1:
            result["type"] = str(names[0]).upper()
            if schema.get("format") in _FORMATS.get(str(names[0]), ()):
                result["format"] = schema["format"]
        elif names:
            result["anyOf"] = [{"type": str(name).upper()} for name in names]

    def _alternatives(
        self, schema: Mapping[str, Any], result: dict[str, Any], within: frozenset[str]
    ) -> None:
        given = schema.get("anyOf") or schema.get("oneOf")
        if not isinstance(given, list) or "type" in result:
            return  # beside a type, alternatives are refused
        wanted = [each for each in given if not _is_null(each)]
        if len(wanted) < len(given):
            result["nullable"] = True
        choices = [choice for each in wanted if (choice := self.convert(each, within))]
        if len(choices) == 1:
            result |= {key: value for key, value in choices[0].items() if key not in result}
        elif choices:
            result["anyOf"] = choices

    def _values(self, schema: _Schema, result: _Schema) -> None:
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if not isinstance(values, list) or not values:
            return
        if None in values:
            result["nullable"] = True
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) == len([value for value in values if value is not None]) and texts:
            result |= {"type": "STRING", "enum": texts}
            return
        # Only strings can be enumerated.
        words = "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
        described = result.get("description")
        result["description"] = f"{described} ({words})" if described else words

    def _contents(
        self, schema: Mapping[str, Any], result: dict[str, Any], within: frozenset[str]
    ) -> None:
        if result.get("type") == "ARRAY":
            items = schema.get("items", schema.get("prefixItems"))
            if isinstance(items, list):
                items = items[0] if items else {}
            # An array has to say what is in it.
            result["items"] = self.convert(items, within) or {"type": "STRING"}
        properties = schema.get("properties")
        if result.get("type") == "OBJECT" and isinstance(properties, Mapping) and properties:
            converted = {name: self.convert(each, within) for name, each in properties.items()}
            result["properties"] = {name: each or _ANYTHING for name, each in converted.items()}
            required = schema.get("required")
            known = [name for name in required or [] if name in properties]
            if known:
                result["required"] = known


def _merged(one: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = one | over
    for key in ("properties", "required"):
        first, second = one.get(key), over.get(key)
        if isinstance(first, dict) and isinstance(second, dict):
            both[key] = first | second
        elif isinstance(first, list) and isinstance(second, list):
            both[key] = list(dict.fromkeys([*first, *second]))
    return both


def _implied(schema: Mapping[str, Any]) -> str:
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else ""


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"
