"""What is said about a turn beside the answer: notices, refusals, errors, and its closing line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from chatterm.errors import ErrorKind, Failure
from chatterm.events import TurnFinished
from chatterm.render import amounts
from chatterm.render.lines import PROSE_WIDTH, Line, Span, line_cells, line_text, wrap
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import FinishReason, NoticeStep, RefusalStep, Status, Step
from chatterm.tui.pane.items import Item
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.step_item import join

_ENDS = {
    FinishReason.LENGTH: "the answer ran into the limit of its length",
    FinishReason.CONTENT_FILTER: "the provider's filter ended the answer",
    FinishReason.ROUND_LIMIT: "the turn came to the limit of its rounds",
}


class RemarkItem(Item):
    """A few lines with a mark, and what can be done about it.

    Attributes:
        kind: What it is.
        turn: The turn it belongs to.
        step: The step's id, or empty.
    """

    kind: ClassVar[str] = "remark"
    __slots__ = ("_deeds", "_lines", "_rows", "step", "turn")

    def __init__(self, key: str, turn: str, *, step: str = "", gap: int = 0) -> None:
        super().__init__(key, gap=gap)
        self.turn = turn
        self.step = step
        self._lines: tuple[Line, ...] = ()
        self._deeds: tuple[tuple[str, str], ...] = ()
        self._rows: tuple[int, list[Line]] | None = None

    def say(self, lines: Sequence[Line], deeds: Sequence[tuple[str, str]] = ()) -> None:
        """Say this from now on.

        Args:
            lines: The lines.
            deeds: What can be done: an action's name and the words for it.
        """
        self._lines, self._deeds, self._rows = tuple(lines), tuple(deeds), None
        self.tell(0)

    def estimate(self, width: int) -> int:
        """One row a line."""
        return len(self._lines) + bool(self._deeds)

    def rows(self, width: int) -> int:
        """As many as wrapping gives."""
        return len(self._at(width))

    def line(self, row: int, width: int) -> Line:
        """A row."""
        rows = self._at(width)
        return rows[row] if row < len(rows) else ()

    def plain(self, width: int) -> str:
        """The lines, whole."""
        return "\n".join(line_text(line) for line in (*self._lines, self._deed_line()) if line)

    def copied(self) -> str:
        """The lines."""
        return "\n".join(map(line_text, self._lines))

    def action(self, row: int, column: int, width: int) -> str:
        """What the words at a cell of the last row do."""
        if not self._deeds or row != self.rows(width) - 1:
            return ""
        at = 0
        for name, words in self._deeds:
            if at <= column < at + len(words):
                return name
            at += len(words) + 3
        return ""

    def _deed_line(self) -> Line:
        spans: list[Span] = []
        for number, (_, words) in enumerate(self._deeds):
            if number:
                spans.append(Span(" · ", ("muted",)))
            spans.append(Span(words, ("accent", "underline")))
        return tuple(spans)

    def _at(self, width: int) -> list[Line]:
        if self._rows is None or self._rows[0] != width:
            found: list[Line] = []
            for line in self._lines:
                found += wrap(line, min(width, PROSE_WIDTH)) or [()]
            deeds = self._deed_line()
            if deeds and line_cells(deeds) <= width:
                found.append(deeds)
            self._rows = (width, found)
        return self._rows[1]


class NoticeItem(RemarkItem):
    """A notice about the turn."""

    kind: ClassVar[str] = "notice"
    __slots__ = ("_looks", "_pieces")

    def __init__(self, key: str, turn: str, looks: Looks, step: NoticeStep, gap: int = 0) -> None:
        super().__init__(key, turn, step=step.id, gap=gap)
        self._looks = looks
        self._pieces = ""
        self.update(step)

    def feed(self, text: str) -> None:
        """Take what has come."""
        self._pieces += text
        self._tell_text(self._pieces)

    def update(self, step: Step) -> None:
        """The notice as it now is."""
        if isinstance(step, NoticeStep):
            self.mark = Span(self._looks.signs.notice, ("warning",))
            self._pieces = step.text
            self._tell_text(step.text)

    def _tell_text(self, text: str) -> None:
        self.say([(Span(line, ("muted",)),) for line in sanitize(text).split("\n")])


class RefusalItem(RemarkItem):
    """The model, or its provider, declines."""

    kind: ClassVar[str] = "refusal"
    __slots__ = ("_looks", "_pieces")

    def __init__(self, key: str, turn: str, looks: Looks, step: RefusalStep, gap: int = 1) -> None:
        super().__init__(key, turn, step=step.id, gap=gap)
        self._looks = looks
        self._pieces = step.text
        self.update(step)

    def feed(self, text: str) -> None:
        """Take what has come."""
        self._pieces += text
        self._tell_text(done=False)

    def update(self, step: Step) -> None:
        """The refusal as it now is."""
        if isinstance(step, RefusalStep):
            self._pieces = step.text
            self.mark = Span(self._looks.signs.denied, ("error",))
            self._tell_text(done=step.status is not Status.OPEN)

    def _tell_text(self, *, done: bool) -> None:
        lines: list[Line] = [(Span("declined", ("error", "strong")),)]
        lines += [(Span(text),) for text in sanitize(self._pieces).split("\n")]
        deeds = [("edit_last", "edit the message"), ("pick_model", "change the model")]
        self.say(lines, deeds if done else ())


class EndItem(RemarkItem):
    """How a turn ended: one muted line, or what went wrong and what can be done about it.

    Args:
        seconds: How long the turn took; None where that isn't known.
    """

    kind: ClassVar[str] = "end"
    __slots__ = ("failed",)

    def __init__(
        self, key: str, turn: str, looks: Looks, end: TurnFinished, seconds: float | None
    ) -> None:
        super().__init__(key, turn)
        signs = looks.signs
        self.failed = end.error is not None
        took = amounts.seconds(seconds) if seconds is not None else ""
        spent = amounts.usage(end.usage, signs.arrow)
        if end.error is not None:
            self.gap = 1
            self.mark = Span(signs.failed, ("error",))
            self.say(_failure(end.error), _remedies(end.error))
            return
        said = ""
        if end.finish_reason is FinishReason.INTERRUPTED:
            self.mark = Span(signs.interrupted, ("warning",))
            said = "interrupted"
        elif end.finish_reason in _ENDS:
            self.mark = Span(signs.notice, ("warning",))
            said = _ENDS[end.finish_reason]
        deeds = []
        if end.finish_reason in _ENDS or end.finish_reason is FinishReason.INTERRUPTED:
            deeds = [("go_on", "go on"), ("retry", "ask again")]
        self.say([(Span(join((said, took, *spent), signs.dot), ("muted",)),)], deeds)


def _failure(error: Failure) -> list[Line]:
    head = Span(sanitize_line(error.message), ("error",))
    lines: list[Line] = [(head,)]
    facts = [f"status {error.status}" if error.status else ""]
    facts.append(f"request {sanitize_line(error.request_id)}" if error.request_id else "")
    if any(facts):
        lines.append((Span(join(facts), ("muted",)),))
    if error.hint:
        lines.append((Span(sanitize_line(error.hint)),))
    return lines


def _remedies(error: Failure) -> list[tuple[str, str]]:
    deeds = []
    if error.retryable or error.kind not in (ErrorKind.TOO_LONG, ErrorKind.BAD_REQUEST):
        deeds.append(("retry", "ask again"))
    if error.kind is ErrorKind.STREAM_CUT:
        deeds.append(("go_on", "go on"))
    if error.kind is ErrorKind.TOO_LONG:
        deeds.append(("compact", "summarise older turns"))
    deeds.append(("pick_model", "change the model"))
    if error.kind is ErrorKind.INTERNAL:
        deeds.append(("open_log", "open the log"))
    return deeds
