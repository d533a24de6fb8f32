"""A thinking step: flows by while it is open, and folds to one line when it is finished."""

from __future__ import annotations

from typing import ClassVar

from chatterm.render.amounts import guessed_tokens, moment, seconds, whole_seconds
from chatterm.render.lines import PROSE_WIDTH, Line, Span, wrap
from chatterm.render.sanitize import Sanitizer
from chatterm.steps import Status, ThinkingStep
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.markdown_item import MarkdownItem
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.step_item import StepItem, join

_TAIL_ROWS = 3
_TAIL_CHARACTERS = 1200


class ThinkingItem(StepItem):
    """A thinking step.

    Args:
        step: The step as it began.
    """

    kind: ClassVar[str] = "thinking"
    __slots__ = ("_end", "_pieces", "_step", "_whole")

    def __init__(self, key: str, turn: str, looks: Looks, step: ThinkingStep, gap: int = 0) -> None:
        super().__init__(key, turn, looks, step=step.id, gap=gap)
        self._step = step
        self._pieces: list[str] = [step.text] if step.text else []
        self._whole: _Text | None = None
        self._end: _Tail | None = None

    @property
    def _text(self) -> _Text:
        """All of it; made when it is first shown."""
        if self._whole is None:
            done = self._step.status is not Status.OPEN
            self._whole = _Text(f"{self.key}/text", self.copied(), done=done, gap=0)
        return self._whole

    @property
    def _tail(self) -> _Tail:
        """Its end; made when it is first shown."""
        if self._end is None:
            self._end = _Tail(f"{self.key}/tail")
            self._end.feed(self.copied())
        return self._end

    def forget(self) -> None:
        """All but the text, once it is whole."""
        super().forget()
        if not self._built and self._step.status is not Status.OPEN:
            self._whole = self._end = None

    def feed(self, text: str) -> None:
        """Take what has come."""
        self._pieces.append(text)
        for part in (self._whole, self._end):
            if part is not None:
                part.feed(text)

    def update(self, step: ThinkingStep) -> None:
        """The step as it now is."""
        known, self._pieces = self.copied(), [step.text] if step.text else []
        if step.text != known:
            self._whole = None
            if self._end is not None:
                self._end.restate(step.text)
        if step.status is not Status.OPEN and self._whole is not None:
            self._whole.finish()
        self._step = step
        self.rebuild()

    def build(self) -> None:
        """One line when it is finished; the text under it when it is open."""
        signs = self.looks.signs
        is_open = self._step.status is Status.OPEN
        self.running = is_open
        cut = self._step.status in (Status.INTERRUPTED, Status.FAILED)
        mark = signs.interrupted if cut else signs.thinking
        self.mark = Span(mark, ("thinking",))
        what = "summary of thinking" if self._step.summary else ""
        if is_open:
            began = moment(self._step.started_at)
            took = whole_seconds(max(0.0, self.looks.now() - began)) if began is not None else ""
            words = join((f"thinking {took}", self._amount(), what), signs.dot)
        else:
            took = seconds((self._step.duration_ms or 0) / 1000)
            # The mark says that it was cut off, and the turn's end why.
            words = join((f"thought for {took}", self._amount(), what), signs.dot)
        self.head.show((self.folding_sign(is_open=is_open), Span(words, ("thinking",))))
        parts: list[Item] = []
        if self.unfolded:
            parts = [self._text]
        elif is_open:
            parts = [self._tail]
        self.body(parts)

    def tick(self, frame: int) -> None:
        """Tell the time anew."""
        if self.running:
            self.rebuild()

    def copied(self) -> str:
        """The thinking's text."""
        return "".join(self._pieces)

    def holds(self, words: str) -> bool:
        """Whether the thinking has the words, folded or not."""
        return words in self._text.source.lower()

    def _amount(self) -> str:
        length = sum(map(len, self._pieces))
        return guessed_tokens(length) if length else ""


class _Text(MarkdownItem):
    """The thinking's text, in the colour of thinking."""

    __slots__ = ()

    def line(self, row: int, width: int) -> Line:
        """A row."""
        line = super().line(row, width)
        return tuple(Span(text, ("thinking", *style)) for text, style in line)


class _Tail(Item):
    """The last rows of what flows by."""

    __slots__ = ("_sanitizer", "_text")

    def __init__(self, key: str) -> None:
        super().__init__(key, gap=0)
        self._text = ""
        self._sanitizer = Sanitizer()

    def feed(self, text: str) -> None:
        """Take what has come; all but the end is forgotten."""
        self._text = (self._text + self._sanitizer.feed(text))[-_TAIL_CHARACTERS:]
        self.want()

    def restate(self, text: str) -> None:
        """Be another text."""
        self._text, self._sanitizer = "", Sanitizer()
        self.feed(text)

    def flush(self) -> int:
        """Show it."""
        self.tell(0)
        return 0

    def estimate(self, width: int) -> int:
        """All its rows."""
        return _TAIL_ROWS

    def rows(self, width: int) -> int:
        """Few."""
        return len(self._rows(width))

    def line(self, row: int, width: int) -> Line:
        """A row."""
        rows = self._rows(width)
        return rows[row] if row < len(rows) else ()

    def _rows(self, width: int) -> list[Line]:
        text = " ".join(self._text.split())
        rows = wrap([Span(text, ("thinking",))], min(width, PROSE_WIDTH))
        return rows[-_TAIL_ROWS:]
