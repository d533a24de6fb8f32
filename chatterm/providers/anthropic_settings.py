"""What is asked of an Anthropic model beside the conversation, by what its generation takes.

Up to Claude 4.5 thinking is asked for by a budget of tokens; since 4.6 a model decides by itself
and an effort steers it, and since Claude 5 nothing else is taken. Other makers' models that are
spoken to in this protocol know the budget.
"""

from __future__ import annotations

import re
from typing import Any

from chatterm.providers.anthropic_schema import reply_schema
from chatterm.providers.base import ModelRequest, Settings

INTERLEAVED = "interleaved-thinking-2025-05-14"

_BUDGETS = {
    "minimal": 1024,
    "low": 4096,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32768,
}
_LEAST_BUDGET = 1024

# A version stands behind the line's name or, in the older ids, before it; a date is no version.
_NEWER = r"(?:opus|sonnet|haiku|fable|mythos)-(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?"
_OLDER = r"claude-(?:instant-|v)?(\d)(?:[-.](\d)(?!\d))?"
_NEWEST = (99, 0)  # a Claude whose name tells no version

Version = tuple[int, int]


def version_of(model: str) -> Version | None:
    """The version of a Claude model; None for other makers' models."""
    name = model.lower()
    if "claude" not in name:
        return None
    found = re.search(_NEWER, name) or re.search(_OLDER, name)
    return (int(found[1]), int(found[2] or 0)) if found else _NEWEST


def most_tokens(version: Version | None) -> int:
    """The limit of a reply that nobody set one for: the protocol wants one.

    Models before 4.5 refuse a request whose prompt and limit together exceed their context.
    """
    if version is None:
        return 8192
    if version < (3, 5):
        return 4096
    if version < (3, 7):
        return 8192
    return 32000 if version < (4, 5) else 64000


def settings_fields(request: ModelRequest) -> dict[str, Any]:
    """The fields of a request that settings become."""
    settings = request.settings
    version = version_of(request.model)
    limit = settings.max_output_tokens or most_tokens(version)
    fields: dict[str, Any] = {"max_tokens": limit}
    thinking = _thinking(request.model, version, settings, limit)
    if thinking:
        fields["thinking"] = thinking
    output: dict[str, Any] = {}
    if effort := _effort(version, settings):
        output["effort"] = effort
    if settings.schema is not None and version and (version >= (4, 5) or version == (4, 1)):
        schema = reply_schema(settings.schema)
        if schema is not None:
            output["format"] = {"type": "json_schema", "schema": schema}
    if output:
        fields["output_config"] = output
    thinks = thinking.get("type") in ("enabled", "adaptive")
    if settings.temperature is not None and not thinks and (not version or version < (4, 7)):
        fields["temperature"] = settings.temperature  # refused beside thinking, and since 4.7
    return fields


def betas(request: ModelRequest, fields: dict[str, Any]) -> tuple[str, ...]:
    """The features that have to be asked for by a header: thinking between calls, in Claude 4."""
    version = version_of(request.model)
    budgeted = fields.get("thinking", {}).get("type") == "enabled"
    if budgeted and request.tools and version and (4, 0) <= version < (4, 6):
        return (INTERLEAVED,)
    return ()


def _thinking(
    model: str, version: Version | None, settings: Settings, limit: int
) -> dict[str, Any]:
    off = settings.thinking is False or settings.effort == "none"
    if off:
        return _thinking_off(model, version)
    asked = settings.thinking is True or settings.effort is not None
    if version is not None and version >= (4, 6):
        if not asked and settings.temperature is not None and version < (4, 7):
            return {}  # one of the two has to yield: the one that was set stays
        shown = {} if version == (4, 6) else {"display": "summarized"}
        return {"type": "adaptive", **shown}
    if not asked or (version is not None and version < (3, 7)):
        return {}
    wanted = _BUDGETS.get(settings.effort or "medium", _BUDGETS["medium"])
    budget = max(_LEAST_BUDGET, min(wanted, limit * 3 // 4))
    return {"type": "enabled", "budget_tokens": budget} if budget < limit else {}


def _thinking_off(model: str, version: Version | None) -> dict[str, Any]:
    """Nothing where thinking is off unless asked for, or can't be turned off."""
    if version is None or version >= (5, 0):
        always = version is not None and re.search("fable|mythos", model.lower())
        return {} if always else {"type": "disabled"}
    return {}


def _effort(version: Version | None, settings: Settings) -> str | None:
    """The effort in the words that adaptive models know."""
    effort = settings.effort
    if version is None or version < (4, 6) or effort in (None, "none"):
        return None
    if effort == "minimal":
        return "low"
    return "high" if effort == "xhigh" and version == (4, 6) else effort
