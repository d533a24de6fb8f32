"""A conversation as plain text, for a pager.

Everything is sanitised and nothing is wrapped: the pager, or the terminal, does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import Citation, NoticeStep, RefusalStep, Step, TextStep, ThinkingStep
from chatterm.transcripts.outline import ToolUse, TurnView, outline
from chatterm.transcripts.words import (
    arguments_of,
    attachment_line,
    call_remark,
    ending,
    facts,
    moment,
    remark,
    result_remark,
    title_of,
    usage_line,
)

if TYPE_CHECKING:
    from chatterm.store.model import Conversation, RecordedTurn

_RULE = "─" * 72


def to_text(conversation: Conversation, turns: Iterable[RecordedTurn]) -> str:
    """A transcript without any markup of ours.

    Args:
        conversation: Whose transcript it is.
        turns: The turns to show: a path, or a tree with parents before their children.
    """
    about = [f"{label}: {value}" for label, value in facts(conversation)]
    parts = ["\n".join([title_of(conversation), *about])]
    for view in outline(turns):
        parts.extend(_turn(view))
    return "\n\n".join(part for part in parts if part) + "\n"


def _turn(view: TurnView) -> Iterator[str]:
    yield _RULE
    head = [view.name, moment(view.started.at), view.branch]
    yield " · ".join(part for part in head if part)
    if view.system:
        yield _marked("system", view.system)
    yield _body(view.started.input.text)
    yield "\n".join(f"attached: {attachment_line(a)}" for a in view.started.input.attachments)
    if view.number is not None:
        yield f"{sanitize_line(view.started.model) or 'answer'}:"
    end = ending(view.finished)
    for block in view.blocks:
        yield from _block(block, end)
    if end:
        yield f"[{end}]"
    line = usage_line(view.usage)
    if line:
        yield f"[{line}]"


def _block(block: Step | ToolUse, end: str) -> Iterator[str]:
    match block:
        case ToolUse():
            yield from _tool_use(block)
        case ThinkingStep():
            yield _marked("thinking, summarised" if block.summary else "thinking", block.text)
        case TextStep(withdrawn=True):
            yield _marked("withdrawn by the provider", block.text)
        case TextStep():
            yield _body(block.text)
            yield _sources(block.citations)
        case RefusalStep():
            yield _marked("declined", block.text)
        case NoticeStep():
            yield _marked("note", block.text)
            if block.summary:
                yield _marked("summary", block.summary)
    about = remark(block, end)
    if about:
        yield f"[{about}]"


def _tool_use(use: ToolUse) -> Iterator[str]:
    name = sanitize_line(use.name)
    if use.call is not None:
        about = call_remark(use)
        _, arguments = arguments_of(use.call)
        yield _marked(f"{name}, {about}" if about else name, arguments)
    if use.result is not None:
        about = result_remark(use.result)
        label = "result" if use.call else f"result of {name}"
        yield _marked(f"{label}, {about}" if about else label, use.result.content)


def _sources(citations: tuple[Citation, ...]) -> str:
    lines = (
        f"  {number}. " + "  ".join(filter(None, map(sanitize_line, (each.title, each.url))))
        for number, each in enumerate(citations, start=1)
    )
    return "\n".join(["sources:", *lines]) if citations else ""


def _body(text: str) -> str:
    return sanitize(text).strip("\n")


def _marked(label: str, text: str) -> str:
    """A labelled text with a bar before each of its lines."""
    body = _body(text)
    lines = [f"│ {line}".rstrip() for line in body.split("\n")] if body else []
    return "\n".join([f"[{label}]", *lines])
