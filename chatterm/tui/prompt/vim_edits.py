"""What vim's commands do to a text, apart from modes and keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chatterm.tui.prompt.vim_buffer import Buffer
from chatterm.tui.prompt.vim_motions import first_nonblank, line_end, line_start
from chatterm.tui.prompt.vim_moving import lines_from
from chatterm.tui.prompt.vim_objects import Stretch

_LONGEST = 1_000_000  # characters that a count may make of a text


@dataclass(frozen=True, slots=True)
class Register:
    """What was deleted or copied.

    Attributes:
        text: The text; of whole lines without the last line break.
        lines: Whether it is whole lines.
    """

    text: str = ""
    lines: bool = False


def delete(buffer: Buffer, stretch: Stretch) -> None:
    """Delete a stretch; of whole lines, with a line break."""
    text, start, end = buffer.text, stretch.start, stretch.end
    if not stretch.lines:
        buffer.replace(start, end, "")
        return
    if end < len(text):
        end += 1
    elif start > 0:
        start -= 1
    buffer.replace(start, end, "")
    text = buffer.text
    buffer.move(first_nonblank(text, min(stretch.start, len(text))))


def put(buffer: Buffer, register: Register, count: int, *, after: bool) -> None:
    """Put what was deleted or copied, after the cursor or before it."""
    text, at = buffer.text, buffer.cursor
    count = min(count, _LONGEST // (len(register.text) + 1))
    if register.lines:
        new = "\n".join([register.text] * count)
        if after:
            end = line_end(text, at)
            buffer.replace(end, end, f"\n{new}")
            at = end + 1
        else:
            at = line_start(text, at)
            buffer.replace(at, at, f"{new}\n")
        buffer.move(first_nonblank(buffer.text, at))
        return
    new = register.text * count
    if not new:
        return
    at = min(at + after, line_end(text, at))
    buffer.replace(at, at, new)
    buffer.move(at if "\n" in new else at + len(new) - 1)


def put_over(buffer: Buffer, stretch: Stretch, register: Register, count: int) -> None:
    """Put what was deleted or copied in place of a stretch."""
    new = "\n".join([register.text] * count) if register.lines else register.text * count
    if register.lines and not stretch.lines:
        new = f"\n{new}\n"
    buffer.replace(stretch.start, stretch.end, new)
    buffer.move(stretch.start if register.lines else stretch.start + max(len(new) - 1, 0))


def change(buffer: Buffer, stretch: Stretch, make: Callable[[str], str]) -> None:
    """Put what is made of a stretch in its place, and the cursor at its beginning."""
    old = buffer.text[stretch.start : stretch.end]
    buffer.replace(stretch.start, stretch.end, make(old))
    buffer.move(stretch.start)


def overwritten(character: str) -> Callable[[str], str]:
    """What `r` makes of a text: that character for each, in lines as before."""
    return lambda old: "".join("\n" if each == "\n" else character for each in old)


def write_over(buffer: Buffer, character: str, count: int) -> None:
    """Put a character in place of so many, if the line has them; a line break once for all."""
    at = buffer.cursor
    if at + count > line_end(buffer.text, at):
        return
    buffer.replace(at, at + count, "\n" if character == "\n" else character * count)
    buffer.move(at + 1 if character == "\n" else at + count - 1)


def toggle_case(buffer: Buffer, count: int) -> None:
    """Change the case of so many characters, and go on after them."""
    at = buffer.cursor
    end = min(at + count, line_end(buffer.text, at))
    buffer.replace(at, end, buffer.text[at:end].swapcase())
    buffer.move(end)


def join(buffer: Buffer, stretch: Stretch) -> None:
    """Join the lines of a stretch with one blank, at least with the next line."""
    text = buffer.text
    count = max(text.count("\n", stretch.start, stretch.end) + 1, 2)
    lines = lines_from(text, stretch.start, count)
    first, *others = text[lines.start : lines.end].split("\n")
    at = len(first)
    joined = first
    for each in others:
        line = each.lstrip()
        at = len(joined)
        blank = line and joined and not joined[-1].isspace() and not line.startswith(")")
        joined += f" {line}" if blank else line
    if others:
        buffer.replace(lines.start, lines.end, joined)
        buffer.move(lines.start + at)


def open_line(buffer: Buffer, *, below: bool) -> None:
    """Make an empty line, and put the cursor in it."""
    text, at = buffer.text, buffer.cursor
    at = line_end(text, at) if below else line_start(text, at)
    buffer.replace(at, at, "\n")
    buffer.move(at + below)
