"""Settings that a model refuses: which one its words name, and requests without it.

Which models take a temperature, an effort, thinking or a schema changes from month to month, so
that it can't all be known beforehand. A refusal is taken at its word: the request is sent again
without what it names, and so are those that follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chatterm.errors import ErrorKind, Failure
from chatterm.providers.error_words import says, shortened
from chatterm.providers.wire import HttpRequest

# What is said of a setting that isn't taken.
_REFUSED = (
    r"not support|unsupported|n't support|unrecogni[sz]ed|unknown|unexpected|invalid|deprecated"
    r"|not (permitted|allowed|enabled|available|accepted|implemented)|n't (allowed|enabled|accept)"
    r"|extra inputs|only (the default|be set|works?|one of)|(must|should) be|does not match"
    r"|can(not|'t) be|mandatory|failed to parse|incompatible|out of range|no longer"
)
# It isn't a setting that is wrong, but something in the conversation or a tool.
_ELSEWHERE = (
    r"signature|reasoning_(content|details)|\b(messages?|input|contents)[.\[]\d|\bitem\b"
    r"|for function|\btools?[.\[]\d|input_schema|function_declarations"
)


@dataclass(frozen=True, slots=True)
class _Setting:
    """Something that is asked beside the conversation.

    Attributes:
        name: What it is called, for people.
        words: A pattern of what servers call it.
        fields: Where the protocols have it in a request's body.
    """

    name: str
    words: str
    fields: tuple[str, ...]


# Of two that are named at the same place the first is meant: an effort is a part of thinking.
_SETTINGS = (
    _Setting(
        "effort",
        r"(reasoning|thinking)?[_. ]?effort\b|thinking[_ ]?(level|budget)|\bbudget\b",
        (
            "reasoning_effort",
            "reasoning.effort",
            "output_config.effort",
            "generationConfig.thinkingConfig.thinkingLevel",
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
    ),
    _Setting(
        "temperature",
        r"\btemperature\b",
        ("temperature", "generationConfig.temperature", "options.temperature"),
    ),
    _Setting(
        "schema for the reply",
        r"response[_ ]?format|json[_ ]?schema|response[_ ]?(json[_ ]?)?schema|json mode|grammar"
        r"|response[_ ]?mime[_ ]?type|structured[_ ]outputs?|output_(config\.)?format|text\.format"
        r"|invalid format",
        (
            "response_format",
            "text.format",
            "output_config.format",
            "generationConfig.responseMimeType",
            "generationConfig.responseSchema",
            "generationConfig.responseJsonSchema",
            "format",
        ),
    ),
    _Setting(
        "thinking",
        r"\bthink(ing)?\b|think(ing)?[_ ]?config|enable_thinking|include_?thoughts|\breasoning\b"
        r"|encrypted[_ ]content",
        (
            "thinking",
            "reasoning",
            "reasoning_effort",
            "output_config.effort",
            "include",
            "enable_thinking",
            "generationConfig.thinkingConfig",
            "think",
        ),
    ),
)


class RefusedSettings:
    """What the models of a provider turned out not to take."""

    def __init__(self) -> None:
        self._refused: dict[str, list[_Setting]] = {}

    def without(self, model: str, request: HttpRequest) -> HttpRequest:
        """The request without what its model refused before."""
        for setting in self._refused.get(model, ()):
            request = _without(request, setting)
        return request

    def learn(self, model: str, sent: HttpRequest | None, failure: Failure) -> str:
        """Note the setting that a failure says is refused, if the request had one.

        Args:
            model: The model that was asked.
            sent: The request, as it was sent.
            failure: How it failed; its words are shown.

        Returns:
            What is left out from now on, and why, for people; empty when it is nothing.
        """
        if sent is None or failure.kind is not ErrorKind.BAD_REQUEST:
            return ""
        # Only the server's own words count, and not the name of a model that has one of ours in it.
        name = rf"(?<![\w.-]){re.escape(model)}(?![\w-])"
        words = re.sub(name, "", failure.message.partition(": ")[2])
        for setting in _named(words):
            if _without(sent, setting) != sent:
                self._refused.setdefault(model, []).append(setting)
                reason = shortened(failure.message, 300)
                return f"{reason}; trying again without the {setting.name}"
        return ""


def _named(words: str) -> list[_Setting]:
    """The settings that a refusal names, the one it is about first."""
    if not says(_REFUSED, words) or says(_ELSEWHERE, words):
        return []
    found = [(re.search(each.words, words, re.IGNORECASE), each) for each in _SETTINGS]
    places = [(match.start(), setting) for match, setting in found if match]
    return [setting for _, setting in sorted(places, key=lambda place: place[0])]


def _without(request: HttpRequest, setting: _Setting) -> HttpRequest:
    body = request.body
    if body is None:
        return request
    for field in setting.fields:
        body = _removed(body, field.split("."))
    return request if body == request.body else replace(request, body=body)


def _removed(body: Mapping[str, Any], path: list[str]) -> Mapping[str, Any]:
    """The object without a field, and without the objects that are empty then."""
    name, *rest = path
    if name not in body:
        return body
    inner = body[name]
    if rest:
        left = _removed(inner, rest) if isinstance(inner, Mapping) else inner
        if left == inner:
            return body
        if left:
            return {key: left if key == name else value for key, value in body.items()}
    return {key: value for key, value in body.items() if key != name}
