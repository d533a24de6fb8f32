"""The formats of `ask`: each a consumer of a turn's events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
from chatterm.oneshot.answer import citations, is_answer, summary
from chatterm.oneshot.narrator import Narrator
from chatterm.oneshot.output import Output
from chatterm.steps import Citation, RefusalStep, Step, TextStep, ThinkingStep

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


class Teller(Protocol):
    """Tells of everything that isn't the answer: `ask`'s narrator, or another one."""

    def event(self, event: Event) -> None:
        """Tell of an event, when it is worth telling."""
        ...

    def warn(self, message: str) -> None:
        """Say something the user should know about the result."""
        ...

    def pause(self, *, blank: bool) -> bool:
        """A text of the answer is about to be written; says whether anything was told before it."""
        ...

    def resume(self, *, blank: bool) -> None:
        """A text of the answer is whole."""
        ...


class Sink(Protocol):
    """Where the answer's text goes."""

    def begin_text(self, *, apart: bool) -> None:
        """A text of the answer begins; `apart`: something of the answer stands above it."""
        ...

    def write(self, text: str) -> None:
        """Take a piece of the answer."""
        ...

    def end_text(self, citations: Sequence[Citation] = ()) -> None:
        """A text of the answer is whole, and names these sources; another text may follow."""
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

    def end_text(self, citations: Sequence[Citation] = ()) -> None:
        """A text is whole: a sequence that it began and didn't end swallows nothing of the next."""
        if self._rest is not None:
            self._put(self._rest())

    def pause(self) -> None:
        """Plain text needs no care."""

    def close(self) -> None:
        """End the last line."""
        self.end_text()
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


@dataclass(slots=True)
class _Text:
    """A text of the answer as far as it has come.

    Attributes:
        step: The step it belongs to.
        printed: What of it was printed.
        waiting: What came while an earlier text was still open.
        finished: No more will come.
    """

    step: Step
    printed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    finished: bool = False


class TextPrinter:
    """The answer as it streams, in the form its sink gives it; the rest to the narrator.

    Texts are printed in the order of their steps: one that is written while an earlier one is still
    open waits until that is whole.

    Args:
        sink: Takes the answer.
        narrator: Tells of everything else.
        same_screen: Both write to one terminal, so that a blank line keeps them apart.
    """

    def __init__(self, sink: Sink, narrator: Teller, *, same_screen: bool = False) -> None:
        self._sink = sink
        self._narrator = narrator
        self._same_screen = same_screen
        self._texts: dict[str, _Text] = {}
        self._any = False
        self._closed = False
        self._after_thinking = False

    def event(self, event: Event) -> None:
        """Print an answer's text; narrate the rest."""
        match event:
            case StepStarted(TextStep() | RefusalStep() as step) if is_answer(step):
                self._texts[step.id] = _Text(step)
                self._grow(self._texts[step.id], step.text)
            case StepDelta(step_id, text) if step_id in self._texts:
                self._grow(self._texts[step_id], text)
            case StepUpdated(step) if step.id in self._texts:
                self._replace(self._texts[step.id], step)
            case StepFinished(step) if step.id in self._texts:
                self._texts[step.id].step = step
                self._texts[step.id].finished = True
                self._go_on()
            case StepDelta():
                self._narrator.event(event)
            case TurnFinished():
                self.close()
                self._narrator.event(event)
            case _:
                self._sink.pause()
                self._after_thinking |= _is_thinking(event)
                self._narrator.event(event)

    def close(self) -> None:
        """End the answer, once."""
        if self._closed:
            return
        self._closed = True
        for text in self._texts.values():
            text.finished = True
        self._go_on()
        self._sink.close()

    def _grow(self, text: _Text, piece: str) -> None:
        if next(iter(self._texts.values())) is text:
            self._print(text, piece)
        else:
            text.waiting.append(piece)

    def _go_on(self) -> None:
        """Leave the texts that are whole behind, and print what waited for them."""
        while self._texts:
            step_id, text = next(iter(self._texts.items()))
            self._print(text, "".join(text.waiting))
            text.waiting.clear()
            if not text.finished:
                return
            del self._texts[step_id]
            if text.printed:
                self._sink.end_text(citations([text.step]))
                self._narrator.resume(blank=self._same_screen)

    def _print(self, text: _Text, piece: str) -> None:
        if not text.printed:
            # The blank lines between thinking and answer separate; they are not the answer's.
            piece = piece.lstrip("\n") if self._after_thinking else piece
            if not piece:
                return
            narrated = self._narrator.pause(blank=self._same_screen)
            self._sink.begin_text(apart=self._any and not (narrated and self._same_screen))
        if piece:
            self._any = True
            text.printed.append(piece)
            self._sink.write(piece)

    def _replace(self, text: _Text, step: Step) -> None:
        """The provider sent the whole text, or took it back: what is printed stays printed."""
        before = "".join(text.printed)
        if isinstance(step, TextStep | RefusalStep) and is_answer(step):
            text.waiting.clear()
            if step.text.startswith(before):
                self._grow(text, step.text[len(before) :])
            else:
                self._sink.pause()
                self._narrator.warn("the provider replaced what it had sent; here it is again")
                self._grow(text, _PARAGRAPH + step.text)
            return
        del self._texts[step.id]
        self._after_thinking |= isinstance(step, ThinkingStep)
        if before:
            self._sink.end_text()
            was = "thinking" if isinstance(step, ThinkingStep) else "taken back by the provider"
            self._narrator.warn(f"the text above was {was}")
        self._go_on()


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
                self._steps.sort(key=lambda step: step.index)
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
