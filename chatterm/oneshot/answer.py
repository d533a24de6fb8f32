"""What of a turn is its answer, and the forms in which `ask` gives it. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from chatterm.events import TurnFinished
from chatterm.steps import (
    Citation,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)

_FENCE = re.compile(
    r"^[ \t]*(```+|~~~+)[^\n]*\n(.*?)^[ \t]*\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE
)
_PARAGRAPH = "\n\n"


def is_answer(step: Step) -> bool:
    """Whether a step is part of the answer: not commentary, not text that was taken back."""
    match step:
        case TextStep():
            return step.phase != "commentary" and not step.withdrawn
        case RefusalStep():
            return True
        case _:
            return False


def answer_text(steps: Iterable[Step]) -> str:
    """The answer as one text, its steps as paragraphs."""
    texts = [step.text for step in steps if is_answer(step)]  # type: ignore[attr-defined]
    return _PARAGRAPH.join(text for text in texts if text)


def summary(conversation: str, turn: str, steps: list[Step], end: TurnFinished) -> dict[str, Any]:
    """The object that `--format json` prints."""
    return {
        "conversation": conversation,
        "turn": turn,
        "status": end.status.value,
        "text": answer_text(steps),
        "thinking": _PARAGRAPH.join(
            step.text for step in steps if isinstance(step, ThinkingStep) and step.text
        ),
        "tool_calls": _calls(steps),
        "citations": [citation.to_json() for citation in citations(steps)],
        "usage": end.usage.to_json(),
        "error": end.error.to_json() if end.error else None,
    }


def citations(steps: Iterable[Step]) -> list[Citation]:
    """The sources that the texts name, each once, in order."""
    found: dict[tuple[str, str], Citation] = {}
    for step in steps:
        if isinstance(step, TextStep):
            for citation in step.citations:
                found.setdefault((citation.url, "" if citation.url else citation.title), citation)
    return list(found.values())


def first_code_block(text: str) -> str | None:
    """The content of the first fenced code block in Markdown, or None."""
    from markdown_it import MarkdownIt

    for token in MarkdownIt("commonmark").parse(text):
        if token.type in ("fence", "code_block"):
            return token.content
    return None


def json_in_reply(text: str) -> tuple[Any, str]:
    """The JSON value of a reply, and its own text without a fence around it.

    Models wrap JSON in a code fence now and then, or say a word before it.

    Raises:
        ValueError: There is no JSON in the reply.
    """
    candidates = [text.strip(), *(match.group(2).strip() for match in _FENCE.finditer(text))]
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        candidates.append(text[start : end + 1])
    error: Exception = ValueError("the reply is empty")
    for candidate in candidates:
        try:
            return json.loads(candidate), candidate
        except (ValueError, RecursionError) as problem:
            error = problem
    raise ValueError(f"the reply is not JSON: {error}")


def misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Why a value doesn't fit a JSON Schema, naming the place, or None where it does."""
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for

    error = best_match(validator_for(schema)(schema).iter_errors(value))
    return None if error is None else f"at {error.json_path}: {error.message}"


def _calls(steps: list[Step]) -> list[dict[str, Any]]:
    results = [step for step in steps if isinstance(step, ToolResultStep)]
    calls = []
    for call in (step for step in steps if isinstance(step, ToolCallStep)):
        answer = next(
            (r for r in results if r.call_id == call.call_id and r.round == call.round), None
        )
        calls.append(
            {
                "call_id": call.call_id,
                "name": call.name,
                "arguments": call.arguments,
                "input": call.input,
                "hosted": call.hosted,
                "outcome": answer.outcome.value if answer else None,
                "result": answer.content if answer else None,
            }
        )
    return calls
