"""Vim's keys for a TextArea: modes, commands, repeating, and undoing command by command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from textual.widgets import TextArea

from chatterm.tui.prompt import vim_edits as edits
from chatterm.tui.prompt.vim_buffer import Buffer, Commands
from chatterm.tui.prompt.vim_edits import Register
from chatterm.tui.prompt.vim_keys import Command, Unfinished, key_of, parse
from chatterm.tui.prompt.vim_motions import (
    first_nonblank,
    last_of_line,
    line_end,
    line_start,
)
from chatterm.tui.prompt.vim_moving import Mover, lines_from, stretch_of
from chatterm.tui.prompt.vim_objects import Stretch, text_object

Mode = Literal["insert", "normal", "visual"]

_ESCAPES = frozenset({"escape", "ctrl+left_square_bracket"})
# Actions that are an operator and its target in one key; in visual mode, some are about lines.
_SHORT = {
    "D": ("d", "$"),
    "C": ("c", "$"),
    "Y": ("y", "line"),
    "S": ("c", "line"),
    "x": ("d", "l"),
    "X": ("d", "h"),
    "s": ("c", "l"),
}
_SHORT_VISUAL = {"x": "d", "s": "c"}
_SHORT_LINES = {"X": "d", "D": "d", "Y": "y", "S": "c", "C": "c"}
_MAKES: dict[str, Callable[[str], str]] = {"u": str.lower, "U": str.upper, "~": str.swapcase}
_INSERTS = frozenset("iIaAoO")
_CHANGES = frozenset("DCxXsSJpPrU~") | _INSERTS


@dataclass(frozen=True, slots=True)
class _Change:
    """A command that changes the text, as `.` repeats it.

    Attributes:
        command: The command.
        typed: What was typed after it.
        lines: Whether whole lines were selected.
        size: How many lines or characters were selected.
    """

    command: Command
    typed: str = ""
    lines: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Insertion:
    """Where typing began: the change it belongs to, the text then, and the offset."""

    change: _Change
    text: str
    at: int


class Vim:
    """Vim's keys. One instance belongs to one area, and begins in insert mode.

    Attributes:
        mode: What keys mean now.
        lines: Whether visual mode selects whole lines.
        register: What was deleted or copied last.
    """

    def __init__(self) -> None:
        self.mode: Mode = "insert"
        self.lines = False
        self.register = Register()
        self._keys: list[str] = []
        self._mover = Mover()
        self._commands = Commands()
        self._anchor = self._at = 0  # in visual mode: both ends, as offsets of characters
        self._last: _Change | None = None
        self._change = _Change(Command())  # that is under way
        self._insertion: _Insertion | None = None

    @property
    def pending(self) -> str:
        """The keys of a command that isn't complete, for showing them."""
        return "".join(self._keys)

    def reset(self) -> None:
        """Go to insert mode: the text was sent or replaced."""
        self.mode, self._insertion = "insert", None
        self._keys.clear()

    def key(self, event_key: str, character: str | None, area: TextArea) -> bool:
        """Take a key.

        Args:
            event_key: Its name, as Textual has it.
            character: Its character, where it has one.
            area: The area that it is for.

        Returns:
            Whether it is dealt with; else it means what it means without vim. That goes for all
            keys but Esc in insert mode, and in normal mode for Enter, up, down and those of no
            command.
        """
        if self.mode == "insert":
            if event_key not in _ESCAPES:
                return False
            self._leave_insert(area)
            return True
        if event_key in _ESCAPES:
            return self._escape(area)
        key = key_of(event_key, character)
        alone = not self._keys and (key == "enter" or self.mode == "normal")
        if key is None or (alone and key in {"enter", "up", "down"}):
            self._keys.clear()
            self._mover.forget_column()
            return False
        self._keys.append(key)
        match parse(self._keys, visual=self.mode == "visual"):
            case Command() as command:
                self._keys.clear()
                self._run(command, area)
            case Unfinished.NONSENSE:
                self._keys.clear()
        return True

    def _escape(self, area: TextArea) -> bool:
        if self._keys:
            self._keys.clear()
            return True
        if self.mode == "visual":
            self._to_normal(Buffer(area), self._at)
            return True
        return False

    def _run(self, command: Command, area: TextArea) -> None:
        buffer = Buffer(area)
        if command.action in {"u", "ctrl+r"} and self.mode == "normal":
            for _ in range(command.count or 1):
                (self._commands.undo if command.action == "u" else self._commands.redo)(area)
            buffer.settle()
            return
        if command.action == ".":
            self._repeat(command.count, area)
            return
        if not _changes(command, self.mode):
            self._do(command, buffer)
        elif not area.read_only:
            self._commands.end(area)
            selected = self._selected(buffer.text) if self.mode == "visual" else None
            self._change = _change(command, selected, buffer.text)
            self._do(command, buffer)
            if self.mode != "insert":
                self._commands.end(area)
                self._last = self._change
        if self.mode == "normal":
            buffer.settle()

    def _repeat(self, count: int | None, area: TextArea) -> None:
        if (change := self._last) is None or area.read_only:
            return
        if count is not None:
            change = replace(change, command=replace(change.command, count=count))
        buffer = Buffer(area)
        if change.size:  # as much is selected as before
            at = buffer.cursor
            if change.lines:
                end = lines_from(buffer.text, at, change.size).end
            else:
                end = min(at + change.size, line_end(buffer.text, at)) - 1
            self._anchor, self._at, self.lines = at, max(end, at), change.lines
            self.mode = "visual"
        self._run(change.command, area)
        if self.mode == "insert":
            at = buffer.cursor
            buffer.replace(at, at, change.typed)
            self._leave_insert(area)

    def _do(self, command: Command, buffer: Buffer) -> None:
        if command.action:
            self._act(command, buffer)
        elif self.mode == "visual" and command.target != "selection":
            self._extend(command, buffer)
        elif not command.operator:
            motion = self._mover.motion(buffer.text, buffer.cursor, command)
            if motion is not None:
                buffer.move(min(motion.to, last_of_line(buffer.text, motion.to)))
        else:
            stretch = self._stretch(command, buffer)
            if stretch is not None:
                self._operate(command.operator, stretch, buffer)
        if command.operator or command.action:
            self._mover.forget_column()

    def _stretch(self, command: Command, buffer: Buffer) -> Stretch | None:
        text, at = buffer.text, buffer.cursor
        if command.target == "selection":
            return self._selected(text)
        if command.target == "line":
            return lines_from(text, at, command.count or 1)
        if _is_object(command):
            return text_object(text, at, command.target, command.count or 1)
        motion = self._mover.motion(text, at, command)
        return None if motion is None else stretch_of(text, at, command, motion)

    def _operate(self, operator: str, stretch: Stretch, buffer: Buffer) -> None:
        text, at = buffer.text, buffer.cursor
        if stretch.end > stretch.start or stretch.lines:
            self.register = Register(text[stretch.start : stretch.end], stretch.lines)
        if operator == "y":
            stays = self.mode == "normal" and stretch.lines
            stays = stays and stretch.start == line_start(text, at)
            self._to_normal(buffer, at if stays else stretch.start)
        elif operator == "d":
            self.mode = "normal"
            edits.delete(buffer, stretch)
        else:
            buffer.replace(stretch.start, stretch.end, "")
            buffer.move(stretch.start)
            self._to_insert(buffer)

    def _act(self, command: Command, buffer: Buffer) -> None:
        action, count = command.action, command.count or 1
        if self.mode == "visual":
            self._act_on_selection(command, buffer)
        elif action in _SHORT:
            operator, target = _SHORT[action]
            self._do(replace(command, operator=operator, target=target, action=""), buffer)
        elif action in _INSERTS:
            self._begin_inserting(action, buffer)
        elif action in {"p", "P"}:
            edits.put(buffer, self.register, count, after=action == "p")
        elif action == "J":
            edits.join(buffer, lines_from(buffer.text, buffer.cursor, count))
        elif action == "~":
            edits.toggle_case(buffer, count)
        elif action == "r":
            edits.write_over(buffer, command.argument, count)
        else:
            self.mode, self.lines = "visual", action == "V"
            self._anchor = self._at = buffer.cursor
            self._show(buffer)

    def _act_on_selection(self, command: Command, buffer: Buffer) -> None:
        action, stretch = command.action, self._selected(buffer.text)
        if action in _SHORT_VISUAL:
            self._operate(_SHORT_VISUAL[action], stretch, buffer)
        elif action in _SHORT_LINES:
            self.lines = True
            self._operate(_SHORT_LINES[action], self._selected(buffer.text), buffer)
        elif action == "o":
            self._anchor, self._at = self._at, self._anchor
            self._show(buffer)
        elif action in {"v", "V"}:
            if self.lines == (action == "V"):
                self._to_normal(buffer, self._at)
            else:
                self.lines = action == "V"
                self._show(buffer)
        elif action in {"I", "A"}:
            buffer.move(stretch.start if action == "I" else stretch.end)
            self._to_insert(buffer)
        else:
            self.mode = "normal"
            self._edit_selection(command, stretch, buffer)

    def _edit_selection(self, command: Command, stretch: Stretch, buffer: Buffer) -> None:
        match command.action:
            case "J":
                edits.join(buffer, stretch)
            case "p" | "P":
                old = buffer.text[stretch.start : stretch.end]
                edits.put_over(buffer, stretch, self.register, command.count or 1)
                if command.action == "p":
                    self.register = Register(old, stretch.lines)
            case "r":
                edits.change(buffer, stretch, edits.overwritten(command.argument))
            case action:
                edits.change(buffer, stretch, _MAKES[action])

    def _extend(self, command: Command, buffer: Buffer) -> None:
        text = buffer.text
        if _is_object(command):
            stretch = text_object(text, self._at, command.target, command.count or 1)
            if stretch is not None and stretch.end > stretch.start:
                self._anchor, self._at = stretch.start, stretch.end - 1
                self.lines = self.lines or stretch.lines
        else:
            motion = self._mover.motion(text, self._at, command)
            if motion is not None:
                self._at = min(motion.to, last_of_line(text, motion.to))
        self._show(buffer)

    def _selected(self, text: str) -> Stretch:
        start, end = sorted((min(self._anchor, len(text)), min(self._at, len(text))))
        if self.lines:
            return Stretch(line_start(text, start), line_end(text, end), lines=True)
        return Stretch(start, min(end + 1, len(text)))

    def _show(self, buffer: Buffer) -> None:
        """Show what is selected. The area's cursor is between characters, vim's on one."""
        stretch = self._selected(buffer.text)
        if self._at >= self._anchor:
            buffer.select(stretch.start, stretch.end)
        else:
            buffer.select(stretch.end, stretch.start)

    def _to_normal(self, buffer: Buffer, at: int) -> None:
        self.mode = "normal"
        buffer.move(at)
        buffer.settle()

    def _begin_inserting(self, action: str, buffer: Buffer) -> None:
        text, at = buffer.text, buffer.cursor
        if action in {"o", "O"}:
            edits.open_line(buffer, below=action == "o")
        elif action == "I":
            line = text[line_start(text, at) : line_end(text, at)]
            buffer.move(first_nonblank(text, at) if line.strip() else line_end(text, at))
        elif action == "A":
            buffer.move(line_end(text, at))
        elif action == "a":
            buffer.move(min(at + 1, line_end(text, at)))
        self._to_insert(buffer)

    def _to_insert(self, buffer: Buffer) -> None:
        self.mode = "insert"
        self._insertion = _Insertion(self._change, buffer.text, buffer.cursor)

    def _leave_insert(self, area: TextArea) -> None:
        buffer = Buffer(area)
        if (begun := self._insertion) is not None:
            typed = _typed(begun, buffer.text)
            times = begun.change.command.count or 1
            if typed and begun.change.command.action in set("iIaA"):
                at = buffer.cursor
                buffer.replace(at, at, typed * (min(times, 1000) - 1))
            self._last = replace(begun.change, typed=typed)
        self._insertion = None
        self._mover.forget_column()
        text, at = buffer.text, buffer.cursor
        self._to_normal(buffer, max(at - 1, line_start(text, at)))
        self._commands.end(area)


def _typed(begun: _Insertion, text: str) -> str:
    """What was typed since, where that can be told: nothing before it was deleted."""
    before, after = begun.text[: begun.at], begun.text[begun.at :]
    if len(text) < len(begun.text) or not text.startswith(before) or not text.endswith(after):
        return ""
    return text[len(before) : len(text) - len(after)]


def _is_object(command: Command) -> bool:
    return len(command.target) == 2 and command.target[0] in "ia"


def _changes(command: Command, mode: Mode) -> bool:
    if mode == "visual" and command.action == "u":
        return True
    if mode == "visual" and command.action in {"o", "O"}:
        return False
    return command.operator in {"d", "c"} or command.action in _CHANGES


def _change(command: Command, selected: Stretch | None, text: str) -> _Change:
    if selected is None:
        return _Change(command)
    lines = selected.lines or command.action in _SHORT_LINES
    start, end = selected.start, selected.end
    size = text.count("\n", start, end) + 1 if lines else end - start
    return _Change(command, lines=lines, size=size)
