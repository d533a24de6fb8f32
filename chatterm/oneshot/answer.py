"""What of a turn is its answer, and the forms in which `ask` gives it. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
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

_PARAGRAPH = "\n\n"
_LONGEST_COMPLAINT = 300  # characters


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


def first_code_block(text: str, *, closed: bool = False) -> str | None:
    """The content of the first fenced code block in Markdown, or None.

    Where there is no fence, an indented block counts.

    Args:
        text: The Markdown.
        closed: Only a fence that was closed will do: the text was cut off.
    """
    blocks = list(_code_blocks(text))
    for content, fenced, whole in blocks:
        if fenced and (whole or not closed):
            return content
    return next((content for content, fenced, _ in blocks if not fenced and not closed), None)


def json_in_reply(text: str) -> tuple[Any, str]:
    """The JSON value of a reply, and its own text without a fence around it.

    Models wrap JSON in a code fence now and then, or say a word before it.

    Raises:
        ValueError: There is no JSON in the reply.
    """
    if not text.strip():
        raise ValueError("the reply is empty")
    error: Exception | None = None
    for candidate in _json_candidates(text):
        try:
            return json.loads(candidate, parse_constant=_no_json), candidate
        except (ValueError, RecursionError) as problem:
            error = error or problem
    raise ValueError(f"the reply is not JSON: {error}")


def misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Why a value doesn't fit a JSON Schema, naming the place, or None where it does."""
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # An empty registry: references to other places aren't fetched.
    validator = validator_for(schema)(schema, registry=Registry())
    try:
        error = best_match(validator.iter_errors(value))
    except Unresolvable as problem:
        return f"the schema refers to {problem.ref!r}, which isn't in it"
    except RecursionError:
        return "it is nested too deeply"
    if error is None:
        return None
    complaint = error.message
    if len(complaint) > _LONGEST_COMPLAINT:
        complaint = complaint[:_LONGEST_COMPLAINT] + "…"
    return f"at {error.json_path}: {complaint}"


def _json_candidates(text: str) -> Iterator[str]:
    yield text.strip()
    for content, _, _ in _code_blocks(text):
        yield content.strip()
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        yield text[start : end + 1]


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _code_blocks(text: str) -> Iterator[tuple[str, bool, bool]]:
    """The code blocks of Markdown as (content, is it fenced, is its fence closed)."""
    from markdown_it import MarkdownIt

    lines = text.split("\n")
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "code_block":
            yield token.content, False, True
        elif token.type == "fence":
            first, behind = token.map or (0, 0)
            last = lines[min(behind, len(lines)) - 1].strip(" \t>")
            yield token.content, True, behind - first > 1 and last.startswith(token.markup)


def _calls(steps: list[Step]) -> list[dict[str, Any]]:
    results = [step for step in steps if isinstance(step, ToolResultStep)]
    calls = []
    for call in (step for step in steps if isinstance(step, ToolCallStep)):
        key = (call.round, call.call_id)
        answer = next((r for r in results if (r.round, r.call_id) == key), None)
        if answer is not None:
            results.remove(answer)  # ids repeat now and then: each result answers one call
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
