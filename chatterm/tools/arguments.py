"""Whether a call's arguments fit its tool's schema, and in words for the model where they don't."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatterm.tools.base import Tool

_MOST_PROBLEMS = 5
_LONGEST = 300  # characters of one problem: a wrong value may be a whole file


def check_arguments(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """What is wrong with arguments, a clause each; an empty string when they fit.

    Follows the tool's JSON Schema by the reference validator.
    """
    from jsonschema.validators import validator_for  # most turns call nothing

    schema = dict(tool.parameters)
    errors = sorted(validator_for(schema)(schema).iter_errors(dict(arguments)), key=str)
    problems = []
    for error in errors[:_MOST_PROBLEMS]:
        where = error.json_path.removeprefix("$").lstrip(".")
        message = error.message
        if len(message) > _LONGEST:
            message = f"{message[:_LONGEST]}…"
        problems.append(f"{where}: {message}" if where else message)
    return "; ".join(problems)
