"""Prompts that were sent, to be found again: one file for all directories, one line a prompt.

Several processes write it at once: each adds its line under a lock, and reads what others added
when it looks next. A line that can't be read is passed over. Nothing here raises for a disk that is
full or a file that can't be read: a prompt is sent all the same, and `problem` says what is wrong.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatterm.config.writing import replace_file
from chatterm.errors import StoreError

MOST_ENTRIES = 2000
"""How many prompts the file keeps, of all directories."""

LONGEST = 100_000
"""Characters of a prompt that is kept; the conversation has the longer ones."""

_SLACK = 200  # lines beyond MOST_ENTRIES before the file is written anew
_MOST_BYTES = 8 * 1024 * 1024  # of the file before it is written anew, with half of that at most


@dataclass(frozen=True, slots=True)
class Entry:
    """A prompt that was sent.

    Attributes:
        directory: Where.
        text: What.
    """

    directory: str
    text: str


class PromptHistory:
    """The prompts that were sent, seen from one directory. Loads nothing before it is asked.

    Args:
        file: The file, which is made when a prompt is added. Its directory is for the owner alone.
        directory: The directory whose prompts come first.

    Attributes:
        problem: Why the file couldn't be read or written the last time; None when it could.
    """

    def __init__(self, file: Path, directory: str) -> None:
        self.problem: StoreError | None = None
        self._file = file
        self._directory = directory
        self._entries: list[Entry] = []
        self._read_to: tuple[int, int, int] | None = None  # device, inode, offset
        self._lines = 0  # of the file, as far as it was read
        self._draft = ""
        self._walk: list[str] | None = None  # newest first, while older ones are looked at
        self._at = -1  # in _walk; -1 is the draft

    def add(self, text: str) -> None:
        """Keep a prompt that is sent, unless it is blank or this directory's newest already.

        Looking at older ones begins anew.
        """
        self.reset()
        text = text.strip("\n")
        if not text.strip():
            return
        entry = Entry(self._directory, text)
        if len(text) > LONGEST:
            self._entries.append(entry)
            return
        with self._guarded():
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self._file) as descriptor:
                self._catch_up(descriptor)
                if self._newest() == text:
                    return
                self._append(descriptor, entry)
        if self.problem is not None and self._newest() != text:
            self._entries.append(entry)

    def older(self, draft: str) -> str | None:
        """The prompt of this directory before the one that is shown; None when there is none.

        Args:
            draft: What is in the prompt now: where `newer` ends.
        """
        if self._walk is None:
            self._refresh()
            own = (e.text for e in reversed(self._entries) if e.directory == self._directory)
            self._walk = [text for text in dict.fromkeys(own) if text != draft]
            self._draft = draft
        if self._at + 1 >= len(self._walk):
            return None
        self._at += 1
        return self._walk[self._at]

    def newer(self) -> str | None:
        """The prompt after the one that is shown, at last the draft; None when that is shown."""
        if self._walk is None or self._at < 0:
            return None
        self._at -= 1
        if self._at >= 0:
            return self._walk[self._at]
        draft = self._draft
        self.reset()
        return draft

    def reset(self) -> None:
        """Let `older` begin anew, with the newest: what was shown has been edited or sent."""
        self._walk = None
        self._at = -1

    @property
    def walking(self) -> bool:
        """Whether an older prompt is shown in place of the draft."""
        return self._at >= 0

    def search(self, words: str) -> list[str]:
        """The prompts that hold all words, whatever their case; all prompts for no words.

        Returns:
            This directory's, newest first, and then those of others; each text once.
        """
        self._refresh()
        wanted = words.casefold().split()
        own: dict[str, None] = {}
        others: dict[str, None] = {}
        for entry in reversed(self._entries):
            folded = entry.text.casefold()
            if all(word in folded for word in wanted):
                (own if entry.directory == self._directory else others)[entry.text] = None
        return list(own | others)

    def _newest(self) -> str | None:
        own = (e.text for e in reversed(self._entries) if e.directory == self._directory)
        return next(own, None)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        self.problem = None
        try:
            yield
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            self.problem = StoreError(f"the history of prompts, {str(self._file)!a}: {said}")

    def _refresh(self) -> None:
        with self._guarded():
            try:
                descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return
            try:
                self._catch_up(descriptor)
            finally:
                os.close(descriptor)

    def _catch_up(self, descriptor: int) -> None:
        """Read what has been added since; all of it when the file is another one."""
        status = os.fstat(descriptor)
        known = self._read_to
        offset = 0
        if known and known[:2] == (status.st_dev, status.st_ino) and known[2] <= status.st_size:
            offset = known[2]
        else:
            self._entries = []
            self._lines = 0
        data = _read_from(descriptor, offset)
        whole = data.rfind(b"\n") + 1  # the rest is being written, or was cut off by a crash
        self._lines += data.count(b"\n")
        self._entries += _parsed(data[:whole].split(b"\n"))
        del self._entries[:-MOST_ENTRIES]
        self._read_to = (status.st_dev, status.st_ino, offset + whole)

    def _append(self, descriptor: int, entry: Entry) -> None:
        size = os.fstat(descriptor).st_size
        line = _line(entry)
        if self._read_to is not None and self._read_to[2] < size:
            line = b"\n" + line  # after a line that was cut off
        view = memoryview(line)
        while view:
            view = view[os.write(descriptor, view) :]
        self._catch_up(descriptor)
        if self._lines > MOST_ENTRIES + _SLACK or size > _MOST_BYTES:
            replace_file(self._file, _fitting(self._entries), private=True)


@contextmanager
def _locked(file: Path) -> Iterator[int]:
    """The file, open and locked; another that has replaced it meanwhile is taken instead."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(file, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _still_named(descriptor, file):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _still_named(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def _read_from(descriptor: int, offset: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    blocks = []
    while block := os.read(descriptor, 1 << 18):
        blocks.append(block)
    return b"".join(blocks)


def _line(entry: Entry) -> bytes:
    fields = {"directory": entry.directory, "text": entry.text}
    return json.dumps(fields).encode("ascii") + b"\n"  # ASCII: a lone surrogate is kept, escaped


def _fitting(entries: Sequence[Entry]) -> str:
    """The lines of the newest entries that have room in a file written anew."""
    lines: list[bytes] = []
    room = _MOST_BYTES // 2
    for entry in reversed(entries):
        line = _line(entry)
        room -= len(line)
        if room < 0:
            break
        lines.append(line)
    return b"".join(reversed(lines)).decode("ascii")


def _parsed(lines: Sequence[bytes]) -> Iterator[Entry]:
    for line in lines:
        try:
            fields: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        match fields:
            case {"directory": str(directory), "text": str(text)} if text.strip():
                yield Entry(directory, text)
