"""A turn as lines of text, each kind of step with its name in words.

The answer's texts come through the printer that `ask` has; everything beside them is told here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.events import (
    Event,
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    ToolOutput,
    TurnFinished,
    TurnStarted,
)
from chatterm.oneshot.answer import is_answer
from chatterm.oneshot.narrator import said_by_call
from chatterm.oneshot.printers import TextPrinter
from chatterm.render import amounts
from chatterm.render.sanitize import Sanitizer, sanitize, sanitize_line
from chatterm.render.wordwrap import WordWrap
from chatterm.steps import (
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
    UserInput,
)
from chatterm.talking.results import said_by

if TYPE_CHECKING:
    from chatterm.errors import Failure
    from chatterm.linear.terminal import Terminal
    from chatterm.steps import Citation

_ENDS = {
    FinishReason.LENGTH: "the answer ran into the limit of its length; /go-on has it continued",
    FinishReason.CONTENT_FILTER: "the provider's filter ended the answer",
    FinishReason.ROUND_LIMIT: "the turn came to the limit of its rounds; /go-on has it continued",
    FinishReason.INTERRUPTED: "interrupted; what came is kept, and /retry asks again",
}
_OUTCOMES = {Outcome.TIMED_OUT: "timed out", Outcome.UNKNOWN: "outcome unknown"}
_LONGEST_CALL = 300
_MOST_LINES = 8  # of what a tool said that failed
_FIRST_WAIT_S = 10.0
_FENCE = ("```", "~~~")


@dataclass(slots=True)
class Tastes:
    """What is told beside the answer.

    Attributes:
        thinking: Thinking, as it comes; else only that there was some.
        output: What a running tool writes, as it comes.
    """

    thinking: bool = False
    output: bool = False


class Flow:
    """Text that streams: prose is broken between words, code stays as it is.

    Args:
        terminal: Where it goes.
        label: What stands before its first word.
        prose: It is prose; else all of it stays as it is.
    """

    def __init__(self, terminal: Terminal, label: str, *, prose: bool = True) -> None:
        self._terminal = terminal
        self._clean = Sanitizer()
        self._wrap = WordWrap(terminal.width)
        self._label = label
        self._line = ""  # what has come of the line that isn't ended
        self._code = False
        self._prose = prose

    def feed(self, text: str) -> None:
        """Take a piece."""
        self._put(self._clean.feed(text))

    def finish(self) -> None:
        """It is whole."""
        self._put(self._clean.finish())
        self._write(self._wrap.finish())
        self._terminal.end_line()

    def pause(self) -> None:
        """Something else is about to be written: the line ends here."""
        self._write(self._wrap.finish())
        self._terminal.end_line()
        self._wrap = WordWrap(self._terminal.width)

    def _put(self, text: str) -> None:
        if not self._prose:
            self._write(text)
            return
        for piece in text.splitlines(keepends=True):
            self._line += piece
            fence = self._line.lstrip().startswith(_FENCE)
            if self._code or fence:
                self._write(self._wrap.finish() + piece)
            else:
                self._write(self._wrap.feed(piece))
            if piece.endswith("\n"):
                if fence:
                    self._code = not self._code
                if self._code or fence:
                    self._wrap = WordWrap(self._terminal.width)
                self._line = ""

    def _write(self, text: str) -> None:
        if not text:
            return
        if self._label:
            self._terminal.end_line()
            blank = "" if self._label.endswith("\n") else " "
            text, self._label = f"{self._label}{blank}{text.lstrip(chr(10))}", ""
        self._terminal.write(text)


class AnswerSink:
    """The answer's texts, each behind the word that says whose it is.

    Args:
        terminal: Where they go.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._flow: Flow | None = None

    def begin_text(self, *, apart: bool) -> None:
        """A text begins."""
        self._flow = Flow(self._terminal, "assistant:")

    def write(self, text: str) -> None:
        """Take a piece."""
        if self._flow is not None:
            self._flow.feed(text)

    def end_text(self, citations: Sequence[Citation] = ()) -> None:
        """A text is whole, and names these sources."""
        if self._flow is not None:
            self._flow.finish()
            self._flow = None
        for number, each in enumerate(citations, start=1):
            about = "  ".join(filter(None, map(sanitize_line, (each.title, each.url))))
            self._terminal.exact(f"source {number}: {about}")

    def pause(self) -> None:
        """Something else is about to be written."""
        if self._flow is not None:
            self._flow.pause()

    def close(self) -> None:
        """The answer is over."""
        self.end_text()


class Teller:
    """Tells of what isn't the answer.

    Args:
        terminal: Where it is told.
        tastes: What of it.
    """

    def __init__(self, terminal: Terminal, tastes: Tastes) -> None:
        self._terminal = terminal
        self._tastes = tastes
        self._flows: dict[str, Flow] = {}
        self._calls: dict[str, ToolCallStep] = {}
        self._printing = ""  # the call whose output is being written
        self._output: Flow | None = None
        self._steered = False

    def event(self, event: Event) -> None:
        """Tell of an event."""
        if self._output is not None and not isinstance(event, ToolOutput):
            self._end_output()
        match event:
            case StepStarted(ThinkingStep() as step) if self._tastes.thinking:
                self._begin(step, "thinking:", step.text)
            case StepStarted(TextStep() as step) if not is_answer(step):
                self._begin(step, _label_of(step), step.text)
            case StepDelta(step_id, text) if step_id in self._flows:
                self._flows[step_id].feed(text)
            case ToolOutput(step_id, text) if self._tastes.output:
                self._live(step_id, text)
            case StepFinished(step):
                self._finished(step)
            case TurnFinished():
                self._turn_finished(event)

    def warn(self, message: str) -> None:
        """Say something the user should know."""
        self._terminal.say(f"notice: {sanitize_line(message)}")

    def pause(self, *, blank: bool) -> bool:
        """A text of the answer is about to be written."""
        self._end_output()
        return False

    def resume(self, *, blank: bool) -> None:
        """A text of the answer is whole."""

    def hush(self) -> None:
        """Something else is about to be written: lines that are being written end here."""
        self._end_output()
        for flow in self._flows.values():
            flow.pause()

    def _begin(self, step: Step, label: str, text: str) -> None:
        self.hush()
        self._flows[step.id] = Flow(self._terminal, label)
        self._flows[step.id].feed(text)

    def _live(self, step_id: str, text: str) -> None:
        from chatterm.tools.capture import plain

        if self._output is None or self._printing != step_id:
            self._end_output()
            name = self._calls[step_id].name if step_id in self._calls else "tool"
            label = f"output of {sanitize_line(name)}:\n"
            self._output = Flow(self._terminal, label, prose=False)
            self._printing = step_id
        self._output.feed(plain(text))

    def _end_output(self) -> None:
        if self._output is not None:
            self._output.finish()
            self._output = None

    def _finished(self, step: Step) -> None:
        flow = self._flows.pop(step.id, None)
        if flow is not None:
            flow.finish()
        match step:
            case ThinkingStep() if flow is None and step.text.strip():
                words = amounts.count(len(step.text.split()), "word")
                self._terminal.say(f"thinking: {words}; /thinking shows them")
            case NoticeStep():
                self._steered |= step.reason == "steered"
                self._terminal.say(f"notice: {sanitize(step.text)}")
            case ToolCallStep():
                self._calls[step.id] = step
                self._tell_call(step)
            case ToolResultStep():
                self._tell_result(step)

    def _tell_call(self, step: ToolCallStep) -> None:
        about = sanitize_line(f"{step.name}: {' '.join(said_by_call(step).split())}")
        if len(about) > _LONGEST_CALL:
            about = f"{about[:_LONGEST_CALL]} and so on"
        where = "call of a tool at the provider" if step.hosted else "tool call"
        self._terminal.say(f"{where}: {about}")

    def _tell_result(self, step: ToolResultStep) -> None:
        content = sanitize(said_by(step)).strip("\n")
        lines = content.split("\n") if content.strip() else []
        said = [_OUTCOMES.get(step.outcome, step.outcome.value)]
        said.append(amounts.count(len(lines), "line"))
        if step.exit_code is not None:
            said.append(f"exit status {step.exit_code}")
        if step.truncated:
            said.append("shortened")
        self._terminal.say(f"tool result: {sanitize_line(step.name)}: {', '.join(said)}")
        if not step.ok:
            for line in lines[:_MOST_LINES]:
                self._terminal.exact(f"  {line}")
            if len(lines) > _MOST_LINES:
                self._terminal.say("  there is more; /open shows all of it")

    def _turn_finished(self, event: TurnFinished) -> None:
        if event.error is not None:
            tell_failure(self._terminal, event.error)
        elif event.finish_reason in _ENDS and not self._steered:
            self._terminal.say(f"notice: {_ENDS[event.finish_reason]}")
        spent = spent_in_words(event.usage)
        if spent:
            self._terminal.say(f"used: {spent}")


class Turns:
    """Tells of turns, one after the other.

    Args:
        terminal: Where it is told.
        tastes: What is told beside the answers.

    Attributes:
        typed: The message that the user sees above already, and that isn't to be repeated.
    """

    def __init__(self, terminal: Terminal, tastes: Tastes) -> None:
        self._terminal = terminal
        self._tastes = tastes
        self._printer: TextPrinter | None = None
        self._teller = Teller(terminal, tastes)
        self._sink = AnswerSink(terminal)
        self._last = time.monotonic()
        self._told_at = 0.0
        self._running: dict[str, str] = {}
        self.typed: UserInput | None = None

    def event(self, event: Event) -> None:
        """Tell of an event."""
        if isinstance(event, TurnStarted):
            self._begin(event)
        if self._printer is None:
            return
        match event:
            case StepStarted(RefusalStep()):
                self._terminal.say("notice: the model declines")
            case StepFinished(ToolCallStep() as step) if not step.hosted:
                self._running[step.call_id] = step.name
            case StepFinished(ToolResultStep() as step):
                self._running.pop(step.call_id, None)
        self._printer.event(event)
        self._last, self._told_at = time.monotonic(), 0.0
        if isinstance(event, TurnFinished):
            self._printer = None
            self._running.clear()

    def wait_told(self) -> None:
        """Tell now and then that nothing has come, and what is waited for."""
        waited = time.monotonic() - self._last
        due = self._told_at * 2 or _FIRST_WAIT_S
        if waited < due:
            return
        self._told_at = due
        self.hush()
        names = ", ".join(sanitize_line(name) for name in dict.fromkeys(self._running.values()))
        what = f"still running {names}" if names else "still waiting"
        self._terminal.say(f"{what}, {amounts.whole_seconds(waited)}")

    def hush(self) -> None:
        """Something else is about to be written."""
        self._sink.pause()
        self._teller.hush()

    def count_anew(self) -> None:
        """What was waited for till now doesn't count."""
        self._last, self._told_at = time.monotonic(), 0.0

    def _begin(self, event: TurnStarted) -> None:
        sent, typed, self.typed = event.input, self.typed, None
        if sent is not typed:
            tell_message(self._terminal, sent)
        self._teller = Teller(self._terminal, self._tastes)
        self._printer = TextPrinter(self._sink, self._teller)


def tell_message(terminal: Terminal, sent: UserInput) -> None:
    """Tell what the user sent."""
    if sent.text:
        terminal.exact(f"you: {sanitize(sent.text)}")
    for each in sent.attachments:
        terminal.say(f"attached: {sanitize_line(each.name)}, {amounts.size(each.size)}")


def tell_failure(terminal: Terminal, error: Failure) -> None:
    """Tell what went wrong in a turn, and what can be done about it."""
    terminal.say(f"error: {sanitize_line(error.message)}")
    facts = [f"status {error.status}"] if error.status else []
    if error.request_id:
        facts.append(f"request {sanitize_line(error.request_id)}")
    if facts:
        terminal.say(f"about it: {', '.join(facts)}")
    if error.hint:
        terminal.say(f"hint: {sanitize_line(error.hint)}")
    if error.retryable:
        terminal.say("hint: /retry asks again")


def spent_in_words(usage: Usage) -> str:
    """Tokens and cost; empty where nothing is known."""
    parts = []
    if usage.input is not None:
        parts.append(f"{amounts.tokens(usage.input)} tokens in")
    if usage.output is not None:
        parts.append(f"{amounts.tokens(usage.output)} tokens out")
    if usage.cost_usd is not None:
        parts.append(amounts.money(usage.cost_usd))
    return ", ".join(parts)


def unfolded(events: Iterable[Event]) -> Iterator[Event]:
    """The events of a recorded turn with the beginnings that its log has folded into the ends."""
    begun: set[str] = set()
    for event in events:
        match event:
            case StepStarted(step) | StepUpdated(step):
                begun.add(step.id)
            case StepFinished(step) if step.id not in begun:
                yield StepStarted(step)
        yield event


def _label_of(step: TextStep) -> str:
    if step.withdrawn:
        return "taken back by the provider:"
    return "assistant, on the way:" if step.status is not Status.FAILED else "assistant:"
