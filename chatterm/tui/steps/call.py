"""A tool call and its result: written, asked about, run, done, in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from chatterm.render import amounts
from chatterm.render.lines import Line, Span
from chatterm.render.sanitize import sanitize_line
from chatterm.steps import Outcome, Status, ToolCallStep, ToolResultStep
from chatterm.talking.results import said_by
from chatterm.talking.undoing import Edits
from chatterm.tui.pane.coloured_item import ColouredItem
from chatterm.tui.pane.items import Item, LinesItem
from chatterm.tui.steps.about import about
from chatterm.tui.steps.edits import EditBody, is_edit
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.output import reason_shown, shortened_output, whole_output
from chatterm.tui.steps.step_item import StepItem, join, muted
from chatterm.tui.steps.writing import Writing

_LIVE_ROWS = 5
_LIKELY_ROWS = 6
_MATCH = re.compile(r"^\s*\d+:", re.MULTILINE)
_NUMBERED = re.compile(r"^\s*\d+\t", re.MULTILINE)
_NOTE = re.compile(r"^\[.*\]$", re.MULTILINE)
_QUIET = frozenset({"read_file", "list_files", "search", "fetch_url"})
"""Of these the result is told in the head; it is shown when it is unfolded."""
_WISHES = {
    **dict.fromkeys(("edit_file", "write_file"), "write"),
    **dict.fromkeys(("read_file", "list_files", "search"), "read"),
    "fetch_url": "fetch",
}


class CallItem(StepItem):
    """A call with its result.

    Attributes:
        call: The call as it is known.
        result: Its result, once there is one.
        question: What asks the user about it, while it does.
        edits: What has become of what it edited.
    """

    kind: ClassVar[str] = "tool"
    __slots__ = (
        "_answered",
        "_asked",
        "_edit",
        "_live",
        "_over",
        "_started",
        "_written",
        "call",
        "edits",
        "question",
        "result",
    )

    def __init__(self, key: str, turn: str, looks: Looks, call: ToolCallStep, gap: int = 0) -> None:
        super().__init__(key, turn, looks, step=call.id, gap=gap)
        self.call = call
        self.result: ToolResultStep | None = None
        self.question: Item | None = None
        self.edits = Edits.THERE
        self._asked: Mapping[str, Any] | None = None
        self._answered: tuple[str, Any] | None = None
        self._live: ColouredItem | None = None
        self._started: float | None = None
        self._over = False
        self._written: Writing | None = None
        self._edit: EditBody | None = None

    @property
    def _writing(self) -> Writing:
        """The arguments; made when they are first looked at."""
        if self._written is None:
            name, signs = self.call.name, self.looks.signs
            self._written = Writing(f"{self.key}/writing", name, signs, self.call.arguments)
        return self._written

    def forget(self) -> None:
        """All but what it is made of, unless it is asked about."""
        if self.question is not None:
            return
        super().forget()
        if not self._built and self.result is not None:
            self._written = self._edit = None

    def likely_rows(self, width: int) -> int:
        """The head, and some of the output where it is shown."""
        if self.result is None or (self.result.ok and self.result.name in _QUIET):
            return 1
        return 1 + min(_LIKELY_ROWS, 1 + self.result.content.count("\n"))

    # --- what comes ---

    def feed(self, text: str) -> None:
        """More of the arguments."""
        self._writing.feed(text)
        self.want()

    def flush(self) -> int:
        """Show the arguments so far."""
        characters = super().flush()
        if self.call.status is Status.OPEN:
            characters += self._writing.flush()
            self._show_head()
        return characters

    def update(self, call: ToolCallStep) -> None:
        """The call as it now is."""
        self.call = call
        if call.status is not Status.OPEN and self._written is not None:
            self._written.restate(call.arguments)
        self.rebuild()

    def ask(self, details: Mapping[str, Any]) -> None:
        """It was asked about, with these details."""
        self._asked = details
        self.rebuild()

    def show_question(self, question: Item | None) -> None:
        """Ask the user here, or no longer."""
        self.question = question
        self.rebuild()

    def answer(self, decision: str, rule: Any) -> None:
        """What was decided about it."""
        self._answered = (decision, rule)
        if decision == "allow":
            self._started = self.looks.now()
        self.rebuild()

    def output(self, text: str) -> None:
        """Live output."""
        if self._live is None:
            self._live = _Live(f"{self.key}/live")
            self.rebuild()
        self._live.feed(text)

    def finish(self, result: ToolResultStep) -> None:
        """Its result."""
        self.result = result
        self._live = None
        self.rebuild()

    def end_turn(self) -> None:
        """The turn has ended: no result comes any more."""
        if self.result is None and not self._over:
            self._over = True
            self.rebuild()

    def tell_edits(self, edits: Edits) -> None:
        """What has become of what it edited."""
        if edits is not self.edits:
            self.edits = edits
            self.rebuild()

    # --- what is shown ---

    @property
    def values(self) -> Mapping[str, Any]:
        """The arguments as far as they are known."""
        return self.call.input if self.call.input is not None else self._writing.values

    def build(self) -> None:
        """Show the call as it now is."""
        signs = self.looks.signs
        ended = self._over and self.call.status is Status.DONE
        self.running = self.result is None and self.call.status in (Status.OPEN, Status.DONE)
        self.running &= not ended
        if self.question is not None:
            self.running = False
            self.mark = Span(signs.asking, ("warning", "strong"))
        elif self.result is not None:
            self.mark = self._ending_mark(self.result)
        elif not self.running and not ended:
            self.mark = Span(signs.interrupted, ("muted",))
        elif ended or not self._works:
            self.mark = Span(signs.still, ("muted",))
        elif self.mark is None or self.mark.text == signs.still:
            self.mark = self.spin(0, "tool")
        self._show_head()
        self.body(self._shown())

    @property
    def _works(self) -> bool:
        """Whether it is being written, or runs: else it waits for its turn."""
        return self.call.status is Status.OPEN or self._started is not None or self.call.hosted

    def tick(self, frame: int) -> None:
        """Turn the mark on, and tell the time anew."""
        if self.running and self._works:
            self.mark = self.spin(frame, "tool")
            self._show_head()

    def copied(self) -> str:
        """The output, else the arguments."""
        return self.result.content if self.result is not None else self.arguments

    @property
    def arguments(self) -> str:
        """The arguments as they were streamed."""
        return self.call.arguments or self._writing.text

    def _show_head(self) -> None:
        name = Span(sanitize_line(self.call.name) or "tool", ("tool",))
        left: list[Span] = [self.folding_sign(is_open=self._goes_on), name]
        words = about(self.call.name, self.values)
        asks, is_written = self.question is not None, self.call.status is Status.OPEN
        if words and not (self.call.name == "shell" and (asks or is_written)):  # it stands below
            left.append(Span(f"  {words}"))
        if asks:
            left.append(Span(f"  wants to {_WISHES.get(self.call.name, 'run')}", ("warning",)))
        right, role = self._state()
        self.head.right_act = "undo" if self.can_undo else ""
        self.head.show(tuple(left), (Span(right, (role,)),) if right else ())

    @property
    def _goes_on(self) -> bool:
        """Whether something is shown under it that isn't its end: it is open then."""
        if self.result is not None:
            return False
        is_written = self.call.status is Status.OPEN
        return self.question is not None or self._live is not None or is_written

    @property
    def can_undo(self) -> bool:
        """Whether it edited something that can be taken back."""
        edited = self.result is not None and bool(self.result.edits)
        return edited and self.edits is Edits.THERE

    def _state(self) -> tuple[str, str]:
        dot = self.looks.signs.dot
        if self.question is not None:
            return self._cage(), "muted"
        if self.result is not None:
            return self._outcome(self.result), self._role(self.result)
        if self.call.status is Status.OPEN:
            return "writing", "muted"
        if self.call.status is not Status.DONE:
            return "cut off, not run", "muted"
        if self._over:
            return "no result came", "muted"
        if self.call.hosted:
            return "the provider runs it", "muted"
        if self._answered is None:
            return "", "muted"
        if self._started is None:
            return "runs", "muted"
        took = amounts.whole_seconds(max(0.0, self.looks.now() - self._started))
        return join((took, "Esc stops it") if took != "0 s" else (took,), dot), "muted"

    def _cage(self) -> str:
        asked = self._asked or {}
        if "cage" not in asked:
            return ""
        if asked["cage"] == "none":
            return "not caged"
        network = "with the network" if asked.get("network") else "no network"
        return join(("caged", network), self.looks.signs.dot)

    def _outcome(self, result: ToolResultStep) -> str:
        said = {
            Outcome.DENIED: "denied",
            Outcome.CANCELLED: "interrupted",
            Outcome.TIMED_OUT: "timed out",
            Outcome.UNKNOWN: "nobody knows how it ended",
        }.get(result.outcome, "")
        parts = [said]
        if result.exit_code is not None and (result.exit_code or said):
            parts.append(f"exit {result.exit_code}")
        elif result.outcome is Outcome.FAILED and result.exit_code is None:
            parts.append("failed")
        parts.append(self._measure(result))
        took = (result.duration_ms or 0) / 1000
        if took >= 0.1 and result.name not in _QUIET:
            parts.append(amounts.seconds(took))
        if result.edits:
            parts.append(self.edits.value)
        return join(parts, self.looks.signs.dot)

    def _measure(self, result: ToolResultStep) -> str:
        content = result.content
        if result.outcome is not Outcome.DONE:
            return ""
        match result.name:
            case "read_file" if not result.attachments:
                return amounts.count(len(_NUMBERED.findall(content)), "line")
            case "search":
                return amounts.count(len(_MATCH.findall(content)), "match", "matches")
            case "list_files":
                entries = [line for line in _NOTE.sub("", content).split("\n") if line.strip()]
                return amounts.count(len(entries), "entry", "entries")
            case "edit_file" | "write_file":
                return self._edited().changes(self.looks.signs.minus)
        said = said_by(result).strip("\n")
        lines = said.count("\n") + 1 if said else 0
        return amounts.count(lines, "line") if lines > 1 or result.name == "shell" else ""

    @staticmethod
    def _role(result: ToolResultStep) -> str:
        match result.outcome:
            case Outcome.FAILED | Outcome.TIMED_OUT | Outcome.UNKNOWN:
                return "error"
            case Outcome.DENIED | Outcome.CANCELLED:
                return "warning"
        return "muted"

    def _ending_mark(self, result: ToolResultStep) -> Span:
        signs = self.looks.signs
        match result.outcome:
            case Outcome.DONE:
                return Span(signs.done, ("success",))
            case Outcome.DENIED:
                return Span(signs.denied, ("warning",))
            case Outcome.CANCELLED:
                return Span(signs.interrupted, ("warning",))
        return Span(signs.failed, ("error",))

    def _shown(self) -> list[Item]:
        if self.question is not None:
            return [self.question]
        if self.result is not None:
            return self._result_parts(self.result)
        if self._live is not None:
            return [self._live]
        if self.call.status is Status.OPEN or self.unfolded:
            return [self._writing]
        return []

    def _result_parts(self, result: ToolResultStep) -> list[Item]:
        dots = self.looks.signs.dots
        parts: list[Item | None] = []
        if is_edit(result.name) and result.outcome is Outcome.DONE:
            parts.append(self._edited().item(unfolded=self.unfolded))
        elif self.unfolded:
            if self.call.name == "shell" or result.name not in _QUIET:
                self._writing.restate(self.arguments, whole=True)
                parts.append(self._writing)
            parts.append(whole_output(f"{self.key}/whole", said_by(result)))
        elif result.name not in _QUIET or not result.ok:
            key, said, reason = f"{self.key}/short", said_by(result), None
            if result.outcome is Outcome.FAILED and result.exit_code is None:
                reason = reason_shown(key, said)
            parts.append(reason or shortened_output(key, said, dots))
        if result.full_output and self.unfolded:
            kept = "only a part; the whole output is kept, and opens in the pager"
            parts.append(LinesItem(f"{self.key}/kept", [muted(kept)], gap=0))
        parts += [self._images(result)]
        return [part for part in parts if part is not None]

    def _images(self, result: ToolResultStep) -> Item | None:
        lines: list[Line] = []
        for image in result.attachments or ():
            name = sanitize_line(image.name) or "an image"
            kind = sanitize_line(image.media_type)
            lines.append(muted(join((name, kind, amounts.size(image.size)), self.looks.signs.dot)))
        return LinesItem(f"{self.key}/images", lines, gap=0) if lines else None

    def _edited(self) -> EditBody:
        if self._edit is None:
            diff = str((self._asked or {}).get("diff", ""))
            self._edit = EditBody(f"{self.key}/edit", self.call.name, self.values, diff)
        return self._edit


class _Live(ColouredItem):
    """The last lines of what a running tool writes."""

    __slots__ = ()

    def __init__(self, key: str) -> None:
        super().__init__(key)

    def estimate(self, width: int) -> int:
        """Few rows."""
        return min(_LIVE_ROWS, super().estimate(width))

    def rows(self, width: int) -> int:
        """Few rows."""
        return min(_LIVE_ROWS, super().rows(width))

    def line(self, row: int, width: int) -> Line:
        """One of the last rows."""
        first = max(0, super().rows(width) - _LIVE_ROWS)
        return super().line(first + row, width)

    def tell(self, row: int) -> None:
        """All of it looks different: its rows move up."""
        super().tell(0)
