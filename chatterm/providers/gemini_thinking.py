"""How each family of Gemini models is asked to think, and whether it checks thought signatures."""

from __future__ import annotations

import re
from typing import Any

_NOT_THINKING = re.compile(
    r"(^|/)(gemini-1|gemini-2\.0(?!.*thinking)|gemini-pro|gemma|learnlm|imagen|veo|aqa)"
    r"|-(image|tts|embedding|live)\b|embedding"
)
# From the third generation on levels are asked for, before it a budget of tokens.
_LEVELLED = re.compile(r"(^|/)gemini-([3-9]|\d\d)")
_LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
_MOST = frozenset(("xhigh", "max"))
# The budgets that Google's own compatible interface gives these words.
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}


def thinking_config(model: str, effort: str | None, thinking: bool | None) -> dict[str, Any]:
    """The `thinkingConfig` of a request; empty where nothing may or need be asked."""
    if _NOT_THINKING.search(model):
        return {}
    aloud = thinking is not False
    config: dict[str, Any] = {"includeThoughts": True} if aloud else {}
    word = (effort or "").lower()
    if not word and not aloud and _can_stop(model):
        word = "none"
    if not word:
        return config
    if _LEVELLED.search(model):
        return config | _level(model, word)
    budget = int(word) if word.isdecimal() else _BUDGETS.get("high" if word in _MOST else word)
    if budget == 0:
        return {"thinkingBudget": 0} if _can_stop(model) else config
    return config if budget is None else config | {"thinkingBudget": budget}


def checks_signatures(model: str) -> bool:
    """Whether a model refuses calls without the thought signature they were made with."""
    return _LEVELLED.search(model) is not None


def _can_stop(model: str) -> bool:
    """Whether thinking can be turned off."""
    return "pro" not in model and not _LEVELLED.search(model)


def _level(model: str, word: str) -> dict[str, Any]:
    if word == "none":
        word = "low" if "pro" in model else "minimal"
    level = "HIGH" if word in _MOST else _LEVELS.get(word, word.upper())
    return {"thinkingLevel": level}
