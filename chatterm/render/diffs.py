"""Differences between texts as styled lines: whole ones, and edits that are still being written.

What a diff shows is what will be in a file, so nothing of it is hidden: where `sanitize` drops or
removes, a diff shows `␛` or `⟨U+200B⟩`.
"""

from __future__ import annotations

import re
from typing import Final

from chatterm.render.lines import Line, Span, add_span
from chatterm.render.partial_json import PartialJson, Piece
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.render.word_changes import Budget, Marked, changed_words

_MUTED: Final = ("muted",)
_SIDES: Final = {"+": "diff_added", "-": "diff_removed", " ": ""}
_HEADS: Final = ("@@ ", "--- ", "+++ ", "\\")
# A line is cut where it is longer than anybody reads; the file has the whole.
_LONGEST: Final = 19_999

# What sanitize would drop, remove or take for a line's end.
_HIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u200b\u2028\u2029\u2060-\u2064\ufeff]"
)
_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


def diff_lines(unified: str, *, most: int | None = None) -> list[Line]:
    """A unified diff as lines for a screen.

    The heads of files are left out, except where a second one begins. Lines that were changed a
    little have what differs marked.

    Args:
        unified: The diff; it may end anywhere.
        most: How many lines of the diff to show; one more tells how many there are beyond.
    """
    body = _Body(crlf=_all_crlf(unified))
    sources = unified.split("\n")
    if sources[-1] == "":
        sources.pop()
    for number, source in enumerate(sources):
        if most is not None and body.count >= most:
            left = len(sources) - number
            body.note(f"… {left:,} more line{'s' if left > 1 else ''}")
            break
        body.add(source)
    return body.finish()


class _Body:
    """The lines of a diff under way; the last removed and added ones wait to be compared."""

    def __init__(self, *, crlf: bool) -> None:
        self._lines: list[Line] = []
        self._old: list[str] = []
        self._new: list[str] = []
        self._notes: dict[str, str] = {}  # "No newline at end of file", by the side it is about
        self._left = (0, 0)  # lines of the hunk that are still to come, before and after
        self._files = 0
        self._crlf = crlf
        self._budget = Budget()

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines) + len(self._old) + len(self._new) + len(self._notes)

    def add(self, source: str) -> None:
        """Take the next line of the diff."""
        if self._left == (0, 0) and self._outside(source):
            return
        kind = source[:1] or " "  # an empty line of context may have lost its blank
        if kind == "\\":
            self._remark(_shown(source))
        elif kind not in _SIDES:
            self.note(_shown(source))
        else:
            before, after = self._left
            self._left = (max(0, before - (kind in " -")), max(0, after - (kind in " +")))
            self._take(kind, source[1:].removesuffix("\r") if self._crlf else source[1:])

    def note(self, text: str) -> None:
        """Add a line of another kind."""
        self._settle()
        self._lines.append((Span(text, _MUTED),))

    def finish(self) -> list[Line]:
        """All lines."""
        self._settle()
        return self._lines

    def _take(self, kind: str, text: str) -> None:
        if kind == "+":
            self._new.append(_shown(text))
            return
        if kind == " " or self._new or self._notes:
            self._settle()
        if kind == "-":
            self._old.append(_shown(text))
        else:
            self._lines.append((Span(f" {_shown(text)}"),))

    def _outside(self, source: str) -> bool:
        """Take a line that is in no hunk, unless it looks like one of a hunk's."""
        if hunk := _HUNK.match(source):
            before, after = (1 if count is None else int(count) for count in hunk.groups())
            self._left = (before, after)
            self.note(_shown(source))
        elif source.startswith("+++ "):
            self._files += 1
            if self._files > 1:
                self.note(_shown(source))
        elif not source.startswith("--- "):
            return False
        return True

    def _remark(self, text: str) -> None:
        if self._new or self._old:
            self._notes["+" if self._new else "-"] = text
        else:
            self.note(text)

    def _settle(self) -> None:
        """Compare what was removed with what was added in its place."""
        old: list[Line] = [_side("-", text) for text in self._old]
        new: list[Line] = [_side("+", text) for text in self._new]
        if len(old) == len(new):
            for place, pair in enumerate(zip(self._old, self._new, strict=True)):
                if marked := changed_words(*pair, self._budget):
                    old[place] = _emphasised("-", marked[0])
                    new[place] = _emphasised("+", marked[1])
        for kind, lines in (("-", old), ("+", new)):
            self._lines += lines
            if remark := self._notes.get(kind):
                self._lines.append((Span(remark, _MUTED),))
        self._old, self._new, self._notes = [], [], {}


class StreamingEdit:
    """The difference that a call of `edit_file` or `write_file` makes, while it is being written.

    What `old` holds is removed; what `new` or `content` holds is added. Each character is looked
    at once, except those of the two lines that may go on.
    """

    def __init__(self) -> None:
        self._json = PartialJson()
        self._removed = _Growing("-")
        self._added = _Growing("+")
        self._path = ""

    def feed(self, text: str) -> None:
        """Take what has come of the arguments."""
        for piece in self._json.feed(text):
            match piece.key:
                case "path":
                    self._path = ("" if piece.first else self._path) + piece.text
                case "old":
                    self._removed.feed(piece)
                case "new" | "content":
                    self._added.feed(piece)
                case _:
                    pass

    @property
    def path(self) -> str:
        """The path so far, fit for one line."""
        return sanitize_line(self._path)

    @property
    def lines(self) -> list[Line]:
        """The lines so far."""
        return [*self._removed.lines, *self._added.lines]


class _Growing:
    """The lines of one side of an edit, the last of which may go on."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lines: list[Line] = []
        self._open = ""
        self._seen: tuple[str, Line] | None = None

    @property
    def lines(self) -> list[Line]:
        if not self._open:
            return self._lines
        if self._seen is None or self._seen[0] != self._open:  # a line too long to grow stays
            self._seen = (self._open, _side(self._kind, _shown(self._open)))
        return [*self._lines, self._seen[1]]

    def feed(self, piece: Piece) -> None:
        if piece.first:
            self._lines = []
            self._open = ""
        first, *rest = piece.text.split("\n")
        # What is beyond the longest line isn't shown; one more character tells that it is there.
        self._open += first[: max(0, _LONGEST + 1 - len(self._open))]
        for text in rest:
            self._lines.append(_side(self._kind, _shown(self._open)))
            self._open = text[: _LONGEST + 1]


def _side(kind: str, text: str) -> Line:
    return (Span(kind + text, (_SIDES[kind],)),)


def _emphasised(kind: str, marked: Marked) -> Line:
    role = _SIDES[kind]
    styles = {False: (role,), True: (role, f"{role}.word")}
    row = [Span(kind, (role,))]
    for text, changed in marked:
        add_span(row, text, styles[changed])
    return tuple(row)


def _shown(text: str) -> str:
    """A line with all that is in it, fit for a screen."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "…"
    if text.isascii() and text.isprintable():
        return text
    return sanitize(_HIDDEN.sub(_named, text))


def _named(hidden: re.Match[str]) -> str:
    code = ord(hidden[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _all_crlf(unified: str) -> bool:
    """Whether every line of the files ends in CRLF, so that it needn't be shown at each."""
    if "\r" not in unified:
        return False
    whole = unified.split("\n")[:-1]
    return all(line.endswith("\r") for line in whole if not line.startswith(_HEADS))
