"""What a call is about, in one line: what stands beside the tool's name in the pane."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chatterm.render.sanitize import sanitize_line

_MOST = 400


def about(name: str, values: Mapping[str, Any]) -> str:
    """What a call of a tool is about.

    Args:
        name: The tool's name.
        values: Its arguments, as far as they are known.
    """
    return sanitize_line(_about(name, values)[:_MOST]).strip()


def _about(name: str, values: Mapping[str, Any]) -> str:
    def text(key: str) -> str:
        value = values.get(key)
        return value if isinstance(value, str) else ""

    match name:
        case "shell":
            return " ".join(text("command").split())
        case "read_file":
            return text("path") + _lines(values)
        case "list_files":
            return " ".join(filter(None, (text("path") or ".", text("glob"))))
        case "search":
            where = text("path") or ("." if values else "")
            inside = "/".join(filter(None, (where.rstrip("/"), text("glob"))))
            return f'"{text("pattern")}" in {inside}' if text("pattern") else ""
        case "write_file" | "edit_file":
            every = " (every occurrence)" if values.get("replace_all") else ""
            return text("path") + every
        case "fetch_url":
            return text("url")
    if not values:
        return ""
    if len(values) == 1 and isinstance(only := next(iter(values.values())), str):
        return " ".join(only.split())
    return json.dumps(dict(values), ensure_ascii=False)


def _lines(values: Mapping[str, Any]) -> str:
    offset, limit = values.get("offset"), values.get("limit")
    if isinstance(offset, int) and isinstance(limit, int):
        return f":{offset}-{offset + limit - 1}"
    if isinstance(offset, int):
        return f":{offset}-"
    return f":1-{limit}" if isinstance(limit, int) else ""
