"""A reply's JSON Schema in the part of JSON Schema that Anthropic's structured outputs take.

What isn't taken is left out: the model is held to less, and the reply is checked against the whole
schema all the same. Every object has to be closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEPT = ("type", "title", "description", "enum", "const", "required")
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6")
_MOST_DEEP = 50


def reply_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema as it can be sent; None where it can't be said, or the reply is no object."""
    if schema.get("type") != "object":
        return None
    return _strict(schema, 0)


def _strict(schema: Any, depth: int) -> dict[str, Any] | None:
    if not isinstance(schema, Mapping) or "$ref" in schema or depth > _MOST_DEEP:
        return None
    strict = {key: schema[key] for key in _KEPT if key in schema}
    variants = schema.get("anyOf") or schema.get("oneOf")
    if variants:
        found = [_strict(variant, depth + 1) for variant in variants]
        if None in found:
            return None
        return strict | {"anyOf": found}
    kind = schema.get("type")
    if not isinstance(kind, str):
        return strict if "enum" in strict or "const" in strict else None
    if kind == "object":
        return _closed(strict, schema.get("properties") or {}, depth)
    if kind == "array" and "items" in schema:
        items = _strict(schema["items"], depth + 1)
        return None if items is None else strict | {"items": items}
    if schema.get("format") in _FORMATS:
        strict["format"] = schema["format"]
    return strict


def _closed(strict: dict[str, Any], properties: Any, depth: int) -> dict[str, Any] | None:
    if not isinstance(properties, Mapping):
        return None
    named = {name: _strict(each, depth + 1) for name, each in properties.items()}
    if not named or None in named.values():
        return None  # an object of any names can't be said
    return strict | {"properties": named, "additionalProperties": False}
