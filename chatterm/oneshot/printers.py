"""The formats of `ask`: each a consumer of a turn's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from chatterm.events import (
    Event,
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    TurnFinished,
    TurnStarted,
    event_to_json,
    to_json_line,
)
from chatterm.oneshot.answer import is_answer, summary
from chatterm.oneshot.narrator import Narrator
from chatterm.oneshot.output import Output
from chatterm.steps import RefusalStep, Step, TextStep, ThinkingStep

_PARAGRAPH = "\n\n"


class Printer(Protocol):
    """Prints a turn in one of the formats."""

    def event(self, event: Event) -> None:
        """Take one event of the turn.

        Raises:
            OutputError: The answer can't be written.
        """
        ...

    def close(self) -> None:
        """The turn is over, or was cut off: leave the output as it should stay."""
        ...


class Sink(Protocol):
    """Where the answer's text goes."""

    def begin_text(self, *, apart: bool) -> None:
        """A text of the answer begins; `apart`: something of the answer stands above it."""
        ...

    def write(self, text: str) -> None:
        """Take a piece of the answer."""
        ...

    def end_text(self) -> None:
        """A text of the answer is whole; another may follow."""
        ...

    def pause(self) -> None:
        """Something else is about to be written to the same screen."""
        ...

    def close(self) -> None:
        """The answer is over."""
        ...


class PlainSink:
    """The model's own characters, as they come, and exactly one newline at the end.

    Args:
        output: Where they go.
        clean: Applied to each piece: a sanitiser's `feed`, or nothing.
        rest: What the sanitiser still holds at the end.
    """

    def __init__(
        self,
        output: Output,
        clean: Callable[[str], str] | None = None,
        rest: Callable[[], str] | None = None,
    ) -> None:
        self._output = output
        self._clean = clean
        self._rest = rest
        self._newlines = ""  # held back: only those that something follows are the answer's
        self._empty = True

    def begin_text(self, *, apart: bool) -> None:
        """Texts are paragraphs of one answer."""
        if apart:
            self._put(_PARAGRAPH)

    def write(self, text: str) -> None:
        """Write a piece."""
        self._put(self._clean(text) if self._clean else text)

    def end_text(self) -> None:
        """Plain text needs no care."""

    def pause(self) -> None:
        """Plain text needs no care."""

    def close(self) -> None:
        """End the last line."""
        if self._rest is not None:
            self._put(self._rest())
        if not self._empty:
            self._output.write("\n")

    def _put(self, text: str) -> None:
        body = text.rstrip("\n")
        if not body:
            self._newlines += text
            return
        self._output.write(self._newlines + body)
        self._newlines = text[len(body) :]
        self._empty = False


class TextPrinter:
    """The answer as it streams, in the form its sink gives it; the rest to the narrator.

    Args:
        sink: Takes the answer.
        narrator: Tells of everything else.
        same_screen: Both write to one terminal, so that a blank line keeps them apart.
    """

    def __init__(self, sink: Sink, narrator: Narrator, *, same_screen: bool = False) -> None:
        self._sink = sink
        self._narrator = narrator
        self._same_screen = same_screen
        self._open: dict[str, Step] = {}
        self._written: dict[str, list[str]] = {}
        self._any = False
        self._after_thinking = False

    def event(self, event: Event) -> None:
        """Print an answer's text; narrate the rest."""
        match event:
            case StepStarted(step) if is_answer(step):
                self._open[step.id] = step
                self._grow(step, step.text)  # type: ignore[attr-defined]
            case StepDelta(step_id, text) if step_id in self._open:
                self._grow(self._open[step_id], text)
            case StepUpdated(step) if step.id in self._open:
                self._replace(step)
            case StepFinished(step) if step.id in self._open:
                del self._open[step.id]
                if self._written.pop(step.id, None):
                    self._sink.end_text()
                    self._narrator.resume(blank=self._same_screen)
            case StepDelta():
                self._narrator.event(event)
            case _:
                self._sink.pause()
                self._after_thinking |= _is_thinking(event)
                self._narrator.event(event)

    def close(self) -> None:
        """End the answer."""
        self._sink.close()

    def _grow(self, step: Step, text: str) -> None:
        written = self._written.get(step.id)
        if written is None:
            # The blank lines between thinking and answer separate; they are not the answer's.
            text = text.lstrip("\n") if self._after_thinking else text
            if not text:
                return
            written = self._written[step.id] = []
            narrated = self._narrator.pause(blank=self._same_screen)
            apart = self._any and not (narrated and self._same_screen)
            self._sink.begin_text(apart=apart)
        if text:
            self._any = True
            written.append(text)
            self._sink.write(text)

    def _replace(self, step: Step) -> None:
        """The provider sent the whole text, or took it back: what is printed stays printed."""
        before = "".join(self._written.get(step.id, ()))
        if isinstance(step, TextStep | RefusalStep) and is_answer(step):
            if step.text.startswith(before):
                self._grow(step, step.text[len(before) :])
            else:
                self._sink.pause()
                self._narrator.warn("the provider replaced what it had sent; here it is again")
                self._grow(step, _PARAGRAPH + step.text)
            return
        del self._open[step.id]
        self._after_thinking |= isinstance(step, ThinkingStep)
        if before:
            self._sink.pause()
            was = "thinking" if isinstance(step, ThinkingStep) else "taken back by the provider"
            self._narrator.warn(f"the text above was {was}")


class JsonLinesPrinter:
    """Every event, one JSON object a line."""

    def __init__(self, output: Output, *, ascii_only: bool = False) -> None:
        self._output = output
        self._ascii_only = ascii_only

    def event(self, event: Event) -> None:
        """Print the event."""
        line = to_json_line(event_to_json(event), ascii_only=self._ascii_only)
        self._output.write_bytes(line + b"\n")

    def close(self) -> None:
        """Every line is out already."""


class JsonPrinter:
    """One JSON object when the turn is over."""

    def __init__(self, output: Output, narrator: Narrator, *, ascii_only: bool = False) -> None:
        self._output = output
        self._narrator = narrator
        self._ascii_only = ascii_only
        self._conversation = ""
        self._turn = ""
        self._steps: list[Step] = []

    def event(self, event: Event) -> None:
        """Collect; print at the end."""
        self._narrator.event(event)
        match event:
            case TurnStarted():
                self._conversation, self._turn = event.conversation, event.turn
            case StepFinished(step):
                self._steps.append(step)
            case TurnFinished():
                data = summary(self._conversation, self._turn, self._steps, event)
                self._output.write_bytes(to_json_line(data, ascii_only=self._ascii_only) + b"\n")
            case _:
                pass

    def close(self) -> None:
        """The object is out already."""


class CollectingPrinter:
    """Prints nothing while it streams; for forms that need the whole answer."""

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator

    def event(self, event: Event) -> None:
        """Narrate."""
        self._narrator.event(event)

    def close(self) -> None:
        """Nothing was printed."""


def _is_thinking(event: Event) -> bool:
    return isinstance(event, StepStarted) and isinstance(event.step, ThinkingStep)
