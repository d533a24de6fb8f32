"""A text step: Markdown as it streams, and its sources when it is whole."""

from __future__ import annotations

from typing import ClassVar

from chatterm.render.lines import Line, Span
from chatterm.render.sanitize import sanitize_line
from chatterm.steps import Citation, Status, TextStep
from chatterm.tui.pane.items import Item, LinesItem
from chatterm.tui.pane.markdown_item import MarkdownItem, estimated_rows
from chatterm.tui.pane.stacked import StackedItem
from chatterm.tui.steps.looks import Looks


class TextItem(StackedItem):
    """A text step; one out of the log is made when its rows are asked for.

    Attributes:
        kind: What it is.
        turn: The turn it belongs to.
        step: The step's id.
    """

    kind: ClassVar[str] = "text"
    __slots__ = ("_looks", "_made", "_pieces", "_step", "step", "turn")

    def __init__(self, key: str, turn: str, looks: Looks, step: TextStep, gap: int = 1) -> None:
        super().__init__(key, gap=gap)
        self._pieces = [step.text]
        self._made: MarkdownItem | None = None
        self._looks = looks
        self.turn = turn
        self.step = step.id
        self._step = step
        if step.status is Status.OPEN:
            self._rebuild()

    @property
    def _body(self) -> MarkdownItem:
        if self._made is None:
            self._made = MarkdownItem(f"{self.key}/text", self.copied(), gap=0)
            self._end_body(self._made)
        return self._made

    @property
    def parts(self) -> tuple[Item, ...]:
        """The text and its sources."""
        if not self._parts:
            self._rebuild()
        return self._parts

    def forget(self) -> None:
        """All but the text, once it is whole."""
        if self._step.status is not Status.OPEN:
            self._made = self._wanting_parts = None
            self._parts = ()

    def estimate(self, width: int) -> int:
        """By the text's length, as long as it isn't made."""
        if self._parts:
            return super().estimate(width)
        return estimated_rows(len(self._step.text), width)

    def feed(self, text: str) -> None:
        """Take what has come."""
        self._pieces.append(text)
        if self._made is not None:
            self._made.feed(text)

    def update(self, step: TextStep) -> None:
        """The step as it now is."""
        self._step = step
        known, self._pieces = self.copied(), [step.text]
        if step.text != known:
            self._made = None
        elif self._made is not None:
            self._end_body(self._made)
        if self._parts:
            self._rebuild()

    def _end_body(self, body: MarkdownItem) -> None:
        """Have the body end where the step has ended."""
        step = self._step
        if step.status is not Status.OPEN:
            if any(cited.end is not None for cited in step.citations):
                body.restate(marked_text(step.text, step.citations))
            else:
                body.finish()

    def copied(self) -> str:
        """The text as the model wrote it."""
        return "".join(self._pieces)

    def _rebuild(self) -> None:
        step = self._step
        lines: list[Line] = []
        if step.withdrawn:
            lines.append((Span("withdrawn by the provider; it is not sent again", ("warning",)),))
        lines += [_source(number, cited) for number, cited in enumerate(step.citations, 1)]
        parts: list[Item] = [self._body]
        if lines:
            parts.append(LinesItem(f"{self.key}/sources", lines, gap=1))
        if len(parts) != len(self._parts) or parts[0] is not self._parts[0] or len(parts) > 1:
            self.stack(parts)


def marked_text(text: str, citations: tuple[Citation, ...]) -> str:
    """A text with the numbers of its sources where they are cited.

    Their brackets are entities: escaped ones would be taken for those of a formula.
    """
    marks: dict[int, list[int]] = {}
    for number, cited in enumerate(citations, 1):
        if cited.end is not None and 0 <= cited.end <= len(text):
            marks.setdefault(cited.end, []).append(number)
    parts: list[str] = []
    at = 0
    for end in sorted(marks):
        parts.append(text[at:end])
        # Not as `[1]`, which may be a link, nor as `\[1\]`, which is mathematics to some.
        parts.append("".join(f"&#91;{number}&#93;" for number in marks[end]))
        at = end
    return "".join((*parts, text[at:]))


def _source(number: int, cited: Citation) -> Line:
    title = sanitize_line(cited.title).strip()
    url = _shown(cited.url) if cited.url else ""
    head = Span(f"[{number}] ", ("marker",))
    if title and url:
        return (head, Span(title), Span(f" {url}", ("address",)))
    return (head, Span(title or url or "a file that the provider holds", ("address",)))


def _shown(url: str) -> str:
    """An address as it really is: the host in punycode, nothing that can't be seen."""
    from chatterm.render.markdown_parse import shared_parser  # no text has sources before its end

    return sanitize_line(shared_parser().normalize_link(url))
