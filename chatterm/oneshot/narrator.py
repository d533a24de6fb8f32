"""What `ask` says on standard error beside the answer: thinking, tools, notices, warnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatterm.events import (
    Event,
    StepDelta,
    StepFinished,
    StepStarted,
    TurnFinished,
    TurnStarted,
)
from chatterm.oneshot.answer import is_answer
from chatterm.render.wordwrap import WordWrap, wrapped
from chatterm.steps import (
    NoticeStep,
    Outcome,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
)

if TYPE_CHECKING:
    from chatterm.render.sanitize import Sanitizer

Writer = Callable[[str], None]

_MUTED, _WARNING, _RESET = "\x1b[2m", "\x1b[33m", "\x1b[0m"
_MARK = {
    Outcome.DONE: "●",
    Outcome.DENIED: "⊘",
    Outcome.CANCELLED: "■",
}
# Notices that the turn's end tells again, and those that only tell how it goes.
_TOLD_ELSEWHERE = frozenset(("stream_cut",))
_PROGRESS = frozenset(
    ("retry", "resumed", "compacted", "recovered", "quota", "topic", "tool", "instructions")
)
_LONGEST = 200  # characters of a call's arguments in its one line


class Narrator:
    """Writes lines for people to standard error.

    Args:
        write: Writes text to standard error.
        talkative: Tell of progress at all: standard error is a terminal and `-q` wasn't given.
        quiet: Not even warnings.
        thinking: Show thinking as it streams.
        styles: Control sequences may be used.
        colour: Colours may be used.
        width: Columns that lines are broken at, or None to leave them whole.
    """

    def __init__(
        self,
        write: Writer,
        *,
        talkative: bool,
        quiet: bool = False,
        thinking: bool = True,
        styles: bool = False,
        colour: bool = False,
        width: int | None = None,
    ) -> None:
        self._write = write
        self._talkative = talkative
        self._quiet = quiet
        self._thinking = thinking
        self._styles = styles
        self._colour = colour
        self._thoughts: dict[str, Sanitizer] = {}
        self._commentary: dict[str, Sanitizer] = {}
        self._wrap = WordWrap(width) if width else None
        self._width = width
        self._in_line = False
        self._told = False  # since the last text of the answer
        self._blank_due = False

    def event(self, event: Event) -> None:
        """Tell of an event, when it is worth telling."""
        match event:
            case TurnStarted() if self._talkative:
                self._line(f"{event.model} · {event.conversation}", _MUTED)
            case StepStarted(ThinkingStep() as step) if self._thinking:
                self._thoughts[step.id] = _sanitizer()
            case StepStarted(TextStep() as step) if self._talkative and not is_answer(step):
                self._commentary[step.id] = _sanitizer()
            case StepDelta(step_id, text) if step_id in self._thoughts:
                self._flow(self._thoughts[step_id].feed(text))
            case StepDelta(step_id, text) if step_id in self._commentary:
                self._flow(self._commentary[step_id].feed(text))
            case StepFinished(step):
                self._finished(step)
            case TurnFinished() if self._talkative:
                self._turn_finished(event)
            case _:
                pass

    def warn(self, message: str) -> None:
        """Say something the user should know about the result."""
        if not self._quiet:
            self._line(f"chatterm: {_one_line(message)}", _WARNING)

    def pause(self, *, blank: bool) -> bool:
        """A text of the answer is about to be written; says whether anything was told before it.

        Args:
            blank: Leave an empty line between.
        """
        self.end_line()
        told, self._told, self._blank_due = self._told, False, False
        if told and blank:
            self._write("\n")
        return told

    def resume(self, *, blank: bool) -> None:
        """A text of the answer is whole. `blank`: leave an empty line before what is told next."""
        self._blank_due = blank

    def _finished(self, step: Step) -> None:
        held = self._thoughts.pop(step.id, None) or self._commentary.pop(step.id, None)
        if held is not None:
            self._flow(held.finish(), last=True)
            self.end_line()
            return
        match step:
            case NoticeStep() if step.reason not in _TOLD_ELSEWHERE and (
                self._talkative or step.reason not in _PROGRESS
            ):
                self.warn(step.text)
            case ToolCallStep() if self._talkative:
                arguments = " ".join(said_by_call(step).split())
                if len(arguments) > _LONGEST:
                    arguments = arguments[:_LONGEST] + "…"
                self._line(f"● {_one_line(f'{step.name}  {arguments}')}", _MUTED)
            case ToolResultStep() if self._talkative and not step.ok:
                mark = _MARK.get(step.outcome, "✗")
                told = step.content.startswith(step.outcome.value)
                text = step.content if told else f"{step.outcome.value}: {step.content}"
                text = f"{step.name}  {text}"
                self._line(f"{mark} {_one_line(text)[:_LONGEST]}", _MUTED)
            case _:
                pass

    def _turn_finished(self, event: TurnFinished) -> None:
        if event.status is TurnStatus.INTERRUPTED:
            self._line("■ interrupted", _MUTED)
        if line := usage_line(event.usage):
            self._line(line, _MUTED)

    def _flow(self, text: str, *, last: bool = False) -> None:
        """Write streamed text that isn't the answer, muted."""
        if self._wrap is not None:
            text = self._wrap.feed(text) + (self._wrap.finish() if last else "")
        if text:
            self._begin()
            self._in_line = not text.endswith("\n")
            self._write(f"{_MUTED}{text}{_RESET}" if self._styles else text)

    def _begin(self) -> None:
        """Something is about to be told."""
        if self._blank_due:
            self._write("\n")
        self._blank_due = False
        self._told = True

    def end_line(self) -> None:
        """End a line that is being written, so that somebody else may write."""
        if self._in_line:
            self._write("\n")
            self._in_line = False
        if self._width:
            self._wrap = WordWrap(self._width)

    def _line(self, text: str, style: str) -> None:
        self.end_line()
        self._begin()
        if self._width:
            text = wrapped(text, self._width)
        styled = self._colour if style == _WARNING else self._styles
        self._write(f"{style}{text}{_RESET}\n" if styled else f"{text}\n")


def _sanitizer() -> Sanitizer:
    from chatterm.render.sanitize import Sanitizer  # a pipe's narrator has nothing to sanitise

    return Sanitizer()


def said_by_call(call: ToolCallStep) -> str:
    """What a call is about: what our own tools are asked, else the arguments as they are."""
    given = call.input or {}
    about = [given[key] for key in ("command", "url", "pattern", "path") if key in given]
    texts = [each for each in about if isinstance(each, str)]
    return "  ".join(texts) or call.arguments


def _one_line(text: str) -> str:
    from chatterm.render.sanitize import sanitize_line

    return sanitize_line(text)


def usage_line(usage: Usage) -> str:
    """Tokens and cost in one short line; empty when nothing is known."""
    parts = []
    if usage.input is not None or usage.output is not None:
        parts.append(f"{_tokens(usage.input)} → {_tokens(usage.output)} tokens")
    if usage.cost_usd is not None:
        parts.append(f"${usage.cost_usd:.4f}" if usage.cost_usd < 0.1 else f"${usage.cost_usd:.2f}")
    return " · ".join(parts)


def _tokens(count: int | None) -> str:
    if count is None:
        return "?"
    return str(count) if count < 10_000 else f"{count / 1000:.1f}k"
