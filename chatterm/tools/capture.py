"""What a command wrote: its head and tail in memory, the whole in a file, some of it live."""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

LIVE_INTERVAL_S = 0.05
_LIVE_CHARS = 4_096  # the most that is shown of one interval
_LIVE_TOTAL = 2_000_000  # the most that is shown of one command

# What a terminal would act on: sequences introduced by ESC or a C1 control, then other controls.
# Of a string that has no end only the introducer goes: it must not take what follows with it.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])"
    r"[^\x07\x18\x1a\x1b\x80-\x9f]{0,4096}(?:\x1b\\|[\x07\x18\x1a\x9c])"
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Anchored: else each character of a line without a return would be tried as its beginning.
_OVERWRITTEN = re.compile(r"^[^\n]*\r(?=[^\r\n])", re.MULTILINE)
_BACKSPACED = re.compile(r"[^\n\x08]\x08")


def plain(text: str) -> str:
    """A command's output as text.

    There are no control sequences in it, and of a line that was drawn over and over (a progress
    bar) only the last state.
    """
    text = _SEQUENCES.sub("", text.replace("\r\n", "\n"))
    text = _OVERWRITTEN.sub("", text).replace("\r", "\n")
    return _CONTROLS.sub("", _BACKSPACED.sub("", text))


class Capture:
    """Takes a command's output in blocks.

    Args:
        spool: The file that gets all of it; it is created.
        room: How many bytes the model gets.
        live: Takes text for the screen.

    Attributes:
        size: How many bytes there have been.
    """

    def __init__(self, spool: Path, room: int, live: Callable[[str], None]) -> None:
        self.size = 0
        self._file: BinaryIO = spool.open("xb", buffering=0)
        self._head = bytearray()
        self._head_room = room // 2
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._tail_room = room - self._head_room
        self._live = live
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending: list[str] = []
        self._pending_size = 0
        self._passed_over = 0
        self._shown = 0

    def feed(self, data: bytes) -> None:
        """Take a block."""
        self.size += len(data)
        self._file.write(data)
        self._remember(self._decoder.decode(data))
        head, data = data[: (room := self._head_room - len(self._head))], data[max(0, room) :]
        if room > 0:
            self._head += head
        if data:
            self._tail.append(data)
            self._tail_size += len(data)
            while self._tail_size - len(self._tail[0]) >= self._tail_room:
                self._tail_size -= len(self._tail.popleft())

    def flush(self) -> None:
        """Show what came since the last time, or the beginning and end of it."""
        text = "".join(self._pending)
        if self._passed_over:
            gap = f"\n[… {self._passed_over:,} characters not shown …]\n"
            text = text[:_LIVE_CHARS] + gap + text[_LIVE_CHARS:][-_LIVE_CHARS:]
        self._pending, self._pending_size, self._passed_over = [], 0, 0
        if not text or self._shown > _LIVE_TOTAL:
            return
        self._shown += len(text)
        if self._shown > _LIVE_TOTAL:
            text += "\n[… no more is shown while it runs …]\n"
        self._live(text)

    def close(self) -> None:
        """Show the rest, and close the file."""
        self._remember(self._decoder.decode(b"", final=True))
        self.flush()
        self._file.close()

    @property
    def whole(self) -> bool:
        """Whether `text` holds all there was."""
        return self.size <= self._head_room + self._tail_room

    def text(self, where: str) -> str:
        """What the model gets: all of it, or head and tail and a line on what is between.

        Args:
            where: Where the whole is, for that line.
        """
        tail = b"".join(self._tail)
        if self.whole:
            return plain((bytes(self._head) + tail).decode("utf-8", "replace"))
        head, tail = _whole_lines(bytes(self._head), tail[-self._tail_room :])
        left_out = self.size - len(head) - len(tail)
        gap = f"[… {left_out:,} bytes left out here; {where} …]"
        before, after = head.decode("utf-8", "replace"), tail.decode("utf-8", "replace")
        return f"{plain(before)}\n{gap}\n{plain(after)}"

    def _remember(self, text: str) -> None:
        """Keep text for the screen, of much of it only the beginning and the end."""
        self._pending.append(text)
        self._pending_size += len(text)
        if self._pending_size > 4 * _LIVE_CHARS:
            joined = "".join(self._pending)
            kept = [joined[:_LIVE_CHARS], joined[-_LIVE_CHARS:]]
            self._passed_over += len(joined) - 2 * _LIVE_CHARS
            self._pending, self._pending_size = kept, 2 * _LIVE_CHARS


def _whole_lines(head: bytes, tail: bytes) -> tuple[bytes, bytes]:
    """Cut between lines where there are some, else between characters."""
    if (end := head.rfind(b"\n")) >= len(head) // 2:
        head = head[:end]
    else:
        head = head.decode("utf-8", "ignore").encode() if _is_text(head) else head
    if 0 <= (start := tail.find(b"\n")) <= len(tail) // 2:
        tail = tail[start + 1 :]
    else:
        while tail and tail[0] & 0xC0 == 0x80:
            tail = tail[1:]
    return head, tail


def _is_text(data: bytes) -> bool:
    """Whether the data is UTF-8 but for a character cut off at its end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True
