"""A conversation at a glance: what is known about it, and its last turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.render import amounts
from chatterm.render.lines import Line, Span, Style
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import RefusalStep, Step, TextStep
from chatterm.transcripts.outline import ToolUse, TurnView, outline
from chatterm.transcripts.words import ending
from chatterm.tui.screens.painting import ERROR, MUTED
from chatterm.tui.screens.picker import Prose
from chatterm.tui.short_path import short_path
from chatterm.tui.steps.about import about

if TYPE_CHECKING:
    from chatterm.store import ConversationRow, Hit, RecordedTurn
    from chatterm.tui.steps.signs import Signs

PREVIEWED = 4
"""How many turns a preview shows, the last ones."""
_ASKED_LINES = 6
_ANSWER_LINES = 24
_MOST_CHARS = 4000
"""Of a text not more than this is looked at."""


def preview(
    row: ConversationRow, turns: Sequence[RecordedTurn], hit: Hit | None, signs: Signs
) -> list[Line | Prose]:
    """What shows a conversation; all that strangers wrote is sanitised.

    Args:
        row: What the list knows of it.
        turns: Its last turns, oldest first.
        hit: Where the words stand that were looked for, if any were.
        signs: What stands before messages and calls.
    """
    lines: list[Line | Prose] = [*_facts(row, signs)]
    if hit is not None:
        lines += [(), _found(hit)]
    if row.turns > len(turns) > 0:
        earlier = amounts.count(row.turns - len(turns), "earlier turn")
        lines += [(), (Span(f"{signs.dots} {earlier}", MUTED),)]
    for view in outline(turns):
        lines += [(), *_turn(view, signs)]
    return lines


def _facts(row: ConversationRow, signs: Signs) -> Iterator[Line]:
    conversation = row.conversation
    moment = amounts.local(conversation.updated_at)
    parts = [
        f"{moment:%Y-%m-%d %H:%M}" if moment else sanitize_line(conversation.updated_at),
        sanitize_line(row.model or ""),
        amounts.count(row.turns, "turn") if row.turns else "",
        *amounts.usage(row.usage, signs.arrow),
    ]
    yield (Span(f" {signs.dot} ".join(filter(None, parts)), MUTED),)
    directory = conversation.directory
    where = [conversation.id[:8], short_path(Path(directory)) if directory else ""]
    yield (Span(f" {signs.dot} ".join(filter(None, where)), MUTED),)


def _found(hit: Hit) -> Line:
    """The place where the words stand, in one line."""
    spans = [Span(f"{hit.kind.replace('_', ' ')}: ", MUTED)]
    at = 0
    for start, end in hit.matched:
        spans.append(Span(_flat(hit.snippet[at:start])))
        spans.append(Span(_flat(hit.snippet[start:end]), ("match",)))
        at = end
    spans.append(Span(_flat(hit.snippet[at:])))
    return tuple(span for span in spans if span.text)


def _flat(text: str) -> str:
    return sanitize_line(text.replace("\n", " "))


def _turn(view: TurnView, signs: Signs) -> Iterator[Line | Prose]:
    asked = view.started.input
    yield from _lines(asked.text, _ASKED_LINES, ("user",), f"{signs.user} ", signs)
    for attachment in asked.attachments:
        yield (Span(f"+ {sanitize_line(attachment.name)}", MUTED),)
    for block in view.blocks:
        yield from _block(block, signs)
    if end := ending(view.finished):
        yield (Span(f"[{end}]", ERROR if view.finished and view.finished.error else MUTED),)


def _block(block: Step | ToolUse, signs: Signs) -> Iterator[Line | Prose]:
    match block:
        case ToolUse():
            values = block.call.input if block.call is not None else None
            head = f" {sanitize_line(block.name)}"
            yield (
                Span(signs.done, ("tool",)),
                Span(f"{head}  {_flat(about(block.name, values or {}))}".rstrip(), MUTED),
            )
        case TextStep(withdrawn=False) | RefusalStep():
            yield from _prose(block.text, signs)


def _prose(text: str, signs: Signs) -> Iterator[Line | Prose]:
    """The beginning of an answer, and a sign where it goes on."""
    lines = sanitize(text[:_MOST_CHARS]).strip("\n").split("\n")
    if lines != [""]:
        yield Prose("\n".join(lines[:_ANSWER_LINES]))
    if len(lines) > _ANSWER_LINES or len(text) > _MOST_CHARS:
        yield (Span(signs.dots, MUTED),)


def _lines(text: str, most: int, style: Style, sign: str, signs: Signs) -> Iterable[Line]:
    """The first lines of a text, and a sign where it goes on."""
    lines = sanitize(text[:_MOST_CHARS]).strip("\n").split("\n")
    if lines == [""]:
        return
    for number, line in enumerate(lines[:most]):
        yield (Span(f"{'' if number else sign}{line}", style),)
    if len(lines) > most or len(text) > _MOST_CHARS:
        yield (Span(signs.dots, MUTED),)
