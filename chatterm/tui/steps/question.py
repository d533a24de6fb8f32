"""A question about a call, under the call: what would run, why it is asked, one key an answer."""

from __future__ import annotations

from collections.abc import Sequence

from chatterm.agent.questions import Question
from chatterm.permissions.verdicts import RemoteAccess
from chatterm.render.diffs import diff_lines
from chatterm.render.lines import PROSE_WIDTH, Line, Span, cells, cut, line_cells, wrap
from chatterm.render.sanitize import escape_controls
from chatterm.talking.answering import (
    choices_of,
    command_of,
    remote_in,
    remote_of,
    server_and_tool,
    waiting_of,
)
from chatterm.tui.pane.items import Item
from chatterm.tui.steps.signs import Signs

_NARROW = 60
_GAP = "   "


class QuestionItem(Item):
    """What a question shows.

    Attributes:
        question: The question.
        choices: The answers on offer.
        chosen: Which of them is highlighted; None until one is.
        held: Why no key answers it now, or an empty text.
        note: What goes to the model with the answer.
        rules: While a rule is being chosen: what is offered of it.
        says: What there is to be said about what was last pressed.
        with_others: The calls that wait behind it are shown, too.
        writing: What Enter does with what is being written for it; nothing where nothing is.
    """

    __slots__ = (
        "_body",
        "_places",
        "_rows",
        "_signs",
        "_width",
        "choices",
        "chosen",
        "held",
        "note",
        "question",
        "rules",
        "says",
        "with_others",
        "writing",
    )

    def __init__(self, key: str, question: Question, signs: Signs) -> None:
        super().__init__(key, gap=0)
        self.question = question
        self.choices = choices_of(question, signs.dots)
        self.chosen: int | None = None
        self.held = ""
        self.note = ""
        self.rules: Sequence[Line] = ()
        self.says = ""
        self.with_others = False
        self.writing = ""
        self._signs = signs
        self._width = 0
        self._body: list[Line] = []
        self._rows: list[Line] | None = None
        self._places: list[tuple[int, int, int, int]] = []

    def restate(self) -> None:
        """Show what has changed of it."""
        self._rows = None
        self.tell(0)

    @property
    def width(self) -> int:
        """The width at which it was shown last."""
        return self._width or 80

    def show_others(self) -> None:
        """Show the calls that wait behind it, whole, since an answer is to count for them."""
        self.with_others, self._body = True, []
        self.restate()

    def body_rows(self, width: int) -> int:
        """How many rows tell what would run; what is below them are the answers."""
        self._at(width)
        return len(self._body)

    def estimate(self, width: int) -> int:
        """A few rows."""
        return 6 + self.question.diff.count("\n")

    def rows(self, width: int) -> int:
        """All of it: nothing that is approved is cut."""
        return len(self._at(width))

    def line(self, row: int, width: int) -> Line:
        """A row."""
        rows = self._at(width)
        return rows[row] if row < len(rows) else ()

    def action(self, row: int, column: int, width: int) -> str:
        """The answer that stands at a cell."""
        self._at(width)
        for number, place_row, start, end in self._places:
            if row == place_row and start <= column < end:
                return f"answer:{self.choices[number].name}"
        return ""

    def _at(self, width: int) -> list[Line]:
        if self._rows is None or width != self._width:
            if width != self._width or not self._body:
                self._width = width
                self._body = [*self._boxed(width), *self._facts(width)]
                if self.with_others:
                    self._body += self._others(width)
            rows = list(self._body)
            rows += [row for line in self.rules for row in wrap(line, width) or [()]]
            rows += self._answers(width, len(rows))
            self._rows = rows
        return self._rows

    def _boxed(self, width: int) -> list[Line]:
        """What would run, byte for byte."""
        question = self.question
        remote = remote_of(question)
        if remote is not None:
            return [*_called(remote, width), *self._box(remote.arguments, width)]
        command = command_of(question)
        if command is None:
            if question.diff:
                rows: list[Line] = []
                for line in diff_lines(question.diff):
                    rows += cut(line, width) or [()]
                return [*rows, ()]
            return [
                row
                for text in escape_controls(question.summary).split("\n")
                for row in wrap([Span(text)], width)
            ]
        return self._box(command, width)

    def _box(self, command: str, width: int) -> list[Line]:
        longest = max(map(cells, escape_controls(command).split("\n"))) + 2
        inner = max(2, min(width - 4, max(PROSE_WIDTH, longest)))
        signs = self._signs
        rule = signs.rule * (inner + 2)
        unicode = signs.rule == "─"
        corners = ("┌", "┐", "└", "┘", "│") if unicode else ("+", "+", "+", "+", "|")
        border = ("muted",)
        found: list[Line] = [(Span(f"{corners[0]}{rule}{corners[1]}", border),)]
        *others, last = escape_controls(command).split("\n")
        for text in others:
            found += self._framed(f"{text}{signs.newline}", inner, corners[4])
        found += self._framed(last, inner, corners[4])
        found.append((Span(f"{corners[2]}{rule}{corners[3]}", border),))
        return found

    def _framed(self, text: str, inner: int, side: str) -> list[Line]:
        rows = cut([Span(text, ("strong",))], inner - 1) or [()]
        found: list[Line] = []
        for number, row in enumerate(rows):
            last = number == len(rows) - 1
            blank = " " * (inner - 1 - line_cells(row))
            tail = Span(blank + (" " if last else self._signs.wrapped), ("muted",))
            found.append((Span(f"{side} ", ("muted",)), *row, tail, Span(f" {side}", ("muted",))))
        return found

    def _facts(self, width: int) -> list[Line]:
        question = self.question
        facts: list[str] = []
        details = question.details()
        if "directory" in details:
            facts.append(f"in {details['directory']}")
        elif "path" in details and not question.diff:
            facts.append(str(details["path"]))
        facts += [f"it asks to write below {path}" for path in details.get("writable", ())]
        facts.append(question.reason)
        found: list[Line] = []
        for fact in facts:
            found += wrap([Span(escape_controls(fact), ("muted",))], width)
        if question.judgement is not None and question.judgement.sensitive:
            found += wrap([Span("this is sensitive: look twice", ("warning",))], width)
        return found

    def _others(self, width: int) -> list[Line]:
        """The calls behind it, byte for byte as their arguments came."""
        found: list[Line] = []
        for call in self.question.others:
            found += [(), *wrap([Span(escape_controls(call.name), ("tool",))], width)]
            remote = remote_in(call)
            if remote is not None:
                found += _called(remote, width)
                found += self._box(remote.arguments, width)
                continue
            found += self._box(waiting_of(call)[1], width)
        return found

    def _answers(self, width: int, top: int) -> list[Line]:
        self._places = []
        if self.held:
            return wrap([Span(self.held, ("accent",))], width)
        if self.writing:
            key = ("accent", "strong")
            said = [Span("Enter", key), Span(f" {self.writing}{_GAP}"), Span("Esc", key)]
            return wrap([*said, Span(" gives it up")], width)
        rows: list[list[Span]] = [[]]
        used = 0
        for number, choice in enumerate(self.choices):
            size = cells(choice.key) + 1 + cells(choice.label)
            stacked = width < _NARROW and number > 0
            if stacked or (used and used + len(_GAP) + size > width):
                rows.append([])
                used = 0
            elif used:
                rows[-1].append(Span(_GAP))
                used += len(_GAP)
            self._places.append((number, top + len(rows) - 1, used, used + size))
            role = ("selection",) if number == self.chosen else ()
            rows[-1] += [
                Span(choice.key, ("accent", "strong", *role)),
                Span(f" {choice.label}", role),
            ]
            used += size
        found: list[Line] = [tuple(row) for row in rows]
        if self.says:
            found += wrap([Span(self.says, ("warning",))], width)
        note = f"note: {self.note}" if self.note else "Tab: add a note to the model"
        if self.rules:
            note = "Tab: another rule" if len(self.question.proposals) > 1 else ""
        found += wrap([Span(escape_controls(note).replace("\n", " "), ("muted",))], width)
        return found


def _called(remote: RemoteAccess, width: int) -> list[Line]:
    """Who would run what, at the provider: each of the names on a line of its own."""
    server, tool = server_and_tool(remote)
    muted = ("muted",)
    return [
        *wrap([Span("the provider's server  ", muted), Span(server, ("strong",))], width),
        *wrap([Span("is to run  ", muted), Span(tool, ("strong",))], width),
    ]
