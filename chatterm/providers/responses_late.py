"""Answers that a server finished while nobody listened, and what is said of them afterwards.

While a background response is written, its steps are marked with its id. A step that was cut off
with such a mark (chatterm was killed, the network stayed away) has the server asked, before the
next request, what became of the answer. What it gives is recorded in the turn under way, and from
then on is sent in place of what had come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatterm.assembly import StepWriter
from chatterm.providers.decoding import mapping, sequence, text_of
from chatterm.providers.responses_items import APPROVAL, is_ours
from chatterm.steps import NoticeStep, Status, Step, TextStep, Turn

LATE = "late"  # a text that is only shown: its items lie in the notice before it
_MARK = "unfinished"
_FETCHED = "fetched"
_NOT_RUN = "not run: chatterm had stopped before it knew of this call"

Late = Mapping[str, list[dict[str, Any]]]


def mark_of(response: str) -> dict[str, Any]:
    """The opaque data of a step that a response is just writing."""
    return {_MARK: response}


def marked(steps: Sequence[Step]) -> str:
    """The response that was writing one of these steps when it was cut off; empty for none."""
    cut = (step for step in steps if step.status is Status.INTERRUPTED)
    marks = (text_of((step.opaque or {}).get(_MARK)) for step in cut)
    return next(filter(None, marks), "")


def unfinished(turns: Sequence[Turn], provider: str) -> str:
    """The newest answer of a provider that broke off, and of which nothing else is recorded."""
    known = fetched(turns, provider)
    for turn in reversed(turns[:-1]):
        response = marked(turn.steps) if turn.provider == provider else ""
        if response:
            return "" if response in known else response
    return ""


def fetched(turns: Sequence[Turn], provider: str) -> dict[str, list[dict[str, Any]]]:
    """The items of the answers that were fetched later, by response."""
    found = {}
    for turn in turns:
        for step in turn.steps if turn.provider == provider else ():
            record = mapping((step.opaque or {}).get(_FETCHED))
            if record and isinstance(step, NoticeStep):
                found[text_of(record.get("response"))] = sequence(record.get("items"))
    return found


def items_of(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A finished response's items as they are sent from now on: what it called was never run."""
    items = [item for item in sequence(response.get("output")) if isinstance(item, dict)]
    answers: list[dict[str, Any]] = []
    for item in items:
        if is_ours(item):
            kind = f"{item['type']}_output"
            answers.append({"type": kind, "call_id": item.get("call_id"), "output": _NOT_RUN})
        elif item.get("type") == APPROVAL:
            of = {"approval_request_id": item.get("id"), "approve": False}
            answers.append({"type": "mcp_approval_response", **of})
    return [*items, *answers]


def tell(writer: StepWriter, response: str, items: list[dict[str, Any]]) -> None:
    """Write down what an answer came to while nobody listened."""
    writer.add(
        NoticeStep,
        reason="resumed",
        text="the server finished the answer that had broken off; here it is whole",
        opaque={_FETCHED: {"response": response, "items": items}},
    )
    parts = [
        text_of(mapping(part).get("text")) or text_of(mapping(part).get("refusal"))
        for item in items
        if item.get("type") == "message"
        for part in sequence(item.get("content"))
    ]
    if text := "\n\n".join(filter(None, parts)):
        writer.add(TextStep, text=text, opaque={LATE: True})
